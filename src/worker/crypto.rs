//! WebCrypto: generating, importing, signing, checking, sealing. Private keys are handles that cannot be exported.

use std::sync::Arc;

use js_sys::{Array, JSON, Object, Promise, Reflect, Uint8Array};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

use crate::keyring::{KeyMaterial, PrivateJwk};
use crate::token::{
    self, Algorithm, Curve, Key, KeySet, KeyShape, Pending, Policy, Token, UnixTime, VerifyError, base64url,
};

use super::random::random;
use super::report::{Fault, FaultKind};
use super::tasks;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        data: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = exportKey, catch)]
    fn export_key(format: &str, key: &JsValue) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = generateKey, catch)]
    fn generate_key(algorithm: &JsValue, extractable: bool, usages: &Array) -> Result<Promise, JsValue>;

    // WebCrypto copies its input before it returns the promise, so views on wasm memory are safe to hand out.
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = sign, catch)]
    fn subtle_sign(algorithm: &JsValue, key: &JsValue, data: &[u8]) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = verify, catch)]
    fn subtle_verify(algorithm: &JsValue, key: &JsValue, signature: &[u8], data: &[u8]) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = encrypt, catch)]
    fn subtle_encrypt(algorithm: &JsValue, key: &JsValue, data: &[u8]) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = decrypt, catch)]
    fn subtle_decrypt(algorithm: &JsValue, key: &JsValue, data: &[u8]) -> Result<Promise, JsValue>;
}

/// A private key that signs with one algorithm.
pub(crate) struct SigningHandle {
    key: JsValue,
    parameters: JsValue,
}

impl SigningHandle {
    /// Imports a private key; it cannot be exported again.
    pub(crate) async fn import(algorithm: Algorithm, private: &PrivateJwk) -> Result<Self, Fault> {
        let (import, parameters) = parameters(algorithm)?;
        let jwk = to_js(private.expose())?;
        let key = resolve(import_key("jwk", &jwk, &import, false, &usages(&["sign"]))).await?;
        Ok(Self { key, parameters })
    }

    /// Imports a private key that an operator sent. `None` if WebCrypto does not take it.
    pub(crate) async fn try_import(algorithm: Algorithm, private: &PrivateJwk) -> Option<Self> {
        let (import, parameters) = parameters(algorithm).ok()?;
        let jwk = to_js(private.expose()).ok()?;
        let promise = import_key("jwk", &jwk, &import, false, &usages(&["sign"])).ok()?;
        Some(Self { key: tasks::settled(&promise).await.ok()?, parameters })
    }

    /// Signs with a key that an operator sent. `None` if WebCrypto cannot.
    pub(crate) async fn try_sign(&self, input: &[u8]) -> Option<Vec<u8>> {
        let promise = subtle_sign(&self.parameters, &self.key, input).ok()?;
        Some(Uint8Array::new(&tasks::settled(&promise).await.ok()?).to_vec())
    }

    /// Signs. ECDSA signatures come as r || s.
    pub(crate) async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let signature = resolve(subtle_sign(&self.parameters, &self.key, input)).await?;
        Ok(Uint8Array::new(&signature).to_vec())
    }
}

/// A public key that checks signatures of one algorithm.
pub(crate) struct CheckingHandle {
    key: JsValue,
    parameters: JsValue,
}

impl CheckingHandle {
    /// Imports a public key. `None` if WebCrypto does not take it: a point off its curve, say.
    pub(crate) async fn import(algorithm: Algorithm, key: &Key) -> Option<Self> {
        let (import, parameters) = parameters(algorithm).ok()?;
        let jwk = JSON::parse(&key.public_jwk()?.to_string()).ok()?;
        let promise = import_key("jwk", &jwk, &import, false, &usages(&["verify"])).ok()?;
        let key = tasks::settled(&promise).await.ok()?;
        Some(Self { key, parameters })
    }

    /// Is this the signature of this input?
    pub(crate) async fn check(&self, signature: &[u8], input: &[u8]) -> Result<bool, Fault> {
        let answer = resolve(subtle_verify(&self.parameters, &self.key, signature, input)).await?;
        Ok(answer.is_truthy())
    }
}

/// Checks the signature of a token by each key that fits, then its claims. A key that WebCrypto does not take is passed
/// over.
pub(crate) async fn complete(mut pending: Pending) -> Result<Result<Token, VerifyError>, Fault> {
    loop {
        let is_valid = match CheckingHandle::import(pending.algorithm(), pending.key()).await {
            Some(handle) => handle.check(pending.signature(), pending.signing_input()).await?,
            None => false,
        };
        if is_valid || !pending.next_key() {
            return Ok(pending.complete(is_valid));
        }
    }
}

/// Verifies a token with the keys of a set.
pub(crate) async fn verify(
    keys: &KeySet,
    text: &str,
    policy: &Arc<Policy>,
    now: UnixTime,
) -> Result<Result<Token, VerifyError>, Fault> {
    match token::verify(text, keys, policy, now) {
        Ok(pending) => complete(pending).await,
        Err(error) => Ok(Err(error)),
    }
}

/// Generates a key pair. The private half leaves WebCrypto once, to be sealed.
pub(crate) async fn generate(algorithm: Algorithm) -> Result<KeyMaterial, Fault> {
    let generate = match algorithm.key_shape() {
        KeyShape::Rsa => {
            let object = object(&json!({ "name": "RSASSA-PKCS1-v1_5", "modulusLength": 2048, "hash": "SHA-256" }))?;
            set(&object, "publicExponent", &Uint8Array::from(&[1, 0, 1][..]))?;
            object.into()
        }
        KeyShape::Ec(_) | KeyShape::Ed25519 | KeyShape::Octets => parameters(algorithm)?.0,
    };
    let pair = resolve(generate_key(&generate, true, &usages(&["sign", "verify"]))).await?;
    let private = Reflect::get(&pair, &"privateKey".into()).map_err(crypto_fault)?;
    export(algorithm, &private).await
}

/// A key pair from a private key in DER (RFC 5958). `None` if WebCrypto does not take it.
pub(crate) async fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Option<KeyMaterial>, Fault> {
    let (import, _) = parameters(algorithm)?;
    let Ok(promise) = import_key("pkcs8", &Uint8Array::from(der), &import, true, &usages(&["sign"])) else {
        return Ok(None);
    };
    match tasks::settled(&promise).await {
        Ok(private) => export(algorithm, &private).await.map(Some),
        Err(_) => Ok(None),
    }
}

/// Both halves of a private key that may leave WebCrypto.
async fn export(algorithm: Algorithm, private: &JsValue) -> Result<KeyMaterial, Fault> {
    let exported = resolve(export_key("jwk", private)).await?;
    let text = JSON::stringify(&exported).map_err(crypto_fault)?;
    let exported: Map<String, Value> =
        serde_json::from_str(&String::from(text)).map_err(|error| crypto_fault(error.classify()))?;

    // Only the members that make the key: how it may be used is decided where it is imported.
    let only = |names: &[&str]| -> Map<String, Value> {
        let member = |name: &&str| Some(((*name).to_owned(), exported.get(*name)?.clone()));
        names.iter().filter_map(member).collect()
    };
    let public = Key::from_jwk(&only(&["kty", "crv", "x", "y", "n", "e"])).map_err(crypto_fault)?;
    let private = only(&["kty", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi"]);
    Ok(KeyMaterial { algorithm, public, private: PrivateJwk::new(Value::Object(private)) })
}

/// The key-encryption key: AES-256-GCM. And the one before it, while both count: the newer one seals, either opens.
pub(crate) struct SealingKey {
    key: JsValue,
    previous: Option<JsValue>,
}

/// What was sealed, by which key it opened.
pub(crate) enum Opened {
    /// The key that seals now.
    Current(String),
    /// The one before it.
    Previous(String),
}

const NONCE_LEN: usize = 12;

impl SealingKey {
    /// Imports the key, and the one before it. That one can do nothing but open.
    pub(crate) async fn import(bytes: &[u8; 32], previous: Option<&[u8; 32]>) -> Result<Self, Fault> {
        let key = import_gcm(bytes, &["encrypt", "decrypt"]).await?;
        let previous = match previous {
            Some(bytes) => Some(import_gcm(bytes, &["decrypt"]).await?),
            None => None,
        };
        Ok(Self { key, previous })
    }

    /// Seals a text under a name: it opens only under the same name.
    pub(crate) async fn seal(&self, name: &str, text: &str) -> Result<String, Fault> {
        let nonce = random::<NONCE_LEN>()?;
        let sealed = resolve(subtle_encrypt(&gcm(&nonce, name)?, &self.key, text.as_bytes())).await?;
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&Uint8Array::new(&sealed).to_vec());
        Ok(base64url::encode(&bytes))
    }

    /// Opens what was sealed under this name. `None` if another key or name sealed it, or it was changed.
    pub(crate) async fn open(&self, name: &str, sealed: &str) -> Result<Option<Opened>, Fault> {
        let Some(bytes) = base64url::decode(sealed.as_bytes()) else {
            return Ok(None);
        };
        let Some((nonce, sealed)) = bytes.split_at_checked(NONCE_LEN) else {
            return Ok(None);
        };
        let parameters = gcm(nonce, name)?;
        // No text says which key sealed it: the tag does. That the first key does not fit is nothing wrong.
        if let Some(text) = open_gcm(&parameters, &self.key, sealed).await? {
            return Ok(Some(Opened::Current(text)));
        }
        match &self.previous {
            Some(previous) => Ok(open_gcm(&parameters, previous, sealed).await?.map(Opened::Previous)),
            None => Ok(None),
        }
    }
}

async fn import_gcm(bytes: &[u8; 32], uses: &[&str]) -> Result<JsValue, Fault> {
    let data = Uint8Array::from(bytes.as_slice());
    resolve(import_key("raw", &data, &JsValue::from_str("AES-GCM"), false, &usages(uses))).await
}

async fn open_gcm(parameters: &JsValue, key: &JsValue, sealed: &[u8]) -> Result<Option<String>, Fault> {
    let promise = subtle_decrypt(parameters, key, sealed).map_err(crypto_fault)?;
    // The only way in which decrypting fails is that the tag does not fit.
    let Ok(opened) = tasks::settled(&promise).await else {
        return Ok(None);
    };
    Ok(String::from_utf8(Uint8Array::new(&opened).to_vec()).ok())
}

fn gcm(nonce: &[u8], name: &str) -> Result<JsValue, Fault> {
    let parameters = object(&json!({ "name": "AES-GCM" }))?;
    set(&parameters, "iv", &Uint8Array::from(nonce))?;
    set(&parameters, "additionalData", &Uint8Array::from(name.as_bytes()))?;
    Ok(parameters.into())
}

/// The parameters to import a key with, and to sign or check with it.
fn parameters(algorithm: Algorithm) -> Result<(JsValue, JsValue), Fault> {
    let rsa = |name: &str, hash: &str, salt: u32| {
        (json!({ "name": name, "hash": hash }), json!({ "name": name, "saltLength": salt }))
    };
    let ec = |curve: Curve, hash: &str| {
        (json!({ "name": "ECDSA", "namedCurve": curve.name() }), json!({ "name": "ECDSA", "hash": hash }))
    };
    let (import, operate) = match algorithm {
        Algorithm::EdDsa => (json!({ "name": "Ed25519" }), json!({ "name": "Ed25519" })),
        Algorithm::Es256 => ec(Curve::P256, "SHA-256"),
        Algorithm::Es384 => ec(Curve::P384, "SHA-384"),
        Algorithm::Es512 => ec(Curve::P521, "SHA-512"),
        Algorithm::Ps256 => rsa("RSA-PSS", "SHA-256", 32),
        Algorithm::Ps384 => rsa("RSA-PSS", "SHA-384", 48),
        Algorithm::Ps512 => rsa("RSA-PSS", "SHA-512", 64),
        Algorithm::Rs256 => rsa("RSASSA-PKCS1-v1_5", "SHA-256", 0),
        Algorithm::Rs384 => rsa("RSASSA-PKCS1-v1_5", "SHA-384", 0),
        Algorithm::Rs512 => rsa("RSASSA-PKCS1-v1_5", "SHA-512", 0),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
            return Err(crypto_fault("the Worker has no use for shared-secret signatures"));
        }
    };
    Ok((to_js(&import)?, to_js(&operate)?))
}

fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

fn to_js(value: &Value) -> Result<JsValue, Fault> {
    // The text may hold a private key, so what the parser says about it is not kept.
    JSON::parse(&value.to_string()).map_err(|_| crypto_fault("a JWK is no JSON"))
}

fn object(value: &Value) -> Result<Object, Fault> {
    Ok(to_js(value)?.unchecked_into())
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), Fault> {
    Reflect::set(object, &name.into(), value).map(|_| ()).map_err(crypto_fault)
}

async fn resolve(promise: Result<Promise, JsValue>) -> Result<JsValue, Fault> {
    tasks::settled(&promise.map_err(crypto_fault)?).await.map_err(crypto_fault)
}

fn crypto_fault(cause: impl std::fmt::Debug) -> Fault {
    Fault::new(FaultKind::Crypto, &cause)
}
