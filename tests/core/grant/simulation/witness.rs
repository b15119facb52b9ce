//! What must never happen, in any state: each rule uses the log only.

use edgemint::oauth::grant::{GrantRefusal, TokenGrant};

use super::history::{Ask, Left, Who};
use super::ledger::Kind;
use super::world::{Answer, Change, Entry, PART, World};
use crate::grant::words::{API, FILES, grant, resources, scope};

/// Returns the rule that was broken.
pub(crate) fn hear(world: &World) -> Result<(), String> {
    for number in 0..world.kept.len() {
        let log: Vec<&Entry> = world.log.iter().filter(|entry| entry.grant == number).collect();
        a_code_gives_power_once(&log)?;
        everybody_gets_what_was_asked_for(&log)?;
        nothing_comes_after_the_end(&log)?;
        a_request_without_the_credentials_changes_nothing(&log)?;
        each_token_has_one_successor(&log)?;
        the_same_answer_has_the_same_token(&log)?;
        a_quick_repetition_ends_nothing(&log, world.lifetimes.replay_window)?;
        lost_rights_end_a_grant_only_by_the_record(&log)?;
        the_disabled_get_nothing_and_lose_nothing(&log)?;
    }
    Ok(())
}

fn hold(holds: bool, what: &str, entry: &Entry) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what}: {:?} at {}, by {:?}", entry.question, entry.now, entry.who)) }
}

fn token_grants<'l>(log: &[&'l Entry]) -> impl Iterator<Item = (&'l Entry, &'l TokenGrant, &'l str)> {
    log.iter().filter_map(|entry| match &entry.answer {
        Some(Ok(Answer::Tokens { tokens, jti })) => Some((*entry, tokens.as_ref(), jti.as_str())),
        _ => None,
    })
}

fn a_code_gives_power_once(log: &[&Entry]) -> Result<(), String> {
    let mut firsts = token_grants(log).filter(|(entry, ..)| matches!(entry.question.kind, Kind::Redeem { .. }));
    firsts.next();
    firsts.next().map_or(Ok(()), |(entry, ..)| hold(false, "a code gave power twice", entry))
}

/// Neither more than was granted or is currently allowed, nor less than was requested.
fn everybody_gets_what_was_asked_for(log: &[&Entry]) -> Result<(), String> {
    let allowed = grant();
    token_grants(log).try_for_each(|(entry, tokens, _)| {
        let (mut asked_scope, mut asked_resources) = (Ask::Nothing, Ask::Nothing);
        if let Kind::Refresh { scope, resources, .. } = entry.question.kind {
            (asked_scope, asked_resources) = (scope, resources);
        }
        let limits = &entry.question.limits;
        let right_scope = match asked_scope {
            Ask::Nothing => *tokens.permit.scope() == allowed.scope.filter(|value| limits.allow(value)),
            Ask::Part => *tokens.permit.scope() == scope(PART) && limits.allow(PART),
            Ask::TooMuch => false,
        };
        let right_resources = match (asked_resources, limits.resources) {
            (Ask::Nothing, Left::All) => tokens.permit.resources() == allowed.resources,
            (Ask::Nothing, Left::Part) => tokens.permit.resources() == resources(&[FILES]),
            (Ask::Part, Left::All) => tokens.permit.resources() == resources(&[API]),
            (Ask::Part, Left::Part) | (Ask::TooMuch, _) | (_, Left::Nothing) => false,
        };
        hold(!tokens.permit.scope().is_empty() && !tokens.permit.resources().is_empty(), "a token for nothing", entry)?;
        hold(may_go_on(entry), "a token without a session and without `offline_access`", entry)?;
        hold(right_scope, "another scope than was asked for", entry)?;
        hold(right_resources, "other resources than were asked for", entry)?;
        hold(Some(&tokens.sign_in) == allowed.sign_in.as_ref(), "another sign-in", entry)?;
        let first = matches!(entry.question.kind, Kind::Redeem { .. });
        hold(tokens.nonce.is_some() == first, "the nonce goes with the code alone", entry)
    })
}

/// Whether the session is active, or the client may have offline grants.
fn may_go_on(entry: &Entry) -> bool {
    entry.question.session_is_active || entry.question.limits.offline
}

/// A cached client record, which may be outdated, revokes nothing; the record itself always does.
fn lost_rights_end_a_grant_only_by_the_record(log: &[&Entry]) -> Result<(), String> {
    log.iter().try_for_each(|entry| {
        let lost = matches!(&entry.answer, Some(Err(GrantRefusal::RightsLost)));
        let limits = &entry.question.limits;
        let by_the_record = limits.exact && (limits.take_everything() || !may_go_on(entry));
        hold(!lost || by_the_record == (entry.changed == Some(Change::End)), "lost rights", entry)
    })
}

/// A disabled client or user gets no token, and a grant does not end for that.
fn the_disabled_get_nothing_and_lose_nothing(log: &[&Entry]) -> Result<(), String> {
    log.iter().try_for_each(|entry| {
        let limits = &entry.question.limits;
        let got_tokens = matches!(&entry.answer, Some(Ok(Answer::Tokens { .. })));
        hold(!(got_tokens && (limits.client_disabled || limits.user_disabled)), "a token for the disabled", entry)?;
        let because = match &entry.answer {
            Some(Err(GrantRefusal::ClientDisabled)) => Some(limits.client_disabled),
            Some(Err(GrantRefusal::UserDisabled)) => Some(limits.user_disabled),
            _ => None,
        };
        hold(because.is_none_or(|is_true| is_true && entry.changed.is_none()), "refused as disabled", entry)
    })
}

fn nothing_comes_after_the_end(log: &[&Entry]) -> Result<(), String> {
    let mut ended = false;
    for entry in log {
        if ended {
            let nothing = match &entry.answer {
                Some(Ok(Answer::Ended)) => matches!(entry.question.kind, Kind::Revoke),
                Some(Err(refusal)) => *refusal == GrantRefusal::GrantUnknown,
                Some(Ok(Answer::Issued | Answer::Tokens { .. })) | None => false,
            };
            hold(nothing && entry.changed.is_none(), "something came after the end", entry)?;
        }
        ended |= entry.changed == Some(Change::End);
    }
    Ok(())
}

/// Requests of another client, or without the verifier.
fn a_request_without_the_credentials_changes_nothing(log: &[&Entry]) -> Result<(), String> {
    log.iter().try_for_each(|entry| {
        let lacks_verifier = matches!(entry.question.kind, Kind::Redeem { verifier: false, .. });
        let is_another = entry.who == Who::Stranger || !entry.question.owner;
        let got_nothing = match &entry.answer {
            None | Some(Err(_)) => true,
            // A revoked grant is revoked for every client.
            Some(Ok(Answer::Ended)) => entry.changed.is_none(),
            Some(Ok(Answer::Issued | Answer::Tokens { .. })) => false,
        };
        let nothing_happened = entry.changed.is_none() && got_nothing;
        hold(
            !(lacks_verifier || is_another) || nothing_happened,
            "a request without the credentials changed something",
            entry,
        )
    })
}

/// The successor is created at the first use; a client that keeps its token gets the token itself.
fn each_token_has_one_successor(log: &[&Entry]) -> Result<(), String> {
    let mut successors = std::collections::BTreeMap::new();
    token_grants(log).try_for_each(|(entry, tokens, _)| {
        let Kind::Refresh { generation, rotate, .. } = entry.question.kind else {
            return Ok(());
        };
        if !rotate && tokens.generation == generation {
            return hold(!successors.contains_key(&generation), "a token that was exchanged counts again", entry);
        }
        hold(tokens.generation == generation + 1, "not the next one", entry)?;
        let first = *successors.entry(generation).or_insert(tokens.at);
        hold(first == tokens.at, "a token has two successors", entry)?;
        let is_the_first_time = entry.changed == Some(Change::Put);
        hold(tokens.repeated != is_the_first_time, "an answer does not know whether it is the first", entry)
    })
}

fn the_same_answer_has_the_same_token(log: &[&Entry]) -> Result<(), String> {
    let said: Vec<_> = token_grants(log).collect();
    for (at, (entry, one, jti)) in said.iter().enumerate() {
        for (_, other, others) in &said[..at] {
            let same = (one.generation, one.at, &one.permit) == (other.generation, other.at, &other.permit);
            hold(same == (jti == others), "one token has two names, or two have one", entry)?;
        }
    }
    Ok(())
}

/// A request with valid credentials may be repeated within the window.
fn a_quick_repetition_ends_nothing(log: &[&Entry], window: u64) -> Result<(), String> {
    let reuse = [GrantRefusal::CodeReused, GrantRefusal::RefreshReused];
    for (at, entry) in log.iter().enumerate() {
        if !matches!(&entry.answer, Some(Err(refusal)) if reuse.contains(refusal)) {
            continue;
        }
        let newest = token_grants(&log[..at]).map(|(_, tokens, _)| tokens.generation).max();
        let quick = log[..at].iter().any(|earlier| {
            let asked_the_same = match (earlier.question.kind, entry.question.kind) {
                (Kind::Redeem { .. }, Kind::Redeem { .. }) => true,
                // The refresh of a client that keeps its token rotates nothing, so it cannot be replayed.
                (Kind::Refresh { generation: one, rotate: true, .. }, Kind::Refresh { generation: other, .. }) => {
                    one == other && newest == Some(other + 1)
                }
                _ => false,
            };
            let was_first = earlier.changed == Some(Change::Put);
            asked_the_same && was_first && window > 0 && entry.now <= earlier.now + window
        });
        hold(!quick, "a quick repetition ended the grant", entry)?;
    }
    Ok(())
}
