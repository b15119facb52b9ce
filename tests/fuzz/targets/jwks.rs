//! A published JWK Set. The oracle is the set read key by key with serde_json.

use edgemint::token::{Key, KeySet};
use serde_json::{Value, json};

use super::json::oracle;
use super::jwk::jwks;

pub(crate) fn check(data: &[u8]) {
    let set = KeySet::from_published(data);
    let parsed = oracle(data);
    let Some(Value::Array(keys)) = parsed.as_ref().and_then(|set| set.get("keys")) else {
        assert!(set.is_none());
        return;
    };
    let usable = keys.iter().filter_map(Value::as_object).filter_map(|jwk| Key::from_jwk(jwk).ok());
    let usable: Vec<_> = usable.filter(|key| !key.is_secret()).collect();
    let set = set.expect("every JWK Set is readable, with any keys");
    assert!(set.iter().map(|key| &**key).eq(usable.iter()));
    assert!(set.iter().all(|key| key.secret_bytes().is_none()), "a published secret is none");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let keys = jwks();
    let mut sets = vec![json!({ "keys": [] }), json!({ "keys": keys, "x": { "y": [1] } })];
    sets.extend(keys.iter().map(|key| json!({ "keys": [key, null, { "kty": "AKP" }] })));
    sets.iter().map(|set| set.to_string().into_bytes()).collect()
}
