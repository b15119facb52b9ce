//! Properties for every input: nothing panics, what is minted is verified, what is changed is refused,
//! and `explain` agrees with `verify` about each token.

use edgemint::token::{Algorithm, Claims, Expected, Header, Key, KeySet, Minter, Policy, base64url, check_signature};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use crate::case::{Case, IAT, KID, NOW, open_policy};
use crate::explain::{explanation, first_refusal};
use crate::signer::Signer;

/// Any JSON, no deeper than a token may be. Its floats are halves: serde_json may read others back one bit off.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| json!(f64::from(number) / 2.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Objects whose members are mostly significant in tokens and keys.
fn any_object(names: &'static [&'static str], most: usize) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![4 => select(names).prop_map(str::to_owned), 1 => any::<String>()];
    let text = select(TEXTS.split(' ').collect::<Vec<_>>()).prop_map(Value::from);
    let bytes = vec(any::<u8>(), 0..300).prop_map(|bytes| Value::from(base64url::encode(&bytes)));
    let time = select(&[0.0, 1.5, NOW.0 as f64, 1e300, -1.0][..]).prop_map(Value::from);
    let value = prop_oneof![4 => text, 2 => bytes, 2 => time, 1 => any_json()];
    vec((name, value), 0..=most).prop_map(|members| members.into_iter().collect())
}

const HEADER: &[&str] = &["alg", "kid", "typ", "crit", "b64", "zip", "enc", "jwk"];
const CLAIMS: &[&str] = &["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "client_id", "scope"];
const JWK: &[&str] = &["kty", "crv", "x", "y", "n", "e", "k", "alg", "kid", "use", "key_ops", "d"];
const TEXTS: &str = "HS256 HS512 ES256 EdDSA RS256 PS512 none key-1 at+jwt JWT sig enc verify RSA EC OKP oct P-256 \
    P-521 Ed25519 AQAB AQ https://as.example https://api.example ";

/// Texts from noise to almost a token.
fn any_text() -> impl Strategy<Value = String> {
    let bytes = vec(any::<u8>(), 0..200);
    let nearly =
        (any_object(HEADER, 9), any_object(CLAIMS, 9), bytes.clone()).prop_map(|(header, claims, signature)| {
            let encode = |map| base64url::encode(Value::Object(map).to_string().as_bytes());
            format!("{}.{}.{}", encode(header), encode(claims), base64url::encode(&signature))
        });
    let signed = (any_object(HEADER, 2), any_object(CLAIMS, 2)).prop_map(|(header, claims)| {
        let mut case = Case::new();
        case.header.as_object_mut().unwrap().extend(header);
        case.claims.as_object_mut().unwrap().extend(claims);
        case.text()
    });
    let forged = any_object(CLAIMS, 2).prop_map(|claims| {
        let mut case = Case::new();
        case.claims.as_object_mut().unwrap().extend(claims);
        case.forged()
    });
    prop_oneof![
        any::<String>(),
        bytes.prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[A-Za-z0-9_.={}\" -]{0,300}",
        nearly,
        signed,
        forged,
    ]
}

/// Sets with and without the right key, policies wide and narrow.
fn any_judge() -> impl Strategy<Value = Case> {
    let signer = Signer::new(Algorithm::Hs256, 7);
    let nameless = Key::from_secret(&signer.secret(), Algorithm::Hs256).unwrap();
    let of_two = KeySet::new([signer.key(KID), signer.key(KID)]);
    let keys = vec![KeySet::new([signer.key(KID)]), KeySet::new([nameless]), of_two, KeySet::default()];
    let narrow = Policy { algorithms: Some(vec![Algorithm::Es256]), ..open_policy() };
    let strict = Policy { max_age: Some(10), scopes: vec!["read".to_owned()], ..Case::new().policy };
    let policies = vec![open_policy(), Case::new().policy, narrow, strict];
    (select(keys), select(policies), prop_oneof![Just(NOW.0), Just(IAT), any::<u64>()])
        .prop_map(|(keys, policy, now)| Case::new().keys(keys).policy(|own| *own = policy).at(now))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn explain_agrees_with_verify(judge in any_judge(), text in any_text()) {
        let explanation = explanation(&judge, &text);
        match judge.verdict_on(&text) {
            Ok(token) => {
                prop_assert_eq!(first_refusal(&explanation), None);
                prop_assert_eq!(explanation.claims.as_deref(), Some(token.payload()));
                prop_assert_eq!(explanation.header.as_deref(), Some(token.header().json()));
            }
            Err(reason) => prop_assert_eq!(first_refusal(&explanation), Some(Some(reason))),
        }
        prop_assert_eq!(explanation.checks.len(), 13);
    }

    #[test]
    fn a_forged_token_gets_the_same_error_for_any_content(
        judge in any_judge(),
        header in any_object(HEADER, 2),
        claims in any_object(CLAIMS, 9),
        noise: Vec<u8>,
        signature in vec(any::<u8>(), 32),
    ) {
        let mut head = judge.header.clone();
        head.as_object_mut().unwrap().extend(header);
        let encode = |bytes: &[u8]| base64url::encode(bytes);
        let head = encode(head.to_string().as_bytes());
        let told = |payload: &str| judge.verdict_on(&format!("{head}.{payload}.{}", encode(&signature))).unwrap_err();
        let reason = told("");
        // Not a reason about claims.
        prop_assert_eq!(reason.claim(), None);
        prop_assert_ne!(reason.code(), "not_yet_valid");
        let claims = Value::Object(claims).to_string();
        let own = encode(judge.claims.to_string().as_bytes());
        for payload in [encode(claims.as_bytes()), own, encode(&noise), "not base64!".to_owned()] {
            prop_assert_eq!(told(&payload), reason.clone());
        }
    }

    #[test]
    fn an_object_is_a_key_or_an_error(
        jwk in any_object(JWK, 9),
        input: Vec<u8>,
        signature in vec(any::<u8>(), 0..300),
    ) {
        if let Ok(key) = Key::from_jwk(&jwk) {
            prop_assert_eq!(key.thumbprint().len(), 43);
            for algorithm in Algorithm::ALL {
                prop_assert_ne!(check_signature(algorithm, &key, &input, &signature), Some(true));
            }
        }
    }

    #[test]
    fn a_published_text_is_a_set_or_none(noise: Vec<u8>, jwks in vec(any_object(JWK, 9), 0..4), text in any_text()) {
        let _ = KeySet::from_published(&noise);
        let _ = KeySet::from_published(text.as_bytes());
        let count = jwks.len();
        let set = json!({ "keys": jwks });
        // JSON nested too deep for a token is too deep for a set.
        if let Some(keys) = KeySet::from_published(set.to_string().as_bytes()) {
            prop_assert!(keys.len() <= count);
            prop_assert!(keys.iter().all(|key| !key.is_secret()));
        }
    }

    #[test]
    fn any_bytes_are_a_header_or_an_error(
        noise: Vec<u8>,
        header in any_object(HEADER, 9),
        claims in any_object(CLAIMS, 9),
    ) {
        let _ = (Header::parse(&noise), Claims::parse(&noise), base64url::decode(&noise));
        let _ = Header::parse(Value::Object(header).to_string().as_bytes());
        if let Ok(claims) = Claims::parse(Value::Object(claims).to_string().as_bytes()) {
            prop_assert!(claims.time("exp").is_none_or(f64::is_finite));
            prop_assert!(claims.scopes().all(|scope| !scope.is_empty()));
        }
    }

    #[test]
    fn what_is_minted_is_verified(claims in btree_map(any::<String>(), any_json(), 0..6), typ: String, kid: String) {
        let case = Case::new();
        let mut wanted = case.claims.clone();
        // Registered claims keep their own values: another type would be refused.
        wanted.as_object_mut().unwrap().extend(claims.into_iter().filter(|(name, _)| !CLAIMS.contains(&name.as_str())));
        wanted.as_object_mut().unwrap().remove("auth_time");

        let draft = Minter::new(Algorithm::Hs256, &kid, &typ).draft(&wanted).unwrap();
        let signature = case.signer.sign(draft.signing_input());
        let text = draft.seal(&signature).unwrap();
        let keys = KeySet::new([case.signer.key(&kid)]);
        let case = case.keys(keys).policy(|policy| {
            policy.types = Expected::one(&typ);
            policy.max_bytes = 1 << 20;
        });
        let token = case.verdict_on(&text).unwrap();
        prop_assert_eq!(token.payload(), wanted.to_string());
        prop_assert_eq!(Value::from(token.claims().members().clone()), wanted);
        prop_assert_eq!(token.header().kid(), Some(kid.as_str()));
    }

    #[test]
    fn a_token_with_one_character_changed_is_refused(place: Index, other: char, ascii in 0_u8..128, edit in 0..4) {
        let case = Case::new();
        let text = case.text();
        let place = place.index(text.len());
        let (before, rest) = text.split_at(place);
        let after = &rest[1..];
        let changed = match edit {
            0 => format!("{before}{other}{after}"),
            1 => format!("{before}{}{after}", char::from(ascii)),
            2 => format!("{before}{}{rest}", char::from(ascii)),
            _ => format!("{before}{after}"),
        };
        prop_assume!(changed != text);
        prop_assert!(case.verdict_on(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn bytes_have_one_encoding(bytes: Vec<u8>, text in "[A-Za-z0-9_-]{0,40}") {
        let encoded = base64url::encode(&bytes);
        prop_assert_eq!(base64url::decode(encoded.as_bytes()), Some(bytes));
        if let Some(bytes) = base64url::decode(text.as_bytes()) {
            prop_assert_eq!(base64url::encode(&bytes), text);
        }
    }
}

proptest! {
    // Fewer, because the arithmetic is slow.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_key_of_any_numbers_verifies_no_signature(
        x: [u8; 32],
        y: [u8; 32],
        n in vec(any::<u8>(), 256..258),
        e in vec(any::<u8>(), 1..4),
        input: Vec<u8>,
        bytes in vec(any::<u8>(), 256),
    ) {
        let encode = |bytes: &[u8]| base64url::encode(bytes);
        let ec = json!({ "kty": "EC", "crv": "P-256", "x": encode(&x), "y": encode(&y) });
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&x) });
        let rsa = json!({ "kty": "RSA", "n": encode(&n), "e": encode(&e) });
        for jwk in [ec, okp, rsa] {
            let Ok(key) = Key::from_jwk(jwk.as_object().unwrap()) else { continue };
            for algorithm in Algorithm::ALL {
                let len = algorithm.signature_len().unwrap_or(n.len()).min(bytes.len());
                prop_assert_ne!(check_signature(algorithm, &key, &input, &bytes[..len]), Some(true));
            }
        }
    }
}

#[test]
fn every_character_of_a_token_is_significant() {
    let case = Case::new();
    let text = case.text();
    for place in 0..text.len() {
        for letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=" {
            let mut changed = text.clone().into_bytes();
            changed[place] = *letter;
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(case.verdict_on(&changed).is_ok(), changed == text, "{changed}");
        }
    }
}
