//! Rights that a client or a user lost after the grant was allowed.

use edgemint::oauth::grant::GrantRefusal;

use super::held::Held;
use super::words::{API, FILES, permit, resources, scope};

#[test]
fn a_resource_that_the_client_lost_is_in_no_further_token() {
    let mut held = Held::issued();
    held.client.resources = resources(&[FILES, "https://new.example"]);
    assert_eq!(held.redeem(|_| {}).unwrap().permit.resources(), resources(&[FILES]));
    assert_eq!(held.refresh(1, |_| {}).unwrap().permit.resources(), resources(&[FILES]));
    held.client.resources = resources(&[API, FILES]);
    assert_eq!(
        held.refresh(2, |_| {}).unwrap().permit.resources(),
        resources(&[API, FILES]),
        "the grant keeps what was allowed"
    );
}

#[test]
fn a_replayed_response_is_limited_to_the_current_rights() {
    let mut held = Held::live();
    let first = held.refresh(1, |_| {}).unwrap();
    held.client.resources = resources(&[FILES]);
    held.user = Some(scope("read"));
    let again = held.wait(5).refresh(1, |_| {}).unwrap();
    assert!(again.repeated);
    assert_eq!((again.generation, again.at), (first.generation, first.at));
    assert_eq!(again.permit, permit("read", &[FILES]));
}

#[test]
fn a_named_resource_that_was_lost_is_refused_and_changes_nothing() {
    let mut held = Held::live();
    held.client.resources = resources(&[FILES]);
    let before = held.record();
    for named in [&[API][..], &[API, FILES]] {
        assert_eq!(held.refresh(1, |it| it.resources = resources(named)), Err(GrantRefusal::Resource));
    }
    assert_eq!(held.record(), before);
    assert!(held.refresh(1, |it| it.resources = resources(&[FILES])).is_ok());
}

#[test]
fn a_requested_scope_without_any_rights_left_is_refused_and_changes_nothing() {
    let mut held = Held::live();
    held.client.scope = scope("read other");
    let before = held.record();
    assert_eq!(held.refresh(1, |it| it.scope = Some(scope("write"))), Err(GrantRefusal::Scope));
    assert_eq!(held.record(), before);
    assert_eq!(
        held.refresh(1, |it| it.scope = Some(scope("read write"))).unwrap().permit.scope().clone(),
        scope("read")
    );
}

#[test]
fn a_grant_without_any_rights_left_is_revoked() {
    type Change = fn(&mut Held);
    let losses: [Change; 4] = [
        |held| held.client.resources = resources(&["https://new.example"]),
        |held| held.client.scope = scope("other"),
        |held| held.user = Some(scope("other")),
        |held| (held.client.scope, held.user) = (scope("read"), Some(scope("write"))),
    ];
    for lose in losses {
        let mut held = Held::issued();
        lose(&mut held);
        assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::RightsLost));
        assert!(held.has_ended());
        for repeated in [false, true] {
            let mut held = Held::live();
            if repeated {
                held.refresh(1, |_| {}).unwrap();
            }
            lose(&mut held);
            assert_eq!(held.refresh(1, |it| it.resources = resources(&[API])), Err(GrantRefusal::RightsLost));
            assert!(held.has_ended());
        }
    }
}

#[test]
fn a_grant_that_lost_offline_access_ends_with_its_session() {
    let lose = |held: &mut Held| held.client.scope = scope("read write");
    for gone in [false, true] {
        let mut held = Held::issued();
        lose(&mut held);
        let redeemed = held.redeem(|it| it.session_is_active = !gone);
        assert_eq!((redeemed.err(), held.has_ended()), (gone.then_some(GrantRefusal::RightsLost), gone));
    }
    let mut held = Held::live();
    assert!(held.refresh(1, |it| it.session_is_active = false).is_ok(), "with `offline_access` no session is needed");
    lose(&mut held);
    let bound = held.refresh(2, |_| {}).unwrap();
    assert_eq!((bound.permit.scope(), bound.generation), (&scope("read write"), 3));
    held.client.scope = scope("read write offline_access");
    assert!(held.refresh(3, |it| it.session_is_active = false).is_ok(), "the grant keeps what was allowed");
    lose(&mut held);
    // A replayed response is refused like any other, and so is one for less than everything.
    for (generation, part) in [(3, None), (4, Some(scope("read")))] {
        let mut held = Held { stored: held.stored.clone(), client: held.client.clone(), user: None, ..held };
        let answer = held.refresh(generation, |it| (it.session_is_active, it.scope) = (false, part));
        assert_eq!((answer, held.has_ended()), (Err(GrantRefusal::RightsLost), true), "{generation}");
    }
}

#[test]
fn a_grant_without_offline_access_expires_with_its_session_as_before() {
    for scopes in ["read write", "read write offline_access"] {
        let mut held = Held::live_with(|grant| grant.offline = false);
        held.client.scope = scope(scopes);
        assert_eq!(held.refresh(1, |it| it.session_is_active = false), Err(GrantRefusal::GrantExpired), "{scopes}");
        assert!(held.has_ended());
    }
}

#[test]
fn a_cached_client_record_revokes_nothing() {
    for mut held in [Held::issued(), Held::live()] {
        held.client = edgemint::oauth::grant::gate::ClientFacts { exact: false, resources: Vec::new(), ..held.client };
        let before = held.record();
        let answer = if before["stage"].get("live").is_some() { held.refresh(1, |_| {}) } else { held.redeem(|_| {}) };
        assert_eq!(answer, Err(GrantRefusal::RightsLost));
        assert_eq!(held.record(), before);
    }
}

#[test]
fn a_grant_without_scope_needs_none() {
    let mut held = Held::live_with(|grant| grant.scope = scope(""));
    held.client.scope = scope("");
    assert_eq!(held.refresh(1, |_| {}).unwrap().permit.scope().clone(), scope(""));
    held.client.resources = Vec::new();
    assert_eq!(held.refresh(2, |_| {}), Err(GrantRefusal::RightsLost));
}

#[test]
fn wrong_requests_are_refused_as_before_without_any_rights_left() {
    let mut held = Held::live();
    held.client.resources = Vec::new();
    let before = held.record();
    assert_eq!(held.refresh(2, |_| {}), Err(GrantRefusal::GrantUnknown));
    assert_eq!(held.refresh(1, |it| it.client.id = super::words::client("other")), Err(GrantRefusal::GrantOfAnother));
    assert_eq!(held.record(), before);
    assert_eq!(
        held.redeem(|it| it.challenge = super::words::challenge("x".repeat(43).as_str())).unwrap_err(),
        GrantRefusal::CodeVerifier
    );
    assert_eq!(held.record(), before);
}

#[test]
fn introspection_reports_the_remaining_rights() {
    let mut held = Held::live();
    let described = |held: &Held, session| held.describe(1, session).map(|it| it.scope);
    assert_eq!(described(&held, false), Some(scope("read write")));
    held.client.scope = scope("read");
    assert_eq!(described(&held, true), Some(scope("read")));
    assert_eq!(described(&held, false), None);
    held.client.resources = Vec::new();
    assert_eq!(described(&held, true), None);
}

#[test]
fn a_disabled_client_or_user_gets_nothing_and_keeps_the_grant() {
    type Change = fn(&mut Held);
    let changes: [(Change, GrantRefusal); 3] = [
        (|held| held.client.enabled ^= true, GrantRefusal::ClientDisabled),
        (|held| held.user_is_enabled ^= true, GrantRefusal::UserDisabled),
        (|held| held.has_consented ^= true, GrantRefusal::ConsentMissing),
    ];
    for (change, refusal) in changes {
        let mut held = Held::issued();
        change(&mut held);
        let before = held.record();
        assert_eq!(held.redeem(|_| {}), Err(refusal));
        assert_eq!(held.record(), before);
        change(&mut held);
        assert!(held.redeem(|_| {}).is_ok());
        held.refresh(1, |_| {}).unwrap();
        change(&mut held);
        let before = held.record();
        // The current token and a replay.
        for generation in [1, 2] {
            assert_eq!(held.refresh(generation, |_| {}), Err(refusal));
            assert_eq!(held.describe(generation, true), None);
        }
        assert_eq!(held.record(), before);
        change(&mut held);
        assert!(held.refresh(2, |_| {}).is_ok());
    }
}

#[test]
fn a_disabled_user_does_not_hide_the_reuse_of_a_refresh_token() {
    let mut held = Held::live();
    held.refresh(1, |_| {}).unwrap();
    held.user_is_enabled = false;
    assert_eq!(held.wait(31).refresh(1, |_| {}), Err(GrantRefusal::RefreshReused));
    assert!(held.has_ended());
}
