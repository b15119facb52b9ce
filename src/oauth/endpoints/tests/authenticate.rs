use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::authenticate::{
    AssertionUse, Presented, accept_assertion, assertion_policy, check_public, check_secret,
};
use crate::oauth::vocabulary::client::{AuthMethod, SecretDigest};
use crate::oauth::vocabulary::key_source::KeySource;
use crate::token::{self, VerifyError};
use std::sync::Arc;

const TOKEN_ENDPOINT: &str = "https://as.example/oauth/token";
const CLAIMS: [&str; 5] = ["iss", "sub", "aud", "exp", "jti"];

fn asserting(changes: &Value) -> Client {
    let mut metadata = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk()] } });
    merge(&mut metadata, changes);
    client(&metadata)
}

fn merge(value: &mut Value, changes: &Value) {
    let members = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        members.insert(name.clone(), change.clone());
    }
    members.retain(|_, value| !value.is_null());
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({ "iss": "app", "sub": "app", "aud": ISSUER, "exp": NOW.0 + 60, "jti": "j" });
    merge(&mut claims, changes);
    claims
}

/// Runs both steps on an assertion whose signature is valid.
fn assert_with(client: &Client, header: &Value, claims: &Value) -> Result<AssertionUse, Refusal> {
    let policy = Arc::new(assertion_policy(&authority(), client)?);
    let KeySource::Registered(keys) = client.keys() else { panic!("{client:?}") };
    let pending = token::verify(&jwt(header, claims), keys, &policy, NOW);
    accept_assertion(&authority(), client, pending.and_then(|pending| pending.complete(true)), NOW)
}

#[test]
fn a_valid_assertion_is_accepted_and_remembered() {
    let client = asserting(&json!({}));
    for typ in [json!(null), json!("JWT"), json!("client-authentication+jwt"), json!("jwt")] {
        let mut header = json!({ "alg": "ES256" });
        merge(&mut header, &json!({ "typ": typ }));
        let used = assert_with(&client, &header, &claims(&json!({}))).unwrap();
        assert_eq!((used.jti.as_str(), used.until), ("j", NOW.plus(3660)), "{typ}");
    }
    let longest = assert_with(&client, &json!({ "alg": "ES256" }), &claims(&json!({ "exp": NOW.0 + 3600 })));
    assert!(longest.is_ok());
    let longest = assert_with(&client, &json!({ "alg": "ES256" }), &claims(&json!({ "jti": "j".repeat(256) })));
    assert!(longest.is_ok());
}

#[test]
fn each_fault_of_an_assertion_is_refused() {
    let client = asserting(&json!({}));
    let refused = |header: &Value, changes: &Value| assert_with(&client, header, &claims(changes)).err();
    let header = json!({ "alg": "ES256" });
    for name in CLAIMS {
        assert_eq!(refused(&header, &json!({ name: null })), Some(Refusal::ClientAssertion), "{name}");
    }
    for changes in [
        json!({ "iss": "other" }),
        json!({ "sub": "other" }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": TOKEN_ENDPOINT }),
        json!({ "aud": [ISSUER] }),
        json!({ "aud": [ISSUER, "https://other.example"] }),
        json!({ "exp": NOW.0 - 30 }),
        json!({ "exp": NOW.0 + 3601 }),
        json!({ "nbf": NOW.0 + 31 }),
        json!({ "jti": "" }),
        json!({ "jti": "j".repeat(257) }),
        json!({ "jti": 5 }),
    ] {
        assert_eq!(refused(&header, &changes), Some(Refusal::ClientAssertion), "{changes}");
    }
    for header in [
        json!({ "alg": "ES256", "typ": "at+jwt" }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "none" }),
    ] {
        assert_eq!(refused(&header, &json!({})), Some(Refusal::ClientAssertion), "{header}");
    }
    // Within the tolerance of 30 seconds.
    assert_eq!(refused(&header, &json!({ "exp": NOW.0 - 29, "nbf": NOW.0 + 30 })), None);
    let failed = accept_assertion(&authority(), &client, Err(VerifyError::BadSignature), NOW);
    assert_eq!(failed.err(), Some(Refusal::ClientAssertion));
}

#[test]
fn the_registered_audience_and_algorithm_bind() {
    let header = json!({ "alg": "ES256" });
    let lenient = asserting(&json!({ "assertion_audience": "token_endpoint" }));
    for (aud, accepted) in [
        (json!(ISSUER), true),
        (json!(TOKEN_ENDPOINT), true),
        (json!([TOKEN_ENDPOINT]), true),
        (json!([ISSUER, TOKEN_ENDPOINT]), true),
        (json!([TOKEN_ENDPOINT, "https://other.example"]), false),
        (json!([TOKEN_ENDPOINT, 5]), false),
        (json!([]), false),
        (json!("https://as.example/oauth/introspect"), false),
    ] {
        let claims = claims(&json!({ "aud": aud }));
        assert_eq!(assert_with(&lenient, &header, &claims).is_ok(), accepted, "{aud}");
    }
    let other = asserting(&json!({ "token_endpoint_auth_signing_alg": "EdDSA" }));
    assert_eq!(assert_with(&other, &header, &claims(&json!({}))).err(), Some(Refusal::ClientAssertion));
    let same = asserting(&json!({ "token_endpoint_auth_signing_alg": "ES256" }));
    assert!(assert_with(&same, &header, &claims(&json!({}))).is_ok());
    let by_secret = client(&json!({ "jwks": { "keys": [jwk()] } }));
    assert_eq!(assert_with(&by_secret, &header, &claims(&json!({}))).err(), Some(Refusal::ClientAuthMethod));
}

#[test]
fn an_assertion_names_its_client() {
    let parse = |claims: &Value, rest: &str| {
        let jwt = jwt(&json!({ "alg": "ES256" }), claims);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        Presented::parse(None, &form(&format!("client_assertion={jwt}&client_assertion_type={kind}{rest}")))
    };
    for rest in ["", "&client_id=app"] {
        let Ok(Presented::Assertion { client_id, jwt }) = parse(&claims(&json!({})), rest) else { panic!("{rest}") };
        assert_eq!((client_id.as_str(), jwt.split('.').count()), ("app", 3));
    }
    assert_eq!(parse(&claims(&json!({})), "&client_id=other").err(), Some(Refusal::ClientAssertion));
    assert_eq!(parse(&claims(&json!({ "sub": null })), "").err(), Some(Refusal::ClientAssertion));
    assert_eq!(parse(&claims(&json!({ "sub": "" })), "").err(), Some(Refusal::ClientAssertion));
}

#[test]
fn methods_are_those_that_the_client_registered() {
    let with_secret = |method: Value| {
        let mut record = client_record(&json!({}));
        record.secret = Some(SecretDigest::of("right"));
        record.metadata.token_endpoint_auth_method = serde_json::from_value(method).unwrap();
        Client::from_record(&record)
    };
    let (basic, post) = (AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost);
    for (registered, method, expected) in [
        (json!(null), basic, Ok(())),
        (json!(null), post, Ok(())),
        (json!("client_secret_basic"), basic, Ok(())),
        (json!("client_secret_basic"), post, Err(Refusal::ClientAuthMethod)),
        (json!("client_secret_post"), post, Ok(())),
        (json!("client_secret_post"), basic, Err(Refusal::ClientAuthMethod)),
        (json!("private_key_jwt"), basic, Err(Refusal::ClientAuthMethod)),
        (json!("none"), basic, Err(Refusal::ClientAuthMethod)),
    ] {
        assert_eq!(check_secret(Some(&with_secret(registered.clone())), method, "right"), expected, "{registered}");
    }
    assert_eq!(check_secret(Some(&client(&json!({}))), basic, "right"), Err(Refusal::ClientSecret), "it has no secret");
    let public = json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/"] });
    assert_eq!(check_public(&client(&public)), Ok(()));
    assert_eq!(check_public(&client(&json!({}))), Err(Refusal::ClientAuthMissing));
    assert_eq!(check_public(&asserting(&json!({}))), Err(Refusal::ClientAuthMissing));
}

#[test]
fn a_disabled_client_is_refused_after_the_right_credentials_alone() {
    let disabled = |metadata: Value| {
        let mut record = client_record(&metadata);
        record.secret = Some(SecretDigest::of("right"));
        record.set_enabled(false, NOW);
        Client::from_record(&record)
    };
    let (service, basic) = (disabled(json!({})), AuthMethod::ClientSecretBasic);
    assert_eq!(check_secret(Some(&service), basic, "right"), Err(Refusal::ClientDisabled));
    assert_eq!(check_secret(Some(&service), basic, "wrong"), Err(Refusal::ClientSecret));
    assert_eq!(check_public(&service), Err(Refusal::ClientAuthMissing));
    let public = json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/"] });
    assert_eq!(check_public(&disabled(public)), Err(Refusal::ClientDisabled));
    let asserting = disabled(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk()] } }));
    let refused = |changes: &Value| assert_with(&asserting, &json!({ "alg": "ES256" }), &claims(changes)).err();
    assert_eq!(refused(&json!({})), Some(Refusal::ClientDisabled));
    assert_eq!(refused(&json!({ "jti": "" })), Some(Refusal::ClientAssertion));
}
