//! User codes and device codes (RFC 8628 section 3.2): their forms, and the object that both lead to.
//!
//! The object of a device code is named after a MAC of the user code. A guessed user code leads to an object without
//! records, and reading that stores nothing. A device code is `emd_<object>.<grant>.<mac>`: like every handle, a forged one
//! is refused before it wakes an object, and the server stores no part that would be enough to make one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oauth::grant::handle::{DEVICE_CODE as PREFIX, DeviceId, GrantId, MacKey};

/// The letters of user codes: consonants, so that no code is a word, and none that looks like a digit (RFC 8628 section 6.1).
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// The length of a user code: with 20 letters, 34 bits.
const LENGTH: usize = 8;

/// A user code: what a user types to approve a device. `Debug` redacts it.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserCode(String);

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(redacted)")
    }
}

impl UserCode {
    /// Makes a code from random bytes. The bias of the remainder is below 2⁻²⁹.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        let mut rest = u64::from_be_bytes(bytes);
        let mut letter = || {
            let index = usize::try_from(rest % 20).unwrap_or_default();
            rest /= 20;
            ALPHABET.get(index).copied().map_or('B', char::from)
        };
        Self((0..LENGTH).map(|_| letter()).collect())
    }

    /// Parses a typed code: letter case, spaces, punctuation and full-width forms do not count (RFC 8628 section 6.1). `None`
    /// if another letter, a digit, or another number of letters remains.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = String::new();
        for typed in typed.chars().take(LONGEST).map(narrow).filter(|c| c.is_alphanumeric()) {
            let letter = typed.to_ascii_uppercase();
            if code.len() == LENGTH || !ALPHABET.iter().any(|own| char::from(*own) == letter) {
                return None;
            }
            code.push(letter);
        }
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// Returns the code as devices and pages show it: `XXXX-XXXX`.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or_default();
        format!("{first}-{second}")
    }

    /// Returns the object of a new device code.
    pub fn device(&self, key: &MacKey) -> DeviceId {
        DeviceId::of_tag(&key.tag(&self.fields()))
    }

    /// Returns the objects that the code may lead to: after the key was replaced, that under the previous key is the second.
    pub fn devices(&self, key: &MacKey) -> Vec<DeviceId> {
        key.tags(&self.fields()).iter().map(|tag| DeviceId::of_tag(tag)).collect()
    }

    fn fields(&self) -> [&str; 2] {
        ["user_code", &self.0]
    }
}

/// The most characters of a typed code that are read.
const LONGEST: usize = 64;

/// Returns the ASCII character of a full-width one.
fn narrow(typed: char) -> char {
    match u32::from(typed) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(typed),
        _ => typed,
    }
}

impl TryFrom<String> for UserCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a user code")
    }
}

impl From<UserCode> for String {
    fn from(code: UserCode) -> Self {
        code.0
    }
}

/// The content of a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// The object of the request.
    pub device: DeviceId,
    /// The grant that the request becomes if the user allows it: random, so that a user code that is issued again leads
    /// to another device code.
    pub grant: GrantId,
}

impl DeviceCode {
    /// Returns the text.
    pub fn write(&self, key: &MacKey) -> String {
        let Self { device, grant } = self;
        format!("{PREFIX}{device}.{grant}.{}", key.tag(&[PREFIX, device.as_str(), grant.as_str()]))
    }

    /// Parses a device code. `None` if its MAC is not valid.
    pub fn read(key: &MacKey, text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(PREFIX).filter(|rest| rest.len() <= 200)?.split('.');
        let (device, grant, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !key.verifies(&[PREFIX, device, grant], tag) {
            return None;
        }
        Some(Self { device: DeviceId::parse(device)?, grant: GrantId::parse(grant)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::grant::handle::{AccountId, Handle, Kind, is_handle};

    fn key() -> MacKey {
        MacKey::derive(&[7; 32], "handle", "https://as.example")
    }

    fn code() -> DeviceCode {
        DeviceCode { device: DeviceId::from_bytes([1; 16]), grant: GrantId::from_bytes([2; 16]) }
    }

    #[test]
    fn user_codes_are_eight_consonants_in_two_groups() {
        for bytes in [[0; 8], [255; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
            let shown = UserCode::from_random(bytes).shown();
            assert_eq!((shown.len(), shown.as_bytes()[4]), (9, b'-'), "{shown}");
            assert!(shown.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)), "{shown}");
        }
        assert_eq!(UserCode::from_random([0; 8]).shown(), "BBBB-BBBB");
        assert_eq!(UserCode::from_random(19_u64.to_be_bytes()).shown(), "ZBBB-BBBB");
        assert_eq!(UserCode::from_random(20_u64.to_be_bytes()).shown(), "BCBB-BBBB");
    }

    #[test]
    fn a_typed_code_is_read_in_every_way_to_write_it() {
        for typed in ["WDJB-MJHT", "wdjbmjht", " wDjB mJhT ", "W.D.J.B.M.J.H.T", "ＷＤＪＢ－ｍｊｈｔ", "WDJB—MJHT\n"]
        {
            assert_eq!(UserCode::parse(typed).map(|code| code.shown()).as_deref(), Some("WDJB-MJHT"), "{typed}");
        }
        for bad in ["", "WDJB-MJH", "WDJB-MJHTX", "WDJB-MJHA", "WDJB-MJH1", "WDJB-MJHТ", "ẅDJB-MJHT", &"-".repeat(65)]
        {
            assert_eq!(UserCode::parse(bad), None, "{bad}");
        }
        let padded = format!("{}WDJB-MJHT", " ".repeat(LONGEST));
        assert_eq!(UserCode::parse(&padded), None, "only so much is read");
        let stored = serde_json::to_string(&UserCode::parse("WDJB-MJHT").unwrap()).unwrap();
        assert_eq!(stored, r#""WDJBMJHT""#);
        assert!(serde_json::from_str::<UserCode>(r#""WDJBMJHA""#).is_err());
        assert_eq!(format!("{:?}", UserCode::parse("WDJB-MJHT").unwrap()), "UserCode(redacted)");
    }

    #[test]
    fn a_user_code_leads_to_one_object_of_each_key() {
        let (one, other) = (UserCode::parse("WDJB-MJHT").unwrap(), UserCode::parse("WDJB-MJHS").unwrap());
        let old = MacKey::derive(&[8; 32], "handle", "https://as.example");
        assert_eq!(one.devices(&key()), [one.device(&key())]);
        assert_ne!(one.device(&key()), other.device(&key()));
        let both = key().reading(Some(&old));
        assert_eq!(one.devices(&both), [one.device(&key()), one.device(&old)]);
        assert_eq!(one.device(&both), one.device(&key()));
    }

    #[test]
    fn a_device_code_is_read_as_it_was_written() {
        let text = code().write(&key());
        assert_eq!(DeviceCode::read(&key(), &text), Some(code()));
        assert!(is_handle(&text));
        let old = MacKey::derive(&[8; 32], "handle", "https://as.example");
        assert_eq!(DeviceCode::read(&old, &text), None);
        assert_eq!(DeviceCode::read(&key().reading(Some(&old)), &code().write(&old)), Some(code()));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = code().write(&key());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(DeviceCode::read(&key(), &changed), None, "{changed}");
        }
        for bad in ["", PREFIX, "emd_a.b.c", &text[..text.len() - 1], &format!("{text}.x"), &format!("{text}x")] {
            assert_eq!(DeviceCode::read(&key(), bad), None, "{bad}");
        }
    }

    #[test]
    fn no_handle_is_a_device_code_and_no_device_code_is_a_handle() {
        let handle =
            Handle { account: AccountId::from_bytes([1; 16]), record: code().grant.to_string(), generation: 1 };
        for kind in Kind::ALL {
            let text = key().write(kind, &handle);
            let relabelled = format!("{PREFIX}{}", &text[4..]);
            assert_eq!(DeviceCode::read(&key(), &text), None);
            assert_eq!(DeviceCode::read(&key(), &relabelled), None);
            let three = relabelled.replacen(".1.", ".", 1);
            assert_eq!(DeviceCode::read(&key(), &three), None);
            let device = code().write(&key());
            assert_eq!(key().read(kind, &device), None);
            assert_eq!(key().read(kind, &format!("{}{}", &text[..4], &device[4..])), None);
        }
    }
}
