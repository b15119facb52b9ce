//! The explanation of a token, also of an unsigned or forged one.

use std::sync::Arc;

use edgemint::token::{Expected, Explanation, KeySet, VerifyError, explain, verify};

use crate::case::{Case, EXP, invalid};

/// The explanation of a text, with its signature verified here if this build can.
pub(crate) fn explanation(case: &Case, text: &str) -> Explanation {
    let policy = Arc::new(case.policy.clone());
    let answer = verify(text, &case.keys, &policy, case.now).ok().and_then(|pending| pending.signature_is_valid());
    explain(text, &case.keys, &policy, case.now, answer)
}

/// The detail of the first check that failed, if checks could be run at all.
pub(crate) fn first_refusal(explanation: &Explanation) -> Option<Option<VerifyError>> {
    let refused = explanation.checks.iter().find(|check| check.outcome != Some(Ok(())));
    refused.map(|check| check.outcome.clone().and_then(Result::err))
}

/// The outcomes other than a pass, by name.
fn failures(explanation: &Explanation) -> Vec<(&'static str, Option<VerifyError>)> {
    let outcomes = explanation.checks.iter().map(|check| (check.name, check.outcome.clone()));
    outcomes
        .filter(|(_, outcome)| *outcome != Some(Ok(())))
        .map(|(name, outcome)| (name, outcome.map(|outcome| outcome.unwrap_err())))
        .collect()
}

#[test]
fn a_valid_token_passes_every_check() {
    let case = Case::new();
    let explanation = explanation(&case, &case.text());
    assert_eq!(failures(&explanation), []);
    assert_eq!(explanation.header, Some(case.header.to_string()));
    assert_eq!(explanation.claims, Some(case.claims.to_string()));
    let names: Vec<_> = explanation.checks.iter().map(|check| check.name).collect();
    let expected =
        "format type algorithm key signature claims issuer audience expiry not_before age required_claims scope";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn every_fault_of_a_forged_token_is_reported() {
    let case = Case::new().claim("iss", "https://mallory.example").at(EXP);
    let explanation = explanation(&case, &case.forged());
    let expected = [
        ("signature", Some(VerifyError::BadSignature)),
        ("issuer", Some(VerifyError::IssuerMismatch)),
        ("expiry", Some(VerifyError::Expired)),
    ];
    assert_eq!(failures(&explanation), expected);
    assert_eq!(explanation.claims, Some(case.claims.to_string()));
}

#[test]
fn a_signature_of_the_wrong_length_is_invalid() {
    let case = Case::new();
    let text = case.text();
    let (input, _) = text.rsplit_once('.').unwrap();
    let explanation = explanation(&case, &format!("{input}.AAAA"));
    assert_eq!(failures(&explanation), [("signature", Some(VerifyError::BadSignature))]);
}

#[test]
fn checks_that_depend_on_a_missing_input_are_left_open() {
    let text = Case::new().text();
    let case = Case::new().keys(KeySet::default());
    let expected = [("key", Some(VerifyError::KeyNotFound)), ("signature", None)];
    assert_eq!(failures(&explanation(&case, &text)), expected);
    let case = Case::new().policy(|policy| policy.types = Expected::one("JWT"));
    let expected = [("type", Some(VerifyError::TypeMismatch)), ("signature", None)];
    assert_eq!(failures(&explanation(&case, &text)), expected);
}

#[test]
fn a_text_that_cannot_be_read_has_no_claims() {
    let case = Case::new();
    let nothing = explanation(&case, "no token");
    assert_eq!(first_refusal(&nothing), Some(Some(VerifyError::Malformed)));
    assert!(nothing.header.is_none() && nothing.claims.is_none());
    assert_eq!(nothing.checks.iter().filter(|check| check.outcome.is_some()).count(), 1);

    let odd = Case::new().claim("exp", "never");
    let explanation = explanation(&odd, &odd.text());
    assert_eq!(failures(&explanation)[0], ("claims", Some(invalid("exp"))));
    assert!(explanation.header.is_some() && explanation.claims.is_none());
}

#[test]
fn a_platform_without_the_algorithm_leaves_the_signature_open() {
    let case = Case::new();
    let explanation = explain(&case.text(), &case.keys, &Arc::new(case.policy.clone()), case.now, None);
    assert_eq!(failures(&explanation), [("signature", None)]);
}
