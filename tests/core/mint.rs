//! Minting, compared with jwt-compact: each verifies the other's tokens.

use edgemint::token::{Algorithm, Issuer, KeyError, MintError, Minter, VerifyError};
use jwt_compact::alg::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};
use jwt_compact::prelude::*;
use serde_json::{Map, Value, json};

use crate::case::{Case, EXP, KID, invalid, missing};
use crate::signer::Signer;

fn mint(signer: Signer, claims: &Value) -> String {
    let draft = Minter::new(signer.algorithm, KID, "at+jwt").draft(claims).unwrap();
    let signature = signer.sign(draft.signing_input());
    draft.seal(&signature).unwrap()
}

/// The claims that jwt-compact reads from a token, if it accepts it.
fn oracle_takes(signer: Signer, token: &str) -> Option<Value> {
    fn validate<A: jwt_compact::Algorithm>(algorithm: &A, key: &A::VerifyingKey, token: &str) -> Option<Value> {
        let token = UntrustedToken::new(token).ok()?;
        let token = algorithm.validator::<Map<String, Value>>(key).validate(&token).ok()?;
        Some(serde_json::to_value(token.claims()).unwrap())
    }
    let secret = signer.secret();
    match signer.algorithm {
        Algorithm::Hs256 => validate(&Hs256, &Hs256Key::new(secret), token),
        Algorithm::Hs384 => validate(&Hs384, &Hs384Key::new(secret), token),
        Algorithm::Hs512 => validate(&Hs512, &Hs512Key::new(secret), token),
        #[cfg(feature = "portable")]
        Algorithm::EdDsa => validate(&jwt_compact::alg::Ed25519, &signer.ed25519().verifying_key(), token),
        #[cfg(feature = "portable")]
        Algorithm::Es256 => validate(&jwt_compact::alg::Es256, signer.es256().verifying_key(), token),
        other => panic!("no oracle for {other}"),
    }
}

/// A token that jwt-compact mints.
fn oracle_makes(signer: Signer, claims: &Value) -> String {
    let header = Header::empty().with_key_id(KID).with_token_type("at+jwt");
    let claims = Claims::new(claims.as_object().unwrap().clone());
    let secret = signer.secret();
    let token = match signer.algorithm {
        Algorithm::Hs256 => Hs256.token(&header, &claims, &Hs256Key::new(secret)),
        Algorithm::Hs384 => Hs384.token(&header, &claims, &Hs384Key::new(secret)),
        Algorithm::Hs512 => Hs512.token(&header, &claims, &Hs512Key::new(secret)),
        #[cfg(feature = "portable")]
        Algorithm::EdDsa => jwt_compact::alg::Ed25519.token(&header, &claims, &signer.ed25519()),
        #[cfg(feature = "portable")]
        Algorithm::Es256 => jwt_compact::alg::Es256.token(&header, &claims, &signer.es256()),
        other => panic!("no oracle for {other}"),
    };
    token.unwrap()
}

fn signers() -> impl Iterator<Item = Signer> {
    Signer::ALGORITHMS.into_iter().map(|algorithm| Signer::new(algorithm, 7))
}

#[test]
fn minted_claims_are_verified_byte_for_byte() {
    for signer in signers() {
        let case = Case::signed_by(signer);
        let claims = case.clone().claim("x", json!({ "ü": [1, -2.5, null, "\u{0}\u{1f600}"] })).claims;
        let token = case.verdict_on(&mint(signer, &claims)).unwrap();
        assert_eq!(token.payload(), claims.to_string());
        assert_eq!(Value::from(token.claims().members().clone()), claims);
        assert_eq!(Value::from(token.header().members()), case.header);
        assert_eq!(token.key(), &signer.key(KID));
    }
}

#[test]
fn jwt_compact_verifies_minted_tokens() {
    for signer in signers() {
        let claims = Case::signed_by(signer).claims;
        let token = mint(signer, &claims);
        assert_eq!(oracle_takes(signer, &token), Some(claims), "{}", signer.algorithm);
        assert_eq!(oracle_takes(Signer::new(signer.algorithm, 99), &token), None);
    }
}

#[test]
fn tokens_of_jwt_compact_are_verified() {
    for signer in signers() {
        let case = Case::signed_by(signer);
        let text = oracle_makes(signer, &case.claims);
        let token = case.verdict_on(&text).unwrap();
        assert_eq!(Value::from(token.claims().members().clone()), case.claims, "{}", signer.algorithm);
        case.at(EXP).refuses(&text, VerifyError::Expired);
    }
}

#[test]
fn a_deterministic_algorithm_mints_the_same_token() {
    // HMAC and Ed25519 use no random bytes, and the order of the members is fixed.
    for signer in signers() {
        let claims = Case::signed_by(signer).claims;
        assert_eq!(mint(signer, &claims), mint(signer, &claims), "{}", signer.algorithm);
    }
}

#[test]
fn a_signature_has_the_length_of_its_algorithm() {
    for algorithm in Algorithm::ALL {
        let draft = || Minter::new(algorithm, KID, "at+jwt").draft(&json!({})).unwrap();
        assert_eq!(draft().seal(&[]), Err(MintError::Signature), "{algorithm}");
        let Some(len) = algorithm.signature_len() else {
            assert!(draft().seal(&[1; 256]).is_ok(), "{algorithm}: the key decides");
            continue;
        };
        assert!(draft().seal(&vec![1; len]).is_ok(), "{algorithm}");
        for wrong in [1, len - 1, len + 1, len * 2] {
            assert_eq!(draft().seal(&vec![1; wrong]), Err(MintError::Signature), "{algorithm} {wrong}");
        }
    }
}

#[test]
fn an_invalid_claims_set_is_not_minted() {
    let minter = Minter::new(Algorithm::Hs256, KID, "at+jwt");
    for claims in [json!(null), json!(1), json!("{}"), json!([]), json!([{}])] {
        assert_eq!(minter.draft(&claims).map(|_| ()).unwrap_err(), MintError::Claims, "{claims}");
    }
    // JSON keys are text.
    let unserialisable = std::collections::HashMap::from([(vec![1], 1)]);
    assert_eq!(minter.draft(&unserialisable).map(|_| ()).unwrap_err(), MintError::Claims);
}

#[test]
fn an_issuer_with_the_secret_mints_what_verifiers_accept() {
    for algorithm in Signer::HMAC {
        let case = Case::signed_by(Signer::new(algorithm, 7));
        let minter = Minter::new(algorithm, KID, "at+jwt");
        let mut issuer = Issuer::new(minter, Vec::new()).with_secret(&case.signer.key(KID), algorithm).unwrap();
        assert_eq!(issuer.text(), b"");
        // Each text replaces the one before.
        for subject in ["alice", "bob"] {
            let claims = case.clone().claim("sub", subject).claims;
            assert_eq!(issuer.mint(claims.to_string().as_bytes()), Ok(true), "{algorithm}");
            let text = std::str::from_utf8(issuer.text()).unwrap();
            assert_eq!(text, mint(case.signer, &claims), "{algorithm}");
            case.verdict_on(text).unwrap();
        }
    }
}

#[test]
fn an_issuer_without_a_secret_leaves_what_is_to_be_signed() {
    let case = Case::new();
    let mut issuer = Issuer::new(Minter::new(Algorithm::Es256, KID, "at+jwt"), Vec::new());
    assert_eq!(issuer.mint(case.claims.to_string().as_bytes()), Ok(false));
    let draft = Minter::new(Algorithm::Es256, KID, "at+jwt").draft(&case.claims).unwrap();
    assert_eq!(issuer.text(), draft.signing_input());
}

#[test]
fn an_issuer_signs_with_a_secret_of_its_algorithm_alone() {
    let secret = Case::new().signer.key(KID);
    let issuer = || Issuer::new(Minter::new(Algorithm::Hs256, KID, "at+jwt"), Vec::new());
    assert!(issuer().with_secret(&secret, Algorithm::Hs256).is_ok());
    for algorithm in [Algorithm::Hs512, Algorithm::Es256] {
        assert_eq!(issuer().with_secret(&secret, algorithm).err(), Some(KeyError::Unsupported), "{algorithm}");
    }
}

#[test]
fn an_issuer_refuses_claims_that_a_verifier_would_refuse() {
    let case = Case::new();
    let required = vec!["sub".to_owned(), "client_id".to_owned()];
    let mut issuer = Issuer::new(Minter::new(Algorithm::Es256, KID, "at+jwt"), required);
    let mut minted = |case: Case| issuer.mint(case.claims.to_string().as_bytes());
    assert_eq!(minted(case.clone()), Ok(false));
    assert_eq!(minted(case.clone().without_claim("client_id")), Err(missing("client_id")));
    assert_eq!(minted(case.clone().claim("exp", "soon")), Err(invalid("exp")));
    assert_eq!(minted(case.clone().claim("scope", json!(["read"]))), Err(invalid("scope")));
    assert_eq!(minted(case.without_claim("scope")), Ok(false));
    assert_eq!(issuer.mint(b"[]"), Err(VerifyError::Malformed));
}
