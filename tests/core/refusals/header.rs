//! The JOSE header: algorithm, type, extensions, and keys in the header.

use edgemint::token::{Algorithm, Expected, VerifyError};
use serde_json::json;

use crate::case::Case;
use crate::signer::Signer;

#[test]
fn an_unsigned_token_is_refused() {
    let case = Case::new();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let case = case.clone().header("alg", none);
        case.refused(VerifyError::AlgorithmNotAllowed);
        let signed = case.text();
        let (input, _) = signed.rsplit_once('.').unwrap();
        case.refuses(&format!("{input}."), VerifyError::AlgorithmNotAllowed);
    }
}

#[test]
fn an_algorithm_has_one_spelling() {
    for alg in ["hs256", "HS256 ", "HS-256", "SHA256", "HS1", "ES256K", "Ed448", "RSA-OAEP", "dir"] {
        Case::new().header("alg", alg).refused(VerifyError::AlgorithmNotAllowed);
    }
}

#[test]
fn the_algorithm_must_be_text() {
    Case::new().without_header("alg").refused(VerifyError::Malformed);
    for alg in [json!(null), json!(256), json!(["HS256"]), json!({ "alg": "HS256" }), json!(true)] {
        Case::new().header("alg", alg).refused(VerifyError::Malformed);
    }
}

#[test]
fn the_policy_may_name_the_algorithms() {
    let case = Case::new();
    case.clone().policy(|policy| policy.algorithms = Some(vec![Algorithm::Es256, Algorithm::Hs256])).passes();
    for allowed in [vec![], vec![Algorithm::Es256, Algorithm::Hs512]] {
        case.clone().policy(|policy| policy.algorithms = Some(allowed)).refused(VerifyError::AlgorithmNotAllowed);
    }
}

#[test]
fn an_extension_is_refused_whether_it_is_marked_critical_or_not() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("exp"), json!(null), json!([1])] {
        Case::new().header("crit", crit).refused(VerifyError::Unsupported);
    }
    Case::new().header("crit", json!(["x"])).header("x", 1).refused(VerifyError::Unsupported);
    for b64 in [json!(false), json!(true)] {
        Case::new().header("b64", b64).refused(VerifyError::Unsupported);
    }
    Case::new().header("zip", "DEF").refused(VerifyError::Unsupported);
}

#[test]
fn unknown_members_are_ignored() {
    Case::new().header("cty", "json").header("x", json!({ "a": [1] })).passes();
}

#[test]
fn members_have_their_types() {
    for member in ["kid", "typ"] {
        for value in [json!(null), json!(1), json!(["key-1"]), json!({})] {
            Case::new().header(member, value).refused(VerifyError::Malformed);
        }
    }
}

#[test]
fn the_header_is_one_json_object() {
    let case = Case::new();
    for header in ["", "[]", "\"HS256\"", "{", "{}{}", "\u{feff}{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",}"] {
        case.refuses(&case.signer.token(header, case.claims.to_string()), VerifyError::Malformed);
    }
    case.refuses(&case.signer.token(b"{\"alg\":\"HS256\",\"x\":\"\xff\"}", "{}"), VerifyError::Malformed);
}

#[test]
fn the_type_is_compared_as_a_media_type() {
    for typ in ["at+jwt", "at+JWT", "AT+JWT", "application/at+jwt", "Application/AT+Jwt"] {
        Case::new().header("typ", typ).passes();
    }
    for typ in ["JWT", "jwt", "", "at+jwt ", "at", "at+jwt;v=1", "text/at+jwt", "application/application/at+jwt"] {
        Case::new().header("typ", typ).refused(VerifyError::TypeMismatch);
    }
    Case::new().without_header("typ").refused(VerifyError::TypeMismatch);
}

#[test]
fn the_policy_names_the_types() {
    let case = Case::new().header("typ", "logout+jwt");
    case.refused(VerifyError::TypeMismatch);
    let types = ["at+jwt", "logout+jwt"].map(str::to_owned).to_vec();
    case.clone().policy(|policy| policy.types = Expected::OneOf(types)).passes();
    case.clone().policy(|policy| policy.types = Expected::OneOf(Vec::new())).refused(VerifyError::TypeMismatch);
    case.without_header("typ").policy(|policy| policy.types = Expected::Anything).passes();
}

#[test]
fn a_key_in_the_header_is_never_used() {
    let forger = Signer::new(Algorithm::Hs256, 99);
    let hostile = |member: &str, value: serde_json::Value| {
        let mut case = Case::new().header(member, value);
        case.signer = forger;
        case.refused(VerifyError::BadSignature);
        case.header("kid", "mine").refused(VerifyError::KeyNotFound);
    };
    hostile("jwk", forger.jwk());
    hostile("jku", json!("https://mallory.example/jwks.json"));
    hostile("x5u", json!("https://mallory.example/chain.pem"));
    hostile("x5c", json!(["MIIB"]));
}
