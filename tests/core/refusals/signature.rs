//! The signature: its key, what it covers, and that it has one form.

use edgemint::token::{VerifyError, base64url};

use crate::case::Case;
use crate::signer::Signer;

fn cases() -> impl Iterator<Item = Case> {
    Signer::ALGORITHMS.into_iter().map(|algorithm| Case::signed_by(Signer::new(algorithm, 7)))
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn bytes(part: &str) -> Vec<u8> {
    base64url::decode(part.as_bytes()).unwrap()
}

#[test]
fn every_algorithm_accepts_its_signature() {
    cases().for_each(|case| case.passes());
}

#[test]
fn it_covers_the_header() {
    for case in cases() {
        let [_, payload, signature] = parts(&case.text());
        // The same members with the same values in other bytes, and one more member.
        for header in [format!(" {}", case.header), case.clone().header("x", 1).header.to_string()] {
            let header = base64url::encode(header.as_bytes());
            case.refuses(&format!("{header}.{payload}.{signature}"), VerifyError::BadSignature);
        }
    }
}

#[test]
fn it_covers_the_payload() {
    for case in cases() {
        let [header, _, signature] = parts(&case.text());
        for payload in [format!("{} ", case.claims), case.clone().claim("scope", "admin").claims.to_string()] {
            let payload = base64url::encode(payload.as_bytes());
            case.refuses(&format!("{header}.{payload}.{signature}"), VerifyError::BadSignature);
        }
    }
}

#[test]
fn no_byte_of_it_may_differ() {
    for case in cases() {
        let [header, payload, signature] = parts(&case.text());
        let mut signature = bytes(&signature);
        for place in 0..signature.len() {
            // Another bit of each byte, including the highest and the lowest.
            let bit = 1 << (place % 8);
            signature[place] ^= bit;
            let text = format!("{header}.{payload}.{}", base64url::encode(&signature));
            case.refuses(&text, VerifyError::BadSignature);
            signature[place] ^= bit;
        }
    }
}

#[test]
fn it_has_the_length_of_its_algorithm() {
    for case in cases() {
        let [header, payload, signature] = parts(&case.text());
        let signature = bytes(&signature);
        let padded = [&signature[..], &[0; 300]].concat();
        for len in (0..signature.len()).chain([signature.len() + 1, signature.len() * 2, padded.len()]) {
            let text = format!("{header}.{payload}.{}", base64url::encode(&padded[..len]));
            case.refuses(&text, VerifyError::BadSignature);
        }
        let shifted = [&[0], &signature[..]].concat();
        case.refuses(&format!("{header}.{payload}.{}", base64url::encode(&shifted)), VerifyError::BadSignature);
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    for case in cases() {
        case.refuses(&case.forged(), VerifyError::BadSignature);
        let [header, payload, _] = parts(&case.text());
        let [_, _, of_another_token] = parts(&case.clone().claim("jti", "2").text());
        case.refuses(&format!("{header}.{payload}.{of_another_token}"), VerifyError::BadSignature);
    }
}

#[test]
fn all_zeros_are_no_signature() {
    for case in cases() {
        let [header, payload, signature] = parts(&case.text());
        for byte in [0, 1, 0xff] {
            let constant = vec![byte; bytes(&signature).len()];
            case.refuses(&format!("{header}.{payload}.{}", base64url::encode(&constant)), VerifyError::BadSignature);
        }
    }
}

#[cfg(feature = "portable")]
mod ecdsa {
    use edgemint::token::Algorithm;

    use super::*;

    /// The order of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3).
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];

    fn minus(a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut borrow = 0;
        let mut difference = Vec::new();
        for (a, b) in a.iter().zip(b).rev() {
            let step = i16::from(*a) - i16::from(*b) - borrow;
            borrow = i16::from(step < 0);
            difference.push(step.rem_euclid(256) as u8);
        }
        difference.reverse();
        difference
    }

    #[test]
    fn both_halves_of_s_are_taken() {
        let case = Case::signed_by(Signer::new(Algorithm::Es256, 7));
        let [header, payload, signature] = parts(&case.text());
        let signature = bytes(&signature);
        let (r, s) = signature.split_at(32);
        let twin = [r, &minus(&ORDER, s)].concat();
        assert_ne!(twin, signature);
        assert!(case.verdict_on(&format!("{header}.{payload}.{}", base64url::encode(&twin))).is_ok());
    }

    #[test]
    fn the_form_is_r_and_s_and_never_der() {
        let case = Case::signed_by(Signer::new(Algorithm::Es256, 7));
        let [header, payload, signature] = parts(&case.text());
        let signature = bytes(&signature);
        let integer = |number: &[u8]| {
            let zero: &[u8] = if number[0] >= 0x80 { &[0] } else { &[] };
            [&[2, (zero.len() + number.len()) as u8], zero, number].concat()
        };
        let body = [integer(&signature[..32]), integer(&signature[32..])].concat();
        let der = [&[0x30, body.len() as u8], &body[..]].concat();
        case.refuses(&format!("{header}.{payload}.{}", base64url::encode(&der)), VerifyError::BadSignature);
    }

    #[test]
    fn r_and_s_are_in_range() {
        let case = Case::signed_by(Signer::new(Algorithm::Es256, 7));
        let [header, payload, signature] = parts(&case.text());
        let signature = bytes(&signature);
        let (r, s) = signature.split_at(32);
        for (r, s) in [(&[0; 32][..], s), (r, &[0; 32][..]), (&ORDER[..], s), (r, &ORDER[..])] {
            let text = format!("{header}.{payload}.{}", base64url::encode(&[r, s].concat()));
            case.refuses(&text, VerifyError::BadSignature);
        }
    }
}

#[cfg(feature = "portable")]
mod eddsa {
    use edgemint::token::{Algorithm, Key, KeyError, check_signature};
    use serde_json::json;

    use super::*;
    use crate::signer::key;

    /// The order of the group, little endian (RFC 8032 section 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    #[test]
    fn s_plus_the_order_is_no_second_signature() {
        let case = Case::signed_by(Signer::new(Algorithm::EdDsa, 7));
        let [header, payload, signature] = parts(&case.text());
        let mut signature = bytes(&signature);
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        case.refuses(&format!("{header}.{payload}.{}", base64url::encode(&signature)), VerifyError::BadSignature);
    }

    #[test]
    fn a_key_under_which_one_signature_holds_for_everything_is_no_key() {
        for x in ["AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x });
            assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Err(KeyError::Weak));
        }
    }

    #[test]
    fn a_point_of_small_order_is_no_commitment() {
        // Case 2 of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020): lenient checks take it.
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let message = hex("aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab");
        let x = hex("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43");
        let r = hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa");
        let s = hex("8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e");
        let signature = [r, s].concat();

        let lenient = ed25519_dalek::VerifyingKey::try_from(&x[..]).unwrap();
        let parsed = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        assert!(ed25519_dalek::Verifier::verify(&lenient, &message, &parsed).is_ok());

        let key = key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(&x) }));
        assert_eq!(check_signature(Algorithm::EdDsa, &key, &message, &signature), Some(false));
    }

    #[test]
    fn both_names_of_the_algorithm_are_one() {
        let case = Case::signed_by(Signer::new(Algorithm::EdDsa, 7));
        case.clone().header("alg", "Ed25519").passes();
        case.header("alg", "Ed448").refused(VerifyError::AlgorithmNotAllowed);
    }
}
