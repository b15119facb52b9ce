//! Issuer, audience, scope, and required claims.

use edgemint::token::{Expected, VerifyError};
use serde_json::json;

use crate::case::{AUDIENCE, Case, ISSUER, invalid, missing};

fn texts(values: &[&str]) -> Expected {
    Expected::OneOf(values.iter().map(|value| (*value).to_owned()).collect())
}

#[test]
fn the_issuer_is_compared_byte_for_byte() {
    for iss in ["https://as.example/", "HTTPS://as.example", "https://as.example:443", "https://as.example ", "", "as"]
    {
        Case::new().claim("iss", iss).refused(VerifyError::IssuerMismatch);
    }
    Case::new().without_claim("iss").refused(missing("iss"));
}

#[test]
fn the_issuer_is_one_of_those_named() {
    let both = texts(&["https://other.example", ISSUER]);
    Case::new().policy(|policy| policy.issuers = both).passes();
    Case::new().policy(|policy| policy.issuers = texts(&[])).refused(VerifyError::IssuerMismatch);
    Case::new().without_claim("iss").policy(|policy| policy.issuers = Expected::Anything).passes();
}

#[test]
fn the_audience_is_one_text_or_several() {
    Case::new().claim("aud", json!([AUDIENCE])).passes();
    Case::new().claim("aud", json!(["https://other.example", AUDIENCE])).passes();
    for aud in [
        json!("https://other.example"),
        json!("https://api.example/"),
        json!(""),
        json!([]),
        json!(["https://other.example"]),
        json!([format!("https://other.example {AUDIENCE}")]),
    ] {
        Case::new().claim("aud", aud).refused(VerifyError::AudienceMismatch);
    }
    Case::new().without_claim("aud").refused(missing("aud"));
}

#[test]
fn any_of_the_named_audiences_suffices() {
    let both = texts(&["https://other.example", AUDIENCE]);
    Case::new().policy(|policy| policy.audiences = both).passes();
    Case::new().policy(|policy| policy.audiences = texts(&[])).refused(VerifyError::AudienceMismatch);
    Case::new().without_claim("aud").policy(|policy| policy.audiences = Expected::Anything).passes();
}

#[test]
fn registered_claims_have_their_types() {
    for value in [json!(null), json!(1), json!({}), json!([1]), json!(["a", null]), json!([["a"]])] {
        Case::new().claim("scope", value).refused(invalid("scope"));
    }
    for claim in ["iss", "sub", "jti", "client_id"] {
        for value in [json!(null), json!(1), json!(["a"]), json!({}), json!(true)] {
            Case::new().claim(claim, value).refused(invalid(claim));
        }
    }
    for value in [json!(null), json!(1), json!({}), json!([1]), json!([AUDIENCE, null]), json!([[AUDIENCE]])] {
        Case::new().claim("aud", value).refused(invalid("aud"));
    }
    for claim in ["exp", "nbf", "iat", "auth_time"] {
        for value in [json!(null), json!("1900000000"), json!([1]), json!(true), json!(-1), json!(1e300)] {
            Case::new().claim(claim, value).refused(invalid(claim));
        }
    }
}

#[test]
fn a_type_is_checked_even_if_the_policy_does_not_use_the_claim() {
    let case = Case::new().policy(|policy| *policy = crate::case::open_policy());
    case.clone().claim("aud", 1).refused(invalid("aud"));
    case.claim("exp", "never").refused(invalid("exp"));
}

#[test]
fn required_claims_must_be_present() {
    for claim in ["exp", "sub", "client_id", "iat", "jti"] {
        Case::new().without_claim(claim).refused(missing(claim));
    }
    let wants = |claim: &str| Case::new().policy(|policy| policy.required_claims.push(claim.to_owned()));
    wants("cnf").refused(missing("cnf"));
    wants("cnf").claim("cnf", json!(null)).passes();
}

#[test]
fn names_of_objects_are_not_claims() {
    let wants = |claim: &str| Case::new().policy(|policy| policy.required_claims.push(claim.to_owned()));
    for claim in ["__proto__", "constructor", "toString", ""] {
        wants(claim).refused(missing(claim));
        wants(claim).claim(claim, json!({ "polluted": true })).passes();
    }
}

#[test]
fn every_required_scope_value_must_be_granted() {
    let wants = |scopes: &[&str]| {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Case::new().policy(|policy| policy.scopes = scopes)
    };
    wants(&[]).passes();
    wants(&["read"]).passes();
    wants(&["write", "read"]).passes();
    for scopes in [&["admin"][..], &["read", "admin"], &["rea"], &["READ"], &["read write"], &[""], &["read "]] {
        wants(scopes).refused(VerifyError::ScopeInsufficient);
    }
    wants(&["read"]).without_claim("scope").refused(VerifyError::ScopeInsufficient);
    wants(&["read"]).claim("scope", "").refused(VerifyError::ScopeInsufficient);
    // Only a space separates values (RFC 6749 section 3.3).
    for scope in ["read\twrite", "read,write", "read\u{a0}write"] {
        wants(&["read"]).claim("scope", scope).refused(VerifyError::ScopeInsufficient);
    }
    for scope in [json!(["write", "read"]), json!(["write read"])] {
        wants(&["read"]).claim("scope", scope.clone()).passes();
        wants(&["admin"]).claim("scope", scope.clone()).refused(VerifyError::ScopeInsufficient);
        wants(&["rea"]).claim("scope", scope).refused(VerifyError::ScopeInsufficient);
    }
    for scope in [json!([]), json!(["readwrite"])] {
        wants(&["read"]).claim("scope", scope).refused(VerifyError::ScopeInsufficient);
    }
}
