//! Keys: what a JWK, a PEM text or bare bytes say, in one shape for the shim.
//!
//! An algorithm that is the empty text is none: then the key must say what it is for. The answer is JSON text:
//! `{ type, alg, thumbprint, jwk }`, the last with only the members that make the key. Its values are names and base64url:
//! nothing in them needs an escape.

use wasm_bindgen::prelude::*;

use super::refusal::Refusal;
use crate::token::base64url;
use crate::token::{Algorithm, AnyKey, Key, KeyError, Pem};

/// Reads a JWK of any kind.
#[wasm_bindgen(js_name = readJwk)]
pub fn read_jwk(text: &str, alg: &str) -> Result<String, Refusal> {
    Ok(AnyKey::from_jwk_text(text.as_bytes()).and_then(|key| describe(key, named(alg)?))?)
}

/// Reads PEM text. For a private key the answer is `{ type, alg, pkcs8, public }`: the structure for the platform, and the
/// public key that came along or the empty text, both in base64url.
#[wasm_bindgen(js_name = readPem)]
pub fn read_pem(text: &str, alg: &str) -> Result<String, Refusal> {
    Ok(pem(text, alg)?)
}

/// Reads bare bytes.
#[wasm_bindgen(js_name = readRaw)]
pub fn read_raw(bytes: &[u8], alg: &str) -> Result<String, Refusal> {
    Ok(raw(bytes, alg)?)
}

/// The thumbprint of a JWK of any kind (RFC 7638), whatever algorithm it is for.
#[wasm_bindgen(js_name = thumbprintOf)]
pub fn thumbprint_of(jwk: &str) -> Result<String, Refusal> {
    Ok(AnyKey::from_jwk_text(jwk.as_bytes()).map(|key| key.verifying().thumbprint())?)
}

fn pem(text: &str, alg: &str) -> Result<String, KeyError> {
    let alg = named(alg)?;
    let key = match Pem::read(text)? {
        Pem::Public(key) => return describe(AnyKey::from(key), alg),
        Pem::Private(key) => key,
    };
    let alg = alg.map_or_else(|| key.only_alg(), Ok)?;
    if alg.key_shape() != key.shape() {
        return Err(KeyError::Unsupported);
    }
    let (der, public) = (base64url::encode(key.der()), base64url::encode(key.public_bytes().unwrap_or_default()));
    Ok(format!(r#"{{"type":"private","alg":"{alg}","pkcs8":"{der}","public":"{public}"}}"#))
}

fn raw(bytes: &[u8], alg: &str) -> Result<String, KeyError> {
    let alg = named(alg)?.ok_or(KeyError::AlgorithmMissing)?;
    describe(AnyKey::from(Key::from_raw(bytes, alg)?), None)
}

fn named(alg: &str) -> Result<Option<Algorithm>, KeyError> {
    if alg.is_empty() {
        return Ok(None);
    }
    Algorithm::from_name(alg).map(Some).ok_or(KeyError::Unsupported)
}

#[inline(never)] // It is called from everywhere.
fn describe(key: AnyKey, alg: Option<Algorithm>) -> Result<String, KeyError> {
    let key = match alg {
        Some(alg) => key.for_algorithm(alg)?,
        None => key,
    };
    let (kind, verifying, jwk) = (key.kind(), key.verifying(), key.to_jwk_text());
    let (alg, thumbprint) = (verifying.only_alg()?, verifying.thumbprint());
    Ok(format!(r#"{{"type":"{kind}","alg":"{alg}","thumbprint":"{thumbprint}","jwk":{jwk}}}"#))
}
