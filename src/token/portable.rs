//! Signature checks in plain Rust: HMAC always, Ed25519 with the feature `ed25519`, and with `portable` by way of
//! jwt-compact all the others that it carries.
//!
//! For Rust programs, for the tests, and in the npm package for what wasm does faster than WebCrypto.
//! No private key is ever used here: the rsa crate leaks timing there (RUSTSEC-2023-0071).

use super::algorithm::Algorithm;
use super::error::VerifyError;
use super::key::Key;
use super::mac::Mac;
use super::verify::{Pending, Token};

impl Pending {
    /// Checks the signature in plain Rust, by each key that fits, and completes the check.
    ///
    /// # Errors
    /// Those of [`Pending::complete`]; [`VerifyError::AlgorithmNotAllowed`] for what [`check_signature`] cannot tell.
    pub fn complete_portable(mut self) -> Result<Token, VerifyError> {
        while !self.is_signed_by(self.key()).ok_or(VerifyError::AlgorithmNotAllowed)? {
            if !self.next_key() {
                return self.complete(false);
            }
        }
        self.complete(true)
    }

    /// Checks in plain Rust whether the signature is that of a key that fits; `None` if this build cannot.
    pub fn signature_is_valid(&self) -> Option<bool> {
        self.keys().try_fold(false, |found, key| Some(found || self.is_signed_by(key)?))
    }

    fn is_signed_by(&self, key: &Key) -> Option<bool> {
        check_signature(self.algorithm(), key, self.signing_input(), self.signature())
    }
}

/// Returns whether this is the key's signature of these bytes. `None` if this build cannot tell: for ES384 and ES512,
/// for RSA above 4096 bits, and for all but HMAC without the feature `portable`.
///
/// A key that does not fit the algorithm has signed nothing with it, and a signature of the wrong length is no signature.
pub fn check_signature(algorithm: Algorithm, key: &Key, input: &[u8], signature: &[u8]) -> Option<bool> {
    if !key.fits(algorithm) || !key.admits(algorithm, signature) {
        return Some(false);
    }
    Prepared::new(algorithm, key).map(|prepared| prepared.check(input, signature))
}

/// A key ready to check signatures of one algorithm with; what depends on the key alone has been done.
pub(crate) enum Prepared {
    Mac(Mac),
    /// What is no key has signed nothing.
    #[cfg(feature = "ed25519")]
    Ed25519(Option<super::ed25519::PublicKey>),
    #[cfg(feature = "portable")]
    JwtCompact(jwt_compact_keys::PublicKey),
}

impl Prepared {
    /// For a key that fits the algorithm. `None` if this build cannot check such signatures.
    pub(crate) fn new(algorithm: Algorithm, key: &Key) -> Option<Self> {
        if let Some(secret) = key.secret_bytes() {
            return Mac::new(algorithm, secret).map(Self::Mac);
        }
        #[cfg(feature = "ed25519")]
        if let Some(x) = key.ed25519_bytes() {
            return Some(Self::Ed25519(super::ed25519::PublicKey::new(x)));
        }
        #[cfg(feature = "portable")]
        return jwt_compact_keys::PublicKey::new(algorithm, key).map(Self::JwtCompact);
        #[cfg(not(feature = "portable"))]
        None
    }

    /// Spends memory and time so that later checks take less, where that can be done. True if it was.
    #[cfg(feature = "ed25519")]
    pub(crate) fn prepare_for_many(&mut self) -> bool {
        if let Self::Ed25519(Some(key)) = self {
            key.prepare();
            return true;
        }
        false
    }

    /// Is this the key's signature of these bytes? It must be one that the key admits.
    pub(crate) fn check(&self, input: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Mac(mac) => mac.verify(input, signature),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => key.as_ref().is_some_and(|key| key.verify(input, signature)),
            #[cfg(feature = "portable")]
            Self::JwtCompact(key) => key.verify(input, signature),
        }
    }
}

#[cfg(feature = "portable")]
mod jwt_compact_keys {
    use jwt_compact::AlgorithmSignature;
    use jwt_compact::alg::{Es256, Rsa, RsaPublicKey};
    use jwt_compact::jwk::JsonWebKey;

    use super::{Algorithm, Key};

    type P256Key = <Es256 as jwt_compact::Algorithm>::VerifyingKey;

    /// A public key of jwt-compact.
    pub(crate) enum PublicKey {
        /// What is no key, such as no point on the curve, has signed nothing.
        P256(Option<Box<P256Key>>),
        Rsa {
            scheme: Box<Rsa>,
            key: Box<RsaPublicKey>,
        },
    }

    impl PublicKey {
        pub(crate) fn new(algorithm: Algorithm, key: &Key) -> Option<Self> {
            let jwk: JsonWebKey<'_> = serde_json::from_value(key.public_jwk()?).ok()?;
            let scheme = match algorithm {
                Algorithm::Es256 => return Some(Self::P256(P256Key::try_from(&jwk).ok().map(Box::new))),
                Algorithm::Ps256 => Rsa::ps256(),
                Algorithm::Ps384 => Rsa::ps384(),
                Algorithm::Ps512 => Rsa::ps512(),
                Algorithm::Rs256 => Rsa::rs256(),
                Algorithm::Rs384 => Rsa::rs384(),
                Algorithm::Rs512 => Rsa::rs512(),
                Algorithm::EdDsa | Algorithm::Es384 | Algorithm::Es512 => return None,
                Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => return None,
            };
            let key = RsaPublicKey::try_from(&jwk).ok()?;
            Some(Self::Rsa { scheme: Box::new(scheme), key: Box::new(key) })
        }

        pub(crate) fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
            match self {
                Self::P256(key) => key.as_ref().is_some_and(|key| is_valid(&Es256, key, input, signature)),
                // The rsa crate also takes s + n for s in PSS: see `Key::admits`.
                Self::Rsa { scheme, key } => is_valid(scheme.as_ref(), key, input, signature),
            }
        }
    }

    fn is_valid<A: jwt_compact::Algorithm>(scheme: &A, key: &A::VerifyingKey, input: &[u8], signature: &[u8]) -> bool {
        A::Signature::try_from_slice(signature).is_ok_and(|signature| scheme.verify_signature(&signature, key, input))
    }
}
