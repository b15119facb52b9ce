//! Why a token was refused.

use std::fmt;

/// The reason why a token was refused, for the user of the library.
///
/// A server shows clients one fixed sentence for all of them: which check failed would help an attacker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The header names an algorithm that is unknown, `none`, or not in the policy.
    AlgorithmNotAllowed,
    /// `aud` names none of the audiences in the policy.
    AudienceMismatch,
    /// The signature is not this key's signature of this token.
    BadSignature,
    /// A claim has a value of the wrong type or out of range.
    ClaimInvalid {
        /// The name of the claim.
        claim: String,
    },
    /// A claim that must be there is not.
    ClaimMissing {
        /// The name of the claim.
        claim: String,
    },
    /// `exp` has passed.
    Expired,
    /// `iss` is none of the issuers in the policy.
    IssuerMismatch,
    /// No key with this `kid`, or no key at all that fits.
    KeyNotFound,
    /// There is a key with this `kid`, but it is for another algorithm.
    KeyMismatch,
    /// More keys fit than are tried, and nothing in the token says which of them signed it.
    KeyAmbiguous,
    /// Not three parts of canonical base64url with JSON objects in them.
    Malformed,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// `scope` lacks a value that the policy asks for.
    ScopeInsufficient,
    /// Longer than the policy allows.
    TooLarge,
    /// `iat` is longer ago than the policy allows.
    TooOld,
    /// `typ` is not the type that the policy asks for.
    TypeMismatch,
    /// An encrypted token, a JSON serialisation, or an extension that changes the meaning
    /// (`crit`, `b64`, `zip`).
    Unsupported,
}

impl VerifyError {
    /// The number of the reason in the list of the JavaScript package, whose errors.js has them in this order.
    pub const fn number(&self) -> u32 {
        match self {
            Self::AlgorithmNotAllowed => 0,
            Self::AudienceMismatch => 1,
            Self::BadSignature => 2,
            Self::ClaimInvalid { .. } => 3,
            Self::ClaimMissing { .. } => 4,
            Self::Expired => 5,
            Self::IssuerMismatch => 6,
            Self::KeyAmbiguous => 7,
            Self::KeyMismatch => 8,
            Self::KeyNotFound => 9,
            Self::Malformed => 10,
            Self::NotYetValid => 11,
            Self::ScopeInsufficient => 12,
            Self::TooLarge => 13,
            Self::TooOld => 14,
            Self::TypeMismatch => 15,
            Self::Unsupported => 16,
        }
    }

    /// The stable lower-case word for this reason: the `code` of the JavaScript `TokenError`,
    /// and the word in logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAllowed => "algorithm_not_allowed",
            Self::AudienceMismatch => "audience_mismatch",
            Self::BadSignature => "bad_signature",
            Self::ClaimInvalid { .. } => "claim_invalid",
            Self::ClaimMissing { .. } => "claim_missing",
            Self::Expired => "expired",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::KeyNotFound => "key_not_found",
            Self::KeyMismatch => "key_mismatch",
            Self::KeyAmbiguous => "key_ambiguous",
            Self::Malformed => "malformed",
            Self::NotYetValid => "not_yet_valid",
            Self::ScopeInsufficient => "scope_insufficient",
            Self::TooLarge => "too_large",
            Self::TooOld => "too_old",
            Self::TypeMismatch => "type_mismatch",
            Self::Unsupported => "unsupported",
        }
    }

    /// The claim that the reason is about, where it is about one.
    pub fn claim(&self) -> Option<&str> {
        match self {
            Self::ClaimInvalid { claim } | Self::ClaimMissing { claim } => Some(claim),
            Self::AudienceMismatch => Some("aud"),
            Self::Expired => Some("exp"),
            Self::IssuerMismatch => Some("iss"),
            Self::ScopeInsufficient => Some("scope"),
            Self::TooOld => Some("iat"),
            Self::AlgorithmNotAllowed
            | Self::BadSignature
            | Self::KeyNotFound
            | Self::KeyMismatch
            | Self::KeyAmbiguous
            | Self::Malformed
            | Self::NotYetValid
            | Self::TooLarge
            | Self::TypeMismatch
            | Self::Unsupported => None,
        }
    }

    /// A sentence for a developer. It holds no value from the token.
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAllowed => "the algorithm in the header is not allowed",
            Self::AudienceMismatch => "the token is for another audience",
            Self::BadSignature => "the signature does not verify",
            Self::ClaimInvalid { .. } => "a claim has a value of the wrong type or out of range",
            Self::ClaimMissing { .. } => "a required claim is missing",
            Self::Expired => "the token has expired",
            Self::IssuerMismatch => "the token is from another issuer",
            Self::KeyNotFound => "no key of the issuer matches this token",
            Self::KeyMismatch => "the key with this kid is for another algorithm",
            Self::KeyAmbiguous => "the token has no kid, and too many keys match",
            Self::Malformed => "not a well-formed signed JWT",
            Self::NotYetValid => "the token is not valid yet",
            Self::ScopeInsufficient => "the token lacks a required scope",
            Self::TooLarge => "the token is longer than allowed",
            Self::TooOld => "the token was issued too long ago",
            Self::TypeMismatch => "the token has another type",
            Self::Unsupported => "the token uses an unsupported JOSE feature",
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for VerifyError {}
