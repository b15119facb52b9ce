//! Refresh tokens: each is replaced by its successor, once.

use edgemint::oauth::grant::{Expiry, GrantRefusal, TokenGrant};
use edgemint::token::UnixTime;

use super::held::Held;
use super::words::{API, DAY, FILES, START, STATUS, client, grant, permit, resources, scope};

#[test]
fn each_refresh_yields_the_next_token() {
    let mut held = Held::live();
    for generation in 1..=20 {
        let tokens = held.wait(1000).refresh(generation, |_| {}).unwrap();
        assert_eq!(
            tokens,
            TokenGrant {
                permit: permit("read write", &[API, FILES]),
                generation: generation + 1,
                at: UnixTime(held.now),
                sign_in: grant().sign_in.unwrap(),
                session: grant().session.unwrap(),
                nonce: None,
                id_token_claims: grant().id_token_claims,
                status: Some(STATUS),
                repeated: false,
                expiry: Some(Expiry {
                    refresh_token: UnixTime(held.now + 14 * DAY),
                    authorization: UnixTime(START + 90 * DAY),
                }),
            }
        );
    }
}

#[test]
fn a_replay_within_the_window_yields_the_same_successor() {
    let mut held = Held::live();
    let first = held.wait(1000).refresh(1, |_| {}).unwrap();
    let before = held.record();
    for wait in [0, 1, 14, 15] {
        let again = held.wait(wait).refresh(1, |_| {}).unwrap();
        assert_eq!(again, TokenGrant { repeated: true, ..first.clone() });
    }
    assert_eq!(held.record(), before, "nor does the window grow");
    assert_eq!(held.now, START + 1030, "the last moment of the window");
}

#[test]
fn tokens_say_when_the_refresh_token_expires() {
    let expiry = |held: &mut Held| {
        let Expiry { refresh_token, authorization } = held.refresh(1, |_| {}).unwrap().expiry.unwrap();
        (refresh_token.0 - START, authorization.0 - START)
    };
    assert_eq!(expiry(Held::live().wait(5 * DAY)), (19 * DAY, 90 * DAY));
    let mut nearly_idle = Held::live();
    for generation in 1..=9 {
        nearly_idle.wait(9 * DAY).refresh(generation, |_| {}).unwrap();
    }
    let tokens = nearly_idle.wait(60).refresh(10, |_| {}).unwrap();
    assert_eq!(tokens.expiry.map(|expiry| expiry.refresh_token), Some(UnixTime(START + 90 * DAY)), "with its grant");
    let mut bound = Held::live();
    bound.session_ends = Some(UnixTime(START + 7 * DAY));
    assert_eq!(expiry(bound.wait(DAY)), (7 * DAY, 7 * DAY), "with its session");
}

#[test]
fn reuse_after_the_window_revokes_the_grant() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    assert_eq!(held.wait(31).refresh(1, |_| {}), Err(GrantRefusal::RefreshReused));
    assert!(held.has_ended());
    for generation in [1, 2, 3] {
        assert_eq!(held.refresh(generation, |_| {}), Err(GrantRefusal::GrantUnknown));
    }
}

#[test]
fn one_before_the_last_is_reuse_at_once() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    held.refresh(2, |_| {}).unwrap();
    assert_eq!(held.refresh(1, |_| {}), Err(GrantRefusal::RefreshReused));
    assert!(held.has_ended());
}

#[test]
fn without_a_window_each_can_be_used_exactly_once() {
    let mut held = Held::live();
    held.lifetimes.replay_window = 0;
    assert_eq!(held.refresh(1, |_| {}).unwrap().generation, 2);
    assert_eq!(held.refresh(1, |_| {}), Err(GrantRefusal::RefreshReused));
    assert!(held.has_ended());
}

#[test]
fn a_token_that_was_never_issued_changes_nothing() {
    let mut held = Held::live();
    let before = held.record();
    for generation in [2, 3, u64::MAX] {
        assert_eq!(held.refresh(generation, |_| {}), Err(GrantRefusal::GrantUnknown), "{generation}");
    }
    assert_eq!(held.record(), before);
    assert!(held.refresh(1, |_| {}).is_ok());
}

#[test]
fn there_is_none_before_the_code_is_redeemed() {
    let mut held = Held::issued();
    let before = held.record();
    for generation in [0, 1, 2] {
        assert_eq!(held.refresh(generation, |_| {}), Err(GrantRefusal::GrantUnknown));
    }
    assert_eq!(held.record(), before);
}

#[test]
fn another_client_changes_nothing() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    held.wait(31);
    let before = held.record();
    for generation in [0, 1, 2, 3] {
        let answer = held.refresh(generation, |it| it.client.id = client("other"));
        assert_eq!(answer, Err(GrantRefusal::GrantOfAnother));
    }
    assert_eq!(held.record(), before);
}

#[test]
fn a_client_that_authenticates_keeps_its_token() {
    let mut held = Held::live();
    for _ in 0..3 {
        let tokens = held.wait(DAY).refresh(1, |it| it.rotate = false).unwrap();
        assert_eq!(tokens.generation, 1);
        assert_eq!(tokens.at, UnixTime(held.now));
        assert!(!tokens.repeated);
    }
    assert_eq!(held.refresh(2, |it| it.rotate = false), Err(GrantRefusal::GrantUnknown));
}

#[test]
fn scope_narrows_for_one_token_and_never_widens() {
    let mut held = Held::live();
    let narrow = held.refresh(1, |it| it.scope = Some(scope("write"))).unwrap();
    assert_eq!(*narrow.permit.scope(), scope("write"));
    assert_eq!(*held.refresh(2, |_| {}).unwrap().permit.scope(), scope("read write"), "the grant is as wide as before");
    let before = held.record();
    for wider in ["read admin", "admin", "Read"] {
        assert_eq!(held.refresh(3, |it| it.scope = Some(scope(wider))), Err(GrantRefusal::Scope), "{wider}");
    }
    assert_eq!(held.record(), before, "and a refusal spends nothing");
    assert!(held.refresh(3, |it| it.scope = Some(scope("read"))).is_ok());
}

#[test]
fn resources_narrow_for_one_token_and_never_widen() {
    let mut held = Held::live();
    let narrow = held.refresh(1, |it| it.resources = resources(&[FILES])).unwrap();
    assert_eq!(narrow.permit.resources(), resources(&[FILES]));
    assert_eq!(held.refresh(2, |_| {}).unwrap().permit.resources(), resources(&[API, FILES]));
    let before = held.record();
    for wider in [&["https://evil.example"][..], &[API, "https://evil.example"], &["https://api.example/v1"]] {
        assert_eq!(held.refresh(3, |it| it.resources = resources(wider)), Err(GrantRefusal::Resource));
    }
    assert_eq!(held.record(), before);
    assert!(held.refresh(3, |it| it.resources = resources(&[API])).is_ok());
}

#[test]
fn a_replay_is_refused_for_the_same_reasons_as_a_new_request() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    let before = held.record();
    assert_eq!(held.refresh(1, |it| it.scope = Some(scope("admin"))), Err(GrantRefusal::Scope));
    assert_eq!(held.refresh(1, |it| it.resources = resources(&["urn:x:y"])), Err(GrantRefusal::Resource));
    assert_eq!(held.record(), before);
    let narrow = held.refresh(1, |it| it.scope = Some(scope("read"))).unwrap();
    assert_eq!((narrow.permit, narrow.generation, narrow.repeated), (permit("read", &[API, FILES]), 2, true));
}

#[test]
fn reuse_revokes_the_grant_for_any_request() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    assert_eq!(held.wait(31).refresh(1, |it| it.scope = Some(scope("admin"))), Err(GrantRefusal::RefreshReused));
    assert!(held.has_ended());
}

#[test]
fn a_client_that_gets_a_secret_later_does_not_reopen_the_window() {
    let mut held = Held::live();
    let second = held.refresh(1, |_| {}).unwrap();
    held.wait(1000).refresh(2, |it| it.rotate = false).unwrap();
    assert_eq!(second.at, UnixTime(START));
    assert_eq!(held.refresh(1, |it| it.rotate = false), Err(GrantRefusal::RefreshReused));
}

#[test]
fn introspection_describes_active_tokens_only() {
    let mut held = Held::live();
    held.wait(100).refresh(1, |_| {}).unwrap();
    let described = |held: &Held, generation| held.describe(generation, true).map(|it| (it.scope, it.at.0, it.ends.0));
    let current = Some((scope("read write"), START + 100, START + 100 + 14 * DAY));
    assert_eq!(described(&held, 2), current);
    assert_eq!(described(&held, 1), current, "it can still be exchanged");
    assert_eq!(described(&held, 3), None);
    held.wait(31);
    assert_eq!(described(&held, 2), current);
    assert_eq!(described(&held, 1), None);
    assert_eq!(described(&Held::issued(), 1), None);
    let mut without = Held::issued();
    without.redeem(|it| it.refreshable = false).unwrap();
    assert_eq!(described(&without, 0), None);
}
