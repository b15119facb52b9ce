use serde_json::json;

use super::*;
use crate::keyring::schedule::TAIL;
use crate::keyring::{Import, KeyId, KeyMaterial, PrivateJwk};
use crate::token::{Key, base64url};

const NOW: UnixTime = UnixTime(1_800_000_000);

fn public(algorithm: Algorithm) -> Key {
    let bytes = |length| base64url::encode(&vec![0xab; length]);
    let jwk = match algorithm {
        Algorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes(32) }),
        Algorithm::Es256 => json!({ "kty": "EC", "crv": "P-256", "x": bytes(32), "y": bytes(32) }),
        Algorithm::Es384 => json!({ "kty": "EC", "crv": "P-384", "x": bytes(48), "y": bytes(48) }),
        _ => json!({ "kty": "RSA", "n": bytes(256), "e": "AQAB" }),
    };
    Key::from_jwk(jwk.as_object().unwrap()).unwrap()
}

fn key(algorithm: Algorithm, kid: &str) -> SigningKey {
    let private = PrivateJwk::new(json!({}));
    SigningKey::new(KeyMaterial { algorithm, public: public(algorithm).named(kid), private }, NOW, NOW)
}

fn certificate(key: &SigningKey) -> Certificate {
    Certificate::of(key, "as.example").unwrap()
}

/// The tags and contents of the values in a DER text.
fn values(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut values = Vec::new();
    while let [tag, length, rest @ ..] = der {
        let digits = usize::from(*length).saturating_sub(0x80);
        let (long, rest) = rest.split_at(digits);
        let length = match digits {
            0 => usize::from(*length),
            _ => long.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)),
        };
        let (content, rest) = rest.split_at(length);
        values.push((*tag, content));
        der = rest;
    }
    values
}

/// The fields of a `TBSCertificate`.
fn fields(certificate: &Certificate) -> Vec<(u8, &[u8])> {
    values(values(certificate.signing_input())[0].1)
}

#[test]
fn only_a_key_that_signs_with_an_algorithm_of_ours_has_one() {
    for algorithm in crate::keyring::SIGNING_ALGORITHMS {
        assert!(Certificate::of(&key(algorithm, "k"), "as.example").is_some(), "{algorithm:?}");
    }
    assert!(Certificate::of(&key(Algorithm::Es384, "k"), "as.example").is_none());
    let verifies = Import::to_verify(KeyId::parse("k"), Algorithm::Es256, &public(Algorithm::Es256), NOW.plus(9));
    assert!(Certificate::of(&verifies.to_key(NOW), "as.example").is_none());
    let mut later = key(Algorithm::Es256, "k");
    later.alg = "ML-DSA-44".to_owned().into();
    assert!(Certificate::of(&later, "as.example").is_none());
}

#[test]
fn it_names_the_algorithm_inside_and_outside() {
    let identifiers: [(Algorithm, &[u8]); 3] = [
        (Algorithm::EdDsa, &[6, 3, 0x2b, 0x65, 0x70]),
        (Algorithm::Es256, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
        // With parameters (RFC 4055 section 5).
        (Algorithm::Rs256, &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0]),
    ];
    for (algorithm, identifier) in identifiers {
        let certificate = certificate(&key(algorithm, "k"));
        assert_eq!(fields(&certificate)[2], (0x30, identifier), "{algorithm:?}");
        let pem = certificate.seal(&[1; 64]).unwrap();
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
        assert_eq!(label, "CERTIFICATE");
        let parts = values(values(&der)[0].1);
        assert_eq!(parts[0], values(certificate.signing_input())[0]);
        assert_eq!(parts[1], (0x30, identifier));
        let signature = match algorithm {
            Algorithm::Es256 => ecdsa(&[1; 64]).unwrap(),
            _ => vec![1; 64],
        };
        assert_eq!(parts[2], (3, &[&[0][..], &signature].concat()[..]), "no unused bits");
    }
}

#[test]
fn it_names_the_host_twice_the_time_in_the_key_set_and_the_key() {
    let key = key(Algorithm::Es256, "k");
    let certificate = certificate(&key);
    let fields = fields(&certificate);
    assert_eq!(fields[0], (0xa0, &[2, 1, 2][..]), "version 3");
    assert_eq!(fields[3], fields[5], "issued by itself");
    assert!(fields[3].1.ends_with(b"\x0c\x0aas.example"));
    assert_eq!(values(fields[4].1), [(0x17, &time(NOW)[2..]), (0x17, &time(NOW.plus(TAIL))[2..])]);
    assert_eq!(fields[6], values(&public(Algorithm::Es256).to_spki().unwrap())[0]);
    assert_eq!(fields.len(), 7);
}

#[test]
fn a_long_name_is_cut_at_64_characters() {
    for (length, shown) in [(63, 63), (64, 64), (65, 64)] {
        let name = name(&"h".repeat(length));
        assert!(name.ends_with(&[&[0x0c, shown as u8][..], &vec![b'h'; shown]].concat()), "{length}");
    }
}

#[test]
fn a_serial_number_is_positive_of_16_bytes_and_depends_on_key_and_time() {
    let serial = |key: &SigningKey| {
        let certificate = certificate(key);
        let fields = fields(&certificate);
        assert_eq!(fields[1].0, 2);
        fields[1].1.to_vec()
    };
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..32 {
        let number = serial(&key(Algorithm::Es256, &format!("k{number}")));
        assert_eq!((number.len(), number[0] & 0xc0), (16, 0x40));
        seen.insert(number);
    }
    assert_eq!(seen.len(), 32);
    let mut key = key(Algorithm::Es256, "k");
    let first = serial(&key);
    assert_eq!(first, serial(&key));
    key.drop_at = key.drop_at.plus(1);
    let second = serial(&key);
    key.publish_at = UnixTime(NOW.0 - 1);
    assert!(first != second && second != serial(&key) && first != serial(&key));
}

#[test]
fn times_have_two_digits_of_the_year_until_2049() {
    assert_eq!(time(UnixTime(29_220 * 86_400 - 1))[..], *b"\x17\x0d491231235959Z");
    assert_eq!(time(UnixTime(29_220 * 86_400))[..], *b"\x18\x0f20500101000000Z");
    assert_eq!(time(NOW)[2..], *b"270115080000Z");
}

#[test]
fn numbers_of_a_signature_are_positive_and_short() {
    let mut signature = [0; 64];
    signature[0] = 0x80;
    signature[63] = 1;
    let der = ecdsa(&signature).unwrap();
    assert_eq!(der[..5], [0x30, 38, 2, 33, 0]);
    assert_eq!(der[37..], [2, 1, 1]);
    assert_eq!(ecdsa(&signature[1..]), None);
    assert_eq!(ecdsa(&[signature.to_vec(), vec![1]].concat()), None);
    assert_eq!(ecdsa(&signature[..31]), None);
    assert_eq!(certificate(&key(Algorithm::Es256, "k")).seal(&signature[1..]), None);
}
