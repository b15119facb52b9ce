//! The order of the checks: for a token with an invalid signature, no other fault is reported.

use edgemint::token::{Algorithm, KeySet, VerifyError};
use serde_json::json;

use crate::case::{AUDIENCE, Case, EXP, ISSUER, invalid, missing};

/// Every claim that can be wrong is wrong.
fn all_wrong() -> Vec<Case> {
    vec![
        Case::new().claim("iss", "https://mallory.example"),
        Case::new().claim("aud", "https://mallory.example"),
        Case::new().claim("aud", 1),
        Case::new().claim("exp", "never"),
        Case::new().claim("nbf", EXP),
        Case::new().at(EXP),
        Case::new().without_claim("iss"),
        Case::new().without_claim("sub"),
        Case::new().policy(|policy| policy.max_age = Some(1)),
        Case::new().policy(|policy| policy.scopes = vec!["admin".to_owned()]),
    ]
}

#[test]
fn a_forged_token_reveals_nothing_about_its_claims() {
    for case in all_wrong() {
        let reason = case.verdict().expect_err("the claims are wrong");
        assert_ne!(reason, VerifyError::BadSignature);
        case.refuses(&case.forged(), VerifyError::BadSignature);
    }
}

#[test]
fn a_forged_token_reveals_nothing_about_its_payload() {
    let case = Case::new();
    let forger = crate::signer::Signer::new(Algorithm::Hs256, 99);
    for payload in [&b""[..], b"foo", b"{", b"\xff", br#"{"a":1,"a":1}"#] {
        case.refuses(&forger.token(case.header.to_string(), payload), VerifyError::BadSignature);
    }
    let header = case.text().split_once('.').unwrap().0.to_owned();
    case.refuses(&forger.seal(&format!("{header}.not base64")), VerifyError::BadSignature);
}

#[test]
fn size_form_header_type_algorithm_key_signature_claims() {
    // Wrong in every way; each step repairs the first fault.
    let mut case = Case::new()
        .header("typ", 1)
        .header("crit", json!(["x"]))
        .claim("iss", "https://mallory.example")
        .policy(|policy| {
            policy.max_bytes = 1;
            policy.algorithms = Some(vec![Algorithm::Es256]);
        })
        .keys(KeySet::default());
    let broken = |case: &Case| format!("{}=", case.forged());

    case.refuses(&broken(&case), VerifyError::TooLarge);
    case.policy.max_bytes = 10_000;
    case.refuses(&broken(&case), VerifyError::Malformed);
    case.refuses(&case.forged(), VerifyError::Unsupported);
    case = case.without_header("crit");
    case.refuses(&case.forged(), VerifyError::Malformed);
    case = case.header("typ", "JWT");
    case.refuses(&case.forged(), VerifyError::TypeMismatch);
    case = case.header("typ", "at+jwt");
    case.refuses(&case.forged(), VerifyError::AlgorithmNotAllowed);
    case.policy.algorithms = None;
    case.refuses(&case.forged(), VerifyError::KeyNotFound);
    case.keys = Case::new().keys;
    case.refuses(&case.forged(), VerifyError::BadSignature);
    case.refused(VerifyError::IssuerMismatch);
    case.claim("iss", ISSUER).passes();
}

#[test]
fn issuer_audience_expiry_start_age_required_claims_scope() {
    let mut case = Case::new()
        .claim("sub", 1)
        .claim("iss", "https://mallory.example")
        .claim("aud", "https://mallory.example")
        .claim("nbf", EXP + 1)
        .without_claim("jti")
        .at(EXP)
        .policy(|policy| {
            policy.max_age = Some(1);
            policy.scopes = vec!["admin".to_owned()];
        });
    case.refused(invalid("sub"));
    case = case.claim("sub", "alice");
    case.refused(VerifyError::IssuerMismatch);
    case = case.claim("iss", ISSUER);
    case.refused(VerifyError::AudienceMismatch);
    case = case.claim("aud", AUDIENCE);
    case.refused(VerifyError::Expired);
    case = case.at(EXP - 1);
    case.refused(VerifyError::NotYetValid);
    case = case.without_claim("nbf");
    case.refused(VerifyError::TooOld);
    case.policy.max_age = None;
    case.refused(missing("jti"));
    case = case.claim("jti", "1");
    case.refused(VerifyError::ScopeInsufficient);
    case.claim("scope", "admin").passes();
}

#[test]
fn a_platform_that_refuses_gets_no_further_check() {
    for case in all_wrong() {
        let policy = std::sync::Arc::new(case.policy.clone());
        let pending = edgemint::token::verify(&case.text(), &case.keys, &policy, case.now).unwrap();
        assert_eq!(pending.complete(false).unwrap_err(), VerifyError::BadSignature);
    }
}
