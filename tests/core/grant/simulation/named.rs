//! Named histories: the known dangerous ones, and the shrunk ones that were found.
//!
//! The response to each turn: the generation of a refresh token (`again` for a replayed response), a refusal's word,
//! or `nothing` if the storage failed before.

use super::history::{Act, Ask, Left, Limits, Plan, Setup, Storage, Token, Turn, Uri, Who};
use super::play;
use super::world::{Answer, Entry};

use Who::{Owner, Stranger, Thief};

const PUBLIC: Plan = Plan { public: true, offline: true, refreshable: true };
const CONFIDENTIAL: Plan = Plan { public: false, ..PUBLIC };
const SESSION_BOUND: Plan = Plan { offline: false, ..PUBLIC };

fn told(plan: Plan, turns: &[Turn]) -> Vec<String> {
    told_with(30, plan, turns)
}

fn told_with(replay_window: u64, plan: Plan, turns: &[Turn]) -> Vec<String> {
    let world = play(Setup { replay_window, plans: [plan, PUBLIC] }, turns).unwrap();
    world.log.iter().map(in_a_word).collect()
}

fn in_a_word(entry: &Entry) -> String {
    match &entry.answer {
        None => "nothing".to_owned(),
        Some(Err(refusal)) => refusal.kind().to_owned(),
        Some(Ok(Answer::Issued)) => "issued".to_owned(),
        Some(Ok(Answer::Ended)) => "ended".to_owned(),
        Some(Ok(Answer::Tokens { tokens, .. })) if tokens.repeated => {
            format!("{} again", tokens.generation)
        }
        Some(Ok(Answer::Tokens { tokens, .. })) => tokens.generation.to_string(),
    }
}

fn now(act: Act) -> Turn {
    Turn { wait: 0, act, storage: Storage::Works }
}

fn after(wait: i64, act: Act) -> Turn {
    Turn { wait, ..now(act) }
}

/// It is stored, but the response is lost.
fn lost(turn: Turn) -> Turn {
    Turn { storage: Storage::FailsAfter, ..turn }
}

/// It is not stored.
fn failed(turn: Turn) -> Turn {
    Turn { storage: Storage::FailsBefore, ..turn }
}

const ALLOW: Act = Act::Allow { grant: 0 };

fn redeem(who: Who) -> Act {
    Act::Redeem { grant: 0, who, uri: Uri::Right }
}

/// The refresh token that is this many before the newest one known.
fn refresh(who: Who, back: usize) -> Act {
    Act::Refresh { grant: 0, who, token: Token::Back(back), scope: Ask::Nothing, resources: Ask::Nothing }
}

/// The same for the other grant.
fn of_the_other_grant(act: Act) -> Act {
    match act {
        Act::Allow { .. } => Act::Allow { grant: 1 },
        Act::Redeem { who, uri, .. } => Act::Redeem { grant: 1, who, uri },
        Act::Refresh { who, token, scope, resources, .. } => Act::Refresh { grant: 1, who, token, scope, resources },
        Act::Revoke { who, .. } => Act::Revoke { grant: 1, who },
        Act::Reregister { .. } => Act::Reregister { grant: 1 },
        Act::Limit { rights, .. } => Act::Limit { grant: 1, rights },
        Act::SignOut => Act::SignOut,
    }
}

fn limit(change: impl FnOnce(&mut Limits)) -> Act {
    let mut rights = Limits::NONE;
    change(&mut rights);
    Act::Limit { grant: 0, rights }
}

#[test]
fn history_of_a_resource_that_is_lost_between_a_response_and_its_replay() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        lost(now(refresh(Owner, 0))),
        after(5, limit(|rights| rights.resources = Left::Part)),
        now(refresh(Owner, 0)),
        after(5, limit(|rights| rights.resources = Left::Nothing)),
        now(refresh(Owner, 1)),
        now(limit(|_| {})),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "2 again", "rights_lost", "grant_unknown"]);
}

#[test]
fn history_of_a_cached_record_that_lacks_a_new_right() {
    let turns = [
        now(limit(|rights| (rights.resources, rights.exact) = (Left::Nothing, false))),
        now(ALLOW),
        now(redeem(Owner)),
        now(limit(|_| {})),
        now(redeem(Owner)),
        now(limit(|rights| (rights.client, rights.user, rights.exact) = (Left::Part, Left::Part, false))),
        now(refresh(Owner, 0)),
        now(limit(|_| {})),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "rights_lost", "1", "rights_lost", "2"]);
}

#[test]
fn history_of_a_client_that_loses_offline_access() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        now(limit(|rights| rights.offline = false)),
        now(refresh(Owner, 0)),
        now(Act::SignOut),
        now(refresh(Owner, 0)),
        now(limit(|_| {})),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "rights_lost", "grant_unknown"]);
}

#[test]
fn history_of_a_cached_record_that_lacks_offline_access() {
    let turns = [
        now(ALLOW),
        now(Act::SignOut),
        now(limit(|rights| (rights.offline, rights.exact) = (false, false))),
        now(redeem(Owner)),
        now(limit(|_| {})),
        now(redeem(Owner)),
        now(limit(|rights| (rights.offline, rights.exact) = (false, false))),
        now(refresh(Owner, 0)),
        now(limit(|_| {})),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "rights_lost", "1", "rights_lost", "2"]);
}

#[test]
fn history_of_a_code_redeemed_twice_at_once() {
    let turns = [now(ALLOW), now(redeem(Owner)), now(redeem(Owner)), after(30, redeem(Owner)), now(refresh(Owner, 0))];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "code_spent", "code_spent", "2"]);
}

#[test]
fn history_of_a_code_redeemed_again_much_later() {
    let turns = [now(ALLOW), now(redeem(Owner)), after(31, redeem(Owner)), now(refresh(Owner, 0)), now(redeem(Owner))];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "code_reused", "grant_unknown", "grant_unknown"]);
}

#[test]
fn history_of_a_stolen_code_without_its_verifier() {
    let turns = [
        now(ALLOW),
        now(redeem(Thief)),
        after(5, redeem(Owner)),
        now(redeem(Thief)),
        after(600, redeem(Thief)),
        now(refresh(Owner, 0)),
    ];
    let verifier = "code_verifier";
    assert_eq!(told(PUBLIC, &turns), ["issued", verifier, "1", verifier, verifier, "2"]);
}

#[test]
fn history_of_a_code_and_its_verifier_at_another_client() {
    let turns = [now(ALLOW), now(redeem(Stranger)), after(5, redeem(Owner)), after(600, redeem(Stranger))];
    assert_eq!(told(PUBLIC, &turns), ["issued", "grant_of_another", "1", "grant_of_another"]);
}

#[test]
fn history_of_a_form_that_is_sent_again_because_the_response_was_lost() {
    let turns = [failed(now(ALLOW)), lost(after(5, ALLOW)), after(5, ALLOW), after(5, redeem(Owner)), now(ALLOW)];
    assert_eq!(told(PUBLIC, &turns), ["nothing", "issued", "issued", "1", "code_spent"]);
}

#[test]
fn history_of_a_redemption_whose_response_is_lost() {
    let turns = [now(ALLOW), failed(now(redeem(Owner))), lost(after(5, redeem(Owner))), after(5, redeem(Owner))];
    assert_eq!(told(PUBLIC, &turns), ["issued", "nothing", "1", "code_spent"]);
}

#[test]
fn history_of_a_refresh_whose_response_is_lost() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        lost(after(600, refresh(Owner, 0))),
        lost(after(10, refresh(Owner, 0))),
        after(20, refresh(Owner, 0)),
        after(600, refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "2 again", "2 again", "3"]);
}

#[test]
fn history_of_a_refresh_that_is_not_stored() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        failed(after(600, refresh(Owner, 0))),
        after(600, refresh(Owner, 0)),
        after(30, refresh(Owner, 1)),
    ];
    assert_eq!(
        told(PUBLIC, &turns),
        ["issued", "1", "nothing", "2", "2 again"],
        "the window begins with what is stored"
    );
}

#[test]
fn history_of_five_refreshes_in_a_second_and_a_sixth_7_min_45_s_later() {
    let five = [refresh(Owner, 0), refresh(Owner, 1), refresh(Owner, 1), refresh(Owner, 1), refresh(Owner, 1)].map(now);
    let begun = [[now(ALLOW), after(5, redeem(Owner))].as_slice(), &five].concat();
    let said = ["issued", "1", "2", "2 again", "2 again", "2 again", "2 again"];
    let with_the_new_one = [begun.as_slice(), &[after(465, refresh(Owner, 0))]].concat();
    assert_eq!(told(PUBLIC, &with_the_new_one), [said.as_slice(), &["3"]].concat());
    let with_the_old_one = [begun.as_slice(), &[after(465, refresh(Owner, 1)), now(refresh(Owner, 0))]].concat();
    assert_eq!(told(PUBLIC, &with_the_old_one), [said.as_slice(), &["refresh_reused", "grant_unknown"]].concat());
}

#[test]
fn history_of_a_thief_with_the_last_token_within_the_window() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        after(600, refresh(Owner, 0)),
        // It gets the owner's tokens, and nothing else.
        after(29, refresh(Thief, 1)),
        after(600, refresh(Owner, 0)),
        // One of the two comes too late, and both lose the grant.
        after(31, refresh(Thief, 1)),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "2 again", "3", "refresh_reused", "grant_unknown"]);
}

#[test]
fn history_of_a_thief_with_the_last_token_after_the_window() {
    let turns = [
        now(ALLOW),
        now(of_the_other_grant(ALLOW)),
        now(redeem(Owner)),
        now(of_the_other_grant(redeem(Owner))),
        after(600, refresh(Owner, 0)),
        after(31, refresh(Thief, 1)),
        now(refresh(Owner, 0)),
        now(of_the_other_grant(refresh(Owner, 0))),
    ];
    let said = ["issued", "issued", "1", "1", "2", "refresh_reused", "grant_unknown", "2"];
    assert_eq!(told(PUBLIC, &turns), said, "the other grant goes on");
}

#[test]
fn history_of_a_thief_who_is_faster_than_the_owner() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        after(600, refresh(Thief, 0)),
        after(600, refresh(Owner, 0)),
        now(refresh(Thief, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "refresh_reused", "grant_unknown"]);
}

#[test]
fn history_of_a_thief_with_the_last_token_but_one() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        after(1, refresh(Owner, 0)),
        after(1, refresh(Owner, 0)),
        after(1, refresh(Thief, 2)),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "3", "refresh_reused", "grant_unknown"]);
}

#[test]
fn history_of_reuse_whose_revocation_is_not_stored() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        after(600, refresh(Owner, 0)),
        failed(after(31, refresh(Thief, 1))),
        now(refresh(Owner, 0)),
        lost(after(31, refresh(Thief, 1))),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "nothing", "3", "refresh_reused", "grant_unknown"]);
}

#[test]
fn history_of_a_client_that_keeps_its_token() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        lost(after(600, refresh(Owner, 0))),
        after(600, refresh(Owner, 0)),
        now(refresh(Thief, 0)),
        after(86_400, refresh(Owner, 0)),
    ];
    assert_eq!(told(CONFIDENTIAL, &turns), ["issued", "1", "1", "1", "grant_of_another", "1"]);
}

#[test]
fn history_of_a_user_who_signs_out() {
    let turns = [now(ALLOW), now(redeem(Owner)), now(Act::SignOut), now(refresh(Owner, 0)), now(refresh(Owner, 0))];
    assert_eq!(told(SESSION_BOUND, &turns), ["issued", "1", "grant_expired", "grant_unknown"]);
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "3"]);
    let turns = [now(ALLOW), now(Act::SignOut), now(redeem(Owner)), now(redeem(Owner))];
    assert_eq!(told(SESSION_BOUND, &turns), ["issued", "grant_expired", "grant_unknown"]);
}

#[test]
fn history_of_a_clock_that_is_set_back() {
    let turns = [
        now(ALLOW),
        after(59, redeem(Owner)),
        after(-40, redeem(Owner)),
        after(600, refresh(Owner, 0)),
        after(-40, refresh(Owner, 1)),
        after(-600, refresh(Owner, 0)),
        after(30, refresh(Owner, 1)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "code_spent", "2", "2 again", "3", "3 again"]);
}

#[test]
fn history_without_a_window() {
    let turns =
        [now(ALLOW), now(redeem(Owner)), now(refresh(Owner, 0)), now(refresh(Owner, 1)), now(refresh(Owner, 0))];
    assert_eq!(told_with(0, PUBLIC, &turns), ["issued", "1", "2", "refresh_reused", "grant_unknown"]);
    let turns = [now(ALLOW), now(redeem(Owner)), now(redeem(Owner)), now(refresh(Owner, 0))];
    assert_eq!(told_with(0, PUBLIC, &turns), ["issued", "1", "code_reused", "grant_unknown"]);
}

#[test]
fn history_of_a_token_that_was_never_issued() {
    let token = Token::Unborn;
    let unborn = Act::Refresh { grant: 0, who: Thief, token, scope: Ask::Nothing, resources: Ask::Nothing };
    let turns = [now(ALLOW), now(unborn), now(redeem(Owner)), now(unborn), after(600, unborn), now(refresh(Owner, 0))];
    let unknown = "grant_unknown";
    assert_eq!(told(PUBLIC, &turns), ["issued", unknown, "1", unknown, unknown, "2"]);
}

#[test]
fn history_of_a_client_that_is_given_a_secret() {
    let turns = [
        now(ALLOW),
        now(redeem(Owner)),
        now(refresh(Owner, 0)),
        now(Act::Reregister { grant: 0 }),
        after(600, refresh(Owner, 0)),
        now(refresh(Owner, 1)),
        now(refresh(Owner, 0)),
    ];
    assert_eq!(told(PUBLIC, &turns), ["issued", "1", "2", "2", "refresh_reused", "grant_unknown"]);
}
