//! Introspection and revocation.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::introspect::{active, active_refresh_token, inactive, token_in_question};
use crate::oauth::endpoints::revoke::revoke;
use crate::oauth::grant::Described;
use crate::oauth::grant::handle::AccountId;

#[test]
fn introspection_returns_the_registered_members_of_a_token() {
    let told = json!({
        "scope": "read", "client_id": "app", "exp": NOW.0 + 60, "iat": NOW.0, "nbf": NOW.0, "sub": "s", "aud": API,
        "iss": ISSUER, "jti": "j", "status": { "status_list": { "idx": 1, "uri": "https://as.example/oauth/status/0" } },
    });
    let mut claims = told.clone();
    claims["auth_time"] = json!(5);
    claims["email"] = json!("user@example.com");
    let mut expected = told;
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    assert_eq!(active(&token(&claims)), expected);
    assert_eq!(active(&token(&json!({ "jti": "j" }))), json!({ "jti": "j", "active": true, "token_type": "Bearer" }));
    assert_eq!(inactive(), json!({ "active": false }));
}

#[test]
fn introspection_describes_a_refresh_token() {
    let account = AccountId::from_bytes([1; 16]);
    let described = Described { scope: scope("read write"), at: UnixTime(5), ends: UnixTime(9) };
    let client = ClientId::parse("app").unwrap();
    assert_eq!(
        active_refresh_token(&authority(), &account, &client, &described),
        json!({
            "active": true, "client_id": "app", "sub": account.to_string(), "iss": ISSUER, "scope": "read write",
            "iat": 5, "exp": 9,
        })
    );
}

#[test]
fn a_request_has_to_name_a_token() {
    assert_eq!(token_in_question(&form("token=t&token_type_hint=x")), Ok("t"));
    assert_eq!(token_in_question(&form("token=")), Err(Refusal::MissingParameter));
}

#[test]
fn a_client_revokes_its_own_tokens_alone() {
    let client = client(&json!({}));
    let revocation = revoke(&client, &token(&json!({ "client_id": "app", "jti": "j", "exp": 1_800_000_000.5 })));
    let revocation = revocation.unwrap();
    assert_eq!((revocation.jti.as_str(), revocation.until), ("j", NOW.plus(1)));
    for claims in [json!({ "client_id": "other", "jti": "j" }), json!({ "jti": "j" }), json!({ "sub": "app" })] {
        assert_eq!(revoke(&client, &token(&claims)).err(), Some(Refusal::TokenOfAnother), "{claims}");
    }
}
