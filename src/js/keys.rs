//! Keys: reads a JWK or a PEM text into one form for the shim.
//!
//! An empty algorithm means that the key must name it. The result is JSON text:
//! `{ type, alg, thumbprint, jwk }`, the last with only the members that make up the key. Its values are names and base64url:
//! none of them needs an escape.

use wasm_bindgen::prelude::*;

use super::refusal::Refusal;
use crate::token::{self, Algorithm, AnyKey, Key, KeyError, Pem, base64url};

/// Reads a JWK of any kind, or PEM text. For a private key in PEM the result is `{ type, alg, pkcs8, public }`: the structure for
/// the platform, and the public key in it or the empty text, both in base64url.
#[wasm_bindgen(js_name = readKey)]
pub fn read_key(text: &str, alg: &str, is_pem: bool) -> Result<String, Refusal> {
    Ok(if is_pem { pem(text, alg) } else { jwk(text, alg) }?)
}

/// Whether this is the signature of these bytes by the key in a JWK. `false` also for algorithms that wasm does not verify.
#[wasm_bindgen(js_name = checkSignature)]
pub fn check_signature(text: &str, alg: &str, input: &[u8], signature: &[u8]) -> Result<bool, Refusal> {
    let alg = named(alg)?.ok_or(KeyError::AlgorithmMissing)?;
    let key = Key::from_jwk_text(text.as_bytes())?;
    Ok(token::check_signature(alg, &key, input, signature) == Some(true))
}

fn jwk(text: &str, alg: &str) -> Result<String, KeyError> {
    let mut key = AnyKey::from_jwk_text(text.as_bytes())?;
    if let Some(alg) = named(alg)? {
        key.bind(alg)?;
    }
    describe(key.kind(), key.verifying(), key.to_jwk_text())
}

fn pem(text: &str, alg: &str) -> Result<String, KeyError> {
    let alg = named(alg)?;
    match Pem::read(text)? {
        Pem::Public(mut key) => {
            if let Some(alg) = alg {
                key.bind(alg)?;
            }
            describe("public", &key, key.public_jwk_text().unwrap_or_default())
        }
        Pem::Private(key) => {
            let alg = alg.map_or_else(|| key.only_alg(), Ok)?;
            if alg.key_shape() != key.shape() {
                return Err(KeyError::Unsupported);
            }
            let (der, public) =
                (base64url::encode(key.der()), base64url::encode(key.public_bytes().unwrap_or_default()));
            Ok(format!(r#"{{"type":"private","alg":"{alg}","pkcs8":"{der}","public":"{public}"}}"#))
        }
    }
}

fn named(alg: &str) -> Result<Option<Algorithm>, KeyError> {
    if alg.is_empty() {
        return Ok(None);
    }
    Algorithm::from_name(alg).map(Some).ok_or(KeyError::Unsupported)
}

#[inline(never)] // It is called from everywhere.
fn describe(kind: &str, verifying: &Key, jwk: String) -> Result<String, KeyError> {
    let (alg, thumbprint) = (verifying.only_alg()?, verifying.thumbprint());
    Ok(format!(r#"{{"type":"{kind}","alg":"{alg}","thumbprint":"{thumbprint}","jwk":{jwk}}}"#))
}
