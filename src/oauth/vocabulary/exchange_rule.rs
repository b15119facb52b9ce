//! Rules of token exchange: which client may exchange a token for which other one (RFC 8693 section 2.1).

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::derived_id::DerivedId;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

/// The kind of the identifiers of exchange rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OfExchangeRule {}

/// The identifier of an exchange rule, derived from its client, its sources and its targets.
pub type ExchangeRuleId = DerivedId<OfExchangeRule>;

/// What the new token says about the client that exchanged it (RFC 8693 section 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeMode {
    /// The client takes the place of the subject: no claim names it as an actor.
    Impersonation,
    /// The client acts for the subject: the claim `act` names it, or the subject of its actor token.
    Delegation,
}

impl ExchangeMode {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Impersonation, Self::Delegation];

    /// Returns the name in the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Impersonation => "impersonation",
            Self::Delegation => "delegation",
        }
    }
}

/// A rule: a client may exchange tokens for any of the sources for tokens for any of the targets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ExchangeRule {
    /// The client that exchanges.
    pub client: ClientId,
    /// The audiences of the subject tokens: resources, or for ID tokens the client itself.
    pub sources: Vec<String>,
    /// The resources of the new tokens.
    pub targets: Vec<Resource>,
    /// The scope that the new tokens may have.
    pub scope: Scope,
    /// What the new tokens say about the client.
    pub mode: ExchangeMode,
    /// When the rule was created.
    pub created_at: UnixTime,
    /// Present if the rule permits identity assertions for another authorization server, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<AssertionTarget>,
}

/// The authorization server that identity assertions are for (draft-ietf-oauth-identity-assertion-authz-grant-06 section 4.3).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AssertionTarget {
    /// Its issuer identifier, the exact `aud`.
    pub issuer: String,
    /// The `client_id` of the client there (section 5).
    pub client_id: String,
    /// The resources there that an assertion may name; empty for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
}

impl AssertionTarget {
    /// Returns the resources of an assertion: those that are requested, or else all that the rule lists. `None` if one that is
    /// requested is not listed.
    pub fn resources_for(&self, requested: &[Resource]) -> Option<Vec<Resource>> {
        let is_listed = |resource: &Resource| self.resources.is_empty() || self.resources.contains(resource);
        match requested {
            [] => Some(self.resources.clone()),
            _ => requested.iter().all(is_listed).then(|| requested.to_vec()),
        }
    }
}

impl ExchangeRule {
    /// Returns its identifier. The order of sources and targets does not matter.
    pub fn id(&self) -> ExchangeRuleId {
        let mut sources: Vec<_> = self.sources.iter().map(String::as_str).collect();
        let mut targets: Vec<_> = self.targets.iter().map(Resource::as_str).collect();
        sources.sort_unstable();
        targets.sort_unstable();
        // None of the texts has a line break.
        DerivedId::of(&[self.client.as_str(), "\n\n", &sources.join("\n"), "\n\n", &targets.join("\n")].concat())
    }

    /// Returns whether a token for these audiences may be exchanged by it.
    pub fn is_from<'a>(&self, audiences: impl IntoIterator<Item = &'a str>) -> bool {
        audiences.into_iter().any(|audience| self.sources.iter().any(|source| source == audience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = concat!(
        r#"{"client":"gateway","sources":["https://api.example","app"],"targets":["https://b.example","urn:a"],"#,
        r#""scope":"read","mode":"delegation","created_at":7}"#,
    );

    fn stored() -> ExchangeRule {
        serde_json::from_str(STORED).unwrap()
    }

    #[test]
    fn a_stored_rule_keeps_its_exact_text() {
        assert_eq!(serde_json::to_string(&stored()).unwrap(), STORED);
        for mode in ExchangeMode::ALL {
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.name());
        }
    }

    #[test]
    fn a_stored_rule_for_identity_assertions_keeps_its_exact_text() {
        let stored = concat!(
            r#"{"client":"app","sources":["app"],"targets":["https://as.example"],"scope":"read","mode":"impersonation","#,
            r#""created_at":7,"assertion":{"issuer":"https://as.example/","client_id":"f5","resources":["urn:a"]}}"#,
        );
        let rule: ExchangeRule = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), stored);
    }

    #[test]
    fn a_target_without_resources_limits_none() {
        let [a, b] = ["urn:a", "urn:b"].map(|text| Resource::parse(text).unwrap());
        let target = |resources: &[Resource]| AssertionTarget {
            issuer: "https://as.example".to_owned(),
            client_id: "f5".to_owned(),
            resources: resources.to_vec(),
        };
        let of = |listed: &[Resource], requested: &[Resource]| target(listed).resources_for(requested);
        let both = [a.clone(), b.clone()];
        assert_eq!(of(&[], &[]), Some(Vec::new()));
        assert_eq!(of(&[], &both), Some(both.to_vec()));
        assert_eq!(of(&both, &[]), Some(both.to_vec()));
        assert_eq!(of(&both, std::slice::from_ref(&b)), Some(vec![b]));
        assert_eq!(of(&[a], &both), None);
    }

    #[test]
    fn the_identifier_is_that_of_client_sources_and_targets() {
        let id = stored().id();
        let mut same = stored();
        same.sources.reverse();
        same.targets.reverse();
        (same.scope, same.mode, same.created_at) = (Scope::default(), ExchangeMode::Impersonation, UnixTime(8));
        assert_eq!(same.id(), id);
        for change in [
            |rule: &mut ExchangeRule| rule.client = ClientId::parse("other").unwrap(),
            |rule: &mut ExchangeRule| drop(rule.sources.pop()),
            |rule: &mut ExchangeRule| drop(rule.targets.pop()),
        ] {
            let mut other = stored();
            change(&mut other);
            assert_ne!(other.id(), id, "{other:?}");
        }
    }

    #[test]
    fn one_audience_that_is_a_source_is_enough() {
        assert!(stored().is_from(["urn:x", "app"]));
        assert!(!stored().is_from(["urn:x", "APP"]) && !stored().is_from([]));
    }
}
