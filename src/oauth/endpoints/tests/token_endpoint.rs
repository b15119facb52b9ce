//! Token requests, and the tokens that clients obtain for themselves.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::token_endpoint::{TokenRequest, client_credentials};
use crate::oauth::grant::handle::MacKey;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, ClientSecret};

fn decide(metadata: Value, body: &str) -> Result<Value, Refusal> {
    let authority = Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap();
    let secret = ClientSecret::parse("a-secret-of-a-test").unwrap();
    let registration = Registration::parse(metadata.as_object().unwrap()).unwrap();
    let record = registration.into_record(ClientId::parse("app").unwrap(), Some(&secret), UnixTime(0));
    let client = Client::from_record(&record);
    let key = MacKey::derive(&[1; 32], "handle", "https://as.example");
    let request = TokenRequest::parse(
        &authority,
        &Catalogue::default(),
        &key,
        &client,
        AuthMethod::ClientSecretBasic,
        &form(body),
    )?;
    let TokenRequest::ClientCredentials { client, scope, resources } = request else { panic!("{request:?}") };
    let jti = TokenId::of_verified("id");
    let claims = client_credentials(&authority, &client, scope.as_ref(), &resources, None, jti, UnixTime(1000))?;
    Ok(serde_json::to_value(claims).unwrap())
}

#[test]
fn the_defaults_are_the_registered_scope_and_the_authority_itself() {
    let claims = decide(json!({ "scope": "read write" }), "grant_type=client_credentials").unwrap();
    assert_eq!(
        claims,
        json!({ "iss": "https://as.example", "sub": "app", "aud": "https://as.example", "client_id": "app",
            "scope": "read write", "iat": 1000, "exp": 1600, "jti": "id" })
    );
    let claims = decide(json!({}), "grant_type=client_credentials").unwrap();
    assert_eq!(claims.get("scope"), None);
}

#[test]
fn scope_narrows_and_never_widens() {
    let metadata = || json!({ "scope": "read write" });
    let claims = decide(metadata(), "grant_type=client_credentials&scope=write").unwrap();
    assert_eq!(claims["scope"], "write");
    let refused = |scope: &str| decide(metadata(), &format!("grant_type=client_credentials&scope={scope}"));
    assert_eq!(refused("read+admin"), Err(Refusal::ScopeNotAllowed));
    assert_eq!(refused("%22"), Err(Refusal::ScopeMalformed));
}

#[test]
fn resources() {
    let metadata = || json!({ "resources": ["https://api.example/v1"] });
    let ask = |rest: &str| decide(metadata(), &format!("grant_type=client_credentials{rest}"));
    assert_eq!(ask("&resource=https://api.example/v1").unwrap()["aud"], "https://api.example/v1");
    let both = ask("&resource=https://api.example/v1&resource=https://as.example/").unwrap();
    assert_eq!(both["aud"], json!(["https://api.example/v1", "https://as.example"]));
    assert_eq!(ask("&resource=https://as.example&resource=https://as.example").unwrap()["aud"], "https://as.example");
    assert_eq!(ask("&resource=https://api.example/v2"), Err(Refusal::ResourceNotAllowed));
    assert_eq!(ask("&resource=v1"), Err(Refusal::ResourceMalformed));
}

#[test]
fn grants() {
    let ask = |body: &str| decide(json!({}), body);
    assert_eq!(ask(""), Err(Refusal::MissingParameter));
    assert_eq!(ask("grant_type="), Err(Refusal::MissingParameter));
    assert_eq!(ask("grant_type=password"), Err(Refusal::GrantUnsupported));
    assert_eq!(ask("grant_type=Client_Credentials"), Err(Refusal::GrantUnsupported));
}
