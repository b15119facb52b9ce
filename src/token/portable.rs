//! Signature checks in plain Rust, by way of jwt-compact: HMAC always, the others with the feature `portable`.
//!
//! For Rust programs, for the tests, and for HMAC in the npm package, where wasm beats WebCrypto.
//! No private key is ever used here: the rsa crate leaks timing there (RUSTSEC-2023-0071).

use jwt_compact::AlgorithmSignature;
use jwt_compact::alg::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};

use super::algorithm::Algorithm;
use super::error::VerifyError;
use super::key::Key;
use super::verify::{Pending, Token};

impl Pending {
    /// Checks the signature in plain Rust and settles.
    ///
    /// # Errors
    /// Those of [`Pending::settle`]; [`VerifyError::AlgorithmNotAllowed`] for what [`check_signature`] cannot tell.
    pub fn settle_portable(self) -> Result<Token, VerifyError> {
        let valid = self.signature_is_valid().ok_or(VerifyError::AlgorithmNotAllowed)?;
        self.settle(valid)
    }

    /// Checks the signature in plain Rust; `None` if this build cannot.
    pub fn signature_is_valid(&self) -> Option<bool> {
        check_signature(self.algorithm(), self.key(), self.signing_input(), self.signature())
    }
}

/// Is this the key's signature of these bytes, whatever they are? `None` if this build cannot tell: for ES384 and ES512,
/// for RSA above 4096 bits, and for all but HMAC without the feature `portable`.
///
/// A key that does not fit the algorithm has signed nothing with it, and a signature of the wrong length is no signature.
pub fn check_signature(algorithm: Algorithm, key: &Key, input: &[u8], signature: &[u8]) -> Option<bool> {
    // jwt-compact panics on an HMAC of the wrong length.
    let right_len = algorithm.signature_len().is_none_or(|len| len == signature.len());
    if !right_len || !key.fits(algorithm) {
        return Some(false);
    }
    match algorithm {
        Algorithm::Hs256 => Some(hmac(&Hs256, &Hs256Key::new(key.secret_bytes()?), input, signature)),
        Algorithm::Hs384 => Some(hmac(&Hs384, &Hs384Key::new(key.secret_bytes()?), input, signature)),
        Algorithm::Hs512 => Some(hmac(&Hs512, &Hs512Key::new(key.secret_bytes()?), input, signature)),
        asymmetric => check_asymmetric(asymmetric, key, input, signature),
    }
}

fn hmac<A: jwt_compact::Algorithm>(algorithm: &A, key: &A::VerifyingKey, input: &[u8], signature: &[u8]) -> bool {
    A::Signature::try_from_slice(signature).is_ok_and(|signature| algorithm.verify_signature(&signature, key, input))
}

#[cfg(not(feature = "portable"))]
fn check_asymmetric(_: Algorithm, _: &Key, _: &[u8], _: &[u8]) -> Option<bool> {
    None
}

#[cfg(feature = "portable")]
fn check_asymmetric(algorithm: Algorithm, key: &Key, input: &[u8], signature: &[u8]) -> Option<bool> {
    use jwt_compact::Algorithm as _;
    use jwt_compact::alg::{Es256, Rsa, RsaPublicKey};
    use jwt_compact::jwk::JsonWebKey;

    let jwk = key.public_jwk()?;
    let jwk: JsonWebKey<'_> = serde_json::from_value(jwk).ok()?;
    let rsa = |algorithm: Rsa| {
        let key = RsaPublicKey::try_from(&jwk).ok()?;
        let in_range = is_in_range(&jwk, signature);
        let signature = <Rsa as jwt_compact::Algorithm>::Signature::try_from_slice(signature).ok()?;
        Some(in_range && algorithm.verify_signature(&signature, &key, input))
    };
    match algorithm {
        Algorithm::EdDsa => {
            // jwt-compact's own check is not the strict one.
            let key = ed25519_dalek::VerifyingKey::try_from(&jwk);
            let signature = ed25519_dalek::Signature::from_slice(signature);
            Some(matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_strict(input, &signature).is_ok()))
        }
        Algorithm::Es256 => {
            let key = <Es256 as jwt_compact::Algorithm>::VerifyingKey::try_from(&jwk);
            let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(signature);
            Some(
                matches!((key, signature), (Ok(key), Ok(signature)) if Es256.verify_signature(&signature, &key, input)),
            )
        }
        Algorithm::Ps256 => rsa(Rsa::ps256()),
        Algorithm::Ps384 => rsa(Rsa::ps384()),
        Algorithm::Ps512 => rsa(Rsa::ps512()),
        Algorithm::Rs256 => rsa(Rsa::rs256()),
        Algorithm::Rs384 => rsa(Rsa::rs384()),
        Algorithm::Rs512 => rsa(Rsa::rs512()),
        Algorithm::Es384 | Algorithm::Es512 => None,
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => None,
    }
}

/// A number below the modulus, as long as it (RFC 8017 section 5.2.2): the rsa crate also takes s + n for s in PSS,
/// a second text for one signature.
#[cfg(feature = "portable")]
fn is_in_range(jwk: &jwt_compact::jwk::JsonWebKey<'_>, signature: &[u8]) -> bool {
    use jwt_compact::jwk::JsonWebKey;

    // The key has no leading zeros, so that big-endian bytes of one length order as the numbers do.
    matches!(jwk, JsonWebKey::Rsa { modulus, .. } if modulus.len() == signature.len() && signature < modulus.as_ref())
}
