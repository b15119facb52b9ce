//! Codes: issued, and redeemed once.

use edgemint::oauth::grant::handle::SessionId;
use edgemint::oauth::grant::{GrantRefusal, Stage};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::token::UnixTime;

use super::held::Held;
use super::words::{API, FILES, GUESS, START, challenge, client, grant, resources, scope};

#[test]
fn a_code_yields_what_was_allowed() {
    let mut held = Held::issued();
    let tokens = held.wait(7).redeem(|_| {}).unwrap();
    assert_eq!(tokens.permit.scope().clone(), scope("read write"));
    assert_eq!(tokens.permit.resources(), resources(&[API, FILES]));
    assert_eq!(tokens.generation, 1);
    assert_eq!(tokens.at, UnixTime(START + 7));
    assert_eq!(Some(tokens.sign_in), grant().sign_in);
    assert_eq!(tokens.session, SessionId::from_bytes([3; 16]));
    assert_eq!(tokens.nonce.as_deref(), Some("n-1"));
    assert_eq!(tokens.id_token_claims, grant().id_token_claims);
    assert!(!tokens.repeated);
    let at = UnixTime(START + 7);
    let live = Stage::Live { generation: 1, turned_at: at, used_at: at, redeemed_at: at };
    assert_eq!(held.stored.unwrap().stage, live);
}

#[test]
fn without_refresh_tokens_there_is_no_generation() {
    let mut held = Held::issued();
    assert_eq!(held.redeem(|it| it.refreshable = false).unwrap().generation, 0);
    for generation in [0, 1, 2] {
        assert_eq!(held.refresh(generation, |_| {}), Err(GrantRefusal::GrantUnknown));
    }
    assert!(!held.has_ended());
}

#[test]
fn a_client_may_omit_the_redirect_uri() {
    assert!(Held::issued().redeem(|it| it.redirect_uri = None).is_ok());
}

#[test]
fn a_wrong_request_does_not_spend_the_code() {
    let mut held = Held::issued();
    let before = held.record();
    assert_eq!(held.redeem(|it| it.client.id = client("other")), Err(GrantRefusal::GrantOfAnother));
    assert_eq!(held.redeem(|it| it.challenge = challenge(GUESS)), Err(GrantRefusal::CodeVerifier));
    for elsewhere in ["https://app.example/callback/", "https://app.example/Callback", ""] {
        assert_eq!(held.redeem(|it| it.redirect_uri = Some(elsewhere.to_owned())), Err(GrantRefusal::CodeRedirect));
    }
    assert_eq!(held.record(), before);
    assert!(held.redeem(|_| {}).is_ok());
}

#[test]
fn a_code_without_a_challenge_is_redeemed_without_a_verifier_alone() {
    let mut held = Held::empty();
    let mut grant = grant();
    grant.challenge = Some(Challenge::absent());
    held.issue(grant).unwrap();
    let before = held.record();
    // The downgrade of RFC 9700 section 4.8.2: the client sent a challenge, and an attacker removed it.
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::CodeVerifier));
    assert_eq!(held.record(), before);
    let tokens = held.redeem(|it| it.challenge = Challenge::absent()).unwrap();
    assert_eq!(tokens.generation, 1);
    assert_eq!(held.redeem_device(|_| {}), Err(GrantRefusal::GrantUnknown));
    held.wait(3600);
    assert_eq!(held.redeem(|it| it.challenge = Challenge::absent()), Err(GrantRefusal::CodeReused));
    assert!(held.has_ended());
}

#[test]
fn a_code_with_a_challenge_is_not_redeemed_without_its_verifier() {
    let mut held = Held::issued();
    assert_eq!(held.redeem(|it| it.challenge = Challenge::absent()), Err(GrantRefusal::CodeVerifier));
    assert!(held.redeem(|_| {}).is_ok());
}

#[test]
fn resources_narrow_the_first_token_alone() {
    let mut held = Held::issued();
    let before = held.record();
    for wider in [&["https://evil.example"][..], &[API, "https://evil.example"], &["https://api.example/v1"]] {
        assert_eq!(held.redeem(|it| it.resources = resources(wider)), Err(GrantRefusal::Resource));
    }
    assert_eq!(held.record(), before);
    assert_eq!(held.redeem(|it| it.resources = resources(&[FILES])).unwrap().permit.resources(), resources(&[FILES]));
    assert_eq!(held.refresh(1, |_| {}).unwrap().permit.resources(), resources(&[API, FILES]));
}

#[test]
fn a_wrong_verifier_gets_no_other_refusal() {
    let mut held = Held::issued();
    let guess = |held: &mut Held| held.redeem(|it| it.challenge = challenge(GUESS));
    assert_eq!(guess(&mut held), Err(GrantRefusal::CodeVerifier));
    held.redeem(|_| {}).unwrap();
    assert_eq!(guess(&mut held), Err(GrantRefusal::CodeVerifier));
    held.wait(3600);
    let before = held.record();
    assert_eq!(guess(&mut held), Err(GrantRefusal::CodeVerifier));
    assert_eq!(held.record(), before);
}

#[test]
fn a_code_lasts_a_minute() {
    assert!(Held::issued().wait(59).redeem(|_| {}).is_ok());
    let mut held = Held::issued();
    assert_eq!(held.wait(60).redeem(|_| {}), Err(GrantRefusal::GrantExpired));
    assert!(held.has_ended());
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::GrantUnknown));
}

#[test]
fn a_code_can_be_redeemed_once() {
    let mut held = Held::live();
    let before = held.record();
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::CodeSpent));
    assert_eq!(held.wait(30).redeem(|_| {}), Err(GrantRefusal::CodeSpent), "the last moment of the window");
    assert_eq!(held.record(), before, "a client that asked twice loses nothing");
    assert!(held.refresh(1, |_| {}).is_ok());
}

#[test]
fn reuse_of_a_code_after_the_window_revokes_the_grant() {
    let mut held = Held::live();
    assert_eq!(held.wait(31).redeem(|_| {}), Err(GrantRefusal::CodeReused));
    assert!(held.has_ended());
    assert_eq!(held.refresh(1, |_| {}), Err(GrantRefusal::GrantUnknown));
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::GrantUnknown));
}

#[test]
fn the_window_of_a_code_is_counted_from_its_redemption() {
    let mut held = Held::live();
    held.wait(20).refresh(1, |_| {}).unwrap();
    assert_eq!(held.wait(20).redeem(|_| {}), Err(GrantRefusal::CodeReused));
}

#[test]
fn without_a_window_reuse_revokes_the_grant_at_once() {
    let mut held = Held::issued();
    held.lifetimes.replay_window = 0;
    held.redeem(|_| {}).unwrap();
    assert_eq!(held.redeem(|it| it.challenge = challenge(GUESS)), Err(GrantRefusal::CodeVerifier));
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::CodeReused));
    assert!(held.has_ended());
}

#[test]
fn another_client_cannot_revoke_a_redeemed_grant() {
    let mut held = Held::live();
    let before = held.record();
    assert_eq!(held.wait(3600).redeem(|it| it.client.id = client("other")), Err(GrantRefusal::GrantOfAnother));
    assert_eq!(held.record(), before);
}

#[test]
fn the_same_form_yields_the_same_code() {
    let mut held = Held::issued();
    let before = held.record();
    held.wait(59);
    let mut again = grant();
    again.issued_at = UnixTime(held.now);
    assert_eq!(held.issue(again), Ok(()));
    assert_eq!(held.record(), before, "and it does not live longer for it");
}

#[test]
fn another_form_for_the_same_code_is_refused() {
    let mut held = Held::issued();
    let before = held.record();
    let mut others = [grant(), grant(), grant(), grant()];
    others[0].client = client("other");
    others[1].challenge = Some(challenge(GUESS));
    others[2].stage = Stage::Code { redirect_uri: "https://other.example/".to_owned(), nonce: Some("n-1".to_owned()) };
    others[3].stage = Stage::Code { redirect_uri: super::words::CALLBACK.to_owned(), nonce: None };
    for other in others {
        assert_eq!(held.issue(other), Err(GrantRefusal::CodeSpent));
    }
    assert_eq!(held.record(), before);
}

#[test]
fn a_form_that_is_sent_again_too_late_is_refused() {
    let mut held = Held::issued();
    assert_eq!(held.wait(60).issue(grant()), Err(GrantRefusal::CodeSpent));
    let mut held = Held::live();
    let before = held.record();
    assert_eq!(held.issue(grant()), Err(GrantRefusal::CodeSpent), "the code has been redeemed");
    assert_eq!(held.record(), before);
}

#[test]
fn a_clock_that_steps_back_revokes_nothing() {
    let mut held = Held::issued();
    held.now -= 10;
    held.redeem(|_| {}).unwrap();
    held.now -= 10;
    assert_eq!(held.redeem(|_| {}), Err(GrantRefusal::CodeSpent));
    let next = held.refresh(1, |_| {}).unwrap();
    held.now -= 10;
    assert_eq!(held.refresh(1, |_| {}).unwrap().at, next.at);
    assert_eq!(held.refresh(2, |_| {}).unwrap().generation, 3);
}
