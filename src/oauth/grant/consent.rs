//! The consent of an account to a client, as pairs of scope and resource: `read` at one resource and `write` at another
//! never combine to `write` at the first.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;

/// Everything that an account has allowed a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Consent {
    /// The scope that was allowed at each resource.
    #[serde(default)]
    pub allowed: Vec<Allowed>,
    /// The time of the first consent.
    pub since: UnixTime,
    /// The scope of a record of a version without pairs: each value was allowed at one of `resources`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Scope>,
    /// The resources of such a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resources: Option<Vec<Resource>>,
}

/// The scope that was allowed at one resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Allowed {
    /// The resource.
    pub resource: Resource,
    /// The scope; may be empty.
    pub scope: Scope,
}

impl Consent {
    /// Returns a consent that allows nothing yet.
    pub fn new(since: UnixTime) -> Self {
        Self { since, ..Self::default() }
    }

    /// Returns a stored consent as pairs. A record of a version without pairs is unambiguous only if it has at most one
    /// resource beside the issuer, which `openid` implies. Any other allows nothing until the user consents again.
    #[must_use]
    pub fn paired(self, issuer: &str) -> Self {
        let (Some(scope), Some(resources)) = (&self.scope, &self.resources) else {
            return self;
        };
        if resources.iter().filter(|resource| resource.as_str() != issuer).count() > 1 {
            return self;
        }
        Self::new(self.since).with(scope, resources)
    }

    /// Returns whether the whole scope has been allowed at each of the resources.
    pub fn covers(&self, scope: &Scope, resources: &[Resource]) -> bool {
        let allowed = |resource: &Resource| self.allowed.iter().find(|allowed| allowed.resource == *resource);
        resources.iter().all(|resource| allowed(resource).is_some_and(|allowed| allowed.scope.covers(scope)))
    }

    /// Adds a scope at these resources. A record without pairs is replaced, since the user has just consented again.
    #[must_use]
    pub fn with(self, scope: &Scope, resources: &[Resource]) -> Self {
        let mut allowed = self.allowed;
        for resource in resources {
            match allowed.iter_mut().find(|allowed| allowed.resource == *resource) {
                Some(known) => known.scope = known.scope.with(scope),
                None => allowed.push(Allowed { resource: resource.clone(), scope: scope.clone() }),
            }
        }
        Self { allowed, ..Self::new(self.since) }
    }

    /// Removes a resource. A record without pairs that is ambiguous stays as it is: it allows nothing, and with fewer resources it
    /// would be taken for a consent to the remaining one.
    #[must_use]
    pub fn without(mut self, resource: &Resource) -> Self {
        self.allowed.retain(|allowed| allowed.resource != *resource);
        self
    }

    /// Returns every scope value that was allowed at any resource, for display.
    pub fn scope(&self) -> Scope {
        let before = self.scope.clone().unwrap_or_default();
        self.allowed.iter().fold(before, |scope, allowed| scope.with(&allowed.scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ISSUER: &str = "https://as.example";
    const API: &str = "https://api.example";
    const FILES: &str = "https://files.example";

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn resources(texts: &[&str]) -> Vec<Resource> {
        texts.iter().map(|text| Resource::parse(text).unwrap()).collect()
    }

    fn stored(record: serde_json::Value) -> Consent {
        serde_json::from_value::<Consent>(record).unwrap().paired(ISSUER)
    }

    #[test]
    fn scopes_at_two_resources_do_not_mix() {
        let consent = Consent::new(UnixTime(5))
            .with(&scope("read"), &resources(&[API]))
            .with(&scope("write"), &resources(&[FILES]));
        assert!(consent.covers(&scope("read"), &resources(&[API])));
        assert!(consent.covers(&scope("write"), &resources(&[FILES])));
        assert!(consent.covers(&scope(""), &resources(&[API, FILES])));
        for (text, at) in [("write", &[API][..]), ("read", &[FILES]), ("read", &[API, FILES]), ("", &[ISSUER])] {
            assert!(!consent.covers(&scope(text), &resources(at)), "{text} at {at:?}");
        }
        assert_eq!(consent.scope().to_string(), "read write");
        let more = consent.with(&scope("write"), &resources(&[API]));
        assert!(more.covers(&scope("read write"), &resources(&[API])));
        assert!(!more.covers(&scope("read"), &resources(&[FILES])));
    }

    #[test]
    fn pairs_are_stored_and_read_again() {
        let consent = Consent::new(UnixTime(5)).with(&scope("read"), &resources(&[API]));
        let record = serde_json::to_value(&consent).unwrap();
        assert_eq!(record, json!({ "allowed": [{ "resource": API, "scope": "read" }], "since": 5 }));
        assert_eq!(stored(record), consent);
    }

    #[test]
    fn a_record_of_before_with_one_resource_becomes_its_pairs() {
        for at in [&[API][..], &[API, ISSUER], &[ISSUER]] {
            let consent = stored(json!({ "scope": "openid read", "resources": at, "since": 5 }));
            assert!(consent.covers(&scope("openid read"), &resources(at)), "{at:?}");
            assert!(!consent.covers(&scope("write"), &resources(at)));
            assert_eq!((consent.scope().to_string().as_str(), consent.since), ("openid read", UnixTime(5)));
        }
    }

    #[test]
    fn a_record_of_before_with_more_resources_is_asked_for_once_more() {
        let record = json!({ "scope": "openid read write", "resources": [API, FILES, ISSUER], "since": 5 });
        let consent = stored(record);
        for text in ["read", "write", "openid", ""] {
            for at in [API, FILES, ISSUER] {
                assert!(!consent.covers(&scope(text), &resources(&[at])), "{text} at {at}");
            }
        }
        assert_eq!(consent.scope().to_string(), "openid read write", "the user still sees it");
        let again = stored(serde_json::to_value(consent).unwrap()).with(&scope("read"), &resources(&[API]));
        assert!(again.covers(&scope("read"), &resources(&[API])));
        assert!(!again.covers(&scope("write"), &resources(&[API])));
        assert_eq!((again.scope().to_string().as_str(), again.since), ("read", UnixTime(5)));
    }
}
