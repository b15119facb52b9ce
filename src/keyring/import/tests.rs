use serde_json::json;

use super::*;
use crate::keyring::KeyringRefusal;
use crate::token::{Curve, base64url};

const NOW: UnixTime = UnixTime(1_800_000_000);
const SIGNS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];

/// RFC 8410 section 10.
const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
const PRIVATE_PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

fn public() -> Value {
    let bytes = base64url::encode(&[7; 32]);
    json!({ "kty": "EC", "crv": "P-256", "x": bytes, "y": bytes })
}

fn private() -> Value {
    with(public(), "d", json!(base64url::encode(&[9; 32])))
}

fn p384() -> Value {
    let bytes = base64url::encode(&[7; 48]);
    json!({ "kty": "EC", "crv": "P-384", "x": bytes, "y": bytes })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn to_sign() -> Value {
    json!({ "use": "sign", "key": private() })
}

fn to_verify() -> Value {
    json!({ "use": "verify", "key": public(), "until": NOW.0 + 60 })
}

fn parse(body: &Value) -> Result<ImportText, ImportError> {
    ImportText::parse(body.as_object().unwrap(), &SIGNS, NOW)
}

fn refuses(body: &Value, error: ImportError) {
    assert_eq!(parse(body).map(|_| ()), Err(error), "{body}");
}

#[test]
fn a_private_key_signs_and_a_public_one_verifies() {
    let signs = parse(&to_sign()).unwrap();
    assert!(matches!(signs.purpose, Purpose::Sign(Private::Jwk(_))));
    assert_eq!((signs.algorithm, signs.kid, signs.public.is_some()), (Algorithm::Es256, None, true));
    let verifies = parse(&to_verify()).unwrap();
    assert!(matches!(verifies.purpose, Purpose::Verify(until) if until == NOW.plus(60)));
    let pem = parse(&json!({ "use": "sign", "key": PRIVATE_PEM })).unwrap();
    assert!(matches!(pem.purpose, Purpose::Sign(Private::Pkcs8(_))));
    assert_eq!(
        (pem.algorithm, pem.public.is_none()),
        (Algorithm::EdDsa, true),
        "the platform computes its public half"
    );
    let pem = parse(&with(to_verify(), "key", json!(PUBLIC_PEM))).unwrap();
    assert_eq!((pem.algorithm, pem.public.is_some()), (Algorithm::EdDsa, true));
}

#[test]
fn a_key_fits_its_purpose() {
    refuses(&with(to_sign(), "key", public()), ImportError::Key(KeyError::Public));
    refuses(&with(to_verify(), "key", private()), ImportError::Key(KeyError::Private));
    refuses(&with(to_sign(), "key", json!(PUBLIC_PEM)), ImportError::Key(KeyError::Public));
    refuses(&with(to_verify(), "key", json!(PRIVATE_PEM)), ImportError::Key(KeyError::Private));
    let secret = json!({ "kty": "oct", "k": base64url::encode(&[7; 64]) });
    refuses(&with(to_verify(), "key", secret), ImportError::Key(KeyError::Unsupported));
}

#[test]
fn each_member_has_its_type() {
    for wrong in [json!("both"), json!(7), json!(null)] {
        refuses(&with(to_sign(), "use", wrong), ImportError::Use);
    }
    refuses(&json!({ "key": private() }), ImportError::Use);
    refuses(&json!({ "use": "sign" }), ImportError::KeyMissing);
    for wrong in [json!(7), json!(null), json!([private()])] {
        refuses(&with(to_sign(), "key", wrong), ImportError::KeyMissing);
    }
    for wrong in [json!(7), json!(null), json!(""), json!("a b"), json!("."), json!(".."), json!("rotate")] {
        refuses(&with(to_sign(), "kid", wrong), ImportError::Kid);
    }
    for wrong in [json!(7), json!(null), json!("none"), json!("es256")] {
        refuses(&with(to_sign(), "alg", wrong), ImportError::Algorithm);
    }
    for wrong in [json!("1800000060"), json!(-1), json!(null)] {
        refuses(&with(to_verify(), "until", wrong), ImportError::Until);
    }
}

#[test]
fn the_identifier_of_the_request_goes_before_that_of_the_key() {
    let named = with(public(), "kid", json!("own"));
    let kid = |body: &Value| parse(body).unwrap().kid.map(|kid| kid.as_str().to_owned());
    assert_eq!(kid(&with(to_verify(), "key", named.clone())).as_deref(), Some("own"));
    assert_eq!(kid(&with(with(to_verify(), "key", named), "kid", json!("other"))).as_deref(), Some("other"));
    refuses(&with(to_verify(), "key", with(public(), "kid", json!("a b"))), ImportError::Kid);
}

#[test]
fn the_algorithm_is_one_of_the_key() {
    assert_eq!(parse(&with(to_sign(), "alg", json!("ES256"))).unwrap().algorithm, Algorithm::Es256);
    refuses(&with(to_sign(), "alg", json!("EdDSA")), ImportError::Algorithm);
    let own = with(public(), "alg", json!("ES256"));
    assert_eq!(parse(&with(to_verify(), "key", own)).unwrap().algorithm, Algorithm::Es256);
    let rsa = json!({ "kty": "RSA", "n": base64url::encode(&[0xff; 256]), "e": "AQAB", "alg": "RS256" });
    let verifies = with(to_verify(), "key", rsa);
    assert_eq!(parse(&verifies).unwrap().algorithm, Algorithm::Rs256);
    refuses(&with(verifies, "alg", json!("PS256")), ImportError::Algorithm);
}

#[test]
fn a_key_signs_only_with_a_configured_algorithm_and_verifies_with_any() {
    assert_eq!(parse(&with(to_verify(), "key", p384())).unwrap().algorithm, Algorithm::Es384);
    let p384 = with(p384(), "d", json!(base64url::encode(&[9; 48])));
    refuses(&with(to_sign(), "key", p384.clone()), ImportError::Algorithm);
    refuses(&with(with(to_sign(), "key", p384), "alg", json!("ES384")), ImportError::Algorithm);
    let body = to_sign();
    let only_eddsa = ImportText::parse(body.as_object().unwrap(), &[Algorithm::EdDsa], NOW);
    assert_eq!(only_eddsa.map(|_| ()), Err(ImportError::Algorithm));
    let body = to_verify();
    assert!(ImportText::parse(body.as_object().unwrap(), &[Algorithm::EdDsa], NOW).is_ok());
}

#[test]
fn an_algorithm_that_is_not_named_follows_from_the_key_or_is_missing() {
    let p256 = KeyShape::Ec(Curve::P256);
    let p384 = KeyShape::Ec(Curve::P384);
    for (said, shape, is_to_sign, expected) in [
        (Some(Algorithm::Es256), p256, true, Ok(Algorithm::Es256)),
        (Some(Algorithm::Es256), p384, false, Err(ImportError::Algorithm)),
        (None, p256, true, Ok(Algorithm::Es256)),
        (None, p384, true, Err(ImportError::Algorithm)),
        (None, p384, false, Ok(Algorithm::Es384)),
        (None, KeyShape::Rsa, true, Ok(Algorithm::Rs256)),
        (None, KeyShape::Rsa, false, Err(KeyError::AlgorithmMissing.into())),
        (Some(Algorithm::Ps512), KeyShape::Rsa, false, Ok(Algorithm::Ps512)),
        (None, KeyShape::Octets, false, Err(ImportError::Algorithm)),
    ] {
        assert_eq!(algorithm(said, shape, is_to_sign), expected, "{said:?} {shape:?} {is_to_sign}");
    }
}

#[test]
fn only_a_key_to_verify_with_has_an_end_and_it_lies_within_bounds() {
    refuses(&with(to_sign(), "until", json!(NOW.0 + 60)), ImportError::Until);
    let mut endless = to_verify();
    endless.as_object_mut().unwrap().remove("until");
    refuses(&endless, ImportError::Until);
    for (until, is_valid) in
        [(0, false), (NOW.0, false), (NOW.0 + 1, true), (NOW.0 + 400 * DAY, true), (NOW.0 + 400 * DAY + 1, false)]
    {
        let parsed = parse(&with(to_verify(), "until", json!(until)));
        assert_eq!(parsed.map(|_| ()), is_valid.then_some(()).ok_or(ImportError::Until), "{until}");
    }
}

fn key(body: &Value) -> Key {
    Key::from_jwk(body.as_object().unwrap()).unwrap()
}

#[test]
fn a_key_to_sign_with_waits_and_one_to_verify_with_is_published_until_its_end() {
    let signs = Import::to_sign(None, Algorithm::Es256, &key(&public()), PrivateJwk::new(json!({})));
    let stored = signs.to_key(NOW);
    assert_eq!(stored.signing(), (NOW.plus(LEAD), NOW.plus(LEAD)));
    assert_eq!(stored.validity(), (NOW, NOW.plus(LEAD + TAIL)));
    assert!(stored.private().is_some());
    let verifies = Import::to_verify(KeyId::parse("k"), Algorithm::Es256, &key(&public()), NOW.plus(500));
    let stored = verifies.to_key(NOW);
    assert_eq!(stored.signing(), (NOW, NOW));
    assert_eq!(stored.validity(), (NOW, NOW.plus(500)));
    assert!(stored.private().is_none());
}

#[test]
fn a_key_without_a_name_is_called_by_its_thumbprint() {
    let key = key(&public());
    let nameless = Import::to_verify(None, Algorithm::Es256, &key, NOW);
    assert_eq!((nameless.kid.as_str(), &nameless.thumbprint), (key.thumbprint().as_str(), &key.thumbprint()));
    let named = Import::to_verify(KeyId::parse("k"), Algorithm::Es256, &key, NOW);
    assert_eq!((named.kid.as_str(), &named.thumbprint), ("k", &key.thumbprint()));
}

#[test]
fn each_error_has_a_name_and_a_sentence_of_its_own() {
    let conflicts: Vec<_> = ImportError::ALL.into_iter().filter(|error| error.is_conflict()).collect();
    assert_eq!(conflicts, [ImportError::Exists, ImportError::Full, ImportError::Revoked]);
    for (index, error) in ImportError::ALL.into_iter().enumerate() {
        for other in &ImportError::ALL[..index] {
            assert_ne!(error.kind(), other.kind());
            assert_ne!(error.sentence(), other.sentence());
        }
    }
    let of_import = [KeyringRefusal::Unknown, KeyringRefusal::Exists, KeyringRefusal::Revoked, KeyringRefusal::Full]
        .map(KeyringRefusal::of_import);
    let expected = [None, Some(ImportError::Exists), Some(ImportError::Revoked), Some(ImportError::Full)];
    assert_eq!(of_import, expected);
}
