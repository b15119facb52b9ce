//! An entry of a status list (draft-ietf-oauth-status-list), as tokens, grants and clients name it.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::vocabulary::authority::Authority;

/// The path of the status lists; list 7 is at `/oauth/status/7`.
pub const STATUS_PATH: &str = "/oauth/status";

/// The number of a status list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct ListId(pub u32);

impl ListId {
    /// Parses a path segment: digits without leading zeros.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self).filter(|id| id.to_string() == text)
    }

    /// Returns its key in the directory; keys are in the order of the numbers.
    pub fn key(self) -> String {
        format!("{:010}", self.0)
    }

    /// Parses a key of the directory.
    pub fn from_key(key: &str) -> Option<Self> {
        key.parse().ok().map(Self)
    }

    /// Returns the URL of the list.
    pub fn uri(self, authority: &Authority) -> String {
        authority.endpoint(&format!("{STATUS_PATH}/{self}"))
    }
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An entry of a status list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct StatusEntry {
    /// The list.
    pub list: ListId,
    /// The index in the list.
    pub idx: u32,
}

/// What the status list of an entry has been told about its suspension: whether it is marked because its user or client is
/// disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SuspensionState {
    /// Counts the changes, so that the list recognises an older message.
    pub version: u64,
    /// Whether the entry is marked.
    pub marked: bool,
}

impl SuspensionState {
    /// Returns what the list must be told, where it was told `told` and the entry is to be marked or not. `None` if there is nothing
    /// to tell. It has the same version if the list should know it already: a message may have been lost.
    pub fn next(told: Option<Self>, marked: bool) -> Option<Self> {
        match told {
            None if !marked => None,
            Some(told) if told.marked == marked => Some(told),
            told => Some(Self { version: told.map_or(0, |told| told.version).saturating_add(1), marked }),
        }
    }
}

impl StatusEntry {
    /// Reads the claim `status` of a token of this server. `None` if it is not one that [`StatusEntry::claim`] returns.
    pub fn of_claim(authority: &Authority, claim: &Value) -> Option<Self> {
        let StatusClaim { status_list: StatusListClaim { idx, uri } } = StatusClaim::deserialize(claim).ok()?;
        let (_, list) = uri.rsplit_once('/')?;
        let list = ListId::parse(list).filter(|list| list.uri(authority) == uri)?;
        Some(Self { list, idx })
    }

    /// Returns the claim `status` of a token (section 6.2).
    pub fn claim(self, authority: &Authority) -> StatusClaim {
        StatusClaim { status_list: StatusListClaim { idx: self.idx, uri: self.list.uri(authority) } }
    }
}

/// The claim `status` of a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StatusClaim {
    status_list: StatusListClaim,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StatusListClaim {
    idx: u32,
    uri: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;

    #[test]
    fn names_of_lists() {
        assert_eq!(ListId::parse("12"), Some(ListId(12)));
        for bad in ["", "012", "+1", "-1", "1.0", "4294967296", "x"] {
            assert_eq!(ListId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_sort_by_number_and_read_back() {
        assert!(ListId(9).key() < ListId(10).key() && ListId(99).key() < ListId(u32::MAX).key());
        for number in [0, 7, u32::MAX] {
            assert_eq!(ListId::from_key(&ListId(number).key()), Some(ListId(number)));
        }
        assert_eq!(ListId::from_key("x"), None);
    }

    #[test]
    fn the_claim_names_index_and_list() {
        let authority = Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap();
        let entry = StatusEntry { list: ListId(7), idx: 5 };
        let claim = |uri: &str| serde_json::json!({ "status_list": { "idx": 5, "uri": uri } });
        let ours = claim("https://as.example/oauth/status/7");
        assert_eq!(serde_json::to_value(entry.claim(&authority)).unwrap(), ours);
        assert_eq!(StatusEntry::of_claim(&authority, &ours), Some(entry));
        for uri in ["https://as.example/oauth/status/07", "https://other.example/oauth/status/7", "7", ""] {
            assert_eq!(StatusEntry::of_claim(&authority, &claim(uri)), None, "{uri}");
        }
    }
}
