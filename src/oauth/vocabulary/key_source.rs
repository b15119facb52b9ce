//! Where the public keys of a client or a trusted issuer come from.

use serde_json::{Value, json};

use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::token::{Key, KeySet};

/// The maximum number of keys in a registered set.
const MAX_KEYS: usize = 20;

/// The source of the public keys that check the signatures of another party.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The set that was registered (`jwks`). It may be empty.
    Registered(KeySet),
    /// The set that the party publishes (`jwks_uri`).
    Remote(RemoteUrl),
}

impl KeySource {
    /// Returns the source of stored metadata, of which at most one member is present.
    pub fn of(jwks: Option<&Value>, jwks_uri: Option<&RemoteUrl>) -> Self {
        match jwks_uri {
            Some(url) => Self::Remote(url.clone()),
            None => Self::Registered(jwks.map(key_set).unwrap_or_default()),
        }
    }
}

/// Parses a JWK Set of 1 to 20 public keys. Every key must be usable: otherwise its owner would learn of the mistake when it is
/// locked out.
pub fn public_jwks(value: &Value) -> Option<Value> {
    let keys = value.get("keys")?.as_array()?;
    let usable = |jwk: &Value| jwk.as_object().is_some_and(|jwk| Key::from_jwk(jwk).is_ok_and(|key| !key.is_secret()));
    ((1..=MAX_KEYS).contains(&keys.len()) && keys.iter().all(usable)).then(|| json!({ "keys": keys }))
}

fn key_set(jwks: &Value) -> KeySet {
    let keys = jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
    KeySet::new(keys.filter_map(Value::as_object).filter_map(|jwk| Key::from_jwk(jwk).ok()))
}
