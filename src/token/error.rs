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

/// Declares the table of reasons: number, variant, code, sentence.
macro_rules! reasons {
    ($($number:literal => $variant:ident $({ $dots:tt })?, $code:literal, $sentence:literal;)+) => {
        impl VerifyError {
            /// The code and the sentence of each reason, by its number.
            pub const REASONS: &'static [(&'static str, &'static str)] = &[$(($code, $sentence),)+];

            /// The number of the reason in the list of the JavaScript package, whose errors.js has them in this order.
            pub const fn number(&self) -> u32 {
                match self {
                    $(Self::$variant $({ $dots })? => $number,)+
                }
            }

            /// The stable lower-case word for this reason: the `code` of the JavaScript `TokenError`, and the word in logs.
            pub const fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant $({ $dots })? => $code,)+
                }
            }

            /// A sentence for a developer. It contains no value from the token.
            pub const fn sentence(&self) -> &'static str {
                match self {
                    $(Self::$variant $({ $dots })? => $sentence,)+
                }
            }
        }
    };
}

reasons! {
    0 => AlgorithmNotAllowed, "algorithm_not_allowed", "the algorithm in the header is not allowed";
    1 => AudienceMismatch, "audience_mismatch", "the token is for another audience";
    2 => BadSignature, "bad_signature", "the signature does not verify";
    3 => ClaimInvalid { .. }, "claim_invalid", "a claim has a value of the wrong type or out of range";
    4 => ClaimMissing { .. }, "claim_missing", "a required claim is missing";
    5 => Expired, "expired", "the token has expired";
    6 => IssuerMismatch, "issuer_mismatch", "the token is from another issuer";
    7 => KeyAmbiguous, "key_ambiguous", "the token has no kid, and too many keys match";
    8 => KeyMismatch, "key_mismatch", "the key with this kid is for another algorithm";
    9 => KeyNotFound, "key_not_found", "no key of the issuer matches this token";
    10 => Malformed, "malformed", "not a well-formed signed JWT";
    11 => NotYetValid, "not_yet_valid", "the token is not valid yet";
    12 => ScopeInsufficient, "scope_insufficient", "the token lacks a required scope";
    13 => TooLarge, "too_large", "the token is longer than allowed";
    14 => TooOld, "too_old", "the token was issued too long ago";
    15 => TypeMismatch, "type_mismatch", "the token has another type";
    16 => Unsupported, "unsupported", "the token uses an unsupported JOSE feature";
}

impl VerifyError {
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
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for VerifyError {}
