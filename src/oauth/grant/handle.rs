//! Handles: the format of codes, refresh tokens and session cookies.
//!
//! A handle names its account's object, the record in it and a generation, and proves by a MAC that this server wrote it:
//! `em<kind>_<account>.<record>.<generation>.<mac>`. The MAC is the secret. A forged handle is refused before it wakes an
//! object, and a handle of one kind is never valid as another. No handle has to be stored: the same generation always has
//! the same text.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::token::base64url;

/// Declares an identifier of 128 random bits, written as 22 characters of base64url.
macro_rules! identifier {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Makes an identifier from random bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(base64url::encode(&bytes))
            }

            /// Parses an identifier: 22 characters of canonical base64url.
            pub fn parse(text: &str) -> Option<Self> {
                (text.len() == 22 && base64url::decode(text.as_bytes())?.len() == 16).then(|| Self(text.to_owned()))
            }

            /// Returns the random bytes.
            pub fn bytes(&self) -> [u8; 16] {
                let bytes = base64url::decode(self.0.as_bytes()).unwrap_or_default();
                bytes.try_into().unwrap_or_default()
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// The identifier of an account. It is random, so it reveals nothing; it is the `sub` of the account's tokens.
    AccountId
}
identifier! {
    /// The identifier of a grant.
    GrantId
}
identifier! {
    /// The identifier of a session: one account in one browser.
    SessionId
}
identifier! {
    /// The object of a device code: 128 bits of a MAC of its user code.
    DeviceId
}

impl DeviceId {
    /// Returns the identifier from a MAC that [`MacKey::tag`] returned.
    pub(super) fn of_tag(tag: &str) -> Self {
        let mut bytes = [0; 16];
        let mac = base64url::decode(tag.as_bytes()).unwrap_or_default();
        bytes.iter_mut().zip(mac).for_each(|(byte, own)| *byte = own);
        Self::from_bytes(bytes)
    }
}

/// The kind of a handle. The MAC covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An authorization code; the record is a grant.
    Code,
    /// A refresh token; the record is a grant.
    Refresh,
    /// A session cookie; the record is a session.
    Session,
}

impl Kind {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Code, Self::Refresh, Self::Session];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Code => "emc_",
            Self::Refresh => "emr_",
            Self::Session => "ems_",
        }
    }
}

/// The beginning of a device code, which is a handle of its own form: it names no account, since none is known yet.
pub const DEVICE_CODE: &str = "emd_";

/// The content of a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The account, whose object has the record.
    pub account: AccountId,
    /// The record: the text of a [`GrantId`] or [`SessionId`].
    pub record: String,
    /// The number of this handle among the record's successive ones; the first is 1.
    pub generation: u64,
}

impl Handle {
    /// Returns the grant that it names.
    pub fn grant(&self) -> Option<GrantId> {
        GrantId::parse(&self.record)
    }

    /// Returns the session that it names.
    pub fn session(&self) -> Option<SessionId> {
        SessionId::parse(&self.record)
    }
}

/// A key for MACs, derived from the Worker's secret, and the previous key while both are valid: the newer one writes, both
/// verify. `Debug` redacts it.
#[derive(Clone)]
pub struct MacKey {
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

impl MacKey {
    /// Derives the key of one purpose and issuer from 32 uniformly random bytes: the first block of HKDF-Expand
    /// (RFC 5869 section 2.3).
    pub fn derive(secret: &[u8; 32], purpose: &str, issuer: &str) -> Self {
        let current = mac(secret, &[purpose.as_bytes(), b"|", issuer.as_bytes(), &[1]]);
        Self { current, previous: None }
    }

    /// Returns the same key, which also verifies MACs of a previous one.
    pub fn reading(self, previous: Option<&Self>) -> Self {
        Self { previous: previous.map(|previous| previous.current), ..self }
    }

    /// Returns the MAC of these fields, in base64url. No field may contain a `|`, or two lists could have the same MAC.
    pub fn tag(&self, fields: &[&str]) -> String {
        debug_assert!(fields.iter().all(|field| !field.contains('|')), "a separator within a field");
        tag(&self.current, fields)
    }

    /// Returns the MACs of these fields: by this key and, while it verifies, by the previous one.
    pub(super) fn tags(&self, fields: &[&str]) -> Vec<String> {
        let previous = self.previous.map(|previous| Self { current: previous, previous: None });
        std::iter::once(self.tag(fields)).chain(previous.map(|previous| previous.tag(fields))).collect()
    }

    /// Verifies the MAC of these fields, in constant time for either key.
    pub fn verifies(&self, fields: &[&str], presented: &str) -> bool {
        let by = |key: &[u8; 32]| tag(key, fields).as_bytes().ct_eq(presented.as_bytes());
        // Both are always computed.
        let any = by(&self.current) | self.previous.as_ref().map_or(0.into(), by);
        fields.iter().all(|field| !field.contains('|')) && any.into()
    }

    /// Returns whether the previous key wrote this valid MAC, so that the caller replaces it.
    pub fn is_of_previous(&self, kind: Kind, text: &str) -> bool {
        self.previous.is_some() && Self { previous: None, ..self.clone() }.read(kind, text).is_none()
    }

    /// Returns the text of a handle.
    pub fn write(&self, kind: Kind, handle: &Handle) -> String {
        let Handle { account, record, generation } = handle;
        let generation = generation.to_string();
        let tag = self.tag(&[kind.prefix(), account.as_str(), record, &generation]);
        format!("{}{account}.{record}.{generation}.{tag}", kind.prefix())
    }

    /// Parses a handle of this kind. `None` if its MAC is not valid.
    pub fn read(&self, kind: Kind, text: &str) -> Option<Handle> {
        let mut parts = text.strip_prefix(kind.prefix()).filter(|rest| rest.len() <= 200)?.split('.');
        let (account, record, generation, tag) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || !self.verifies(&[kind.prefix(), account, record, generation], tag) {
            return None;
        }
        let (account, generation) = (AccountId::parse(account)?, generation.parse().ok()?);
        Some(Handle { account, record: record.to_owned(), generation })
    }
}

/// Returns whether a text has the form of a handle. It is not verified.
pub fn is_handle(text: &str) -> bool {
    text.starts_with(DEVICE_CODE) || Kind::ALL.into_iter().any(|kind| text.starts_with(kind.prefix()))
}

fn tag(key: &[u8; 32], fields: &[&str]) -> String {
    base64url::encode(&mac(key, &[fields.join("|").as_bytes()]))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of every length, so this cannot fail; a key of zeros would verify no handle.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> MacKey {
        MacKey::derive(&[7; 32], "handle", "https://as.example")
    }

    fn handle() -> Handle {
        let (account, grant) = (AccountId::from_bytes([1; 16]), GrantId::from_bytes([2; 16]));
        Handle { account, record: grant.to_string(), generation: 3 }
    }

    #[test]
    fn a_handle_is_parsed_as_it_was_written_and_always_has_the_same_text() {
        for kind in Kind::ALL {
            let text = key().write(kind, &handle());
            assert_eq!(key().read(kind, &text), Some(handle()));
            assert_eq!(key().write(kind, &handle()), text);
            assert!(is_handle(&text));
        }
    }

    #[test]
    fn no_kind_passes_for_another() {
        for (written, read) in Kind::ALL.into_iter().flat_map(|one| Kind::ALL.map(|other| (one, other))) {
            let text = key().write(written, &handle());
            assert_eq!(key().read(read, &text).is_some(), written == read);
            let relabelled = text.replacen(written.prefix(), read.prefix(), 1);
            assert_eq!(key().read(read, &relabelled).is_some(), written == read, "{relabelled}");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = key().write(Kind::Refresh, &handle());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(key().read(Kind::Refresh, &changed), None, "{changed}");
        }
        for bad in ["", "emr_", "emr_a.b.c.d", &text[..text.len() - 1], &format!("{text}.x"), &format!("{text}x")] {
            assert_eq!(key().read(Kind::Refresh, bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_of_other_secrets_purposes_and_issuers_differ() {
        let text = key().write(Kind::Code, &handle());
        for other in [
            MacKey::derive(&[8; 32], "handle", "https://as.example"),
            MacKey::derive(&[7; 32], "form", "https://as.example"),
            MacKey::derive(&[7; 32], "handle", "https://other.example"),
        ] {
            assert_eq!(other.read(Kind::Code, &text), None);
        }
        assert_eq!(format!("{:?}", key()), "MacKey(redacted)");
    }

    #[test]
    fn the_key_before_is_read_and_never_written() {
        let (old, other) =
            (MacKey::derive(&[8; 32], "handle", "https://as.example"), MacKey::derive(&[9; 32], "x", "y"));
        let both = key().reading(Some(&old));
        for kind in Kind::ALL {
            let (by_old, by_new) = (old.write(kind, &handle()), key().write(kind, &handle()));
            assert_eq!(both.write(kind, &handle()), by_new);
            assert_eq!(both.read(kind, &by_old), Some(handle()));
            assert_eq!(both.read(kind, &by_new), Some(handle()));
            assert_eq!(both.read(kind, &other.write(kind, &handle())), None);
            assert_eq!(key().read(kind, &by_old), None);
            assert!(both.is_of_previous(kind, &by_old) && !both.is_of_previous(kind, &by_new));
            assert!(!key().is_of_previous(kind, &by_new));
        }
        assert!(both.verifies(&["a", "b"], &old.tag(&["a", "b"])));
        assert!(!both.verifies(&["a|b"], &old.tag(&["a", "b"])), "a separator within a field");
        assert_eq!(both.reading(None).read(Kind::Code, &old.write(Kind::Code, &handle())), None);
        assert_eq!(format!("{:?}", key().reading(Some(&old))), "MacKey(redacted)");
    }

    #[test]
    fn a_handle_names_its_record() {
        let named = handle();
        assert_eq!(named.grant().map(|id| id.to_string()), Some(named.record.clone()));
        assert_eq!(named.session().map(|id| id.to_string()), Some(named.record.clone()));
        let other = Handle { record: "short".to_owned(), ..named };
        assert_eq!((other.grant(), other.session()), (None, None));
    }

    #[test]
    fn identifiers_have_one_form() {
        let id = GrantId::from_bytes([255; 16]);
        assert_eq!(GrantId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(id.bytes(), [255; 16]);
        for bad in ["", "short", &"A".repeat(23), &"=".repeat(22), &format!("{}B", "A".repeat(21))] {
            assert_eq!(GrantId::parse(bad), None, "{bad}");
        }
    }
}
