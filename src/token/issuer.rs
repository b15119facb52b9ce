//! Minting for many tokens: [`Minter`] with its buffers kept, and every claims set looked at as a verifier would.

use super::algorithm::Algorithm;
use super::base64url;
use super::claims::{Payload, Registered};
use super::error::VerifyError;
use super::json::Outline;
use super::key::{Key, KeyError};
use super::mac::Mac;
use super::mint::Minter;

/// Mints tokens of one type with one key.
pub struct Issuer {
    minter: Minter,
    mac: Option<Mac>,
    required_claims: Vec<String>,
    outline: Outline,
    text: Vec<u8>,
}

impl Issuer {
    /// An issuer that leaves the signatures to the caller. Every claims set must have the required claims.
    pub fn new(minter: Minter, required_claims: Vec<String>) -> Self {
        Self { minter, mac: None, required_claims, outline: Outline::default(), text: Vec::new() }
    }

    /// Takes the shared secret that signs.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] if it is none for the algorithm.
    pub fn with_secret(mut self, key: &Key, algorithm: Algorithm) -> Result<Self, KeyError> {
        let secret = key.secret_bytes().filter(|_| key.fits(algorithm)).ok_or(KeyError::Unsupported)?;
        self.mac = Mac::new(algorithm, secret);
        Ok(self)
    }

    /// Mints a token of the claims in this JSON text. True if it is signed; if not, [`Self::text`] is what is to be signed.
    ///
    /// # Errors
    /// What a verifier would say of the claims: [`VerifyError::Malformed`], [`VerifyError::ClaimInvalid`] or
    /// [`VerifyError::ClaimMissing`].
    pub fn mint(&mut self, claims: &[u8]) -> Result<bool, VerifyError> {
        let payload = Payload::read(claims, &mut self.outline)?;
        if let Some(name) = self.required_claims.iter().find(|name| !payload.has(name)) {
            return Err(VerifyError::ClaimMissing { claim: name.clone() });
        }
        // Verifiers understand an array of texts; RFC 9068 section 2.2.3 has one text.
        if payload.is_array(Registered::Scope) {
            return Err(VerifyError::ClaimInvalid { claim: "scope".to_owned() });
        }
        self.minter.compose(claims, &mut self.text);
        let Some(mac) = &self.mac else {
            return Ok(false);
        };
        let text = &mut self.text;
        let tag = mac.sign(text);
        text.push(b'.');
        base64url::encode_onto(tag.as_bytes(), text);
        Ok(true)
    }

    /// What was minted last.
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}
