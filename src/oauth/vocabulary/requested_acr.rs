//! The authentication context classes that a client requests: `acr_values` (OpenID Connect Core section 3.1.2.1, RFC 9470
//! section 4), or the claim `acr` of the ID token in `claims` (OpenID Connect Core section 5.5.1.1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::oauth::vocabulary::sign_in::Acr;

/// The maximum length of `acr_values`, bytes.
const MAX_BYTES: usize = 1000;

/// The requested classes. Values that this server does not know are left out: no sign-in reaches them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct RequestedAcr {
    /// The classes, the preferred one first.
    classes: Vec<Acr>,
    /// What happens to a request whose user reaches none of them.
    demand: Demand,
}

/// What happens to a request whose user reaches none of the requested classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// It goes on after one sign-in, and `acr` says what was reached: a claim that is not essential.
    #[default]
    Voluntary,
    /// It fails, unless this server knows none of the values: `acr_values`. OpenID Connect Core leaves the failure open; RFC 9470
    /// section 5 recommends it, since a resource server would reject the token again.
    Expected,
    /// It fails: an essential claim.
    Essential,
}

/// The error of a malformed request for classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedAcrError;

impl RequestedAcr {
    /// Parses `acr_values`.
    ///
    /// # Errors
    /// [`RequestedAcrError`] if it is longer than 1000 bytes.
    pub fn of_values(text: &str) -> Result<Self, RequestedAcrError> {
        if text.len() > MAX_BYTES {
            return Err(RequestedAcrError);
        }
        Ok(Self::of(text.split(' '), Demand::Expected))
    }

    /// Parses a request for the claim `acr`. `None` if it names no value: the ID token always has the claim.
    ///
    /// # Errors
    /// [`RequestedAcrError`] if a value is not a string.
    pub fn of_claim(request: &Map<String, Value>) -> Result<Option<Self>, RequestedAcrError> {
        let is_essential = request.get("essential").and_then(Value::as_bool).unwrap_or_default();
        let demand = if is_essential { Demand::Essential } else { Demand::Voluntary };
        let values = match (request.get("value"), request.get("values").and_then(Value::as_array)) {
            (Some(value), _) => std::slice::from_ref(value),
            (None, Some(values)) => values.as_slice(),
            (None, None) => return Ok(None),
        };
        let values =
            values.iter().map(|value| value.as_str().ok_or(RequestedAcrError)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self::of(values.into_iter(), demand)))
    }

    fn of<'v>(values: impl Iterator<Item = &'v str>, demand: Demand) -> Self {
        let mut classes = Vec::new();
        for class in values.filter_map(Acr::parse) {
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
        Self { classes, demand }
    }

    /// Returns the lowest class that satisfies the request; `None` if every sign-in does.
    pub fn lowest(&self) -> Option<Acr> {
        self.classes.iter().copied().min()
    }

    /// Returns the class that the client prefers.
    pub fn preferred(&self) -> Option<Acr> {
        self.classes.first().copied()
    }

    /// Returns the class without which the request fails; `None` if it never does.
    pub fn required(&self) -> Option<Acr> {
        self.lowest().filter(|_| self.demand != Demand::Voluntary)
    }

    /// Returns whether no sign-in satisfies the request: it is essential, and every class that it names is unknown or below
    /// `floor`, the class that the rules of this server require.
    pub fn is_unreachable(&self, floor: Option<Acr>) -> bool {
        self.demand == Demand::Essential && !self.classes.iter().any(|class| floor.is_none_or(|floor| *class >= floor))
    }

    /// Returns the class to name in tokens for a sign-in of class `reached`: the preferred of the requested classes that the sign-in
    /// satisfies and that are not below `floor`, or else `reached` itself. It is never above `reached`. A client that requests the
    /// lower class gets it for a stronger sign-in, since clients and resource servers compare the values by text.
    pub fn named(&self, reached: Acr, floor: Option<Acr>) -> Acr {
        let fits = |class: &Acr| *class <= reached && floor.is_none_or(|floor| *class >= floor);
        self.classes.iter().copied().find(fits).unwrap_or(reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Acr::{PhishingResistant, SignedIn};
    use serde_json::json;

    fn values(text: &str) -> RequestedAcr {
        RequestedAcr::of_values(text).unwrap()
    }

    fn claim(request: &Value) -> Result<Option<RequestedAcr>, RequestedAcrError> {
        RequestedAcr::of_claim(request.as_object().unwrap())
    }

    #[test]
    fn known_values_are_read_in_their_order_and_unknown_ones_ignored() {
        for (text, classes) in [
            ("", vec![]),
            ("phr", vec![PhishingResistant]),
            ("phr 1", vec![PhishingResistant, SignedIn]),
            ("1 urn:example:gold  phr 1", vec![SignedIn, PhishingResistant]),
            ("PHR phrh 0 2", vec![]),
            (&"x ".repeat(500), vec![]),
        ] {
            assert_eq!(values(text), RequestedAcr { classes, demand: Demand::Expected }, "{text}");
        }
        assert_eq!(RequestedAcr::of_values(&"x".repeat(1001)), Err(RequestedAcrError));
    }

    #[test]
    fn a_claim_request_is_read_with_its_demand() {
        let requested = |classes: &[Acr], demand| Ok(Some(RequestedAcr { classes: classes.to_vec(), demand }));
        for (request, expected) in [
            (json!({}), Ok(None)),
            (json!({ "essential": true }), Ok(None)),
            (json!({ "value": "phr" }), requested(&[PhishingResistant], Demand::Voluntary)),
            (json!({ "essential": false, "value": "phr" }), requested(&[PhishingResistant], Demand::Voluntary)),
            (json!({ "essential": true, "value": "phr" }), requested(&[PhishingResistant], Demand::Essential)),
            (
                json!({ "essential": true, "values": ["x", "1", "phr"] }),
                requested(&[SignedIn, PhishingResistant], Demand::Essential),
            ),
            (json!({ "essential": true, "values": [] }), requested(&[], Demand::Essential)),
            (json!({ "value": 1 }), Err(RequestedAcrError)),
            (json!({ "values": ["phr", null] }), Err(RequestedAcrError)),
        ] {
            assert_eq!(claim(&request), expected, "{request}");
        }
    }

    #[test]
    fn what_each_demand_requires() {
        let essential = |request: Value| claim(&request).unwrap().unwrap();
        let (gold, low) = (json!({ "essential": true, "value": "gold" }), json!({ "essential": true, "value": "1" }));
        let voluntary = json!({ "value": "phr" });
        // The request, the lowest class that satisfies it, the required one, unreachable without a rule, and with one.
        for (requested, lowest, required, unreachable, above) in [
            (RequestedAcr::default(), None, None, false, false),
            (values("gold"), None, None, false, false),
            (values("phr"), Some(PhishingResistant), Some(PhishingResistant), false, false),
            (values("phr 1"), Some(SignedIn), Some(SignedIn), false, false),
            (values("1"), Some(SignedIn), Some(SignedIn), false, false),
            (essential(voluntary), Some(PhishingResistant), None, false, false),
            (essential(gold), None, None, true, true),
            (essential(low), Some(SignedIn), Some(SignedIn), false, true),
        ] {
            assert_eq!((requested.lowest(), requested.required()), (lowest, required), "{requested:?}");
            assert_eq!(requested.is_unreachable(None), unreachable, "{requested:?}");
            assert_eq!(requested.is_unreachable(Some(PhishingResistant)), above, "{requested:?}");
        }
    }

    #[test]
    fn tokens_name_the_preferred_class_that_was_reached() {
        for (text, reached, floor, named) in [
            ("", SignedIn, None, SignedIn),
            ("", PhishingResistant, None, PhishingResistant),
            ("gold", PhishingResistant, None, PhishingResistant),
            ("phr 1", SignedIn, None, SignedIn),
            ("phr 1", PhishingResistant, None, PhishingResistant),
            ("1 phr", PhishingResistant, None, SignedIn),
            ("1", PhishingResistant, None, SignedIn),
            ("1", PhishingResistant, Some(PhishingResistant), PhishingResistant),
            ("1 phr", PhishingResistant, Some(PhishingResistant), PhishingResistant),
            // Never more than was reached.
            ("phr", SignedIn, None, SignedIn),
        ] {
            assert_eq!(values(text).named(reached, floor), named, "{text} {reached:?} {floor:?}");
        }
    }
}
