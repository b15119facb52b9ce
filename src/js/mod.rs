//! The bindings of the npm package over `token`: texts, bytes and numbers in, JSON text out.
//!
//! No option is judged and no default is set here: the shim does that, and what reaches this room is complete.
//! Nothing is fetched, no clock is read, and no signature but an HMAC is checked: WebCrypto does that for the shim.

// wasm-bindgen exports public items only, and this room is private to the crate.
#![allow(unreachable_pub)]

use std::sync::Arc;

use js_sys::Uint8Array;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

use crate::token::{self, Algorithm, Expected, Key, KeyError, KeySet, Pending, Policy, UnixTime, VerifyError};

/// A policy and the keys of the moment.
#[wasm_bindgen]
pub struct Verifier {
    policy: Arc<Policy>,
    keys: KeySet,
}

#[wasm_bindgen]
impl Verifier {
    /// Takes the policy as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str) -> Result<Self, Refusal> {
        let options: Options = serde_json::from_str(policy).map_err(|_| Refusal::of_options())?;
        let policy = Arc::new(options.into_policy().ok_or_else(Refusal::of_options)?);
        Ok(Self { policy, keys: KeySet::default() })
    }

    /// Takes a fetched JWK Set in place of the keys so far. `false` if it is none; then nothing changes.
    #[wasm_bindgen(js_name = takePublished)]
    pub fn take_published(&mut self, jwks: &[u8]) -> bool {
        let Some(keys) = KeySet::from_published(jwks) else {
            return false;
        };
        self.keys = keys;
        true
    }

    /// Takes the keys of a JWK Set that the caller handed in: shared secrets too, private keys never.
    #[wasm_bindgen(js_name = takeGiven)]
    pub fn take_given(&mut self, jwks: &str) -> Result<(), Refusal> {
        self.keys = KeySet::new(given_keys(jwks)?);
        Ok(())
    }

    /// Takes the bytes of a shared secret for one HMAC algorithm.
    #[wasm_bindgen(js_name = takeSecret)]
    pub fn take_secret(&mut self, secret: &[u8], algorithm: &str) -> Result<(), Refusal> {
        let algorithm = Algorithm::from_name(algorithm).ok_or(KeyError::Unsupported)?;
        self.keys = KeySet::new([Key::from_secret(secret, algorithm)?]);
        Ok(())
    }

    /// Takes note of a `CryptoKey`, which stays with the shim.
    #[wasm_bindgen(js_name = takeHandle)]
    pub fn take_handle(&mut self, algorithm: &str) -> Result<(), Refusal> {
        let algorithm = Algorithm::from_name(algorithm).ok_or(KeyError::Unsupported)?;
        self.keys = KeySet::new([Key::from_handle(algorithm)]);
        Ok(())
    }

    /// The first step of the door: everything that can be told without the signature.
    pub fn begin(&self, token: &str, now: f64) -> Result<Verification, Refusal> {
        let pending = token::verify(token, &self.keys, &self.policy, unix_time(now))?;
        let place = self.keys.iter().position(|key| std::ptr::eq(&raw const **key, pending.key()));
        Ok(Verification { pending, place })
    }

    /// Every check for people to read, as JSON. `signature_is_valid` is what WebCrypto said, if it was asked.
    pub fn explain(&self, token: &str, now: f64, signature_is_valid: Option<bool>) -> String {
        let explanation = token::explain(token, &self.keys, &self.policy, unix_time(now), signature_is_valid);
        let checks = explanation.checks.into_iter().map(|check| match check.outcome {
            None => json!({ "name": check.name, "ok": null }),
            Some(Ok(())) => json!({ "name": check.name, "ok": true }),
            Some(Err(error)) => {
                let mut members = Refusal::from(error).into_members();
                members.insert("name".to_owned(), check.name.into());
                members.insert("ok".to_owned(), false.into());
                Value::Object(members)
            }
        });
        let checks: Vec<_> = checks.collect();
        json!({ "header": explanation.header, "claims": explanation.claims, "checks": checks }).to_string()
    }
}

/// A token that lacks the answer about its signature.
#[wasm_bindgen]
pub struct Verification {
    pending: Pending,
    place: Option<usize>,
}

#[wasm_bindgen]
impl Verification {
    /// A number for the key and the algorithm together, by which the shim finds the key that it imported before.
    /// It holds for the keys of the moment. `undefined` for the bytes of a shared secret: those are checked here.
    #[wasm_bindgen(getter)]
    pub fn slot(&self) -> Option<usize> {
        let algorithms = Algorithm::ALL;
        let algorithm = algorithms.iter().position(|algorithm| *algorithm == self.pending.algorithm())?;
        match self.pending.key().secret_bytes() {
            Some(_) => None,
            None => Some(self.place? * algorithms.len() + algorithm),
        }
    }

    /// The name of the algorithm.
    #[wasm_bindgen(getter)]
    pub fn algorithm(&self) -> String {
        self.pending.algorithm().name().to_owned()
    }

    /// The public key as JSON; `undefined` for one that the shim holds.
    #[wasm_bindgen(getter)]
    pub fn jwk(&self) -> Option<String> {
        self.pending.key().public_jwk().map(|jwk| jwk.to_string())
    }

    /// The bytes that were signed.
    #[wasm_bindgen(getter, js_name = signingInput)]
    pub fn signing_input(&self) -> Uint8Array {
        Uint8Array::from(self.pending.signing_input())
    }

    /// The signature; for ECDSA in the form r || s.
    #[wasm_bindgen(getter)]
    pub fn signature(&self) -> Uint8Array {
        Uint8Array::from(self.pending.signature())
    }

    /// Checks the HMAC, for `explain`. `false` also where the key is no shared secret.
    #[wasm_bindgen(js_name = confirmHere)]
    pub fn confirm_here(&self) -> bool {
        self.pending.signature_is_valid().unwrap_or(false)
    }

    /// The second step: the verified token as JSON, once the signature has been checked elsewhere.
    pub fn settle(self, signature_is_valid: bool) -> Result<String, Refusal> {
        Ok(verified_json(&self.pending.settle(signature_is_valid)?))
    }

    /// The second step where the key is a shared secret: checks the HMAC too.
    #[wasm_bindgen(js_name = settleHere)]
    pub fn settle_here(self) -> Result<String, Refusal> {
        Ok(verified_json(&self.pending.settle_portable()?))
    }
}

/// The payload goes in as the text that was signed, so that its one reader in JavaScript is `JSON.parse`;
/// it can stand there because a token exists only if that text is one JSON object.
fn verified_json(token: &token::Token) -> String {
    let header = Value::Object(token.header().members().clone());
    let mut key = Map::new();
    if let Some(kid) = token.key().kid() {
        key.insert("kid".to_owned(), kid.into());
    }
    key.insert("alg".to_owned(), token.header().alg().name().into());
    format!(r#"{{"claims":{},"header":{header},"key":{}}}"#, token.payload(), Value::Object(key))
}

fn given_keys(jwks: &str) -> Result<Vec<Key>, Refusal> {
    let set = token::json::parse_object(jwks.as_bytes()).ok_or(KeyError::Malformed)?;
    let Some(Value::Array(jwks)) = set.get("keys") else {
        return Err(KeyError::Malformed.into());
    };
    let (mut keys, mut first_error) = (Vec::new(), None);
    for jwk in jwks {
        match jwk.as_object().ok_or(KeyError::Malformed).and_then(Key::from_jwk) {
            Ok(key) => keys.push(key),
            // A private key in a verifier's configuration is a leak to be told, not an unknown kind to pass over.
            Err(KeyError::Private) => return Err(KeyError::Private.into()),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    // Public keys are there to be shown: a set that has some will be shown one day, with the secrets in it.
    if keys.iter().any(Key::is_secret) && !keys.iter().all(Key::is_secret) {
        return Err(Refusal::of_key("the JWK Set mixes shared secrets with public keys"));
    }
    match first_error {
        Some(error) if keys.is_empty() => Err(error.into()),
        Some(_) | None => Ok(keys),
    }
}

fn unix_time(now: f64) -> UnixTime {
    // Saturates below zero; the shim has made sure that it is a number.
    UnixTime(now as u64)
}

/// The policy as the shim writes it. `null` means "anything"; an absent member never does, it is an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    #[serde(deserialize_with = "present")]
    issuers: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    audiences: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    types: Option<Vec<String>>,
    #[serde(deserialize_with = "present")]
    algorithms: Option<Vec<String>>,
    clock_tolerance: u64,
    #[serde(deserialize_with = "present")]
    max_token_age: Option<u64>,
    required_claims: Vec<String>,
    scopes: Vec<String>,
    max_token_bytes: usize,
}

impl Options {
    /// `None` if an algorithm is unknown.
    fn into_policy(self) -> Option<Policy> {
        let named = |names: Vec<String>| names.iter().map(|name| Algorithm::from_name(name)).collect::<Option<_>>();
        Some(Policy {
            issuers: expected(self.issuers),
            audiences: expected(self.audiences),
            types: expected(self.types),
            algorithms: match self.algorithms {
                Some(names) => Some(named(names)?),
                None => None,
            },
            clock_tolerance: self.clock_tolerance,
            max_age: self.max_token_age,
            required_claims: self.required_claims,
            scopes: self.scopes,
            max_bytes: self.max_token_bytes,
        })
    }
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

fn expected(values: Option<Vec<String>>) -> Expected {
    values.map_or(Expected::Anything, Expected::OneOf)
}

/// What the shim turns into a `TokenError`: it is thrown as JSON text, which no other error here is.
pub struct Refusal {
    code: &'static str,
    sentence: &'static str,
    claim: Option<String>,
}

impl Refusal {
    fn of_options() -> Self {
        Self { code: "invalid_option", sentence: "the policy cannot be read", claim: None }
    }

    fn of_key(sentence: &'static str) -> Self {
        Self { code: "key_unusable", sentence, claim: None }
    }

    fn into_members(self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("code".to_owned(), self.code.into());
        members.insert("sentence".to_owned(), self.sentence.into());
        if let Some(claim) = self.claim {
            members.insert("claim".to_owned(), claim.into());
        }
        members
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        Self { code: error.code(), sentence: error.sentence(), claim: error.claim().map(str::to_owned) }
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        Self::of_key(error.sentence())
    }
}

impl From<Refusal> for JsValue {
    fn from(refusal: Refusal) -> Self {
        Self::from_str(&Value::Object(refusal.into_members()).to_string())
    }
}
