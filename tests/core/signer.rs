//! Signing keys, and tokens of arbitrary bytes. Every key is derived from a seed, so that all runs are the same.

use edgemint::token::{Algorithm, Key, base64url};
use jwt_compact::alg::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Value, json};

/// A signer with one algorithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    seed: u8,
}

impl Signer {
    /// The algorithms that the plain build signs with.
    pub(crate) const HMAC: [Algorithm; 3] = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

    /// The algorithms that this build signs with. RSA is not among them: this library holds no private RSA keys.
    #[cfg(feature = "portable")]
    pub(crate) const ALGORITHMS: [Algorithm; 5] =
        [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512, Algorithm::EdDsa, Algorithm::Es256];
    #[cfg(not(feature = "portable"))]
    pub(crate) const ALGORITHMS: [Algorithm; 3] = Self::HMAC;

    pub(crate) const fn new(algorithm: Algorithm, seed: u8) -> Self {
        Self { algorithm, seed }
    }

    /// The bytes of the shared secret, long enough for every hash.
    pub(crate) fn secret(self) -> [u8; 64] {
        [self.seed; 64]
    }

    pub(crate) fn sign(self, input: &[u8]) -> Vec<u8> {
        let secret = self.secret();
        match self.algorithm {
            Algorithm::Hs256 => Hs256.sign(&Hs256Key::new(secret), input).as_bytes().into_owned(),
            Algorithm::Hs384 => Hs384.sign(&Hs384Key::new(secret), input).as_bytes().into_owned(),
            Algorithm::Hs512 => Hs512.sign(&Hs512Key::new(secret), input).as_bytes().into_owned(),
            #[cfg(feature = "portable")]
            Algorithm::EdDsa => jwt_compact::alg::Ed25519.sign(&self.ed25519(), input).as_bytes().into_owned(),
            #[cfg(feature = "portable")]
            Algorithm::Es256 => jwt_compact::alg::Es256.sign(&self.es256(), input).as_bytes().into_owned(),
            other => panic!("no signer for {other}"),
        }
    }

    /// The key that verifies this signer's signatures: a public JWK, or the secret itself. Without `alg` and `kid`.
    pub(crate) fn jwk(self) -> Value {
        match self.algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                json!({ "kty": "oct", "k": base64url::encode(&self.secret()) })
            }
            #[cfg(feature = "portable")]
            Algorithm::EdDsa => as_jwk((&self.ed25519().verifying_key()).into()),
            #[cfg(feature = "portable")]
            Algorithm::Es256 => as_jwk(self.es256().verifying_key().into()),
            other => panic!("no key for {other}"),
        }
    }

    /// The key as a published one: with a kid, and bound to the algorithm.
    pub(crate) fn key(self, kid: &str) -> Key {
        key(&with(self.jwk(), &[("kid", kid), ("alg", self.algorithm.name())]))
    }

    /// A compact JWS of exactly these bytes.
    pub(crate) fn token(self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.seal(&format!("{}.{}", base64url::encode(header.as_ref()), base64url::encode(payload.as_ref())))
    }

    /// Signs a text, well formed or not, and appends the signature.
    pub(crate) fn seal(self, input: &str) -> String {
        format!("{input}.{}", base64url::encode(&self.sign(input.as_bytes())))
    }

    #[cfg(feature = "portable")]
    pub(crate) fn ed25519(self) -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[self.seed; 32])
    }

    #[cfg(feature = "portable")]
    pub(crate) fn es256(self) -> <jwt_compact::alg::Es256 as jwt_compact::Algorithm>::SigningKey {
        jwt_compact::alg::SigningKey::<jwt_compact::alg::Es256>::from_slice(&[self.seed; 32]).unwrap()
    }
}

#[cfg(feature = "portable")]
fn as_jwk(jwk: jwt_compact::jwk::JsonWebKey<'_>) -> Value {
    serde_json::to_value(jwk).unwrap()
}

/// A JWK with these members set.
pub(crate) fn with(mut jwk: Value, members: &[(&str, &str)]) -> Value {
    for (name, value) in members {
        jwk[*name] = json!(value);
    }
    jwk
}

/// Reads a valid JWK.
pub(crate) fn key(jwk: &Value) -> Key {
    Key::from_jwk(jwk.as_object().unwrap()).unwrap()
}
