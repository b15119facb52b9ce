//! The examples of the RFCs, from tests/vectors.

use std::fs;
use std::sync::Arc;

use edgemint::token::{Algorithm, Header, KeySet, Policy, UnixTime, VerifyError, base64url, verify};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::case::{Case, missing, open_policy};
use crate::signer::key;

pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[derive(Deserialize)]
struct Jws {
    rfc: u16,
    section: String,
    algorithm: String,
    key: Option<Value>,
    token: String,
    expect: String,
    payload: Option<String>,
}

impl Jws {
    fn name(&self) -> String {
        format!("RFC {} {}", self.rfc, self.section)
    }

    fn keys(&self) -> KeySet {
        KeySet::new(self.key.as_ref().map(key))
    }
}

fn all_jws() -> Vec<Jws> {
    read("jws.json")
}

/// Whether this build verifies signatures with that algorithm.
fn is_checked_here(algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => true,
        Algorithm::Es384 | Algorithm::Es512 => false,
        _ => cfg!(feature = "portable"),
    }
}

#[test]
fn valid_signatures_are_accepted_and_no_others() {
    let policy = Arc::new(open_policy());
    let valid: Vec<_> = all_jws().into_iter().filter(|jws| jws.expect == "valid").collect();
    assert_eq!(valid.len(), 12);
    for jws in valid {
        let name = jws.name();
        let check = |text: &str| {
            let pending = verify(text, &jws.keys(), &policy, UnixTime(0)).expect(&name);
            assert_eq!(pending.algorithm().name(), jws.algorithm, "{name}");
            pending.signature_is_valid()
        };
        let algorithm = Algorithm::from_name(&jws.algorithm).expect(&name);
        let answer = |valid: bool| is_checked_here(algorithm).then_some(valid);
        assert_eq!(check(&jws.token), answer(true), "{name}");

        let (header, rest) = jws.token.split_once('.').unwrap();
        let (payload, signature) = rest.split_once('.').unwrap();
        assert_eq!(base64url::decode(payload.as_bytes()), jws.payload.clone().map(String::into_bytes), "{name}");

        assert_eq!(check(&format!("{header}.{payload}AAAA.{signature}")), answer(false), "{name}, longer payload");
        let mut bytes = base64url::decode(signature.as_bytes()).unwrap();
        if algorithm.signature_len().is_some() {
            // The platform is not asked about it.
            let short = base64url::encode(&bytes[1..]);
            let refused = verify(&format!("{header}.{payload}.{short}"), &jws.keys(), &policy, UnixTime(0));
            assert_eq!(refused.map(|_| ()), Err(VerifyError::BadSignature), "{name}, short");
        }
        for byte in [0, bytes.len() / 2, bytes.len() - 1] {
            bytes[byte] ^= 1;
            let signature = base64url::encode(&bytes);
            assert_eq!(check(&format!("{header}.{payload}.{signature}")), answer(false), "{name}, byte {byte}");
            bytes[byte] ^= 1;
        }
    }
}

#[test]
fn what_is_no_signed_jwt_is_refused_by_name() {
    let policy = Arc::new(open_policy());
    let refused: Vec<_> = all_jws().into_iter().filter(|jws| jws.expect != "valid").collect();
    assert_eq!(refused.len(), 10);
    for jws in refused {
        let verdict = verify(&jws.token, &jws.keys(), &policy, UnixTime(0));
        let reason = verdict.and_then(|pending| pending.complete_portable()).expect_err(&jws.name());
        assert_eq!(reason.code(), jws.expect, "{}", jws.name());
    }
}

#[derive(Deserialize)]
struct Thumbprint {
    rfc: u16,
    section: String,
    key: Value,
    thumbprint: String,
}

#[test]
fn thumbprints_are_those_of_the_rfcs() {
    let all: Vec<Thumbprint> = read("thumbprints.json");
    assert_eq!(all.len(), 3);
    for vector in all {
        assert_eq!(key(&vector.key).thumbprint(), vector.thumbprint, "RFC {} {}", vector.rfc, vector.section);
    }
}

#[derive(Deserialize)]
struct AccessToken {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    required: Vec<String>,
}

#[test]
fn the_access_token_of_rfc_9068_passes_and_every_required_claim_is_required() {
    let [example]: [AccessToken; 1] = read("access-tokens.json");
    let header = Header::parse(&serde_json::to_vec(&example.header).unwrap()).unwrap();
    assert_eq!((header.alg(), header.kid()), (Algorithm::Rs256, Some("RjEwOwOA")));
    assert!(header.is_type("at+jwt"));

    // The RFC prints neither key nor signature, so the test uses its own; header, claims and times are those of the RFC.
    let text = |name: &str| example.claims[name].as_str().unwrap();
    let mut case = Case::new().at(example.claims["iat"].as_u64().unwrap());
    case.policy = Policy::access_token(text("iss"), text("aud"));
    case.header["typ"] = example.header["typ"].clone();
    case.claims = json!(example.claims);
    case.passes();
    assert_eq!(example.required.len(), 7);
    for name in example.required {
        case.clone().without_claim(&name).refused(missing(&name));
    }
}
