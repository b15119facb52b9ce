//! Keys that check signatures: public keys and shared secrets, as JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037
//! section 2), as PEM text, and as bare bytes.
//!
//! Private keys are of another type, [`PrivateKey`], so that none can stand where a public one belongs.

mod algorithm_identifier;
mod any_key;
mod bytes;
pub(crate) mod der;
mod disguise;
mod error;
mod jwk;
mod material;
mod numbers;
mod pem;
mod pkcs8;
mod private_key;
mod spki;

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

pub use any_key::AnyKey;
pub use error::{KeyError, PemError};
pub use pem::Pem;
pub use pkcs8::Pkcs8;
pub use private_key::PrivateKey;

use super::algorithm::{Algorithm, Curve, KeyShape};
use super::base64url;
use jwk::{Jwk, JwkText, Use, check_use, is_private};
use material::Material;
pub(crate) use pem::write_pem;

/// A key that can check signatures.
///
/// ```
/// use edgemint::token::{Algorithm, Key, KeyError};
///
/// // RFC 8410 section 10.1.
/// let pem = "-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
/// -----END PUBLIC KEY-----
/// ";
/// let key = Key::from_pem(pem)?;
/// assert_eq!(key.only_alg(), Ok(Algorithm::EdDsa));
///
/// let thumbprint = key.thumbprint();
/// let key = key.for_algorithm(Algorithm::EdDsa)?.named(thumbprint);
/// assert_eq!(Key::from_jwk_text(key.public_jwk_text().unwrap().as_bytes())?.to_pem().as_deref(), Some(pem));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    kid: Option<String>,
    alg: Option<Algorithm>,
    material: Material,
}

impl Key {
    /// Reads a JWK: a public key, or a shared secret (`oct`). Members that mean nothing here are passed over
    /// (RFC 7517 section 4).
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with it.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyError> {
        Self::read(jwk)
    }

    /// Reads a JWK from its text: strict JSON, one object, no member twice.
    ///
    /// # Errors
    /// As for [`Key::from_jwk`].
    #[inline(never)] // Long, and called from several places.
    pub fn from_jwk_text(text: &[u8]) -> Result<Self, KeyError> {
        Self::read(&JwkText::read(text)?)
    }

    pub(crate) fn read(jwk: &dyn Jwk) -> Result<Self, KeyError> {
        if is_private(jwk) {
            return Err(KeyError::Private);
        }
        check_use(jwk, Use::Verify)?;
        Self::read_public_half(jwk)
    }

    /// Reads what is public of a JWK, and leaves its use to the caller.
    pub(super) fn read_public_half(jwk: &dyn Jwk) -> Result<Self, KeyError> {
        let kid = jwk.text("kid")?.map(String::from);
        let alg = jwk.text("alg")?;
        let alg = alg.map(|name| Algorithm::from_name(&name).ok_or(KeyError::Unsupported)).transpose()?;
        let mut key = Self { kid, ..Self::checked(Material::from_jwk(jwk)?)? };
        if let Some(alg) = alg {
            key.bind(alg)?;
        }
        Ok(key)
    }

    /// Reads PEM text of the label `PUBLIC KEY` (RFC 7468 section 13), with nothing but white space around it.
    /// The key is for every algorithm of its kind: see [`Key::for_algorithm`].
    ///
    /// # Errors
    /// [`KeyError::Private`] for a private key, [`KeyError::Pem`] for other text, else as for [`Key::from_spki`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        match Pem::read(text)? {
            Pem::Public(key) => Ok(key),
            Pem::Private(_) => Err(KeyError::Private),
        }
    }

    /// Reads a `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1.2.7), with nothing after it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] for what is not DER or a compressed point, [`KeyError::Unsupported`] for another kind of
    /// key, [`KeyError::Weak`] as for a JWK.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        Self::checked(spki::read(der)?)
    }

    /// Reads bare bytes for one algorithm: a shared secret, the 32 bytes of an Ed25519 key, or an EC point that is not
    /// compressed.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for RSA, which has no such form, [`KeyError::Malformed`] for bytes of the wrong
    /// number, else as for [`Key::from_secret`].
    pub fn from_raw(bytes: &[u8], alg: Algorithm) -> Result<Self, KeyError> {
        Self::checked(Material::from_raw(bytes, alg.key_shape())?)?.for_algorithm(alg)
    }

    /// A shared secret for one HMAC algorithm.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] if the algorithm is not an HMAC, [`KeyError::Weak`] if the secret is
    /// shorter than the hash (RFC 7518 section 3.2), [`KeyError::Disguised`] if it is a key of another kind.
    pub fn from_secret(secret: &[u8], alg: Algorithm) -> Result<Self, KeyError> {
        if alg.key_shape() != KeyShape::Octets {
            return Err(KeyError::Unsupported);
        }
        Self::from_raw(secret, alg)
    }

    /// Represents a key that the platform holds as an opaque handle, for one algorithm. Its strength is not checked here.
    pub fn from_handle(alg: Algorithm) -> Self {
        Self { kid: None, alg: Some(alg), material: Material::Handle { shape: alg.key_shape() } }
    }

    fn checked(material: Material) -> Result<Self, KeyError> {
        material.check_strength()?;
        Ok(Self { kid: None, alg: None, material })
    }

    /// The key, for this one algorithm.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] if the key is of another kind or says that it is for another algorithm,
    /// [`KeyError::Weak`] if a secret is shorter than the hash.
    pub fn for_algorithm(mut self, alg: Algorithm) -> Result<Self, KeyError> {
        self.bind(alg)?;
        Ok(self)
    }

    #[inline(never)] // It is called from everywhere.
    pub(crate) fn bind(&mut self, alg: Algorithm) -> Result<(), KeyError> {
        if self.shape() != alg.key_shape() || self.alg.is_some_and(|own| own != alg) {
            return Err(KeyError::Unsupported);
        }
        if !self.material.is_long_enough(alg) {
            return Err(KeyError::Weak);
        }
        self.alg = Some(alg);
        Ok(())
    }

    /// The key under this name.
    #[must_use]
    pub fn named(self, kid: impl Into<String>) -> Self {
        Self { kid: Some(kid.into()), ..self }
    }

    /// The key's identifier.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key says it is for.
    pub fn alg(&self) -> Option<Algorithm> {
        self.alg
    }

    /// The one algorithm that the key can be for: what it says, or the only one of its kind.
    ///
    /// # Errors
    /// [`KeyError::AlgorithmMissing`] if there are several.
    pub fn only_alg(&self) -> Result<Algorithm, KeyError> {
        self.alg.map_or_else(|| only_alg(self.shape()), Ok)
    }

    /// Does it have the same key material? Names (`kid`) are not compared.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.material == other.material
    }

    /// The shape that decides which algorithms can use it.
    pub fn shape(&self) -> KeyShape {
        self.material.shape()
    }

    /// May a signature with this algorithm be checked with this key?
    /// The key decides; the token's `alg` only has to agree.
    pub fn fits(&self, alg: Algorithm) -> bool {
        self.shape() == alg.key_shape() && self.alg.is_none_or(|own| own == alg) && self.material.is_long_enough(alg)
    }

    /// Can these bytes be a signature of this key at all? What those who check signatures disagree about is decided here:
    /// an RSA signature is as long as the modulus, leading zeros included, and a smaller number (RFC 8017 section 8.1.2); the
    /// point R of an Ed25519 signature has one spelling and is not of small order.
    pub(crate) fn admits(&self, alg: Algorithm, signature: &[u8]) -> bool {
        alg.signature_len().is_none_or(|len| len == signature.len()) && self.material.admits(signature)
    }

    /// Is it a shared secret, which must never come from a published set?
    pub fn is_secret(&self) -> bool {
        self.shape() == KeyShape::Octets
    }

    /// The bytes of a shared secret; `None` for a public key, so that one can never serve as the other,
    /// and for a handle.
    pub fn secret_bytes(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Octets { k } => Some(k),
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Handle { .. } | Material::Rsa { .. } => None,
        }
    }

    /// The encoded point of an Ed25519 key; `None` for any other.
    #[cfg(feature = "ed25519")]
    pub(crate) fn ed25519_bytes(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Ed25519 { x } => Some(x),
            Material::Ec { .. } | Material::Handle { .. } | Material::Octets { .. } | Material::Rsa { .. } => None,
        }
    }

    pub(super) fn modulus_len(&self) -> usize {
        match &self.material {
            Material::Rsa { n, .. } => n.len(),
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Handle { .. } | Material::Octets { .. } => 0,
        }
    }

    pub(super) fn open_jwk(&self) -> String {
        self.material.open_jwk()
    }

    /// The JWK of a secret, too.
    pub(super) fn whole_jwk_text(&self) -> String {
        let mut jwk = self.open_jwk();
        jwk.push('}');
        jwk
    }

    /// The key as a JWK with only the members that make it (what WebCrypto imports); `None` for a shared secret
    /// and for a handle.
    pub fn public_jwk(&self) -> Option<Value> {
        serde_json::from_str(&self.public_jwk_text()?).ok()
    }

    /// The same as text, in the order of RFC 7638 section 3: what is hashed for the thumbprint.
    pub fn public_jwk_text(&self) -> Option<String> {
        match &self.material {
            Material::Handle { .. } | Material::Octets { .. } => None,
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Rsa { .. } => Some(self.whole_jwk_text()),
        }
    }

    /// The `SubjectPublicKeyInfo` in DER; `None` for a shared secret and for a handle.
    pub fn to_spki(&self) -> Option<Vec<u8>> {
        spki::to_der(&self.material)
    }

    /// The PEM text of the label `PUBLIC KEY`; `None` for a shared secret and for a handle.
    pub fn to_pem(&self) -> Option<String> {
        self.to_spki().map(|der| write_pem("PUBLIC KEY", &der))
    }

    /// The JWK thumbprint with SHA-256 (RFC 7638), base64url: what we use as `kid`. Empty for a handle, whose
    /// numbers are not here to be hashed. That of a secret tells something about the secret (section 7).
    pub fn thumbprint(&self) -> String {
        match &self.material {
            Material::Handle { .. } => String::new(),
            Material::Ec { .. } | Material::Ed25519 { .. } | Material::Octets { .. } | Material::Rsa { .. } => {
                base64url::encode(&Sha256::digest(self.whole_jwk_text()))
            }
        }
    }
}

/// The one algorithm of a kind of key, where there is one.
pub(super) fn only_alg(shape: KeyShape) -> Result<Algorithm, KeyError> {
    match shape {
        KeyShape::Ec(Curve::P256) => Ok(Algorithm::Es256),
        KeyShape::Ec(Curve::P384) => Ok(Algorithm::Es384),
        KeyShape::Ec(Curve::P521) => Ok(Algorithm::Es512),
        KeyShape::Ed25519 => Ok(Algorithm::EdDsa),
        KeyShape::Octets | KeyShape::Rsa => Err(KeyError::AlgorithmMissing),
    }
}

// A key may be a shared secret: it never prints its material.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .field("shape", &self.shape())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(jwk: Value) -> Result<Key, KeyError> {
        Key::from_jwk(jwk.as_object().unwrap())
    }

    fn rsa(bits: usize, e: &str) -> Value {
        json!({ "kty": "RSA", "n": base64url::encode(&vec![0xff; bits / 8]), "e": e })
    }

    #[test]
    fn a_private_key_is_not_taken_for_a_public_one() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        assert_eq!(parse(jwk), Err(KeyError::Private));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let key = Key { kid: Some("k".to_owned()), ..Key::from_secret(&[7; 32], Algorithm::Hs256).unwrap() };
        assert_eq!(format!("{key:?}"), r#"Key { kid: Some("k"), alg: Some(Hs256), shape: Octets, .. }"#);
    }

    #[test]
    fn strength() {
        assert!(parse(rsa(2048, "AQAB")).is_ok());
        assert_eq!(parse(rsa(1024, "AQAB")), Err(KeyError::Weak));
        assert_eq!(parse(rsa(16384, "AQAB")), Err(KeyError::Weak));
        for exponent in ["AQ", "AQAC", "AAEAAQ", "AQAAAAAAAQ"] {
            assert_eq!(parse(rsa(2048, exponent)), Err(KeyError::Weak), "{exponent}");
        }
        let secret = |len: usize| json!({ "kty": "oct", "alg": "HS256", "k": base64url::encode(&vec![7; len]) });
        assert!(parse(secret(32)).is_ok());
        assert_eq!(parse(secret(31)), Err(KeyError::Weak));
        let long = Key::from_secret(&[7; 64], Algorithm::Hs512).unwrap();
        assert!(long.fits(Algorithm::Hs512) && !long.fits(Algorithm::Hs256));
    }

    #[test]
    fn use_and_operations_must_allow_it() {
        let with = |name: &str, value: Value| {
            let mut jwk = rsa(2048, "AQAB");
            jwk.as_object_mut().unwrap().insert(name.into(), value);
            parse(jwk)
        };
        assert!(with("use", json!("sig")).is_ok());
        assert!(with("key_ops", json!(["verify"])).is_ok());
        assert_eq!(with("use", json!("enc")), Err(KeyError::WrongUse));
        assert_eq!(with("key_ops", json!(["encrypt"])), Err(KeyError::WrongUse));
        assert_eq!(with("key_ops", json!("verify")), Err(KeyError::Malformed));
        assert_eq!(with("alg", json!("ES256")), Err(KeyError::Unsupported));
        assert_eq!(with("alg", json!("none")), Err(KeyError::Unsupported));
        assert_eq!(with("kid", json!(1)), Err(KeyError::Malformed));
    }

    #[test]
    fn a_secret_never_shows_its_bytes() {
        let key = Key::from_secret(b"0123456789abcdef0123456789abcdef", Algorithm::Hs256).unwrap();
        assert!(!format!("{key:?}").contains("0123"));
        assert_eq!(key.public_jwk(), None);
    }

    #[test]
    fn a_handle_is_for_its_one_algorithm_and_shows_nothing() {
        let key = Key::from_handle(Algorithm::Hs256);
        assert!(key.fits(Algorithm::Hs256) && !key.fits(Algorithm::Hs512) && !key.fits(Algorithm::Es256));
        assert!(key.is_secret() && key.secret_bytes().is_none() && key.public_jwk().is_none());
        assert!(key.thumbprint().is_empty());
    }
}
