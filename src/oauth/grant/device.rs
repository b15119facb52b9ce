//! A device authorization request (RFC 8628), from the device's request to the user's decision. A pure state machine: each
//! function takes the stored request and the time, and returns what to store and what to answer.
//!
//! The decision of the user is final. An allowed request names the account, whose grant yields the tokens: it counts once, so
//! that however many polls arrive at the same time, one of them gets tokens.

use serde::{Deserialize, Serialize};

use crate::limits::{DEVICE_CODE_TTL, DEVICE_INTERVAL, DEVICE_INTERVAL_MOST, DEVICE_INTERVAL_STEP};
use crate::oauth::grant::gate::{RequiredSignIn, Rules};
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::sign_in::SignIn;
use crate::token::UnixTime;

/// A stored request of a device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct DeviceRequest {
    /// The grant that it becomes if the user allows it. The device code names it.
    pub grant: GrantId,
    /// The client.
    pub client: ClientId,
    /// The requested scope, limited to what the client registered.
    pub scope: Scope,
    /// The requested resources.
    pub resources: Vec<Resource>,
    /// Where the request came from.
    pub origin: DeviceOrigin,
    /// When it was made.
    pub issued_at: UnixTime,
    /// How long the client waits between two polls, seconds.
    pub interval: u64,
    /// The decision of the user.
    pub stage: DeviceStage,
}

/// Where the request of a device came from, as far as it is known: what the user is shown (RFC 8628 section 5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct DeviceOrigin {
    /// The network address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The country (ISO 3166-1, two letters), as the platform locates the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The kind of program and system; empty if it is not a known browser.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
}

/// The decision of the user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStage {
    /// None yet.
    Pending,
    /// This account allowed the request, and has its grant.
    Allowed(AccountId),
    /// A user denied the request.
    Denied,
}

/// A poll of the token endpoint (RFC 8628 section 3.4).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Poll {
    /// The grant that the device code names.
    pub grant: GrantId,
    /// The client that presents the device code.
    pub client: ClientId,
}

/// Why a poll yields no tokens (RFC 8628 section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRefusal {
    /// The user denied the request.
    Denied,
    /// The device code has expired.
    Expired,
    /// The device code was issued to another client.
    OfAnother,
    /// The user has not decided yet.
    Pending,
    /// The user has not decided yet, and the client polls too often: the interval grows.
    SlowDown,
}

impl DeviceRefusal {
    /// All values.
    pub const ALL: [Self; 5] = [Self::Denied, Self::Expired, Self::OfAnother, Self::Pending, Self::SlowDown];

    /// Returns the stable word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Denied => "device_denied",
            Self::Expired => "device_expired",
            Self::OfAnother => "device_of_another",
            Self::Pending => "device_pending",
            Self::SlowDown => "device_slow_down",
        }
    }
}

/// The decision of a user about a request.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceDecision {
    /// This account allows it, and has the grant.
    Allow(AccountId),
    /// It is denied.
    Deny,
}

/// Why a decision does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecideError {
    /// There is no such request, or it has expired.
    Expired,
    /// Another decision was made before.
    Decided,
}

/// What to store before the answer, if anything changes, and the answer.
pub type Step<T, E> = (Option<DeviceRequest>, Result<T, E>);

impl DeviceRequest {
    /// Returns when the codes expire.
    pub fn ends(&self) -> UnixTime {
        self.issued_at.plus(DEVICE_CODE_TTL)
    }

    /// Returns whether the codes have not expired.
    pub fn is_active(&self, now: UnixTime) -> bool {
        now < self.ends()
    }

    /// Returns the sign-in that the rules require of the user who allows this scope; `None` if they require none.
    pub fn required_sign_in(&self, scope: &Scope, rules: &Rules) -> Option<RequiredSignIn> {
        rules.required_sign_in(scope, &self.resources)
    }

    /// Returns whether a user who signed in so may allow this scope now.
    pub fn is_allowed_after(&self, sign_in: &SignIn, scope: &Scope, rules: &Rules, now: UnixTime) -> bool {
        self.required_sign_in(scope, rules).is_none_or(|required| required.is_met_by(sign_in, now))
    }
}

/// Decides a poll. `polled_at` is the time of the poll before, as far as the object remembers.
///
/// 1. The request exists, is the one that the device code names, and has not expired.
/// 2. The client is the one that made it. Another client learns nothing about the decision, and lengthens no interval.
/// 3. The user has allowed it. While the user has not decided, a poll before the interval has passed lengthens it (RFC 8628
///    section 3.5): a row is written then, at most until the interval is at its longest.
pub fn poll(
    stored: Option<DeviceRequest>,
    poll: &Poll,
    polled_at: Option<UnixTime>,
    now: UnixTime,
) -> Step<AccountId, DeviceRefusal> {
    let named = stored.filter(|request| request.grant == poll.grant);
    let request = match named {
        Some(request) if request.client != poll.client => return (None, Err(DeviceRefusal::OfAnother)),
        Some(request) if request.is_active(now) => request,
        Some(_) | None => return (None, Err(DeviceRefusal::Expired)),
    };
    match &request.stage {
        DeviceStage::Allowed(account) => (None, Ok(account.clone())),
        DeviceStage::Denied => (None, Err(DeviceRefusal::Denied)),
        DeviceStage::Pending => {
            // A clock that went back is no reason to slow down.
            let is_early = polled_at.is_some_and(|before| before <= now && now < before.plus(request.interval));
            if !is_early {
                return (None, Err(DeviceRefusal::Pending));
            }
            let interval = request.interval.saturating_add(DEVICE_INTERVAL_STEP).min(DEVICE_INTERVAL_MOST);
            let slower = (interval > request.interval).then_some(DeviceRequest { interval, ..request });
            (slower, Err(DeviceRefusal::SlowDown))
        }
    }
}

/// Decides the decision of a user about the request of this grant. The same decision counts again, since a form may be sent
/// twice; no other one replaces it.
pub fn decide(
    stored: Option<DeviceRequest>,
    grant: &GrantId,
    decision: DeviceDecision,
    now: UnixTime,
) -> Step<(), DecideError> {
    let Some(request) = stored.filter(|request| request.grant == *grant && request.is_active(now)) else {
        return (None, Err(DecideError::Expired));
    };
    let stage = match decision {
        DeviceDecision::Allow(account) => DeviceStage::Allowed(account),
        DeviceDecision::Deny => DeviceStage::Denied,
    };
    match &request.stage {
        DeviceStage::Pending => (Some(DeviceRequest { stage, ..request }), Ok(())),
        before if *before == stage => (None, Ok(())),
        DeviceStage::Allowed(_) | DeviceStage::Denied => (None, Err(DecideError::Decided)),
    }
}

/// The interval of a new request, seconds.
pub const FIRST_INTERVAL: u64 = DEVICE_INTERVAL;

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime(1_800_000_000);

    fn request(stage: DeviceStage) -> DeviceRequest {
        DeviceRequest {
            grant: GrantId::from_bytes([1; 16]),
            client: ClientId::parse("tv").unwrap(),
            scope: Scope::parse("openid").unwrap(),
            resources: Vec::new(),
            origin: DeviceOrigin::default(),
            issued_at: START,
            interval: FIRST_INTERVAL,
            stage,
        }
    }

    fn account(byte: u8) -> AccountId {
        AccountId::from_bytes([byte; 16])
    }

    fn own() -> Poll {
        Poll { grant: GrantId::from_bytes([1; 16]), client: ClientId::parse("tv").unwrap() }
    }

    #[test]
    fn a_poll_gets_the_decision_of_the_user() {
        for (stage, answer) in [
            (DeviceStage::Pending, Err(DeviceRefusal::Pending)),
            (DeviceStage::Denied, Err(DeviceRefusal::Denied)),
            (DeviceStage::Allowed(account(5)), Ok(account(5))),
        ] {
            let of = |poll: &Poll, now| super::poll(Some(request(stage.clone())), poll, None, now);
            assert_eq!(of(&own(), START), (None, answer.clone()));
            assert_eq!(of(&own(), START.plus(899)), (None, answer));
            assert_eq!(of(&own(), START.plus(900)), (None, Err(DeviceRefusal::Expired)));
            let other_client = Poll { client: ClientId::parse("other").unwrap(), ..own() };
            assert_eq!(of(&other_client, START), (None, Err(DeviceRefusal::OfAnother)));
            let other_code = Poll { grant: GrantId::from_bytes([2; 16]), ..own() };
            assert_eq!(of(&other_code, START), (None, Err(DeviceRefusal::Expired)));
        }
        assert_eq!(super::poll(None, &own(), None, START), (None, Err(DeviceRefusal::Expired)));
    }

    #[test]
    fn an_early_poll_lengthens_the_interval_and_another_clients_does_not() {
        let mut stored = request(DeviceStage::Pending);
        for interval in [10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60] {
            let early = START.plus(stored.interval - 1);
            let (next, answer) = super::poll(Some(stored.clone()), &own(), Some(START), early);
            assert_eq!(answer, Err(DeviceRefusal::SlowDown));
            stored = next.unwrap();
            assert_eq!(stored.interval, interval);
            let in_time = super::poll(Some(stored.clone()), &own(), Some(START), START.plus(interval));
            assert_eq!(in_time, (None, Err(DeviceRefusal::Pending)));
            let other = Poll { client: ClientId::parse("other").unwrap(), ..own() };
            assert_eq!(super::poll(Some(stored.clone()), &other, Some(START), START).0, None);
        }
        let (next, answer) = super::poll(Some(stored.clone()), &own(), Some(START), START);
        assert_eq!((next, answer), (None, Err(DeviceRefusal::SlowDown)), "no row once it is at its longest");
        let back = super::poll(Some(stored), &own(), Some(START.plus(1)), START);
        assert_eq!(back, (None, Err(DeviceRefusal::Pending)), "a clock that goes back");
    }

    #[test]
    fn a_decided_request_is_answered_however_often_the_client_polls() {
        let stored = Some(request(DeviceStage::Allowed(account(5))));
        assert_eq!(super::poll(stored, &own(), Some(START), START), (None, Ok(account(5))));
    }

    #[test]
    fn the_first_decision_is_final() {
        let decisions = [DeviceDecision::Allow(account(5)), DeviceDecision::Allow(account(6)), DeviceDecision::Deny];
        for first in &decisions {
            let grant = own().grant;
            let (next, answer) = decide(Some(request(DeviceStage::Pending)), &grant, first.clone(), START);
            assert_eq!(answer, Ok(()));
            for second in &decisions {
                let (changed, answer) = decide(next.clone(), &grant, second.clone(), START);
                assert_eq!(changed, None, "{first:?} {second:?}");
                assert_eq!(answer, if first == second { Ok(()) } else { Err(DecideError::Decided) });
            }
        }
    }

    #[test]
    fn a_decision_counts_for_its_own_request_alone_and_until_it_expires() {
        let of = |stored, grant, now| decide(stored, &GrantId::from_bytes([grant; 16]), DeviceDecision::Deny, now);
        let pending = || Some(request(DeviceStage::Pending));
        assert_eq!(of(pending(), 2, START), (None, Err(DecideError::Expired)));
        assert_eq!(of(pending(), 1, START.plus(900)), (None, Err(DecideError::Expired)));
        assert_eq!(of(None, 1, START), (None, Err(DecideError::Expired)));
    }

    #[test]
    fn stored_requests_keep_their_exact_text() {
        let text = concat!(
            r#"{"grant":"AQEBAQEBAQEBAQEBAQEBAQ","client":"tv","scope":"openid","resources":["https://as.example"],"#,
            r#""origin":{"address":"192.0.2.1","country":"NZ","city":"Wellington","agent":"Chrome, Android"},"#,
            r#""issued_at":1800000000,"interval":5,"stage":{"allowed":"BQUFBQUFBQUFBQUFBQUFBQ"}}"#,
        );
        let stored: DeviceRequest = serde_json::from_str(text).unwrap();
        assert_eq!(stored.stage, DeviceStage::Allowed(account(5)));
        assert_eq!(serde_json::to_string(&stored).unwrap(), text);
    }
}
