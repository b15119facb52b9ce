//! Device codes: redeemed once, and never taken for codes.

use edgemint::oauth::grant::{Grant, GrantRefusal, Stage};
use edgemint::token::UnixTime;

use super::held::Held;
use super::words::{API, FILES, START, client, device_grant, grant, resources, scope};

#[test]
fn a_device_code_yields_what_was_allowed() {
    let mut held = Held::device();
    let tokens = held.wait(7).redeem_device(|_| {}).unwrap();
    assert_eq!(*tokens.permit.scope(), scope("read write"));
    assert_eq!(tokens.permit.resources(), resources(&[API, FILES]));
    assert_eq!((tokens.generation, tokens.at, tokens.nonce.as_deref()), (1, UnixTime(START + 7), None));
    assert_eq!(tokens.sign_in, device_grant().sign_in.unwrap());
    assert!(!tokens.repeated);
    let at = UnixTime(START + 7);
    let live = Stage::Live { generation: 1, turned_at: at, used_at: at, redeemed_at: at };
    assert_eq!(held.stored.as_ref().unwrap().stage, live);
    assert_eq!(held.refresh(1, |_| {}).unwrap().generation, 2);
    let mut once = Held::device();
    assert_eq!(once.redeem_device(|it| it.refreshable = false).unwrap().generation, 0);
}

#[test]
fn a_second_redemption_is_refused_at_any_time_and_changes_nothing() {
    let mut held = Held::device();
    held.redeem_device(|_| {}).unwrap();
    let record = held.record();
    for seconds in [0, 1, 29, 2, 100, 600] {
        assert_eq!(held.wait(seconds).redeem_device(|_| {}), Err(GrantRefusal::CodeSpent));
        assert_eq!(held.record(), record);
    }
    assert!(held.refresh(1, |_| {}).is_ok());
}

#[test]
fn a_device_code_can_be_redeemed_until_it_expires() {
    assert!(Held::device().wait(899).redeem_device(|_| {}).is_ok());
    let mut late = Held::device();
    assert_eq!(late.wait(900).redeem_device(|_| {}), Err(GrantRefusal::GrantExpired));
    assert!(late.has_ended());
}

#[test]
fn a_refusal_of_the_gate_spends_nothing() {
    let refused = |change: fn(&mut Held), restore: fn(&mut Held), refusal| {
        let mut held = Held::device();
        change(&mut held);
        assert_eq!(held.redeem_device(|_| {}), Err(refusal));
        restore(&mut held);
        assert!(held.redeem_device(|_| {}).is_ok(), "{refusal:?}");
    };
    refused(|it| it.user_is_enabled = false, |it| it.user_is_enabled = true, GrantRefusal::UserDisabled);
    refused(|it| it.has_consented = false, |it| it.has_consented = true, GrantRefusal::ConsentMissing);
    refused(|it| it.client.enabled = false, |it| it.client.enabled = true, GrantRefusal::ClientDisabled);
    refused(
        |it| it.client.authenticated_by = None,
        |it| it.client.authenticated_by = it.client.registered_method,
        GrantRefusal::ClientAuthentication,
    );
    let types = Held::device().client.grant_types;
    let mut held = Held::device();
    held.client.grant_types.retain(|it| it.name() != "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(held.redeem_device(|_| {}), Err(GrantRefusal::GrantType));
    held.client.grant_types = types;
    assert_eq!(
        held.redeem_device(|it| it.resources = resources(&["https://other.example"])),
        Err(GrantRefusal::Resource)
    );
    let tokens = held.redeem_device(|it| it.resources = resources(&[API])).unwrap();
    assert_eq!(tokens.permit.resources(), resources(&[API]));
}

#[test]
fn the_device_code_of_another_client_is_refused_and_stays_valid() {
    let mut held = Held::device();
    assert_eq!(held.redeem_device(|it| it.client.id = client("other")), Err(GrantRefusal::GrantOfAnother));
    assert!(held.redeem_device(|_| {}).is_ok());
}

#[test]
fn a_grant_ends_with_its_session_unless_it_is_offline() {
    for (offline, outcome) in [(true, None), (false, Some(GrantRefusal::GrantExpired))] {
        let mut held = Held::device();
        held.stored.as_mut().unwrap().offline = offline;
        assert_eq!(held.redeem_device_while(false, |_| {}).err(), outcome);
    }
}

#[test]
fn no_code_redeems_a_device_and_no_device_code_redeems_a_code() {
    let mut device = Held::device();
    assert_eq!(device.redeem(|_| {}), Err(GrantRefusal::CodeVerifier));
    assert_eq!(device.refresh(1, |_| {}), Err(GrantRefusal::GrantUnknown));
    device.redeem_device(|_| {}).unwrap();
    for seconds in [0, 100] {
        assert_eq!(device.wait(seconds).redeem(|_| {}), Err(GrantRefusal::CodeVerifier));
    }
    assert!(!device.has_ended());
    let mut code = Held::issued();
    assert_eq!(code.redeem_device(|_| {}), Err(GrantRefusal::GrantUnknown));
    code.redeem(|_| {}).unwrap();
    for seconds in [0, 100] {
        assert_eq!(code.wait(seconds).redeem_device(|_| {}), Err(GrantRefusal::GrantUnknown));
    }
    assert!(!code.has_ended());
}

#[test]
fn a_form_that_is_sent_again_creates_no_second_grant() {
    let mut held = Held::device();
    assert_eq!(held.issue(device_grant()), Ok(()));
    for other in [
        grant(),
        Grant { client: client("other"), ..device_grant() },
        Grant { stage: Stage::Device { expires: UnixTime(START + 901) }, ..device_grant() },
    ] {
        assert_eq!(held.issue(other), Err(GrantRefusal::CodeSpent));
    }
    held.redeem_device(|_| {}).unwrap();
    assert_eq!(held.issue(device_grant()), Err(GrantRefusal::CodeSpent));
    let mut code = Held::issued();
    assert_eq!(code.issue(device_grant()), Err(GrantRefusal::CodeSpent));
}

#[test]
fn stored_grants_keep_their_form() {
    let record = serde_json::to_value(device_grant()).unwrap();
    assert_eq!(record["stage"], serde_json::json!({ "device": { "expires": START + 900 } }));
    assert_eq!(record.get("challenge"), None);
    let read: Grant = serde_json::from_value(record).unwrap();
    assert!(read.challenge.is_none());
    let code = serde_json::to_value(grant()).unwrap();
    assert!(serde_json::from_value::<Grant>(code).unwrap().challenge.is_some(), "as earlier versions stored it");
}
