//! Introspection and revocation.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::introspect::{active, active_refresh_token, inactive, token_in_question};
use crate::oauth::endpoints::revoke::revoke;
use crate::oauth::grant::Described;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::resource::Resource;

#[test]
fn introspection_returns_the_registered_members_of_a_token() {
    let told = json!({
        "scope": "read", "client_id": "app", "exp": NOW.0 + 60, "iat": NOW.0, "nbf": NOW.0, "sub": "s", "aud": API,
        "iss": ISSUER, "jti": "j", "auth_time": NOW.0 - 5, "acr": "phr", "status": { "status_list": { "idx": 1, "uri": "https://as.example/oauth/status/0" } },
    });
    let mut claims = told.clone();
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
    let access = |client_id: &str| {
        let claims = json!({ "client_id": client_id, "sub": "s", "jti": "j", "iat": NOW.0, "exp": 1_800_000_000.5 });
        AccessToken::read(&token(&claims)).unwrap()
    };
    let revocation = revoke(&client, &access("app")).unwrap();
    assert_eq!((revocation.jti.as_str(), revocation.until), ("j", NOW.plus(1)));
    assert_eq!(revoke(&client, &access("other")).err(), Some(Refusal::TokenOfAnother));
}

#[test]
fn a_verified_access_token_is_read_once() {
    let (account, grant) = (AccountId::from_bytes([1; 16]), GrantId::from_bytes([2; 16]));
    let jti = format!("{grant}.5");
    let claims = json!({
        "aud": ["https://api.example", "not a resource"],
        "client_id": "app", "sub": account, "jti": jti, "scope": "read write", "iat": 1_799_999_999.9, "exp": 1_800_000_600.1,
    });
    let of_user = AccessToken::read(&token(&claims)).unwrap();
    let expected = AccessToken {
        client: ClientId::parse("app").unwrap(),
        account: Some(account),
        registry: ClientId::parse("app").unwrap(),
        jti: TokenId::of_verified(&jti),
        grant: Some(grant),
        audience: vec![Resource::parse("https://api.example").unwrap()],
        scope: scope("read write"),
        issued_at: UnixTime(1_799_999_999),
        expires_at: UnixTime(1_800_000_601),
    };
    assert_eq!(of_user, expected);

    // A client's own token, also where its identifier has the form of an account's.
    let id = AccountId::from_bytes([3; 16]).to_string();
    let own = json!({ "client_id": id, "sub": id, "jti": "j", "iat": NOW.0, "exp": NOW.0 + 60 });
    let own = AccessToken::read(&token(&own)).unwrap();
    assert_eq!((own.account, own.grant, own.scope.is_empty()), (None, None, true));

    // One about a client that another one obtained by token exchange.
    let about = ClientId::parse(&id).unwrap();
    let jti = TokenId::about_client(&about, [5; 12]);
    let exchanged = json!({ "client_id": "app", "sub": id, "jti": jti, "iat": NOW.0, "exp": NOW.0 + 60 });
    let exchanged = AccessToken::read(&token(&exchanged)).unwrap();
    assert_eq!((exchanged.account, exchanged.grant, exchanged.registry), (None, None, about));

    for missing in ["client_id", "sub", "jti", "iat", "exp"] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(AccessToken::read(&token(&claims)), None, "{missing}");
    }
}
