//! The only door in: text, keys, policy and time go in, a checked token comes out.
//!
//! It has two steps, because the best place to check a signature differs from platform to platform
//! (WebCrypto, node:crypto, plain Rust) and most of those places make the caller wait. [`verify`] reads the text,
//! applies the policy to the header, chooses the key and hands back what must be checked; [`Pending::settle`]
//! takes the answer and, only then, looks at the claims. There is no other way to make a [`Token`].

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::base64url;
use super::claims::{Claims, UnixTime};
use super::error::VerifyError;
use super::header::Header;
use super::jwks::KeySet;
use super::key::Key;
use super::policy::{CLAIM_CHECKS, Policy};

/// A token whose signature, header and claims have all been checked against a policy.
#[derive(Clone, Debug)]
pub struct Token {
    header: Header,
    claims: Claims,
    key: Arc<Key>,
    payload: String,
}

impl Token {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The claims.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that signed it.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The claims as the JSON text that was signed.
    pub fn payload(&self) -> &str {
        &self.payload
    }
}

/// A token that lacks nothing but the answer about its signature, and the checks of its claims.
#[derive(Debug)]
pub struct Pending {
    parts: Parts,
    key: Arc<Key>,
    policy: Arc<Policy>,
    now: UnixTime,
}

/// Reads a compact JWS and says which signature is to be checked with which key.
///
/// The order is fixed, so that nothing about the claims of a forged token is ever told: size and shape,
/// header, type, algorithm, key; then the caller checks the signature; then the claims.
///
/// # Errors
/// Every [`VerifyError`] that can be told without the signature.
pub fn verify(text: &str, keys: &KeySet, policy: &Arc<Policy>, now: UnixTime) -> Result<Pending, VerifyError> {
    let parts = Parts::read(text, policy.max_bytes)?;
    policy.check_type(&parts.header)?;
    policy.check_algorithm(&parts.header)?;
    let key = keys.choose(&parts.header)?;
    let expected_len = parts.header.alg().signature_len();
    if expected_len.is_some_and(|len| len != parts.signature.len()) {
        return Err(VerifyError::BadSignature);
    }
    Ok(Pending { parts, key, policy: Arc::clone(policy), now })
}

impl Pending {
    /// The key that must have made the signature.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The algorithm: named by the header, agreed to by the key and the policy.
    pub fn algorithm(&self) -> Algorithm {
        self.parts.header.alg()
    }

    /// The bytes that were signed.
    pub fn signing_input(&self) -> &[u8] {
        self.parts.signing_input.as_bytes()
    }

    /// The signature; for ECDSA in the form r || s (RFC 7518 section 3.4).
    pub fn signature(&self) -> &[u8] {
        &self.parts.signature
    }

    /// Takes the answer about the signature and checks the claims.
    ///
    /// `signature_is_valid` must be what a real check of [`Self::signature`] over [`Self::signing_input`] said.
    ///
    /// # Errors
    /// [`VerifyError::BadSignature`] if it is false; then what is wrong with the claims, issuer first.
    pub fn settle(self, signature_is_valid: bool) -> Result<Token, VerifyError> {
        if !signature_is_valid {
            return Err(VerifyError::BadSignature);
        }
        let payload = self.parts.payload().ok_or(VerifyError::Malformed)?;
        let claims = Claims::parse(payload.as_bytes())?;
        for check in CLAIM_CHECKS {
            (check.run)(&claims, &self.policy, self.now)?;
        }
        Ok(Token { header: self.parts.header, claims, key: self.key, payload })
    }
}

/// The header and the claims of a token that nobody vouches for: to choose whose keys to check it with, or to show it.
/// Never decide by them.
///
/// # Errors
/// What is wrong with its form.
pub fn decode_unverified(text: &str, max_bytes: usize) -> Result<(Header, Claims), VerifyError> {
    let parts = Parts::read(text, max_bytes)?;
    let payload = parts.payload().ok_or(VerifyError::Malformed)?;
    Ok((parts.header, Claims::parse(payload.as_bytes())?))
}

/// The three parts of a compact serialisation (RFC 7515 section 7.1), of which the payload stays closed.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) header: Header,
    pub(crate) signing_input: String,
    pub(crate) signature: Vec<u8>,
}

impl Parts {
    pub(crate) fn read(text: &str, max_bytes: usize) -> Result<Self, VerifyError> {
        if text.len() > max_bytes {
            return Err(VerifyError::TooLarge);
        }
        // The JSON serialisation (RFC 7515 section 7.2) has one name, the encrypted one another number of parts.
        if text.starts_with('{') || text.bytes().filter(|byte| *byte == b'.').count() == 4 {
            return Err(VerifyError::Unsupported);
        }
        let (signing_input, signature) = text.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(VerifyError::Malformed)?;
        if header.is_empty() || payload.contains('.') {
            return Err(VerifyError::Malformed);
        }
        let header = base64url::decode(header.as_bytes()).ok_or(VerifyError::Malformed)?;
        let signature = base64url::decode(signature.as_bytes()).ok_or(VerifyError::Malformed)?;
        Ok(Self { header: Header::parse(&header)?, signing_input: signing_input.to_owned(), signature })
    }

    pub(crate) fn payload(&self) -> Option<String> {
        let (_, payload) = self.signing_input.split_once('.')?;
        String::from_utf8(base64url::decode(payload.as_bytes())?).ok()
    }
}
