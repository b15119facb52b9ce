//! A JWK as text. The oracle is the same key read member by member with serde_json, and a second copy of the rules.

use edgemint::token::{Algorithm, AnyKey, Key, KeyShape};
use serde_json::{Map, Value, json};

use super::json::oracle;

pub(crate) fn check(data: &[u8]) {
    let key = Key::from_jwk_text(data);
    let any = AnyKey::from_jwk_text(data);
    let Some(jwk) = oracle(data) else {
        assert!(key.is_err() && any.is_err());
        return;
    };
    assert_eq!(key, Key::from_jwk(&jwk), "text and value are read alike");
    if let Ok(key) = &key {
        may_be_taken(key, &jwk);
        reads_back(key);
    }
    match any {
        // A secret must also be allowed to sign.
        Ok(AnyKey::Public(same) | AnyKey::Secret(same)) => assert_eq!(Ok(same), key),
        Ok(AnyKey::Private(pair)) => {
            assert!(key.is_err() && jwk.contains_key("d"));
            let text = pair.to_jwk_text();
            assert!(AnyKey::from_jwk_text(text.as_bytes()).is_ok());
            assert!(!format!("{pair:?}").contains(jwk["d"].as_str().unwrap()) || jwk["d"].as_str().unwrap().len() < 8);
            reads_back(pair.public());
        }
        Err(_) => assert!(key.is_err() || key.is_ok_and(|key| key.is_secret())),
    }
}

/// The properties of every key that is accepted.
fn may_be_taken(key: &Key, jwk: &Map<String, Value>) {
    let text = |name: &str| jwk.get(name).map(|value| value.as_str().expect(name));
    let bytes = |name: &str| data_encoding::BASE64URL_NOPAD.decode(text(name).expect(name).as_bytes()).expect(name);
    assert!(!["d", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.contains_key(*name)));
    assert!(text("use").is_none_or(|usage| usage == "sig"));
    assert!(jwk.get("key_ops").is_none_or(|ops| ops.as_array().unwrap().contains(&json!("verify"))));
    assert_eq!(key.kid(), text("kid"));
    assert_eq!(key.alg(), text("alg").map(|alg| Algorithm::from_name(alg).unwrap()));
    match (text("kty").unwrap(), text("crv")) {
        ("EC", Some(curve)) => {
            let len = match curve {
                "P-256" => 32,
                "P-384" => 48,
                "P-521" => 66,
                other => panic!("{other}"),
            };
            assert_eq!((bytes("x").len(), bytes("y").len()), (len, len));
        }
        ("OKP", Some("Ed25519")) => assert_eq!(bytes("x").len(), 32),
        ("RSA", _) => {
            let (n, e) = (bytes("n"), bytes("e"));
            assert!(n.len() >= 256 && n[0] != 0 && (n.len() > 256 || n[0] >= 0x80) && n[n.len() - 1] % 2 == 1);
            assert!(e.len() <= 4 && e[0] != 0 && e[e.len() - 1] % 2 == 1 && e != [1]);
        }
        ("oct", _) => {
            assert!(bytes("k").len() >= 32);
            assert_eq!(key.secret_bytes(), Some(&*bytes("k")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(key.is_secret(), text("kty") == Some("oct"));
    for algorithm in Algorithm::ALL {
        let fits = key.fits(algorithm);
        assert!(!fits || (key.shape() == algorithm.key_shape() && key.alg().is_none_or(|own| own == algorithm)));
    }
}

/// A key reports the members that it was read from.
fn reads_back(key: &Key) {
    assert_eq!(key.thumbprint().len(), 43);
    assert_eq!(key.is_secret(), key.public_jwk().is_none());
    let Some(public) = key.public_jwk_text() else { return };
    let again = Key::from_jwk_text(public.as_bytes()).unwrap();
    assert_eq!((again.public_jwk(), again.shape()), (key.public_jwk(), key.shape()));
    assert_eq!(again.thumbprint(), key.thumbprint());
    assert!(key.secret_bytes().is_none() && key.shape() != KeyShape::Octets);
    let by_pem = Key::from_pem(&key.to_pem().unwrap()).unwrap();
    assert_eq!(by_pem, again, "the same by way of PEM");
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    jwks().iter().map(|jwk| jwk.to_string().into_bytes()).collect()
}

/// Keys of every kind: those of RFC 7638, 7515 and 8037, and one secret.
pub(crate) fn jwks() -> Vec<Value> {
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw" });
    let ec = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "key_ops": ["verify"], "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    let pair = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI" });
    let p521 = json!({ "kty": "EC", "crv": "P-521", "alg": "ES512", "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk", "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2" });
    let ed25519 =
        json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let ed25519_pair = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let secret =
        json!({ "kty": "oct", "alg": "HS256", "kid": "key-1", "k": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc" });
    vec![rsa, ec, pair, p521, ed25519, ed25519_pair, secret]
}
