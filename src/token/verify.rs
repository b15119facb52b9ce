//! The only door in: text, keys, policy and time go in, a checked token comes out.
//!
//! It has two steps, because the best place to check a signature differs from platform to platform
//! (WebCrypto, node:crypto, plain Rust) and most of those places make the caller wait. [`verify`] reads the text,
//! applies the policy to the header, chooses the key and hands back what must be checked; [`Pending::complete`]
//! takes the answer and, only then, looks at the claims. There is no other way to make a [`Token`].

use std::sync::Arc;

use super::algorithm::Algorithm;
use super::base64url;
use super::claims::{Claims, NumericDate, Payload};
use super::error::VerifyError;
use super::header::Header;
use super::json::Outline;
use super::jwks::KeySet;
use super::key::Key;
use super::policy::Policy;

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
    others: std::vec::IntoIter<Arc<Key>>,
    policy: Arc<Policy>,
    now: NumericDate,
}

/// Reads a compact JWS and says which signature is to be checked with which key.
///
/// The order is fixed, so that nothing about the claims of a forged token is ever told: size and shape,
/// header, type, algorithm, key; then the caller checks the signature; then the claims.
///
/// # Errors
/// Every [`VerifyError`] that can be told without the signature.
pub fn verify(
    text: &str,
    keys: &KeySet,
    policy: &Arc<Policy>,
    now: impl Into<NumericDate>,
) -> Result<Pending, VerifyError> {
    let parts = Parts::read(text, policy.max_bytes)?;
    policy.check_type(&parts.header)?;
    policy.check_algorithm(&parts.header)?;
    let fitting = keys.choose(&parts.header)?.into_iter().map(|(_, key)| key);
    let able: Vec<_> = fitting.filter(|key| key.admits(parts.header.alg(), &parts.signature)).collect();
    let mut others = able.into_iter();
    let key = others.next().ok_or(VerifyError::BadSignature)?;
    Ok(Pending { parts, key, others, policy: Arc::clone(policy), now: now.into() })
}

impl Pending {
    /// The key that must have made the signature. Where several fit, [`Self::next_key`] goes on to the others.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Goes on to the next key that fits, after the one before was found not to have made the signature. False if there is none.
    pub fn next_key(&mut self) -> bool {
        self.others.next().is_some_and(|next| {
            self.key = next;
            true
        })
    }

    /// The keys that are left to try, the one of the moment first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.key).chain(self.others.as_slice()).map(AsRef::as_ref)
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
    pub fn complete(self, signature_is_valid: bool) -> Result<Token, VerifyError> {
        if !signature_is_valid {
            return Err(VerifyError::BadSignature);
        }
        let payload = self.parts.payload().ok_or(VerifyError::Malformed)?;
        let mut outline = Outline::default();
        let read = Payload::read(&payload, &mut outline)?;
        read.check(&self.policy, self.now)?;
        let (claims, payload) = (read.to_claims()?, read.json().to_owned());
        Ok(Token { header: self.parts.header, claims, key: self.key, payload })
    }
}

/// Returns the header and the claims of a token without checking its signature: to choose the keys to check it with, or to
/// show it. Never decide by them.
///
/// # Errors
/// What is wrong with its form.
pub fn decode_unverified(text: &str, max_bytes: usize) -> Result<(Header, Claims), VerifyError> {
    let parts = Parts::read(text, max_bytes)?;
    let payload = parts.payload().ok_or(VerifyError::Malformed)?;
    Ok((parts.header, Claims::parse(&payload)?))
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
        let split = Split::of(text.as_bytes(), max_bytes)?;
        let header = base64url::decode(split.header).ok_or_else(|| split.reason())?;
        let signature = base64url::decode(split.signature).ok_or_else(|| split.reason())?;
        let header = Header::parse(&header)?;
        // Between the dots, the payload may still be anything but another dot, which would make it a part more.
        if split.payload.contains(&b'.') {
            return Err(split.reason());
        }
        let signing_input = text.get(..split.signing_input.len()).ok_or(VerifyError::Malformed)?;
        Ok(Self { header, signing_input: signing_input.to_owned(), signature })
    }

    pub(crate) fn payload(&self) -> Option<Vec<u8>> {
        let (_, payload) = self.signing_input.split_once('.')?;
        base64url::decode(payload.as_bytes())
    }
}

/// Where the parts are.
pub(crate) struct Split<'t> {
    pub(crate) header: &'t [u8],
    pub(crate) payload: &'t [u8],
    pub(crate) signature: &'t [u8],
    pub(crate) signing_input: &'t [u8],
}

impl<'t> Split<'t> {
    pub(crate) fn of(text: &'t [u8], max_bytes: usize) -> Result<Self, VerifyError> {
        if text.len() > max_bytes {
            return Err(VerifyError::TooLarge);
        }
        // The JSON serialisation (RFC 7515 section 7.2) has one name.
        if text.first() == Some(&b'{') {
            return Err(VerifyError::Unsupported);
        }
        let split = || {
            let first = text.iter().position(|byte| *byte == b'.')?;
            let last = text.iter().rposition(|byte| *byte == b'.')?;
            let (signing_input, signature) = (text.get(..last)?, text.get(last + 1..)?);
            let (header, payload) = (text.get(..first)?, text.get(first + 1..last)?);
            Some(Self { header, payload, signature, signing_input })
        };
        let split = split().ok_or(VerifyError::Malformed)?;
        if split.header.is_empty() { Err(split.reason()) } else { Ok(split) }
    }

    /// Why the parts could not be read: an encrypted token has five of them.
    pub(crate) fn reason(&self) -> VerifyError {
        let dots = self.payload.iter().filter(|byte| **byte == b'.').count();
        if dots == 2 { VerifyError::Unsupported } else { VerifyError::Malformed }
    }
}
