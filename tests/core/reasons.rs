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

/// The words in `VerifyError::code`. The enum is non-exhaustive, so no `match` from outside can be made to cover it; its
/// source can.
fn codes_in_source() -> BTreeSet<String> {
    let source = include_str!("../../src/token/error.rs");
    let code = source.split("pub const fn code").nth(1).and_then(|rest| rest.split("pub fn").next()).unwrap();
    code.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn every_reason_is_reached_by_a_real_token() {
    let mut reached = BTreeSet::new();
    for (reason, case) in one_of_each() {
        reached.insert(reason.code().to_owned());
        case.refused(reason);
    }
    assert_eq!(reached, codes_in_source());
}

#[test]
fn every_code_of_the_core_is_in_the_shared_list_and_no_other() {
    let shared: BTreeMap<String, Value> = crate::vectors::read("error-codes.json");
    let of_the_core: BTreeSet<_> =
        shared.iter().filter(|(_, entry)| entry["from"] == "core").map(|(code, _)| code.clone()).collect();
    assert_eq!(of_the_core, codes_in_source());
}

#[test]
fn the_package_has_the_reasons_and_their_sentences_under_the_same_numbers() {
    let source = include_str!("../../src/js/shim/base/errors.js");
    let list = source.split("const REFUSALS = [").nth(1).and_then(|rest| rest.split("];").next()).unwrap();
    let listed: Vec<_> = list.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let reasons = one_of_each();
    assert_eq!(listed.len(), reasons.len());
    for (reason, _) in reasons {
        let expected = format!("['{}', '{}'],", reason.code(), reason.sentence());
        assert_eq!(listed[reason.number() as usize], expected);
    }
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
