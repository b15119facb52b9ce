//! User names, display names and email addresses: parsed once, bounded, safe to show on any page.

use super::characters::disturbs_names;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Why a name or an address is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// Empty, or only white space.
    Empty,
    /// Too long.
    TooLong,
    /// A character that is not allowed.
    Character,
    /// Not an email address.
    Malformed,
}

impl ProfileError {
    /// The stable word for logs and replies.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Character => "character",
            Self::Malformed => "malformed",
        }
    }
}

/// The name that a user signs in by: 1 to 128 ASCII letters, digits and `.` `_` `@` `+` `-`, the first one a letter or a
/// digit. In a name with an `@`, such as an e-mail address, the part before it may hold, and begin with, every character
/// of an RFC 5322 `atom` (section 3.2.3): an apostrophe, for example.
///
/// No name holds a `:` or a space, which is how the names of upstream users are told apart.
///
/// Names are compared without regard to case and stored in lower case. ASCII only: two names that look the same must be
/// the same, which Unicode does not ensure (a Cyrillic `а`), and its case rules differ between languages.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl Username {
    /// The most characters.
    pub const MAX: usize = 128;

    /// Parses a user name. Surrounding white space is ignored.
    ///
    /// # Errors
    /// [`ProfileError::Empty`], [`ProfileError::TooLong`], [`ProfileError::Character`].
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let text = bounded(text, Self::MAX)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
        let atom = |byte: u8| plain(byte) || b"!#$%&'*/=?^`{|}~".contains(&byte);
        let (local, rest) = text.split_at(text.rfind('@').unwrap_or_default());
        let first = local.bytes().chain(rest.bytes()).next().unwrap_or_default();
        let first_fits = first.is_ascii_alphanumeric() || (!local.is_empty() && atom(first) && !b".@".contains(&first));
        if !first_fits || !local.bytes().all(atom) || !rest.bytes().all(plain) {
            return Err(ProfileError::Character);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// The name in its canonical form, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The display name of a person, in any script: 1 to 100 characters.
///
/// No control characters, and none that changes the direction of the surrounding text: pages show the name inside
/// sentences, such as the consent question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// The most characters.
    pub const MAX: usize = 100;

    /// Parses a name: composed (NFC), without surrounding white space. Names of passkeys follow the same rules.
    ///
    /// # Errors
    /// [`ProfileError::Empty`], [`ProfileError::TooLong`], [`ProfileError::Character`].
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let text = bounded(text, Self::MAX)?;
        if text.chars().any(disturbs_names) {
            return Err(ProfileError::Character);
        }
        Ok(Self(text.nfc().collect()))
    }

    /// Cleans a name that an upstream provider chose: removes the characters that are not allowed and cuts it after
    /// [`Self::MAX`] characters. Returns `None` if nothing is left.
    pub fn cleaned(text: &str) -> Option<Self> {
        let kept: String = text.chars().filter(|c| !disturbs_names(*c)).collect();
        let kept: String = kept.trim().chars().take(Self::MAX).collect();
        Self::parse(&kept).ok()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An email address, not verified: at most 254 bytes (RFC 5321 section 4.5.3.1), one part before and one
/// after the last `@`, and no character that means something in a mail header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The most bytes.
    pub const MAX: usize = 254;

    /// Parses an address. Surrounding white space is ignored. Case is kept: before the `@` it may matter.
    ///
    /// # Errors
    /// Any [`ProfileError`].
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let text = bounded(text, Self::MAX)?;
        if text.len() > Self::MAX {
            return Err(ProfileError::TooLong);
        }
        let special = |c: char| c.is_whitespace() || "\"(),:;<>[\\]".contains(c) || disturbs_names(c);
        if text.chars().any(special) {
            return Err(ProfileError::Character);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(ProfileError::Malformed)?;
        let local_fits = (1..=64).contains(&local.len()) && !local.contains('@');
        if !local_fits || domain.split('.').any(|label| label.is_empty() || label.len() > 63) {
            return Err(ProfileError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bounded(text: &str, most: usize) -> Result<&str, ProfileError> {
    let text = text.trim();
    match text.chars().take(most.saturating_add(1)).count() {
        0 => Err(ProfileError::Empty),
        count if count > most => Err(ProfileError::TooLong),
        _ => Ok(text),
    }
}

macro_rules! text_type {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).map_err(ProfileError::kind)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )*};
}

text_type!(Email, PersonName, Username);

#[cfg(test)]
mod tests {
    use super::ProfileError::{Character, Empty, Malformed, TooLong};
    use super::*;

    #[test]
    fn user_names_have_one_form() {
        for text in ["demo", "Demo", " DEMO\n"] {
            assert_eq!(Username::parse(text).unwrap().as_str(), "demo");
        }
        for text in ["a", "7", "a.b-c_d+e@app.example", &"a".repeat(128)] {
            assert_eq!(Username::parse(text).unwrap().as_str(), text);
        }
        let bad =
            [" ", "", ".a", "@a", "-a", "a b", "a/b", "a\0b", "caf\u{e9}", "\u{430}dmin", "\u{212a}", "a\u{200d}b"];
        for text in bad {
            let expected = if text.trim().is_empty() { Empty } else { Character };
            assert_eq!(Username::parse(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(Username::parse(&"a".repeat(129)).unwrap_err(), TooLong);
    }

    #[test]
    fn the_local_part_of_an_address_may_hold_every_character_of_an_atom() {
        for text in ["o'brien@app.example", "!#$%&'*+-/=?^_`{|}~@app.example", "_x.y@app.example", "a@b@c", "a..b@c"] {
            assert_eq!(Username::parse(text).unwrap().as_str(), text);
        }
        for text in
            ["o'brien", "a|b", "'", "|", ".a@b", "@'a@b", "a@o'b", "a b@c", "a:b@c", "a\"b@c", "a(b)@c", "a,b@c"]
        {
            assert_eq!(Username::parse(text).unwrap_err(), Character, "{text}");
        }
    }

    #[test]
    fn a_name_from_elsewhere_is_cleaned_and_cut() {
        let cleaned = |text: &str| PersonName::cleaned(text).map(|name| name.as_str().to_owned());
        assert_eq!(cleaned(" Zoe\u{308} \u{674e} ").as_deref(), Some("Zo\u{eb} \u{674e}"));
        assert_eq!(cleaned("a\u{202e}b\tc\u{2028}").as_deref(), Some("abc"));
        assert_eq!(cleaned(&"\u{674e}".repeat(300)), Some("\u{674e}".repeat(100)));
        assert_eq!(cleaned("\u{202e} \u{feff}\n"), None);
    }

    #[test]
    fn names_may_have_any_script_but_steer_nothing() {
        assert_eq!(PersonName::parse(" Zoe\u{308} \u{674e} ").unwrap().as_str(), "Zo\u{eb} \u{674e}");
        assert!(PersonName::parse(&"\u{674e}".repeat(100)).is_ok());
        assert_eq!(PersonName::parse(&"\u{674e}".repeat(101)).unwrap_err(), TooLong);
        assert_eq!(PersonName::parse("\u{3000}").unwrap_err(), Empty);
        for text in ["a\tb", "a\u{0}", "a\u{202e}b", "a\u{2067}b", "a\u{2028}b", "a\u{85}b", "a\u{feff}b"] {
            assert_eq!(PersonName::parse(text).unwrap_err(), Character, "{text:?}");
        }
    }

    #[test]
    fn addresses_have_the_shape_of_one() {
        for text in ["demo@app.example", "Demo+x@app.example", "a@localhost", "\u{674e}@\u{4f8b}.example"] {
            assert_eq!(Email::parse(text).unwrap().as_str(), text);
        }
        for text in
            ["demo", "@app.example", "demo@", "a@b@c", "a@.b", "a@b..c", "a@b.", &format!("{}@b", "a".repeat(65))]
        {
            assert_eq!(Email::parse(text).unwrap_err(), Malformed, "{text}");
        }
        for text in ["a b@c", "a@b\r\nBcc: c", "<a@b>", "a@b,c@d", "\"a\"@b", "a@[::1]", "a\u{202e}@b"] {
            assert_eq!(Email::parse(text).unwrap_err(), Character, "{text}");
        }
        for (local, label, fits) in [(64, 63, true), (65, 63, false), (64, 64, false)] {
            let address = format!("{}@{}.example", "a".repeat(local), "b".repeat(label));
            assert_eq!(Email::parse(&address).is_ok(), fits, "{address}");
        }
        assert_eq!(Email::parse(&format!("a@{}b", "b.".repeat(126))).unwrap_err(), TooLong);
        assert_eq!(Email::parse(&format!("a@{}b", "\u{e9}.".repeat(100))).unwrap_err(), TooLong);
    }

    #[test]
    fn what_is_stored_is_read_with_the_same_rules() {
        let name: Username = serde_json::from_str("\"Demo\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"demo\"");
        assert!(serde_json::from_str::<Username>("\"a b\"").is_err());
        assert!(serde_json::from_str::<Email>("\"a\"").is_err());
        assert!(serde_json::from_str::<PersonName>("\"\\u0000\"").is_err());
    }
}
