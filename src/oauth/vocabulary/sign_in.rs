//! A sign-in: when, by which methods, and how strong (claims `auth_time`, `amr` and `acr`).

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

/// A sign-in of a user (OpenID Connect Core section 2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SignIn {
    /// Its time.
    pub at: UnixTime,
    /// Its methods (RFC 8176).
    pub amr: Vec<String>,
    /// The authentication context class; sign-ins stored by an earlier version have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
}

/// The tolerance for a sign-in time ahead of this clock, seconds: the platform's clocks agree within two minutes.
const CLOCK_TOLERANCE: u64 = 120;

impl SignIn {
    /// Returns whether it is at most `max_age` seconds old. A time far in the future comes from a clock that was wrong, and says
    /// nothing about the age.
    pub const fn is_recent(&self, max_age: u64, now: UnixTime) -> bool {
        now.0 <= self.at.0.saturating_add(max_age) && self.at.0 <= now.0.saturating_add(CLOCK_TOLERANCE)
    }

    /// Returns its class. A sign-in that an earlier version stored without one has the lowest.
    pub fn class(&self) -> Acr {
        self.acr.unwrap_or(Acr::SignedIn)
    }
}

/// The authentication context class of a sign-in, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum Acr {
    /// The user signed in.
    #[serde(rename = "1")]
    SignedIn,
    /// The user signed in by a method that a phishing site cannot relay (OpenID Connect Extended Authentication Profile
    /// ACR Values 1.0 section 2).
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl Acr {
    /// Returns the value of the claim `acr`.
    pub const fn value(self) -> &'static str {
        match self {
            Self::SignedIn => "1",
            Self::PhishingResistant => "phr",
        }
    }

    /// Returns the class with this value.
    pub fn parse(value: &str) -> Option<Self> {
        [Self::SignedIn, Self::PhishingResistant].into_iter().find(|acr| acr.value() == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_ordered_and_parsed_by_their_value() {
        assert!(Acr::SignedIn < Acr::PhishingResistant);
        assert_eq!((Acr::parse("1"), Acr::parse("phr")), (Some(Acr::SignedIn), Some(Acr::PhishingResistant)));
        for unknown in ["", "0", "2", "PHR", "phrh"] {
            assert_eq!(Acr::parse(unknown), None, "{unknown}");
        }
    }
}
