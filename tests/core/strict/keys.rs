//! Rules about keys: `strict-keys.json`. An import refuses a key that breaks one, and a published set skips it.

use std::collections::BTreeMap;

use edgemint::token::{Key, KeyError, KeySet};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{covers, rules};

#[derive(Deserialize)]
struct File {
    keys: BTreeMap<String, Map<String, Value>>,
    rows: Vec<Row>,
}

/// A valid key and its changes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    rule: String,
    what: String,
    key: String,
    #[serde(default)]
    members: Map<String, Value>,
    #[serde(default)]
    without: Vec<String>,
    verdict: String,
}

impl Row {
    fn jwk(&self, keys: &BTreeMap<String, Map<String, Value>>) -> Map<String, Value> {
        let mut jwk = keys[&self.key].clone();
        jwk.extend(self.members.clone());
        jwk.retain(|name, _| !self.without.contains(name));
        jwk
    }
}

fn word(verdict: &Result<Key, KeyError>) -> &'static str {
    match verdict {
        Ok(_) => "accepted",
        Err(KeyError::Disguised) => "disguised",
        Err(KeyError::Malformed) => "malformed",
        Err(KeyError::Private) => "private",
        Err(KeyError::Unsupported) => "unsupported",
        Err(KeyError::Weak) => "weak",
        Err(KeyError::WrongUse) => "wrong_use",
        Err(_) => "another",
    }
}

fn holds(rule: &str) {
    let File { keys, rows } = crate::vectors::read("strict-keys.json");
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row.rule == rule) {
        let jwk = row.jwk(&keys);
        let key = Key::from_jwk(&jwk);
        let read_as_text = Key::from_jwk_text(json!(jwk).to_string().as_bytes());
        assert_eq!(key, read_as_text, "read as text, {}: {}", row.rule, row.what);
        if word(&key) != row.verdict {
            wrong.push(format!("{}: {} instead of {}: {jwk:?}", row.what, word(&key), row.verdict));
        }
        let published = KeySet::from_published(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let usable = key.is_ok_and(|key| !key.is_secret());
        assert_eq!(published.len(), usize::from(usable), "published, {}: {}", row.rule, row.what);
    }
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

rules! { holds:
    a_valid_key_of_each_kind_is_accepted = "a valid key of each kind is accepted",
    use_and_key_ops_must_allow_verifying = "use and key_ops must allow verifying",
    alg_must_fit_the_key = "alg must fit the key",
    kty_and_crv_must_be_on_the_list = "kty and crv must be on the list",
    numbers_must_be_canonical_base64url_of_the_right_length = "numbers must be canonical base64url of the right length",
    rsa_of_2048_bits_or_more_with_sane_exponents = "RSA: 2048 bits or more, sane exponents",
    a_secret_must_be_as_long_as_the_hash = "a secret must be as long as the hash",
    private_keys_are_refused = "private keys are refused",
    an_ed25519_key_of_small_order_is_refused = "Ed25519: a key of small order is refused",
    the_bytes_of_a_public_key_are_refused_as_a_secret = "the bytes of a public key are refused as a secret",
    a_kid_must_be_text = "a kid must be text",
}

#[test]
fn every_row_has_its_rule() {
    let File { rows, .. } = crate::vectors::read("strict-keys.json");
    assert!(rows.len() >= 230);
    covers(RULES, rows.iter().map(|row| &*row.rule));
}
