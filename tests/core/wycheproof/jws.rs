//! Wycheproof's JSON Web Signatures, from a file beside the project if there is one: we may not copy it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use edgemint::token::{Key, KeySet, Pending, UnixTime, base64url, verify};
use serde::Deserialize;
use serde_json::Value;

use crate::case::open_policy;
use crate::skip::skipped;

const FILE: &str = "../shared/vectors/wycheproof-jws.json";

#[derive(Deserialize)]
struct Case {
    id: String,
    comment: String,
    /// A JWK, or a JWK Set.
    key: Value,
    /// A compact JWS, or the JSON serialisation of one.
    token: Value,
    /// The expected result: the labels of a few cases are disputed upstream, and this was decided with reasons.
    recommended: String,
}

impl Case {
    /// The keys as a caller would pass them, including shared secrets.
    fn keys(&self) -> KeySet {
        if self.id == MIXED_SET {
            return KeySet::from_published(self.key.to_string().as_bytes()).unwrap();
        }
        let many = self.key["keys"].as_array();
        let jwks = many.map_or(std::slice::from_ref(&self.key), Vec::as_slice);
        KeySet::new(jwks.iter().filter_map(|jwk| Key::from_jwk(jwk.as_object()?).ok()))
    }

    fn text(&self) -> String {
        self.token.as_str().map_or_else(|| self.token.to_string(), str::to_owned)
    }
}

/// Whether it is a JWS with a valid signature. `None` if this build cannot tell.
///
/// Most of the payloads are no claims, so `complete` would refuse them all. Its first check, the alphabet of
/// the payload, is repeated here instead.
fn holds(pending: &Pending) -> Option<bool> {
    let payload = pending.signing_input().split(|byte| *byte == b'.').nth(1).unwrap();
    Some(base64url::decode(payload).is_some() && pending.signature_is_valid()?)
}

/// A set that mixes a shared secret with a public key, and a token of the secret. The file leaves it open as
/// json_web_key#1 and refuses it here, in the same bytes. Our keys are bound to their algorithms, so a caller
/// may mix them; a published set has no secret.
const MIXED_SET: &str = "json_web_crypto#47";

#[test]
fn each_token_is_judged_as_recommended() {
    let Ok(file) = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)) else {
        skipped("each_token_is_judged_as_recommended", FILE);
        return;
    };
    let cases: Vec<Case> = serde_json::from_slice(&file).unwrap();
    assert!(cases.len() >= 470);
    let policy = Arc::new(open_policy());
    for case in cases {
        let name = format!("{} {}", case.id, case.comment);
        let pending = verify(&case.text(), &case.keys(), &policy, UnixTime(0));
        let answer = pending.as_ref().map_or(Some(false), holds);
        match case.recommended.as_str() {
            "accept" => assert_eq!(answer, Some(true), "{name}: {pending:?}"),
            "reject" => assert_eq!(answer, Some(false), "{name}: {pending:?}"),
            "either" => {}
            other => panic!("{name}: {other}"),
        }
    }
}
