//! The state machine of a grant: [`step`] decides one command.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::gate::{self, Check, ClientFacts, Permit, Requested, UserFacts};
use crate::oauth::grant::record::{Grant, Stage, is_before};
use crate::oauth::grant::refusal::GrantRefusal;
use crate::oauth::grant::request::{Redeem, RedeemDevice, Refresh, Revoke, TokenGrant};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::lifetimes::Lifetimes;
use crate::token::UnixTime;

/// A command to a grant.
#[derive(Debug)]
pub enum Command<'c> {
    /// Stores a new grant with its code, or that of a device. A consent form that is submitted twice yields the same grant.
    Issue(Box<Grant>),
    /// Redeems the code.
    Redeem(&'c Redeem, UserFacts<'c>),
    /// Redeems the device code.
    RedeemDevice(&'c RedeemDevice, UserFacts<'c>),
    /// Uses a refresh token.
    Refresh(&'c Refresh, UserFacts<'c>),
    /// Revokes the grant.
    Revoke(&'c Revoke),
}

/// What to store, before the response is sent.
#[derive(Debug)]
pub enum Next {
    /// Nothing changes.
    Keep,
    /// Store this grant.
    Put(Box<Grant>),
    /// Delete the grant.
    End,
}

/// What to answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The code can be sent.
    Issued,
    /// Tokens can be issued.
    Tokens(Box<TokenGrant>),
    /// The grant is revoked, or was already.
    Ended,
}

/// The decision about a command.
#[derive(Debug)]
pub struct Step {
    /// What to store.
    pub next: Next,
    /// What to answer, once that is stored.
    pub outcome: Result<Outcome, GrantRefusal>,
}

impl Step {
    fn keep(outcome: Result<Outcome, GrantRefusal>) -> Self {
        Self { next: Next::Keep, outcome }
    }

    fn end(outcome: Result<Outcome, GrantRefusal>) -> Self {
        Self { next: Next::End, outcome }
    }
}

/// Decides a command. `grant` is the stored grant, if there is one.
pub fn step(grant: Option<Grant>, command: Command<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let client = match &command {
        Command::Issue(new) => &new.client,
        Command::Redeem(request, _) => &request.client.id,
        Command::RedeemDevice(request, _) => &request.client.id,
        Command::Refresh(request, _) => &request.client.id,
        Command::Revoke(request) => &request.client,
    };
    let is_owner = grant.as_ref().is_none_or(|grant| grant.client == *client);
    match (command, grant) {
        (Command::Issue(new), None) => Step { next: Next::Put(new), outcome: Ok(Outcome::Issued) },
        (Command::Issue(new), Some(old)) => issue_again(&new, &old, lifetimes, now),
        (Command::Revoke(_), None) => Step::keep(Ok(Outcome::Ended)),
        (Command::Redeem(..) | Command::RedeemDevice(..) | Command::Refresh(..), None) => {
            Step::keep(Err(GrantRefusal::GrantUnknown))
        }
        (Command::Redeem(..) | Command::RedeemDevice(..) | Command::Refresh(..) | Command::Revoke(_), Some(_))
            if !is_owner =>
        {
            Step::keep(Err(GrantRefusal::GrantOfAnother))
        }
        (Command::Revoke(_), Some(_)) => Step::end(Ok(Outcome::Ended)),
        (Command::Redeem(request, user), Some(grant)) => redeem(grant, request, user, lifetimes, now),
        (Command::RedeemDevice(request, user), Some(grant)) => redeem_device(grant, request, user, lifetimes, now),
        (Command::Refresh(request, user), Some(grant)) => refresh(grant, request, user, lifetimes, now),
    }
}

/// Decides a consent form that is submitted again: the same code, as long as it was not redeemed and has not expired.
fn issue_again(new: &Grant, old: &Grant, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let challenges_are_same = match (&new.challenge, &old.challenge) {
        (Some(one), Some(other)) => one.equals(other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let is_same = new.client == old.client && challenges_are_same && new.stage == old.stage;
    let is_active = old.is_active(lifetimes, now);
    Step::keep(if is_same && is_active { Ok(Outcome::Issued) } else { Err(GrantRefusal::CodeSpent) })
}

fn redeem(grant: Grant, request: &Redeem, user: UserFacts<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    // The grants of devices and assertions have no challenge, so no code redeems them.
    let has_verifier = grant.challenge.as_ref().is_some_and(|challenge| challenge.equals(&request.challenge));
    let is_active = grant.is_active(lifetimes, now) && (grant.offline || user.session_is_active);
    match &grant.stage {
        _ if !has_verifier => Step::keep(Err(GrantRefusal::CodeVerifier)),
        Stage::Live { redeemed_at, .. } if lifetimes.is_replay(*redeemed_at, now) => {
            Step::keep(Err(GrantRefusal::CodeSpent))
        }
        Stage::Live { .. } => Step::end(Err(GrantRefusal::CodeReused)),
        Stage::Asserted => Step::keep(Err(GrantRefusal::GrantUnknown)),
        Stage::Code { .. } if !is_active => Step::end(Err(GrantRefusal::GrantExpired)),
        Stage::Code { redirect_uri, .. } if request.redirect_uri.as_ref().is_some_and(|uri| uri != redirect_uri) => {
            Step::keep(Err(GrantRefusal::CodeRedirect))
        }
        Stage::Device { .. } => Step::keep(Err(GrantRefusal::GrantUnknown)),
        Stage::Code { nonce, .. } => {
            let nonce = nonce.clone();
            let requested = Requested { scope: None, resources: &request.resources };
            match gate::pass(GrantType::AuthorizationCode, &grant.facts(&request.client, user, requested), now) {
                Ok(permit) => {
                    first_tokens(grant, permit, request.refreshable, nonce, user.session_ends, lifetimes, now)
                }
                Err(failed) => refused(failed, &request.client),
            }
        }
    }
}

/// Decides the redemption of a device code (RFC 8628 section 3.5). One that was redeemed before is refused and never revokes
/// the grant: unlike a code, it is presented again and again by nature, and its client keeps it to itself.
fn redeem_device(
    grant: Grant,
    request: &RedeemDevice,
    user: UserFacts<'_>,
    lifetimes: &Lifetimes,
    now: UnixTime,
) -> Step {
    let is_active = grant.is_active(lifetimes, now) && (grant.offline || user.session_is_active);
    match grant.stage {
        // Not a device's grant.
        Stage::Code { .. } | Stage::Asserted => Step::keep(Err(GrantRefusal::GrantUnknown)),
        Stage::Live { .. } if grant.challenge.is_some() => Step::keep(Err(GrantRefusal::GrantUnknown)),
        Stage::Live { .. } => Step::keep(Err(GrantRefusal::CodeSpent)),
        Stage::Device { .. } if !is_active => Step::end(Err(GrantRefusal::GrantExpired)),
        Stage::Device { .. } => {
            let requested = Requested { scope: None, resources: &request.resources };
            match gate::pass(GrantType::DeviceCode, &grant.facts(&request.client, user, requested), now) {
                Ok(permit) => first_tokens(grant, permit, request.refreshable, None, user.session_ends, lifetimes, now),
                Err(failed) => refused(failed, &request.client),
            }
        }
    }
}

/// Issues the first tokens of a grant.
fn first_tokens(
    mut grant: Grant,
    permit: Permit,
    refreshable: bool,
    nonce: Option<String>,
    session_ends: Option<UnixTime>,
    lifetimes: &Lifetimes,
    now: UnixTime,
) -> Step {
    let generation = u64::from(refreshable);
    grant.stage = Stage::Live { generation, turned_at: now, used_at: now, redeemed_at: now };
    grant.record_access_token(&permit, lifetimes, now);
    let expiry = grant.expiry(lifetimes, session_ends);
    let Some(tokens) = grant.tokens(permit, generation, now, expiry) else {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    };
    let outcome = Ok(Outcome::Tokens(Box::new(TokenGrant { nonce, ..tokens })));
    Step { next: Next::Put(Box::new(grant)), outcome }
}

fn refresh(mut grant: Grant, request: &Refresh, user: UserFacts<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let is_active = grant.is_active(lifetimes, now) && (grant.offline || user.session_is_active);
    let Stage::Live { generation, turned_at, redeemed_at, .. } = grant.stage else {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    };
    if !is_active {
        return Step::end(Err(GrantRefusal::GrantExpired));
    }
    // No generation after the current one was ever issued.
    if request.generation > generation || request.generation == 0 {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    }
    let is_current = request.generation == generation;
    let is_replay = is_before(request.generation, generation) && lifetimes.is_replay(turned_at, now);
    if !is_current && !is_replay {
        return Step::end(Err(GrantRefusal::RefreshReused));
    }
    // A refusal from here on spends nothing.
    let requested = Requested { scope: request.scope.as_ref(), resources: &request.resources };
    let permit = match gate::pass(GrantType::RefreshToken, &grant.facts(&request.client, user, requested), now) {
        Ok(permit) => permit,
        Err(failed) => return refused(failed, &request.client),
    };
    let (next_generation, turned_at, issued_at) = match (is_current, request.rotate) {
        (true, true) => (generation.saturating_add(1), now, now),
        (true, false) => (generation, turned_at, now),
        (false, _) => (generation, turned_at, turned_at),
    };
    if is_current {
        grant.stage = Stage::Live { generation: next_generation, turned_at, used_at: now, redeemed_at };
        grant.record_access_token(&permit, lifetimes, now);
    }
    let expiry = grant.expiry(lifetimes, user.session_ends);
    let Some(tokens) = grant.tokens(permit, next_generation, issued_at, expiry) else {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    };
    let outcome = Ok(Outcome::Tokens(Box::new(TokenGrant { repeated: !is_current, ..tokens })));
    if is_current { Step { next: Next::Put(Box::new(grant)), outcome } } else { Step::keep(outcome) }
}

/// Refuses a request that does not pass the gate, and spends nothing. A grant that can yield no token any more is revoked, unless
/// the facts about the client come from a copy of its record. One whose user or client is disabled is kept: it can be used again
/// when they are enabled.
fn refused(failed: Check, client: &ClientFacts) -> Step {
    let refusal = GrantRefusal::from(failed);
    let ends = refusal == GrantRefusal::RightsLost && client.exact;
    if ends { Step::end(Err(refusal)) } else { Step::keep(Err(refusal)) }
}
