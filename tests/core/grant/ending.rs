//! How grants end: by expiry, with their session, by revocation.

use edgemint::oauth::grant::GrantRefusal;
use edgemint::oauth::grant::gate::TokenRule;
use edgemint::token::UnixTime;

use super::held::Held;
use super::words::{API, DAY, START, resources};

#[test]
fn an_unused_grant_expires_after_its_idle_time() {
    let mut held = Held::live();
    held.wait(14 * DAY - 1).refresh(1, |_| {}).unwrap();
    held.wait(14 * DAY - 1).refresh(2, |_| {}).unwrap();
    assert_eq!(held.wait(14 * DAY).refresh(3, |_| {}), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());
}

#[test]
fn a_client_that_keeps_its_token_keeps_the_grant_by_using_it() {
    let mut held = Held::live();
    for _ in 0..3 {
        held.wait(14 * DAY - 1).refresh(1, |it| it.rotate = false).unwrap();
    }
    assert_eq!(held.wait(14 * DAY).refresh(1, |it| it.rotate = false), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());
}

#[test]
fn a_replayed_response_is_no_use() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    held.wait(30).refresh(1, |_| {}).unwrap();
    assert_eq!(held.wait(14 * DAY - 30).refresh(2, |_| {}), Err(GrantRefusal::GrantExpired));
}

#[test]
fn a_grant_expires_after_its_lifetime_however_much_it_is_used() {
    let mut held = Held::live();
    let mut generation = 1;
    while held.now + 10 * DAY < START + 90 * DAY {
        generation = held.wait(10 * DAY).refresh(generation, |_| {}).unwrap().generation;
    }
    held.now = START + 90 * DAY - 1;
    generation = held.refresh(generation, |_| {}).unwrap().generation;
    assert_eq!(held.wait(1).refresh(generation, |_| {}), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());
}

#[test]
fn expiry_is_checked_before_reuse() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    assert_eq!(held.wait(14 * DAY).refresh(1, |_| {}), Err(GrantRefusal::GrantExpired));
}

#[test]
fn without_refresh_tokens_it_is_active_as_long_as_its_access_token() {
    let mut held = Held::issued();
    held.wait(50).redeem(|it| it.refreshable = false).unwrap();
    let grant = held.stored.unwrap();
    assert_eq!(grant.ends(&held.lifetimes), UnixTime(START + 650));
    assert!(grant.is_active(&held.lifetimes, UnixTime(START + 649)));
    assert!(!grant.is_active(&held.lifetimes, UnixTime(START + 650)));
}

#[test]
fn without_offline_access_it_ends_with_its_session() {
    let mut held = Held::live_with(|grant| grant.offline = false);
    assert_eq!(held.refresh(1, |_| {}).unwrap().generation, 2);
    assert_eq!(held.refresh(2, |it| it.session_is_active = false), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());

    let mut held = Held::issued();
    held.stored.as_mut().unwrap().offline = false;
    assert_eq!(held.redeem(|it| it.session_is_active = false), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());
}

#[test]
fn with_offline_access_it_outlives_its_session() {
    let mut held = Held::issued();
    held.redeem(|it| it.session_is_active = false).unwrap();
    assert_eq!(held.refresh(1, |it| it.session_is_active = false).unwrap().generation, 2);
    assert_eq!(held.refresh(1, |it| it.session_is_active = false).unwrap().generation, 2);
}

#[test]
fn its_client_may_revoke_it_at_any_time() {
    for mut held in [Held::issued(), Held::live()] {
        assert_eq!(held.revoke("app"), Ok(()));
        assert!(held.has_ended());
        assert_eq!(held.revoke("app"), Ok(()), "as often as it likes");
        assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::GrantUnknown));
        assert_eq!(held.refresh(1, |_| {}), Err(GrantRefusal::GrantUnknown));
    }
}

#[test]
fn another_client_may_not_revoke_it() {
    for mut held in [Held::issued(), Held::live()] {
        let before = held.record();
        assert_eq!(held.revoke("other"), Err(GrantRefusal::GrantOfAnother));
        assert_eq!(held.record(), before);
    }
}

#[test]
fn last_used_is_the_time_of_the_last_redemption_or_refresh() {
    let mut held = Held::issued();
    assert_eq!(held.stored.as_ref().unwrap().last_used(), UnixTime(START));
    held.wait(5).redeem(|_| {}).unwrap();
    assert_eq!(held.stored.as_ref().unwrap().last_used(), UnixTime(START + 5));
    held.wait(DAY).refresh(1, |_| {}).unwrap();
    assert_eq!(held.stored.as_ref().unwrap().last_used(), UnixTime(START + 5 + DAY));
}

#[test]
fn every_refusal_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<_> = GrantRefusal::ALL.iter().map(|refusal| refusal.kind()).collect();
    assert_eq!(words.len(), GrantRefusal::ALL.len());
}

#[test]
fn a_resource_with_a_lifetime_of_its_own_decides_how_long_the_only_token_and_its_grant_last() {
    for lifetime in [60, 7200] {
        let mut held = Held::issued();
        let rule = TokenRule {
            resource: resources(&[API]).remove(0),
            alone: false,
            lifetime: Some(lifetime),
            algorithm: None,
        };
        held.client.rules.tokens.push(rule);
        let (api, refreshable) = (resources(&[API]), false);
        held.redeem(|it| (it.resources, it.refreshable) = (api, refreshable)).unwrap();
        let grant = held.stored.unwrap();
        let end = UnixTime(START + lifetime);
        assert_eq!(
            (grant.ends(&held.lifetimes), grant.last_token_ends(&held.lifetimes)),
            (end, Some(end.max(UnixTime(START + 600))))
        );
    }
    // With refresh tokens, the status list entry stays marked for as long as the longest of the tokens.
    let mut held = Held::live();
    let rule = TokenRule { resource: resources(&[API]).remove(0), alone: false, lifetime: Some(7200), algorithm: None };
    held.client.rules.tokens.push(rule);
    held.refresh(1, |it| it.resources = resources(&[API])).unwrap();
    held.client.rules.tokens.clear();
    held.wait(10).refresh(2, |_| {}).unwrap();
    let grant = held.stored.unwrap();
    assert_eq!(grant.last_token_ends(&held.lifetimes), Some(UnixTime(START + 7200)));
}

#[test]
fn the_last_access_token_ends_by_the_lifetime_at_its_issue() {
    let mut held = Held::issued();
    let last_ends = |held: &Held| held.stored.as_ref().and_then(|grant| grant.last_token_ends(&held.lifetimes));
    assert_eq!(last_ends(&held), None, "a code is no access token");
    held.redeem(|_| {}).unwrap();
    assert_eq!(last_ends(&held), Some(UnixTime(START + 600)));
    // The operator shortens the lifetime: the tokens that are out stay valid as long as they say.
    held.lifetimes.access = 60;
    assert_eq!(last_ends(&held), Some(UnixTime(START + 600)));
    held.wait(100).refresh(1, |_| {}).unwrap();
    assert_eq!(last_ends(&held), Some(UnixTime(START + 600)));
    held.wait(500).refresh(2, |_| {}).unwrap();
    assert_eq!(last_ends(&held), Some(UnixTime(START + 660)));
    held.lifetimes.access = 600;
    held.wait(10).refresh(3, |_| {}).unwrap();
    held.lifetimes.access = 60;
    assert_eq!(last_ends(&held), Some(UnixTime(START + 1210)));
}
