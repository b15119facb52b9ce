//! Passwords: which are accepted (NIST SP 800-63B-4 section 3.1.1), and how they are hashed (Argon2id, RFC 9106).
//!
//! A check costs 19 MiB of memory and tens of milliseconds of computing on purpose. An isolate's memory grows by as much
//! at its first check and is used again by the next ones: a check does not wait for anything, so there are never two at
//! a time.

use std::fmt;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Argon2, Params};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::common_passwords::is_common;
use super::profile::Username;

/// A password that may be set. It prints redacted and is stored only as its [`PasswordHash`].
pub struct Password(String);

/// Why a password may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Shorter than [`Password::MIN`].
    TooShort,
    /// Longer than [`Password::MAX`].
    TooLong,
    /// A control character, which cannot be typed: usually a line break that a script left in.
    Control,
    /// It is the user name.
    Username,
    /// It is among the most common passwords.
    Common,
}

impl PasswordError {
    /// The stable word for logs and replies.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Control => "control",
            Self::Username => "username",
            Self::Common => "common",
        }
    }
}

impl Password {
    /// The fewest characters (OWASP ASVS 5.0 requirement 6.2.1). NIST recommends 15 where a password is the only
    /// factor; the pages offer passkeys, which are stronger.
    pub const MIN: usize = 8;
    /// The most characters. NIST asks for 64 at least.
    pub const MAX: usize = 128;

    /// Parses a password that a user wants to set. Every Unicode character counts as one; no mix of kinds is required.
    ///
    /// It is composed (NFC) first: one keyboard sends `é` as one character, another as two, and both mean the same.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub fn parse(text: &str, username: &Username) -> Result<Self, PasswordError> {
        let password = Self::given(text)?;
        if password.0.trim().eq_ignore_ascii_case(username.as_str()) {
            Err(PasswordError::Username)
        } else if is_common(&password.0) {
            Err(PasswordError::Common)
        } else {
            Ok(password)
        }
    }

    /// Parses a password that an operator sets for a user, for example from another system: the operator decides how
    /// guessable it may be.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`], [`PasswordError::TooLong`], [`PasswordError::Control`].
    pub fn given(text: &str) -> Result<Self, PasswordError> {
        // Before composing, which can more than double the text.
        if text.chars().take(2 * Self::MAX + 1).count() > 2 * Self::MAX {
            return Err(PasswordError::TooLong);
        }
        let password = composed(text);
        match password.chars().count() {
            count if count < Self::MIN => return Err(PasswordError::TooShort),
            count if count > Self::MAX => return Err(PasswordError::TooLong),
            _ => {}
        }
        if password.chars().any(char::is_control) { Err(PasswordError::Control) } else { Ok(Self(password)) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// The stored form of a password: algorithm, parameters, salt and digest as one text (the PHC string format).
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// The parameters of new hashes: 19 MiB, two passes, one lane, the least that OWASP recommends.
const PARAMETERS: Params = Params::DEFAULT;

/// A hash with the parameters of new ones, checked for users who do not exist.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIHRoZXJl$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes a password with 16 random bytes that were never used before.
pub fn hash(password: &Password, salt: [u8; 16]) -> PasswordHash {
    let hashed = SaltString::encode_b64(&salt)
        .and_then(|salt| argon2().hash_password(password.0.as_bytes(), &salt).map(|hash| hash.to_string()));
    // Constant parameters and a salt of fixed length: it cannot fail. An empty text would be no password's hash.
    PasswordHash(hashed.unwrap_or_default())
}

/// Returns whether this is the password. Without a hash (no such user, or no password) it returns `false` after the same
/// work, so that the time does not reveal which users exist.
///
/// A hash is checked with the parameters that it was made with.
pub fn verify(hash: Option<&PasswordHash>, password: &str) -> bool {
    answer(hash, DECOY, password)
}

fn answer(hash: Option<&PasswordHash>, decoy: &str, password: &str) -> bool {
    let kept = hash.and_then(|hash| argon2::PasswordHash::new(&hash.0).ok());
    let is_stored = kept.is_some();
    let matches = kept.or_else(|| argon2::PasswordHash::new(decoy).ok()).is_some_and(|hash| {
        // The comparison inside takes constant time.
        argon2().verify_password(composed(password).as_bytes(), &hash).is_ok()
    });
    is_stored && matches
}

/// Returns whether a hash was made with other parameters than a new one would be. The next sign-in with the password
/// then replaces it.
pub fn needs_rehash(hash: &PasswordHash) -> bool {
    let Ok(hash) = argon2::PasswordHash::new(&hash.0) else { return true };
    let made_with = Params::try_from(&hash).ok().map(|params| (params.m_cost(), params.t_cost(), params.p_cost()));
    hash.algorithm != argon2::ARGON2ID_IDENT
        || hash.version != Some(argon2::Version::V0x13.into())
        || made_with != Some((PARAMETERS.m_cost(), PARAMETERS.t_cost(), PARAMETERS.p_cost()))
}

fn argon2() -> Argon2<'static> {
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, PARAMETERS)
}

fn composed(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn username() -> Username {
        Username::parse("demonstration@app.example").unwrap()
    }

    fn parse(text: &str) -> Result<Password, PasswordError> {
        Password::parse(text, &username())
    }

    #[test]
    fn long_passwords_of_any_kind_are_accepted() {
        let longest: String = ('\u{4e00}'..).step_by(2).take(Password::MAX).collect();
        for text in ["lantern paper ri", "lanternp", "839204756193847", "\u{1f511} sch\u{f6}ner Gru\u{df} ", &longest] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn unacceptable_passwords_are_refused_with_a_reason() {
        let too_long: String = ('\u{4e00}'..).take(Password::MAX + 1).collect();
        for (text, kind) in [
            ("", "too_short"),
            ("lantern", "too_short"),
            // Fourteen code points, but seven characters once they are composed.
            (&"e\u{301}".repeat(7), "too_short"),
            (&too_long, "too_long"),
            (&"e\u{301}".repeat(100_000), "too_long"),
            ("lantern paper river\n", "control"),
            ("lantern\0paper river", "control"),
            ("Demonstration@App.example", "username"),
            ("passwordpassword", "common"),
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), kind, "{text:.40}");
        }
    }

    #[test]
    fn length_is_counted_after_composing() {
        // Two code points each, and one once composed.
        assert!(Password::given(&"e\u{301}".repeat(Password::MAX)).is_ok());
        assert_eq!(Password::given(&"e\u{301}".repeat(Password::MAX + 1)).unwrap_err(), PasswordError::TooLong);
        // Three code points each: refused before it is composed, although it would then be short enough.
        assert_eq!(Password::given(&"e\u{323}\u{302}".repeat(100)).unwrap_err(), PasswordError::TooLong);
        assert!(Password::given(&"e\u{323}\u{302}".repeat(85)).is_ok());
    }

    #[test]
    fn the_hash_says_how_it_was_made_and_only_the_password_fits() {
        let password = parse("lantern paper cafe\u{301}").unwrap();
        let hash = hash(&password, [7; 16]);
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{}", hash.0);
        assert!(!needs_rehash(&hash));
        assert!(verify(Some(&hash), "lantern paper cafe\u{301}"));
        assert!(verify(Some(&hash), "lantern paper caf\u{e9}"), "the same, typed on another keyboard");
        for wrong in
            ["", "lantern paper cafe", "Lantern paper caf\u{e9}", "lantern paper caf\u{e9} ", &"x".repeat(70_000)]
        {
            assert!(!verify(Some(&hash), wrong), "{wrong:.40}");
        }
    }

    #[test]
    fn a_published_vector_verifies_with_its_own_parameters() {
        // From the reference implementation of Argon2 (test.c).
        let text = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let hash = PasswordHash(text.to_owned());
        assert!(verify(Some(&hash), "password"));
        assert!(!verify(Some(&hash), "differentpassword"));
        assert!(needs_rehash(&hash));
    }

    #[test]
    fn a_user_without_a_hash_has_no_password() {
        assert!(!verify(None, "lantern paper river"));
        let decoy = hash(&parse("lantern paper river").unwrap(), [7; 16]);
        assert!(!answer(None, &decoy.0, "lantern paper river"), "not even the password of the decoy");
        assert!(!needs_rehash(&PasswordHash(DECOY.to_owned())), "the decoy costs the same work");
        for broken in ["", "x", "$argon2id$", "$argon2id$v=19$m=1,t=0,p=0$c29tZXNhbHQ$AAAA"] {
            let broken = PasswordHash(broken.to_owned());
            assert!(!verify(Some(&broken), ""));
            assert!(needs_rehash(&broken));
        }
    }

    #[test]
    fn hashes_with_other_parameters_are_replaced() {
        let made = |text: &str| needs_rehash(&PasswordHash(DECOY.replace("argon2id$v=19$m=19456,t=2,p=1", text)));
        assert!(!made("argon2id$v=19$m=19456,t=2,p=1"));
        for old in ["argon2id$v=19$m=19456,t=3,p=1", "argon2i$v=19$m=19456,t=2,p=1", "argon2id$v=16$m=19456,t=2,p=1"] {
            assert!(made(old), "{old}");
        }
    }

    #[test]
    fn passwords_and_hashes_print_redacted() {
        let password = parse("lantern paper river").unwrap();
        let hash = PasswordHash("$argon2id$".to_owned());
        assert_eq!(format!("{password:?} {hash:?}"), "Password(redacted) PasswordHash(redacted)");
    }
}
