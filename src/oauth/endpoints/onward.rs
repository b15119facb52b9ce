//! The authorization request that a sign-in goes on with. It travels along as a query, in `continue`, and comes back to
//! the authorization endpoint with a note that the user has just signed in for it.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;
use crate::wire::{Form, encode_parameters};

use crate::oauth::grant::handle::SessionId;

/// For how long a sign-in counts as made for its request, seconds: the way from the sign-in page to the answer.
pub const FRESH_FOR: u64 = 300;
/// The parameter in which a request carries its [`FreshSignIn`].
const SIGNED_IN: &str = "signed_in";

/// A sign-in that was made for the request that carries this. A condition of the request that such a sign-in does not
/// meet is met by no other either: the client gets an error, and the user is not sent to the sign-in page again.
///
/// It is no proof, and needs no MAC: with an invented one a request can but fail sooner, or take a sign-in of the last
/// [`FRESH_FOR`] seconds for recent enough.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FreshSignIn {
    session: SessionId,
    at: UnixTime,
}

impl FreshSignIn {
    /// Adds the sign-in that has just opened this session to the query of a request.
    pub fn add_to(query: &str, session: &SessionId, now: UnixTime) -> String {
        let separator = if query.is_empty() { "" } else { "&" };
        format!("{query}{separator}{SIGNED_IN}={session}.{now}", now = now.0)
    }

    /// Reads it from a request. `None` where there is none, or what is there is malformed.
    pub fn of(form: &Form) -> Option<Self> {
        let (session, at) = form.get(SIGNED_IN)?.split_once('.')?;
        Some(Self { session: SessionId::parse(session)?, at: UnixTime(at.parse().ok()?) })
    }

    /// Returns whether this session was opened for the request a moment ago.
    pub fn is_of(&self, session: &SessionId, now: UnixTime) -> bool {
        self.session == *session && now <= self.at.plus(FRESH_FOR) && self.at <= now.plus(FRESH_FOR)
    }
}

/// Returns the query of a request after the user has signed in for it: without what has just been done.
pub fn after_sign_in(form: &Form) -> String {
    let left = |name: &str, value: &str| match name {
        "prompt" => {
            let left: Vec<_> = value.split(' ').filter(|it| !["login", "select_account"].contains(it)).collect();
            left.join(" ")
        }
        // A fresh sign-in is as recent as can be, however long the way back takes.
        "max_age" if value == "0" => String::new(),
        SIGNED_IN => String::new(),
        _ => value.to_owned(),
    };
    let pairs: Vec<_> = form.pairs().map(|(name, value)| (name, left(name, value))).collect();
    let present = pairs.iter().filter(|(_, value)| !value.is_empty());
    encode_parameters(present.map(|(name, value)| (*name, value.as_str())))
}

/// Returns `ui_locales` of a request: its own, or those of the request that it carries along (`continue` of a page
/// around the sign-in, `request` of a decision).
pub fn ui_locales(form: &Form) -> Option<String> {
    let carried = || {
        let query = form.get("continue").or_else(|| form.get("request"))?;
        Form::parse(query).ok()?.get("ui_locales").map(str::to_owned)
    };
    form.get("ui_locales").map(str::to_owned).or_else(carried)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(query: &str) -> Form {
        Form::parse(query).unwrap()
    }

    #[test]
    fn a_request_goes_on_without_what_was_done() {
        for (before, after) in [
            ("client_id=a&prompt=login", "client_id=a"),
            ("client_id=a&prompt=login+consent&max_age=0", "client_id=a&prompt=consent"),
            ("client_id=a&prompt=select_account&max_age=10", "client_id=a&max_age=10"),
            ("client_id=a&ui_locales=zh-CN+en&signed_in=x.1", "client_id=a&ui_locales=zh-CN+en"),
        ] {
            assert_eq!(after_sign_in(&form(before)), after);
        }
    }

    #[test]
    fn a_fresh_sign_in_is_of_one_session_and_a_few_minutes() {
        let (session, other) = (SessionId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
        let query = FreshSignIn::add_to("client_id=a", &session, UnixTime(1000));
        let fresh = FreshSignIn::of(&form(&query)).unwrap();
        for now in [1000, 1300, 700] {
            assert!(fresh.is_of(&session, UnixTime(now)), "{now}");
            assert!(!fresh.is_of(&other, UnixTime(now)));
        }
        assert!(!fresh.is_of(&session, UnixTime(1301)));
        assert!(!fresh.is_of(&session, UnixTime(699)));
        for bad in ["", "x", "x.1", &format!("{session}."), &format!("{session}.-1"), &format!("{session}.1.2")] {
            assert_eq!(FreshSignIn::of(&form(&format!("signed_in={bad}"))), None, "{bad}");
        }
    }

    #[test]
    fn locales_are_found_where_a_request_is_carried_along() {
        for (query, locales) in [
            ("ui_locales=zh-CN+en", Some("zh-CN en")),
            ("continue=client_id%3Da%26ui_locales%3DZH", Some("ZH")),
            ("request=ui_locales%3Dzh%2Ben&decision=stay", Some("zh en")),
            ("ui_locales=en&continue=ui_locales%3Dzh", Some("en")),
            ("ui_locales=&continue=ui_locales%3Dzh", Some("zh")),
            ("continue=%25&request=ui_locales%3Dzh", None),
            ("continue=a%3D1", None),
            ("", None),
        ] {
            assert_eq!(ui_locales(&form(query)).as_deref(), locales, "{query}");
        }
    }
}
