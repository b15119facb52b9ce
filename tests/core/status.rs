//! Token Status Lists: the examples of the specification, and lists in verified tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use edgemint::token::status::{STATUS_LIST_TYPE, Status, StatusError, StatusList};
use edgemint::token::{Algorithm, Expected, Key, KeySet, Minter, Policy, Token, UnixTime, verify};
use serde::Deserialize;
use serde_json::{Value, json};

const URI: &str = "https://as.example/oauth/status/0";
const NOW: UnixTime = UnixTime(1_800_000_000);

#[derive(Deserialize)]
struct Example {
    name: String,
    bits: u8,
    size: usize,
    lst: String,
    all: Option<Vec<u8>>,
    #[serde(default)]
    statuses: BTreeMap<u64, u8>,
}

fn examples() -> Vec<Example> {
    let file: Value = serde_json::from_str(include_str!("../vectors/status-list.json")).unwrap();
    serde_json::from_value(file["lists"].clone()).unwrap()
}

#[test]
fn the_examples_of_the_specification_are_read_and_written() {
    let examples = examples();
    assert!(examples.len() >= 6);
    for Example { name, bits, size, lst, all, statuses } in examples {
        let list = StatusList::decode(bits, &lst).unwrap();
        assert_eq!(list.len(), size, "{name}");
        let mut own = StatusList::new(bits, size).unwrap();
        let mut found = 0;
        for idx in 0..size as u64 {
            let expected = match &all {
                Some(all) => all[usize::try_from(idx).unwrap()],
                None => statuses.get(&idx).copied().unwrap_or_default(),
            };
            found += usize::from(expected > 0);
            assert_eq!(list.status(idx).unwrap().value(), expected, "{name}, entry {idx}");
            own.set(idx, Status::from_value(expected)).unwrap();
        }
        assert!(found > 0, "{name}");
        assert_eq!(own, list, "{name}");
        // The compressor chooses the compressed form.
        assert_eq!(StatusList::decode(bits, &own.encode()).unwrap(), list, "{name}");
    }
}

fn verified(claims: &Value) -> Token {
    let key = Key::from_secret(&[7; 32], Algorithm::Hs256).unwrap();
    let minter = Minter::nameless(Algorithm::Hs256, STATUS_LIST_TYPE);
    let text = minter.draft(claims).unwrap().seal_with_secret(&key).unwrap();
    let policy = Policy {
        issuers: Expected::OneOf(vec!["https://as.example".to_owned()]),
        audiences: Expected::Anything,
        types: Expected::OneOf(vec![STATUS_LIST_TYPE.to_owned()]),
        algorithms: None,
        clock_tolerance: 0,
        max_age: None,
        required_claims: ["sub", "iat"].map(str::to_owned).to_vec(),
        scopes: Vec::new(),
        max_bytes: 1 << 20,
    };
    let pending = verify(&text, &KeySet::new([key]), &Arc::new(policy), NOW).unwrap();
    let valid = pending.signature_is_valid().unwrap();
    pending.complete(valid).unwrap()
}

#[test]
fn the_list_of_a_verified_token() {
    let claims =
        |sub: &str, list: Value| json!({ "iss": "https://as.example", "sub": sub, "iat": NOW, "status_list": list });
    let good = || json!({ "bits": 1, "lst": "eNrbuRgAAhcBXQ" });
    let list = StatusList::of_token(&verified(&claims(URI, good())), URI).unwrap();
    assert_eq!(list.status(0), Ok(Status::Invalid));
    assert_eq!(list.status(1), Ok(Status::Valid));
    assert_eq!(list.status(16), Err(StatusError::Index));

    let refused = |sub, list| StatusList::of_token(&verified(&claims(sub, list)), URI).unwrap_err();
    assert_eq!(refused("https://as.example/oauth/status/1", good()), StatusError::Subject);
    assert_eq!(refused(URI, json!({ "bits": 3, "lst": "eNrbuRgAAhcBXQ" })), StatusError::Bits);
    assert_eq!(refused(URI, json!({ "bits": 257, "lst": "eNrbuRgAAhcBXQ" })), StatusError::Bits);
    assert_eq!(refused(URI, json!({ "bits": 1, "lst": "eNrbuRgAAhcBX" })), StatusError::Encoding);
    assert_eq!(refused(URI, json!({ "bits": "1", "lst": "eNrbuRgAAhcBXQ" })), StatusError::Malformed);
    assert_eq!(refused(URI, json!({ "lst": "eNrbuRgAAhcBXQ" })), StatusError::Malformed);
    assert_eq!(refused(URI, json!({ "bits": 1 })), StatusError::Malformed);
    assert_eq!(refused(URI, json!("list")), StatusError::Malformed);
}
