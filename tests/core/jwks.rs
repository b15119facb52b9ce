//! Key sets, and the key that a token selects.

use edgemint::token::{Algorithm, Checker, Finding, Key, KeyError, KeySet, VerifyError, base64url};
use serde_json::{Value, json};

use crate::case::{Case, KID};
use crate::signer::{Signer, key, with};

const HS256: Algorithm = Algorithm::Hs256;

fn another(kid: &str) -> Key {
    Signer::new(HS256, 99).key(kid)
}

fn nameless(signer: Signer) -> Key {
    Key::from_secret(&signer.secret(), signer.algorithm).unwrap()
}

/// The RSA key of RFC 7638 section 3.1, without kid and algorithm.
fn rsa() -> Value {
    let vectors: Vec<Value> = crate::vectors::read("thumbprints.json");
    json!({ "kty": "RSA", "n": vectors[0]["key"]["n"], "e": "AQAB" })
}

fn published(keys: &[Value]) -> KeySet {
    KeySet::from_published(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn the_kid_selects_one_key_of_many() {
    let case = Case::new();
    let many = (0..1_000).map(|n| another(&format!("key-{n}-of-many")));
    let keys = KeySet::new(many.chain([case.signer.key(KID)]));
    assert_eq!(keys.len(), 1_001);
    case.clone().keys(keys.clone()).passes();
    let case = case.keys(keys);
    case.clone().header("kid", "key-7-of-many").refused(VerifyError::BadSignature);
    case.clone().header("kid", "key-1").passes();
    case.header("kid", "KEY-1").refused(VerifyError::KeyNotFound);
}

#[test]
fn an_unknown_kid_is_not_found() {
    Case::new().header("kid", "other").refused(VerifyError::KeyNotFound);
    Case::new().header("kid", "").refused(VerifyError::KeyNotFound);
    Case::new().keys(KeySet::default()).refused(VerifyError::KeyNotFound);
    Case::new().keys(KeySet::default()).without_header("kid").refused(VerifyError::KeyNotFound);
}

#[test]
fn a_known_kid_with_another_algorithm_is_a_mismatch() {
    let rsa = key(&with(rsa(), &[("kid", KID)]));
    Case::new().keys(KeySet::new([rsa.clone()])).refused(VerifyError::KeyMismatch);
    // The right key under another kid is not tried then.
    let keys = KeySet::new([rsa, Case::new().signer.key("other")]);
    Case::new().keys(keys).refused(VerifyError::KeyMismatch);
}

#[test]
fn two_keys_with_one_kid_are_distinguished_by_algorithm_only() {
    let own = Case::new().signer.key(KID);
    let rsa = key(&with(rsa(), &[("kid", KID)]));
    Case::new().keys(KeySet::new([rsa, own.clone()])).passes();
    Case::new().keys(KeySet::new([another(KID), own])).passes();
}

#[test]
fn without_a_kid_exactly_one_key_must_fit() {
    let own = Case::new().signer.key(KID);
    let case = Case::new().without_header("kid");
    case.clone().keys(KeySet::new([own.clone()])).passes();
    case.clone().keys(KeySet::new([key(&rsa()), own.clone()])).passes();
    case.clone().keys(KeySet::new([another("other"), own])).passes();
    case.clone().keys(KeySet::new([another("other"), another("third")])).refused(VerifyError::BadSignature);
    case.keys(KeySet::new([key(&rsa())])).refused(VerifyError::KeyNotFound);
}

#[test]
fn up_to_four_different_keys_are_tried_in_turn() {
    for (algorithm, header) in [(HS256, Some(KID)), (HS256, None), (Algorithm::EdDsa, None), (Algorithm::Es256, None)] {
        if !Signer::ALGORITHMS.contains(&algorithm) {
            continue;
        }
        let mut case = Case::signed_by(Signer::new(algorithm, 7));
        if header.is_none() {
            case = case.without_header("kid");
        }
        let other = |seed: u8| Signer::new(algorithm, seed).key(KID);
        let own = case.signer.key(KID);
        for place in 0..4 {
            let mut keys: Vec<_> = (1..4).map(other).collect();
            keys.insert(place, own.clone());
            case.clone().keys(KeySet::new(keys.clone())).passes();
            // The same key twice counts once.
            let twice = keys.iter().chain(&keys).cloned();
            case.clone().keys(KeySet::new(twice)).passes();
            case.clone().keys(KeySet::new(keys.into_iter().chain([other(5)]))).refused(VerifyError::KeyAmbiguous);
        }
        let others = KeySet::new((1..5).map(other));
        case.clone().keys(others.clone()).refused(VerifyError::BadSignature);
        // Nothing is reported about the claims of a token that none of them signed.
        case.claim("exp", "never").keys(others).refused(VerifyError::BadSignature);
    }
}

#[test]
fn a_published_set_may_begin_with_a_byte_order_mark_and_repeat_a_kid() {
    let own = Case::signed_by(Signer::new(Signer::ALGORITHMS[Signer::ALGORITHMS.len() - 1], 7));
    if own.signer.algorithm.name().starts_with("HS") {
        return;
    }
    let jwk = with(own.signer.jwk(), &[("kid", KID)]);
    let text = format!("\u{feff}{}", json!({ "keys": [jwk, jwk] }));
    let keys = KeySet::from_published(text.as_bytes()).unwrap();
    own.clone().keys(keys.clone()).passes();
    own.without_header("kid").keys(keys).passes();
}

#[test]
fn a_member_that_is_null_counts_as_absent() {
    let mut jwk = rsa();
    for name in ["kid", "alg", "use", "key_ops", "x5c", "d", "p", "q", "dp", "dq", "qi", "oth"] {
        jwk[name] = json!(null);
    }
    assert_eq!(published(std::slice::from_ref(&jwk)).len(), 1);
    assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Ok(key(&rsa())));
    jwk["n"] = json!(null);
    assert!(published(&[jwk]).is_empty());
}

#[test]
fn a_key_without_kid_matches_every_kid_that_no_other_key_has() {
    let case = Case::new();
    let own = nameless(case.signer);
    case.clone().keys(KeySet::new([own.clone()])).passes();
    case.clone().keys(KeySet::new([own.clone(), another("other")])).passes();
    case.clone().keys(KeySet::new([own.clone(), another(KID)])).refused(VerifyError::BadSignature);
    case.keys(KeySet::new([own.clone(), own])).passes();
}

#[test]
fn a_key_without_algorithm_fits_all_of_its_shape() {
    let rsa = key(&rsa());
    for algorithm in Algorithm::ALL {
        let is_rsa = algorithm.name().starts_with("RS") || algorithm.name().starts_with("PS");
        assert_eq!(rsa.fits(algorithm), is_rsa, "{algorithm}");
    }
    let long = key(&json!({ "kty": "oct", "k": base64url::encode(&[7; 64]) }));
    let short = key(&json!({ "kty": "oct", "k": base64url::encode(&[7; 32]) }));
    for algorithm in Signer::HMAC {
        assert!(long.fits(algorithm));
        assert_eq!(short.fits(algorithm), algorithm == HS256, "{algorithm}: a secret as long as the hash");
    }
}

#[test]
fn a_published_set_skips_unusable_keys() {
    let good = with(rsa(), &[("kid", "good"), ("alg", "RS256"), ("use", "sig")]);
    let unusable = [
        json!(null),
        json!("key"),
        json!([]),
        json!({}),
        json!({ "kty": "OKP", "crv": "X25519", "x": "AA" }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" }),
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "oct", "k": base64url::encode(&[7; 64]) }),
        with(rsa(), &[("use", "enc")]),
        with(rsa(), &[("alg", "RSA-OAEP-256")]),
        with(rsa(), &[("alg", "none")]),
        with(rsa(), &[("d", "AQAB")]),
        with(rsa(), &[("e", "AQ")]),
        json!({ "kty": "RSA", "n": rsa()["n"], "e": "AQAB", "kid": 1 }),
        json!({ "kty": "RSA", "n": rsa()["n"], "e": "AQAB", "key_ops": ["encrypt"] }),
    ];
    for jwk in &unusable {
        assert!(published(std::slice::from_ref(jwk)).is_empty(), "{jwk}");
    }
    let keys = published(&[&unusable[..], &[good], &unusable[..]].concat());
    assert_eq!(keys.iter().map(|key| key.kid()).collect::<Vec<_>>(), [Some("good")]);
}

#[test]
fn an_invalid_jwk_set_is_refused() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[]} x"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#,
        "\u{feff}\u{feff}{\"keys\":[]}",
        "<html></html>",
    ] {
        assert!(KeySet::from_published(text.as_bytes()).is_none(), "{text}");
    }
    assert!(KeySet::from_published(b"{\"keys\":[],\"x\":\"\xff\"}").is_none());
    assert!(KeySet::from_published(br#" {"keys":[],"x":1} "#).is_some_and(|keys| keys.is_empty()));
}

#[test]
fn every_fault_of_a_jwk_is_refused() {
    let refused = |jwk: Value| Key::from_jwk(jwk.as_object().unwrap()).unwrap_err();
    let ec = |x: &str, y: &str| json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    let whole = base64url::encode(&[1; 32]);

    assert_eq!(refused(json!({})), KeyError::Malformed);
    assert_eq!(refused(json!({ "kty": 1 })), KeyError::Malformed);
    assert_eq!(refused(json!({ "kty": "rsa" })), KeyError::Unsupported);
    assert_eq!(refused(json!({ "kty": "RSA", "n": "AQAB" })), KeyError::Malformed);
    for bad in [&whole[1..], &format!("A{whole}"), &format!("{whole}="), &format!("{whole}\n"), "", "+/"] {
        assert_eq!(refused(ec(bad, &whole)), KeyError::Malformed, "{bad}");
        assert_eq!(refused(ec(&whole, bad)), KeyError::Malformed, "{bad}");
        assert_eq!(refused(json!({ "kty": "OKP", "crv": "Ed25519", "x": bad })), KeyError::Malformed, "{bad}");
    }
    assert_eq!(refused(with(ec(&whole, &whole), &[("crv", "P-384")])), KeyError::Malformed);
    assert_eq!(refused(with(ec(&whole, &whole), &[("alg", "ES384")])), KeyError::Unsupported);
    assert_eq!(refused(json!({ "kty": "OKP", "crv": "Ed448", "x": whole })), KeyError::Unsupported);
    assert_eq!(refused(json!({ "kty": "oct", "k": base64url::encode(&[7; 31]) })), KeyError::Weak);
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        assert_eq!(refused(with(rsa(), &[(private, "AQAB")])), KeyError::Private);
    }
}

#[test]
fn an_even_modulus_is_refused() {
    let mut modulus = base64url::decode(rsa()["n"].as_str().unwrap().as_bytes()).unwrap();
    *modulus.last_mut().unwrap() ^= 1;
    let jwk = with(rsa(), &[("n", &base64url::encode(&modulus))]);
    assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Err(KeyError::Weak));
}

#[test]
#[cfg(feature = "portable")]
fn a_published_key_without_a_name_answers_to_no_name() {
    let case = Case::signed_by(Signer::new(Algorithm::EdDsa, 7));
    let keys = published(&[case.signer.jwk()]);
    case.clone().keys(keys.clone()).refused(VerifyError::KeyNotFound);
    case.without_header("kid").keys(keys).passes();
}

#[test]
fn a_checker_goes_on_with_the_keys_that_are_left() {
    let case = Case::new();
    let other = |seed: u8| Signer::new(HS256, seed).key(KID);
    let mut checker = Checker::new(case.policy.clone());
    checker.take_keys(KeySet::new([other(1), case.signer.key(KID), other(2)]));
    let text = case.text();
    let mut check = |turn: usize| {
        let finding = checker.check_from(text.as_bytes(), case.now, turn);
        finding.map(|finding| (finding, checker.key().map(|(place, _)| place)))
    };
    for turn in [0, 1] {
        assert_eq!(check(turn), Ok((Finding::Good, Some(1))), "{turn}");
    }
    for turn in [2, 3, 4] {
        assert_eq!(check(turn), Err(VerifyError::BadSignature), "{turn}");
    }
}
