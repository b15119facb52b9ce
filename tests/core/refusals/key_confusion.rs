//! Key confusion: the token says HS256, and the "secret" is a published public key.

use data_encoding::BASE64_MIME;
use edgemint::token::{Algorithm, Key, KeyError, KeySet, VerifyError, base64url, check_signature};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Value, json};

use crate::case::{Case, KID};
use crate::signer::{Signer, key, with};

/// A public key of each kind, as printed in RFCs.
fn public_keys() -> [(Value, &'static str); 3] {
    let vectors: Vec<Value> = crate::vectors::read("thumbprints.json");
    let of = |kty: &str| vectors.iter().map(|vector| &vector["key"]).find(|key| key["kty"] == kty).unwrap().clone();
    [(of("RSA"), "RS256"), (of("EC"), "ES256"), (of("OKP"), "EdDSA")]
}

/// The bytes that a careless verifier might use as an HMAC secret for this key.
fn as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let mut secrets = vec![jwk.to_string().into_bytes(), serde_json::to_vec_pretty(jwk).unwrap()];
    let public = key(jwk).public_jwk().unwrap();
    secrets.push(public.to_string().into_bytes());
    secrets.push(key(jwk).thumbprint().into_bytes());
    let mut all = Vec::new();
    for name in ["n", "x", "y", "e"] {
        if let Some(text) = jwk[name].as_str() {
            secrets.push(text.as_bytes().to_vec());
            let bytes = base64url::decode(text.as_bytes()).unwrap();
            all.extend(&bytes);
            secrets.push(bytes);
        }
    }
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}-----END PUBLIC KEY-----\n", BASE64_MIME.encode(&all));
    secrets.extend([all, pem.into_bytes(), Vec::new()]);
    secrets
}

#[test]
fn a_public_key_is_never_a_shared_secret() {
    for (jwk, alg) in public_keys() {
        // With and without `alg`: the kind of the key decides.
        let named = with(jwk.clone(), &[("kid", KID), ("alg", alg)]);
        let mut bare = with(jwk.clone(), &[("kid", KID)]);
        bare.as_object_mut().unwrap().remove("alg");
        for public in [named, bare] {
            assert_eq!(key(&public).secret_bytes(), None);
            let case = Case::new().keys(KeySet::new([key(&public)]));
            for secret in as_secrets(&public) {
                let input = case.text().rsplit_once('.').unwrap().0.to_owned();
                let mac = Hs256.sign(&Hs256Key::new(&secret), input.as_bytes());
                case.refuses(&format!("{input}.{}", base64url::encode(&mac.as_bytes())), VerifyError::KeyMismatch);
            }
            case.clone().without_header("kid").refused(VerifyError::KeyNotFound);
            case.header("kid", "other").refused(VerifyError::KeyNotFound);
        }
    }
}

#[test]
fn a_jwk_cannot_say_that_a_public_key_is_for_hmac() {
    for (jwk, _) in public_keys() {
        for algorithm in Signer::HMAC {
            let jwk = with(jwk.clone(), &[("alg", algorithm.name())]);
            assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Err(KeyError::Unsupported), "{jwk}");
        }
    }
}

#[test]
fn a_shared_secret_is_for_hmac_only() {
    for algorithm in Algorithm::ASYMMETRIC {
        assert_eq!(Key::from_secret(&[7; 512], algorithm), Err(KeyError::Unsupported), "{algorithm}");
        let jwk = json!({ "kty": "oct", "k": base64url::encode(&[7; 512]), "alg": algorithm.name() });
        assert_eq!(Key::from_jwk(jwk.as_object().unwrap()), Err(KeyError::Unsupported), "{algorithm}");
    }
}

#[test]
fn a_published_set_never_holds_a_shared_secret() {
    let case = Case::new();
    let secret = with(case.signer.jwk(), &[("kid", KID), ("alg", "HS256")]);
    let published = json!({ "keys": [secret, public_keys()[0].0] });
    let keys = KeySet::from_published(published.to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
    case.keys(keys).refused(VerifyError::KeyNotFound);
}

#[test]
fn an_algorithm_of_the_same_kind_is_not_accepted_for_another() {
    for (key_for, token_says) in [("HS256", "HS512"), ("HS512", "HS256")] {
        let key_for = Algorithm::from_name(key_for).unwrap();
        let case = Case::signed_by(Signer::new(Algorithm::from_name(token_says).unwrap(), 7));
        case.keys(KeySet::new([Signer::new(key_for, 7).key(KID)])).refused(VerifyError::KeyMismatch);
    }
    let (rsa, _) = &public_keys()[0];
    let rs256 = with(rsa.clone(), &[("kid", KID), ("alg", "RS256")]);
    for other in ["PS256", "RS384", "RS512"] {
        let case = Case::new().keys(KeySet::new([key(&rs256)])).header("alg", other);
        case.refused(VerifyError::KeyMismatch);
    }
}

#[test]
fn outside_of_tokens_too_a_key_signs_with_what_it_is_for() {
    let signer = Signer::new(Algorithm::Hs256, 7);
    let signature = signer.sign(b"anything");
    assert_eq!(check_signature(Algorithm::Hs256, &signer.key(KID), b"anything", &signature), Some(true));
    // The same secret, for another algorithm; and keys that are no secret.
    let mut others = vec![Signer::new(Algorithm::Hs512, 7).key(KID)];
    others.extend(public_keys().map(|(jwk, _)| key(&jwk)));
    for other in others {
        assert_eq!(check_signature(Algorithm::Hs256, &other, b"anything", &signature), Some(false), "{other:?}");
    }
}
