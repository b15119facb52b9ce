//! The clock: each limit to the second, with and without tolerance.

use edgemint::token::VerifyError;
use serde_json::json;

use crate::case::{Case, EXP, IAT, NOW, missing};

fn tolerant(seconds: u64) -> Case {
    Case::new().policy(|policy| policy.clock_tolerance = seconds)
}

fn aged(max_age: u64, tolerance: u64) -> Case {
    tolerant(tolerance).policy(|policy| policy.max_age = Some(max_age))
}

#[test]
fn it_expires_at_exp() {
    Case::new().at(EXP - 1).passes();
    // RFC 7519 section 4.1.4: on or after.
    Case::new().at(EXP).refused(VerifyError::Expired);
    Case::new().at(EXP + 1).refused(VerifyError::Expired);
    Case::new().at(u64::MAX).refused(VerifyError::Expired);
}

#[test]
fn tolerance_moves_the_expiry() {
    tolerant(30).at(EXP + 29).passes();
    tolerant(30).at(EXP + 30).refused(VerifyError::Expired);
}

#[test]
fn without_exp_it_never_expires_unless_exp_is_required() {
    let open = Case::new().without_claim("exp");
    open.refused(missing("exp"));
    open.policy(|policy| policy.required_claims.clear()).at(u64::MAX).passes();
}

#[test]
fn it_starts_at_nbf() {
    let case = |tolerance| tolerant(tolerance).claim("nbf", NOW.0);
    case(0).at(NOW.0).passes();
    case(0).at(NOW.0 - 1).refused(VerifyError::NotYetValid);
    case(30).at(NOW.0 - 30).passes();
    case(30).at(NOW.0 - 31).refused(VerifyError::NotYetValid);
}

#[test]
fn fractions_of_a_second_count() {
    Case::new().claim("exp", json!(1_800_000_000.5)).at(1_800_000_000).passes();
    Case::new().claim("exp", json!(1_799_999_999.5)).at(1_800_000_000).refused(VerifyError::Expired);
    Case::new().claim("nbf", json!(1_800_000_000.5)).at(1_800_000_000).refused(VerifyError::NotYetValid);
    Case::new().claim("nbf", json!(1_799_999_999.5)).at(1_800_000_000).passes();
}

#[test]
fn fractions_of_the_clock_count() {
    let exp = Case::new().claim("exp", json!(1_800_000_000.25));
    exp.clone().at_exactly(1_800_000_000.125).passes();
    exp.clone().at_exactly(1_800_000_000.25).refused(VerifyError::Expired);
    exp.at_exactly(1_800_000_000.5).refused(VerifyError::Expired);
    Case::new().at_exactly(1_800_000_539.999).passes();

    let nbf = Case::new().claim("nbf", json!(1_800_000_000.25));
    nbf.clone().at_exactly(1_800_000_000.125).refused(VerifyError::NotYetValid);
    nbf.at_exactly(1_800_000_000.25).passes();

    let with_tolerance = tolerant(1).claim("nbf", json!(1_800_000_000.25));
    with_tolerance.clone().at_exactly(1_799_999_999.25).passes();
    with_tolerance.at_exactly(1_799_999_999.0).refused(VerifyError::NotYetValid);
    let with_tolerance = tolerant(1).claim("exp", json!(1_800_000_000.25));
    with_tolerance.clone().at_exactly(1_800_000_001.0).passes();
    with_tolerance.at_exactly(1_800_000_001.25).refused(VerifyError::Expired);

    let aged = |now| aged(60, 1).claim("iat", json!(1_800_000_000.5)).at_exactly(now);
    aged(1_799_999_999.25).refused(VerifyError::NotYetValid);
    aged(1_799_999_999.5).passes();
    aged(1_800_000_061.5).passes();
    aged(1_800_000_061.75).refused(VerifyError::TooOld);
}

#[test]
fn age_is_counted_from_iat() {
    aged(60, 0).at(IAT + 60).passes();
    aged(60, 0).at(IAT + 61).refused(VerifyError::TooOld);
    aged(60, 30).at(IAT + 90).passes();
    aged(60, 30).at(IAT + 91).refused(VerifyError::TooOld);
    aged(u64::MAX, 0).passes();
    Case::new().at(EXP - 1).passes();
}

#[test]
fn an_age_needs_iat() {
    let case = aged(60, 0).policy(|policy| policy.required_claims.clear()).without_claim("iat");
    case.refused(missing("iat"));
    case.policy(|policy| policy.max_age = None).passes();
}

#[test]
fn a_future_iat_is_refused_for_an_age() {
    let case = |tolerance| aged(600, tolerance).claim("iat", NOW.0);
    case(0).at(NOW.0).passes();
    case(0).at(NOW.0 - 1).refused(VerifyError::NotYetValid);
    case(30).at(NOW.0 - 30).passes();
    case(30).at(NOW.0 - 31).refused(VerifyError::NotYetValid);
}

#[test]
fn no_tolerance_overflows() {
    tolerant(u64::MAX).at(u64::MAX).claim("nbf", 253_402_300_799_u64).passes();
    tolerant(u64::MAX).at(0).claim("nbf", 253_402_300_799_u64).passes();
}
