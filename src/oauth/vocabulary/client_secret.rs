//! Client secrets: what may be registered, and the digest that is stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::oauth::vocabulary::secret::is_strong;
use crate::token::base64url;

/// A client secret in clear text. `Debug` redacts it; [`Self::expose`] returns it.
#[derive(Clone)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Parses a secret for registration: at most 512 visible ASCII characters and spaces (RFC 6749 appendix A.2), and
    /// strong enough ([`is_strong`]). Weaker secrets that were registered before that rule stay valid: records hold digests.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = text.len() <= 512 && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && is_strong(text);
        allowed.then(|| Self(text.to_owned()))
    }

    /// Makes a secret from 256 random bits.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(base64url::encode(&bytes))
    }

    /// Returns the secret, for the response to its registration.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digest to store.
    pub fn digest(&self) -> SecretDigest {
        SecretDigest::of(&self.0)
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(redacted)")
    }
}

/// The SHA-256 digest of a client secret. Records are stored sealed, so a stolen copy of the store does not even allow
/// guessing a weak imported secret.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct SecretDigest(pub(super) String);

impl SecretDigest {
    /// Returns the digest of a secret.
    pub fn of(secret: &str) -> Self {
        Self(base64url::encode(&Sha256::digest(secret)))
    }

    /// Returns a digest that no secret has.
    pub fn none() -> Self {
        Self("-".repeat(43))
    }

    /// Compares in constant time.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_secret_is_visible_ascii_of_some_length_and_variety() {
        let longest = format!("sixteen letters!{}", "x".repeat(496));
        for good in ["sixteen letters!", "~a-b_c.d!e:f&g=h", &longest] {
            assert!(ClientSecret::parse(good).is_some(), "{good}");
        }
        for bad in [
            &format!("{longest}x"),
            "",
            "x",
            "fifteen-letters",
            "aaaaaaaaaaaaaaaa",
            "line\nbreak-line-break",
            "s\u{e9}cret-of-a-client",
        ] {
            assert!(ClientSecret::parse(bad).is_none(), "{bad}");
        }
    }
}
