//! The closed list of reasons: a real token reaches each, and each has its word in the shared list of codes.

use std::collections::{BTreeMap, BTreeSet};

use edgemint::token::{Algorithm, Expected, KeySet, VerifyError};
use serde_json::Value;

use crate::case::{Case, EXP, KID, invalid, missing};
use crate::signer::Signer;

/// A token for every reason.
fn one_of_each() -> Vec<(VerifyError, Case)> {
    let many = || (1..=5).map(|seed| Signer::new(Algorithm::Hs256, seed).key(KID));
    vec![
        (VerifyError::AlgorithmNotAllowed, Case::new().header("alg", "none")),
        (VerifyError::AudienceMismatch, Case::new().claim("aud", "https://other.example")),
        (VerifyError::BadSignature, Case::new().keys(KeySet::new([Signer::new(Algorithm::Hs256, 99).key(KID)]))),
        (invalid("exp"), Case::new().claim("exp", "never")),
        (missing("jti"), Case::new().without_claim("jti")),
        (VerifyError::Expired, Case::new().at(EXP)),
        (VerifyError::IssuerMismatch, Case::new().claim("iss", "https://other.example")),
        (VerifyError::KeyNotFound, Case::new().header("kid", "other")),
        (VerifyError::KeyMismatch, Case::new().keys(KeySet::new([Signer::new(Algorithm::Hs512, 7).key(KID)]))),
        (VerifyError::KeyAmbiguous, Case::new().keys(KeySet::new(many()))),
        (VerifyError::Malformed, Case::new().without_header("alg")),
        (VerifyError::NotYetValid, Case::new().claim("nbf", EXP)),
        (VerifyError::ScopeInsufficient, Case::new().policy(|policy| policy.scopes = vec!["admin".to_owned()])),
        (VerifyError::TooLarge, Case::new().policy(|policy| policy.max_bytes = 10)),
        (VerifyError::TooOld, Case::new().policy(|policy| policy.max_age = Some(1))),
        (VerifyError::TypeMismatch, Case::new().policy(|policy| policy.types = Expected::one("JWT"))),
        (VerifyError::Unsupported, Case::new().header("zip", "DEF")),
    ]
}

fn codes() -> BTreeSet<String> {
    VerifyError::REASONS.iter().map(|(code, _)| (*code).to_owned()).collect()
}

#[test]
fn every_reason_is_reached_by_a_real_token() {
    let mut reached = BTreeSet::new();
    for (reason, case) in one_of_each() {
        reached.insert(reason.code().to_owned());
        case.refused(reason);
    }
    assert_eq!(reached, codes());
}

#[test]
fn every_code_of_the_core_is_in_the_shared_list_and_no_other() {
    let shared: BTreeMap<String, Value> = crate::vectors::read("error-codes.json");
    let of_the_core: BTreeSet<_> =
        shared.iter().filter(|(_, entry)| entry["from"] == "core").map(|(code, _)| code.clone()).collect();
    assert_eq!(of_the_core, codes());
}

#[test]
fn a_reason_has_the_row_of_its_number() {
    for (reason, _) in one_of_each() {
        assert_eq!(VerifyError::REASONS[reason.number() as usize], (reason.code(), reason.sentence()));
    }
}

#[test]
fn the_package_lists_the_reasons_and_their_sentences_in_the_same_order() {
    let rows: Vec<_> =
        VerifyError::REASONS.iter().map(|(code, sentence)| format!("['{code}', '{sentence}'],")).collect();
    let list = format!("[\n  {}\n]", rows.join("\n  "));
    assert!(include_str!("../../src/js/shim/base/errors.js").contains(&list), "errors.js lacks this list:\n{list}");
}

#[test]
fn a_reason_names_its_claim() {
    for (reason, claim) in [
        (VerifyError::AudienceMismatch, Some("aud")),
        (VerifyError::Expired, Some("exp")),
        (VerifyError::IssuerMismatch, Some("iss")),
        (VerifyError::ScopeInsufficient, Some("scope")),
        (VerifyError::TooOld, Some("iat")),
        (invalid("nbf"), Some("nbf")),
        (missing("sub"), Some("sub")),
        (VerifyError::BadSignature, None),
        (VerifyError::NotYetValid, None),
    ] {
        assert_eq!(reason.claim(), claim, "{reason:?}");
    }
}
