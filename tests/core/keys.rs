//! Keys in every form: JWK, PEM, DER and raw bytes; what is accepted, what is refused, and that writing returns what was read.

use edgemint::token::{Algorithm, AnyKey, Key, KeyError, KeyShape, Pem, PemError, Pkcs8, PrivateKey, base64url};
use serde_json::{Value, json};

use crate::signer::{key, with};

mod der;
mod jwk;
mod pem;

/// The keys that the RFCs print, one of each kind.
fn printed() -> [Value; 3] {
    let vectors: Vec<Value> = crate::vectors::read("thumbprints.json");
    let of = |kty: &str| vectors.iter().map(|vector| &vector["key"]).find(|key| key["kty"] == kty).unwrap();
    ["RSA", "EC", "OKP"].map(|kty| with_only(of(kty), &["kty", "crv", "x", "y", "n", "e"]))
}

fn with_only(jwk: &Value, names: &[&str]) -> Value {
    let members = jwk.as_object().unwrap().clone().into_iter();
    Value::Object(members.filter(|(name, _)| names.contains(&name.as_str())).collect())
}

/// RFC 8037 appendix A.1.
fn ed25519_pair() -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    })
}

/// RFC 7515 appendix A.3.1.
fn ec_pair() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    })
}

/// Numbers of the right sizes, but no valid key: their relations are not checked here.
fn rsa_pair() -> Value {
    let number = |len: usize| base64url::encode(&vec![0xff; len]);
    let half = number(128);
    json!({
        "kty": "RSA", "n": number(256), "e": "AQAB", "d": number(256),
        "p": half, "q": half, "dp": half, "dq": half, "qi": half,
    })
}

fn private(jwk: &Value) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_jwk_text(jwk.to_string().as_bytes())
}

fn any(jwk: &Value) -> Result<AnyKey, KeyError> {
    AnyKey::from_jwk_text(jwk.to_string().as_bytes())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
