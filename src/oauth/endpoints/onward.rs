//! The authorization request that continues after a sign-in. Pages carry it as a query in `continue`, and it returns to the
//! authorization endpoint marked with the sign-in that was made for it.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;
use crate::wire::{Form, encode_parameters};

use crate::oauth::grant::handle::SessionId;

/// How long a sign-in counts as made for its request, seconds: the time from the sign-in page to the response.
pub const FRESH_FOR: u64 = 300;
/// The parameter that carries the [`FreshSignIn`] of a request.
const SIGNED_IN: &str = "signed_in";

/// The sign-in that was made for a request. If it does not meet a condition of the request, no other does either: the client
/// gets an error, and the user is not sent to the sign-in page again.
///
/// It proves nothing and needs no MAC: with a forged one a request can only fail sooner, or accept a sign-in of the last
/// [`FRESH_FOR`] seconds as recent enough.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct FreshSignIn {
    session: SessionId,
    at: UnixTime,
}

impl FreshSignIn {
    /// Adds the sign-in that opened this session to the query of a request.
    pub fn add_to(query: &str, session: &SessionId, now: UnixTime) -> String {
        let separator = if query.is_empty() { "" } else { "&" };
        format!("{query}{separator}{SIGNED_IN}={session}.{now}", now = now.0)
    }

    /// Parses it from a request. `None` if it is missing or malformed.
    pub fn of(form: &Form) -> Option<Self> {
        let (session, at) = form.get(SIGNED_IN)?.split_once('.')?;
        Some(Self { session: SessionId::parse(session)?, at: UnixTime(at.parse().ok()?) })
    }

    /// Returns when the sign-in was made.
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    /// Returns whether this session was opened for the request within the last [`FRESH_FOR`] seconds.
    pub fn is_of(&self, session: &SessionId, now: UnixTime) -> bool {
        self.session == *session && now <= self.at.plus(FRESH_FOR) && self.at <= now.plus(FRESH_FOR)
    }
}

/// Returns the query of a request after the user has signed in for it, without the conditions that this sign-in has met.
pub fn after_sign_in(form: &Form) -> String {
    let left = |name: &str, value: &str| match name {
        "prompt" => {
            let left: Vec<_> = value.split(' ').filter(|it| !["login", "select_account"].contains(it)).collect();
            left.join(" ")
        }
        // A sign-in for the request meets it, even if the redirect back is slow.
        "max_age" if value == "0" => String::new(),
        SIGNED_IN => String::new(),
        _ => value.to_owned(),
    };
    let pairs: Vec<_> = form.pairs().map(|(name, value)| (name, left(name, value))).collect();
    let present = pairs.iter().filter(|(_, value)| !value.is_empty());
    encode_parameters(present.map(|(name, value)| (*name, value.as_str())))
}

/// Returns the query of the same request with `prompt=none`: for a user who does not sign in, so that the client gets an error.
pub fn without_interaction(form: &Form) -> String {
    let kept = form.pairs().filter(|(name, _)| !["prompt", SIGNED_IN].contains(name));
    encode_parameters(kept.chain([("prompt", "none")]))
}

/// Returns `ui_locales` of a request: its own, or those of the request that it carries (`continue` of a page around the
/// sign-in, `request` of a consent form).
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
    fn a_request_continues_without_conditions_that_were_met() {
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
    fn a_request_can_be_ended_without_a_sign_in() {
        let query = "client_id=a&prompt=login+consent&acr_values=phr&signed_in=x.1";
        assert_eq!(without_interaction(&form(query)), "client_id=a&acr_values=phr&prompt=none");
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
