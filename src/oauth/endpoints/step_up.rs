//! Step-up authentication: what the sign-in of a request has to be (RFC 9470), and changes of an account that need a recent sign-in,
//! not only a session.

use crate::token::UnixTime;
use crate::wire::{Form, decimal, encode_parameters};

use crate::oauth::endpoints::onward::FreshSignIn;
use crate::oauth::grant::gate::RequiredSignIn;
use crate::oauth::grant::{Acr, SignIn};
use crate::oauth::vocabulary::requested_acr::RequestedAcr;

/// The sign-in that a page asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The sign-in without which the request fails.
    pub required: RequiredSignIn,
    /// The class that the client prefers; never below the required one.
    pub preferred: Option<Acr>,
}

impl Wanted {
    /// Returns what a request wants: `requested` and `max_age` are those of the client, `rules` those of this server for what it
    /// requests.
    pub fn new(requested: &RequestedAcr, max_age: Option<u64>, rules: Option<RequiredSignIn>) -> Self {
        let rules = rules.unwrap_or_default();
        let acr = requested.required().max(rules.acr);
        let max_age = [max_age, rules.max_age].into_iter().flatten().min();
        Self { required: RequiredSignIn { acr, max_age }, preferred: requested.preferred().max(acr) }
    }

    /// Returns what the query of a page wants that continues at no authorization request: `acr_values` and `max_age`. They change
    /// what the page asks for, and prove nothing.
    pub fn of_page(query: &Form) -> Self {
        let requested = query.get("acr_values").and_then(|text| RequestedAcr::of_values(text).ok());
        Self::new(&requested.unwrap_or_default(), query.get("max_age").and_then(decimal), None)
    }

    /// Returns the query that [`Wanted::of_page`] reads.
    pub fn query(&self) -> String {
        let age = self.required.max_age.map(|age| age.to_string());
        let acr = self.required.acr.map(|class| ("acr_values", class.value()));
        encode_parameters(acr.into_iter().chain(age.as_deref().map(|age| ("max_age", age))))
    }

    /// Returns whether only a phishing-resistant sign-in leads on: a password does not.
    pub fn needs_passkey(&self) -> bool {
        self.required.acr >= Some(Acr::PhishingResistant)
    }
}

/// What is to be done about the sign-in of a session before a request can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is strong and recent enough.
    Enough,
    /// The user has to sign in again.
    Again,
    /// The user has just signed in for this request, by a sign-in that an upstream provider had made too long ago.
    TooOld,
    /// The user has just signed in for this request and did not reach the class, or no sign-in does.
    TooWeak,
}

/// Whether the user can be asked to sign in.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The sign-in that was made for the request: after it, the user is not sent to the sign-in page again for the same reason.
    pub fresh: Option<&'a FreshSignIn>,
    /// No user interaction is allowed (`prompt=none`), or none for what is only preferred.
    pub silent: bool,
}

/// Judges a sign-in by the classes that the client requests and by the rules of this server.
pub fn judge(
    requested: &RequestedAcr,
    rules: Option<RequiredSignIn>,
    sign_in: &SignIn,
    Asking { fresh, silent }: Asking<'_>,
    now: UnixTime,
) -> Verdict {
    let rules = rules.unwrap_or_default();
    if requested.is_unreachable(rules.acr) {
        return Verdict::TooWeak;
    }
    let reaches = |class: Option<Acr>| class.is_none_or(|class| sign_in.class() >= class);
    if !reaches(requested.required().max(rules.acr)) {
        return if fresh.is_some() { Verdict::TooWeak } else { Verdict::Again };
    }
    let is_voluntary = fresh.is_some() || silent;
    if !reaches(requested.lowest()) && !is_voluntary {
        return Verdict::Again;
    }
    match rules.max_age {
        Some(age) if !sign_in.is_recent(age, now) => {
            // If it was recent when it was made, another one is.
            let was_too_old = |fresh: &FreshSignIn| !sign_in.is_recent(age, fresh.at());
            if fresh.is_some_and(was_too_old) { Verdict::TooOld } else { Verdict::Again }
        }
        Some(_) | None => Verdict::Enough,
    }
}

/// The maximum age of the sign-in for a sensitive change of the account, seconds.
pub const MAX_SIGN_IN_AGE: u64 = 300;

/// Returns whether the sign-in is recent enough to add or remove a passkey or to change the password.
pub const fn is_recent(sign_in: &SignIn, now: UnixTime) -> bool {
    sign_in.is_recent(MAX_SIGN_IN_AGE, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::grant::handle::SessionId;
    use Acr::{PhishingResistant, SignedIn};

    const NOW: UnixTime = UnixTime(1_795_510_020);

    fn acr_values(text: &str) -> RequestedAcr {
        RequestedAcr::of_values(text).unwrap()
    }

    fn claim(essential: bool, value: &str) -> RequestedAcr {
        let request = serde_json::json!({ "essential": essential, "value": value });
        RequestedAcr::of_claim(request.as_object().unwrap()).unwrap().unwrap()
    }

    fn rule(acr: Option<Acr>, max_age: Option<u64>) -> Option<RequiredSignIn> {
        Some(RequiredSignIn { acr, max_age })
    }

    #[test]
    fn client_and_server_decide_together_which_sign_in_is_wanted() {
        let (low, high) = (Some(SignedIn), Some(PhishingResistant));
        // Requested classes and age, the rules, the required class, the age, the preferred class.
        for (requested, max_age, rules, acr, age, preferred) in [
            (RequestedAcr::default(), None, None, None, None, None),
            (acr_values("phr"), None, None, high, None, high),
            (acr_values("phr 1"), None, None, low, None, high),
            (acr_values("1 phr"), None, None, low, None, low),
            (acr_values("gold"), Some(60), None, None, Some(60), None),
            (claim(false, "phr"), None, None, None, None, high),
            (claim(true, "phr"), None, None, high, None, high),
            (RequestedAcr::default(), None, rule(high, Some(300)), high, Some(300), high),
            (acr_values("1"), Some(60), rule(high, Some(300)), high, Some(60), high),
            (acr_values("phr"), Some(600), rule(low, Some(300)), high, Some(300), high),
        ] {
            let wanted = Wanted::new(&requested, max_age, rules);
            let expected = Wanted { required: RequiredSignIn { acr, max_age: age }, preferred };
            assert_eq!(wanted, expected, "{requested:?} {max_age:?} {rules:?}");
            assert_eq!(wanted.needs_passkey(), acr == high);
        }
    }

    #[test]
    fn a_page_keeps_what_is_required_in_its_query() {
        for (required, query) in [
            (RequiredSignIn::default(), ""),
            (RequiredSignIn { acr: Some(PhishingResistant), max_age: None }, "acr_values=phr"),
            (RequiredSignIn { acr: Some(SignedIn), max_age: Some(60) }, "acr_values=1&max_age=60"),
        ] {
            let wanted = Wanted { required, preferred: required.acr };
            assert_eq!(wanted.query(), query);
            assert_eq!(Wanted::of_page(&Form::parse(query).unwrap()), wanted);
        }
        for bad in ["max_age=x".to_owned(), "max_age=-1".to_owned(), format!("acr_values={}", "phr+".repeat(500))] {
            assert_eq!(Wanted::of_page(&Form::parse(&bad).unwrap()), Wanted::default(), "{bad}");
        }
    }

    #[test]
    fn a_sign_in_is_judged_once_for_each_request() {
        let session = SessionId::from_bytes([1; 16]);
        let fresh = |seconds_ago: u64| {
            let query = FreshSignIn::add_to("", &session, UnixTime(NOW.0 - seconds_ago));
            FreshSignIn::of(&Form::parse(&query).unwrap())
        };
        let (none, high) = (RequestedAcr::default, Some(PhishingResistant));
        // The request, the rules, the class and the age of the sign-in, how long ago it was made for the request, silent, the verdict.
        for (requested, rules, acr, age, made, silent, verdict) in [
            (none(), None, SignedIn, 900, None, false, Verdict::Enough),
            (acr_values("gold"), None, SignedIn, 0, None, false, Verdict::Enough),
            // The client requires a class.
            (acr_values("phr"), None, PhishingResistant, 900, None, false, Verdict::Enough),
            (acr_values("phr"), None, SignedIn, 0, None, false, Verdict::Again),
            (acr_values("phr"), None, SignedIn, 0, None, true, Verdict::Again),
            (acr_values("phr"), None, SignedIn, 0, Some(0), false, Verdict::TooWeak),
            (acr_values("phr 1"), None, SignedIn, 0, None, false, Verdict::Enough),
            (acr_values("1"), None, PhishingResistant, 0, None, false, Verdict::Enough),
            (claim(true, "phr"), None, SignedIn, 0, None, false, Verdict::Again),
            (claim(true, "phr"), None, SignedIn, 0, Some(1), false, Verdict::TooWeak),
            (claim(true, "gold"), None, PhishingResistant, 0, None, false, Verdict::TooWeak),
            // It prefers one: one sign-in, then what was reached.
            (claim(false, "phr"), None, SignedIn, 0, None, false, Verdict::Again),
            (claim(false, "phr"), None, SignedIn, 0, None, true, Verdict::Enough),
            (claim(false, "phr"), None, SignedIn, 0, Some(0), false, Verdict::Enough),
            (claim(false, "gold"), None, SignedIn, 0, None, false, Verdict::Enough),
            // The rules require a class.
            (none(), rule(high, None), SignedIn, 0, None, false, Verdict::Again),
            (none(), rule(high, None), SignedIn, 0, Some(0), false, Verdict::TooWeak),
            (none(), rule(high, None), PhishingResistant, 0, None, false, Verdict::Enough),
            (acr_values("1"), rule(high, None), SignedIn, 0, None, false, Verdict::Again),
            (acr_values("1"), rule(high, None), PhishingResistant, 0, None, false, Verdict::Enough),
            (claim(true, "1"), rule(high, None), PhishingResistant, 0, None, false, Verdict::TooWeak),
            // The rules require an age.
            (none(), rule(None, Some(60)), SignedIn, 60, None, false, Verdict::Enough),
            (none(), rule(None, Some(60)), SignedIn, 61, None, false, Verdict::Again),
            (none(), rule(None, Some(60)), SignedIn, 61, Some(61), false, Verdict::Again),
            (none(), rule(None, Some(60)), SignedIn, 100, Some(10), false, Verdict::TooOld),
            (none(), rule(high, Some(60)), SignedIn, 100, Some(10), false, Verdict::TooWeak),
        ] {
            let sign_in = SignIn { at: UnixTime(NOW.0 - age), amr: Vec::new(), acr: Some(acr) };
            let fresh = made.and_then(fresh);
            let judged = judge(&requested, rules, &sign_in, Asking { fresh: fresh.as_ref(), silent }, NOW);
            assert_eq!(judged, verdict, "{requested:?} {rules:?} {acr:?} {age} {made:?} {silent}");
        }
    }

    #[test]
    fn a_sign_in_is_recent_for_five_minutes() {
        let now = NOW;
        for (at, recent) in [
            (now.0, true),
            (now.0 - 300, true),
            (now.0 - 301, false),
            (0, false),
            (now.0 + 120, true),
            (now.0 + 121, false),
            (u64::MAX, false),
        ] {
            let sign_in = SignIn { at: UnixTime(at), amr: vec!["pwd".to_owned()], acr: None };
            assert_eq!(is_recent(&sign_in, now), recent, "{at}");
        }
    }
}
