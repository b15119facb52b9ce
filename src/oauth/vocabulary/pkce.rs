//! Proof Key for Code Exchange (RFC 7636): `S256` only, required from every client (RFC 9700 section 2.1.1) but those for which an
//! operator has lifted that.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::token::base64url;

/// The only supported method.
pub const METHOD: &str = "S256";

/// A code challenge: the SHA-256 digest of a verifier, in base64url (RFC 7636 section 4.2).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// Parses a challenge. `None` unless it is 32 bytes in canonical base64url.
    pub fn parse(text: &str) -> Option<Self> {
        (base64url::decode(text.as_bytes())?.len() == 32).then(|| Self(text.to_owned()))
    }

    /// Returns the challenge of an authorization request without one, and of a token request without a verifier. It equals
    /// itself alone, so a code with a challenge needs its verifier, and a verifier is refused for a code without a challenge (RFC 9700
    /// section 4.8.2). No text on the wire parses as it.
    pub const fn absent() -> Self {
        Self(String::new())
    }

    /// Returns the challenge of a verifier. `None` unless the verifier has 43 to 128 unreserved characters
    /// (RFC 7636 section 4.1).
    pub fn of_verifier(verifier: &str) -> Option<Self> {
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let allowed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        allowed.then(|| Self(base64url::encode(&Sha256::digest(verifier))))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let challenge = Challenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(Challenge::of_verifier(verifier).unwrap().equals(&challenge));
        let other = verifier.replace('d', "e");
        assert!(!Challenge::of_verifier(&other).unwrap().equals(&challenge));
    }

    #[test]
    fn an_absent_challenge_equals_itself_alone() {
        let challenge = Challenge::of_verifier(&"v".repeat(43)).unwrap();
        assert!(Challenge::absent().equals(&Challenge::absent()));
        assert!(!Challenge::absent().equals(&challenge) && !challenge.equals(&Challenge::absent()));
        let stored = serde_json::to_string(&Challenge::absent()).unwrap();
        assert!(serde_json::from_str::<Challenge>(&stored).unwrap().equals(&Challenge::absent()));
    }

    #[test]
    fn malformed_challenges_and_verifiers_are_refused() {
        let long = "a".repeat(129);
        for bad in
            ["", "short", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"]
        {
            assert!(Challenge::parse(bad).is_none(), "{bad}");
        }
        for bad in ["", &"a".repeat(42), &long, &"\u{e9}".repeat(30), &format!("{}+", "a".repeat(43))] {
            assert!(Challenge::of_verifier(bad).is_none(), "{bad}");
        }
    }
}
