//! Tests of the endpoints' decisions, and the values that they share.

mod authenticate;
mod authorize;
mod bearer;
mod compatibility;
mod device;
mod discovery;
mod id_token;
mod identity_assertion;
mod jwt_bearer;
mod logout;
mod register;
mod resources;
mod step_up;
mod token_endpoint;
mod token_exchange;
mod tokens;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::oauth::endpoints::register::Registration;
use crate::oauth::vocabulary::authority::Settings;
use crate::oauth::vocabulary::client::ClientRecord;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::{Authority, Client, ClientId};
use crate::token::{self, DEFAULT_MAX_BYTES, Expected, Key, KeySet, Policy, Token, UnixTime, base64url};
use crate::wire::Form;

const ISSUER: &str = "https://as.example";
const API: &str = "https://api.example";
const NOW: UnixTime = UnixTime(1_800_000_000);

fn settings() -> Settings<'static> {
    Settings { issuer: ISSUER, sample_scope: "read write", ..Settings::default() }
}

fn authority() -> Authority {
    Authority::parse(settings()).unwrap()
}

fn client_record(metadata: &Value) -> ClientRecord {
    let metadata = metadata.as_object().unwrap();
    let registration = Registration::parse(metadata).unwrap().with_service_account(metadata).unwrap();
    let registration = registration.with_flags(metadata).unwrap();
    registration.into_record(ClientId::parse("app").unwrap(), None, UnixTime(7))
}

fn client(metadata: &Value) -> Client {
    Client::from_record(&client_record(metadata))
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn form(text: &str) -> Form {
    Form::parse(text).unwrap()
}

/// A public key (RFC 7515 appendix A.3).
fn jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// A JWT whose signature nothing checks.
fn jwt(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), base64url::encode(&[1; 64]))
}

/// A verified token with these claims.
fn token(claims: &Value) -> Token {
    let policy = Policy {
        issuers: Expected::Anything,
        audiences: Expected::Anything,
        types: Expected::Anything,
        algorithms: None,
        clock_tolerance: 0,
        max_age: None,
        required_claims: Vec::new(),
        scopes: Vec::new(),
        max_bytes: DEFAULT_MAX_BYTES,
    };
    let key = Key::from_jwk(jwk().as_object().unwrap()).unwrap();
    let jwt = jwt(&json!({ "alg": "ES256" }), claims);
    token::verify(&jwt, &KeySet::new([key]), &Arc::new(policy), NOW).unwrap().complete(true).unwrap()
}
