//! What all assertions of others have in common (RFC 7523 section 3, RFC 10070 section 4): those by which clients authenticate,
//! and those that are exchanged for access tokens.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::oauth::grant::handle::MacKey;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::AssertionAudience;
use crate::token::{Algorithm, Claims, DEFAULT_MAX_BYTES, Expected, Header, Policy, UnixTime, base64url};

/// The maximum time until an assertion expires, seconds: how long its `jti` is remembered.
const LIFETIME: u64 = 3600;
/// The tolerance for the clock of the issuer, seconds.
pub(super) const CLOCK_TOLERANCE: u64 = 30;

/// How long a used assertion is remembered, seconds: as long as any could be accepted again.
const REMEMBERED: u64 = LIFETIME + 2 * CLOCK_TOLERANCE;

/// The record of a used assertion, so that it is used once (OpenID Connect Core section 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionUse {
    /// Its `jti`.
    pub jti: String,
    /// When it can be forgotten.
    pub until: UnixTime,
}

/// An assertion without `jti` that is used once by its text.
///
/// The digest is that of the signed part alone, so that a second valid signature of the same claims is no other assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertedText {
    /// The SHA-256 digest of the text that is signed, in base64url.
    pub digest: String,
    /// When it can be forgotten: the assertion has expired.
    pub until: UnixTime,
}

impl AssertedText {
    pub(super) fn of(assertion: &str, now: UnixTime) -> Self {
        let signed = assertion.rsplit_once('.').map_or(assertion, |(signed, _)| signed);
        Self { digest: base64url::encode(&Sha256::digest(signed)), until: now.plus(REMEMBERED) }
    }

    /// Returns the bytes that replace random ones where the same text yields the same token: they depend on the text and on the key of this
    /// server alone. The first part identifies a grant or a token, the second tells tokens of one grant apart.
    pub fn identifiers(&self, key: &MacKey) -> ([u8; 16], [u8; 12]) {
        let bytes = base64url::decode(key.tag(&["assertion", &self.digest]).as_bytes()).unwrap_or_default();
        let (mut first, mut second) = ([0; 16], [0; 12]);
        first.iter_mut().chain(&mut second).zip(bytes).for_each(|(byte, own)| *byte = own);
        (first, second)
    }
}

/// Returns the policy for assertions of an issuer. The type may be absent, which a policy cannot express: see [`has_type`].
pub(super) fn policy(issuer: &str, audiences: Vec<String>, algorithms: Vec<Algorithm>, required: &[&str]) -> Policy {
    Policy {
        issuers: Expected::one(issuer),
        audiences: Expected::OneOf(audiences),
        types: Expected::Anything,
        algorithms: Some(algorithms),
        clock_tolerance: CLOCK_TOLERANCE,
        max_age: None,
        required_claims: required.iter().map(|name| (*name).to_owned()).collect(),
        scopes: Vec::new(),
        max_bytes: DEFAULT_MAX_BYTES,
    }
}

/// Returns the audiences of this server that an assertion may name.
pub(super) fn audiences(authority: &Authority, audience: AssertionAudience) -> Vec<String> {
    let issuer = authority.issuer().to_owned();
    match audience {
        AssertionAudience::Issuer => vec![issuer],
        AssertionAudience::TokenEndpoint => vec![issuer, authority.endpoint("/oauth/token")],
    }
}

/// Returns whether the type is absent or one of these. Any other type belongs to a JWT of another kind, which RFC 10070 section 4
/// requires to reject.
pub(super) fn has_type(header: &Header, types: &[&str]) -> bool {
    header.typ().is_none() || types.iter().any(|typ| header.is_type(typ))
}

/// Returns whether the value of `aud` names only these audiences: another server that it names could use the assertion here (RFC
/// 10070 section 1). `max_list` is the maximum length of a list; 0 accepts a string alone.
pub(super) fn names_only(aud: Option<&Value>, allowed: &[String], max_list: usize) -> bool {
    let is_ours = |value: &Value| value.as_str().is_some_and(|name| allowed.iter().any(|audience| audience == name));
    match aud {
        Some(Value::Array(values)) => values.len() <= max_list && values.iter().all(is_ours),
        Some(value) => is_ours(value),
        None => false,
    }
}

/// Returns whether the assertion expires within an hour.
pub(super) fn expires_soon_enough(claims: &Claims, now: UnixTime) -> bool {
    claims.time("exp").is_some_and(|exp| exp <= seconds(now.plus(LIFETIME)))
}

/// The same for a library whose assertions always expire in an hour: its clock may be ahead.
pub(super) fn expires_soon_enough_by_their_clock(claims: &Claims, now: UnixTime) -> bool {
    expires_soon_enough(claims, now.plus(CLOCK_TOLERANCE))
}

/// Returns the use of the assertion to record; `None` if its `jti` is not a text of 1 to 256 bytes.
pub(super) fn used(claims: &Claims, now: UnixTime) -> Option<AssertionUse> {
    let jti = claims.text("jti").filter(|jti| (1..=256).contains(&jti.len()))?;
    Some(AssertionUse { jti: jti.to_owned(), until: now.plus(REMEMBERED) })
}

/// Returns a time as it is compared with claims.
#[allow(clippy::cast_precision_loss)] // Seconds are exact in a double for longer than the calendar lasts.
pub(super) fn seconds(time: UnixTime) -> f64 {
    time.0 as f64
}
