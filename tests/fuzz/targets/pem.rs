//! A key as PEM text, or as the DER in it. The oracles are the crates `pem-rfc7468`, `spki`, `pkcs1` and `pkcs8`; and that a
//! public key has one encoding, so that writing it again returns the same bytes.

use der::Decode as _;
use edgemint::token::{Curve, Key, KeyError, KeyShape, Pem, Pkcs8, base64url};
use pkcs1::RsaPublicKeyRef;
use pkcs8::PrivateKeyInfoRef;
use serde_json::{Value, json};
use spki::SubjectPublicKeyInfoRef;

use super::jwk::jwks;

pub(crate) fn check(data: &[u8]) {
    check_der(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = Pem::read(text);
    match (&read, Key::from_pem(text)) {
        (Ok(Pem::Public(key)), same) => assert_eq!(same.as_ref(), Ok(key)),
        (Ok(Pem::Private(_)), refused) => assert_eq!(refused, Err(KeyError::Private)),
        (Err(reason), refused) => assert_eq!(refused, Err(*reason)),
    }
    let text = text.trim_ascii();
    if let Ok((label, der)) = pem_rfc7468::decode_vec(text.as_bytes())
        && text.starts_with("-----BEGIN ")
        // Only other readers accept a line that ends in CR alone.
        && !text.replace("\r\n", "\n").contains('\r')
        && label == "PUBLIC KEY"
    {
        assert_eq!(Key::from_pem(text), Key::from_spki(&der), "what others read is read here");
    }
    let Ok(pem) = read else { return };
    // One block to the end of the text; before it, explanatory text in lines of its own (RFC 7468 section 2).
    let label = if matches!(pem, Pem::Public(_)) { "PUBLIC KEY" } else { "PRIVATE KEY" };
    let (before, block) = text.split_once(&*format!("-----BEGIN {label}-----")).expect("a beginning");
    let before = before.trim_end_matches([' ', '\t']);
    assert!(before.is_empty() || before.ends_with(['\n', '\r']), "text in the line of the beginning");
    let body = block.strip_suffix(&*format!("-----END {label}-----")).expect("an end, and nothing after it");
    let letters: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let der = data_encoding::BASE64.decode(&letters).expect("canonical base64, padded");
    match pem {
        Pem::Public(key) => assert_eq!(Key::from_spki(&der), Ok(key)),
        Pem::Private(pair) => assert_eq!(Pkcs8::from_der(&der).unwrap().der(), pair.der()),
    }
    check_der(&der);
}

fn check_der(der: &[u8]) {
    let expected = jwk_of(der).and_then(|jwk| Key::from_jwk(jwk.as_object()?).ok());
    let key = Key::from_spki(der).ok();
    assert_eq!(key, expected);
    if let Some(key) = key {
        assert_eq!(key.to_spki().as_deref(), Some(der), "a second spelling of a key");
        assert_eq!(Key::from_pem(&key.to_pem().unwrap()), Ok(key));
    }
    if let Ok(pair) = Pkcs8::from_der(der) {
        let oracle = PrivateKeyInfoRef::from_der(der).expect("what is taken is PKCS #8");
        if pair.shape() == KeyShape::Ed25519 {
            // Written again, in the first version: the same 32 bytes.
            assert_eq!(pair.der()[16..], oracle.private_key.as_bytes()[2..]);
            assert_eq!(pair.der().len(), 48);
        } else {
            assert_eq!(pair.der(), der);
        }
        assert!(
            Pkcs8::from_der(pair.der()).is_ok_and(|again| again.der() == pair.der() && again.shape() == pair.shape())
        );
        assert_eq!(format!("{pair:?}"), format!("Pkcs8 {{ shape: {:?}, .. }}", pair.shape()));
    }
}

/// The public key as a JWK, read by the oracles; `None` if it is of an unsupported kind.
fn jwk_of(der: &[u8]) -> Option<Value> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let bytes = info.subject_public_key.as_bytes()?;
    let parameters = info.algorithm.parameters;
    match (info.algorithm.oid.to_string().as_str(), parameters) {
        ("1.3.101.112", None) => {
            (bytes.len() == 32).then(|| json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(bytes) }))
        }
        ("1.2.840.10045.2.1", Some(_)) => {
            let oid = info.algorithm.parameters_oid().ok()?.to_string();
            let (_, curve) =
                [("1.2.840.10045.3.1.7", Curve::P256), ("1.3.132.0.34", Curve::P384), ("1.3.132.0.35", Curve::P521)]
                    .into_iter()
                    .find(|(each, _)| *each == oid)?;
            let (x, y) = bytes.strip_prefix(&[4])?.split_at_checked(curve.coordinate_len())?;
            let (x, y) = (base64url::encode(x), base64url::encode(y));
            Some(json!({ "kty": "EC", "crv": curve.name(), "x": x, "y": y }))
        }
        ("1.2.840.113549.1.1.1", Some(null)) if null.is_null() => {
            let key = RsaPublicKeyRef::from_der(bytes).ok()?;
            let number = |number: &der::asn1::UintRef<'_>| base64url::encode(number.as_bytes());
            Some(json!({ "kty": "RSA", "n": number(&key.modulus), "e": number(&key.public_exponent) }))
        }
        _ => None,
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let keys: Vec<_> = jwks().into_iter().filter_map(|jwk| Key::from_jwk(jwk.as_object()?).ok()).collect();
    let mut texts: Vec<_> = keys.iter().filter_map(Key::to_pem).collect();
    texts.extend([PAIR.to_owned(), WHOLE_PAIR.to_owned()]);
    let ders: Vec<_> = texts.iter().map(|text| pem_rfc7468::decode_vec(text.as_bytes()).unwrap().1).collect();
    texts.push(texts[0].replace('\n', "\r\n"));
    texts.push(texts.concat());
    texts.into_iter().map(String::into_bytes).chain(ders).collect()
}

/// The pair of RFC 8410 section 10.3, without and with its public half.
const PAIR: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

const WHOLE_PAIR: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";
