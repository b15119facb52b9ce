//! The identifier of a signing key.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The identifier of a signing key (`kid`, RFC 7517 section 4.5): its RFC 7638 thumbprint, or its name at the issuer that it was
/// imported from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Returns the identifier if a key may have that name, which is part of URLs: 1 to 200 visible ASCII characters, but neither
    /// `.`, `..` nor `rotate`.
    pub fn parse(name: &str) -> Option<Self> {
        let is_a_name = (1..=200).contains(&name.len())
            && name.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
            && ![".", "..", "rotate"].contains(&name);
        is_a_name.then(|| Self(name.to_owned()))
    }

    /// The identifier of a key that has no other name.
    pub(super) fn of_thumbprint(thumbprint: &str) -> Self {
        Self(thumbprint.to_owned())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_visible_ascii_and_no_other_path() {
        let (longest, longer) = ("k".repeat(200), "k".repeat(201));
        for name in ["k", "!", "~", "a/b", "...", "rotated", &longest] {
            assert_eq!(KeyId::parse(name).unwrap().as_str(), name);
        }
        for name in ["", " ", "a b", "a\u{7f}", "\u{e4}", ".", "..", "rotate", &longer] {
            assert_eq!(KeyId::parse(name), None, "{name}");
        }
    }
}
