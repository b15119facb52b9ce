//! The claims of delegation in tokens: who acts for the subject (RFC 8693 sections 4.1 and 4.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::oauth::vocabulary::authority::Authority;

/// The maximum number of actors in a token. Each is a delegation that a resource server has to judge.
pub const MAX_ACTORS: usize = 5;

/// The claim `act`: the current actor, and inside of it the actors before (RFC 8693 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The subject of the actor at this server.
    sub: String,
    /// The actor before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    act: Option<Box<Actor>>,
}

impl Actor {
    /// Returns the chain in which `subject` acts now and `before` acted until now. `None` if it has more than [`MAX_ACTORS`].
    pub fn after(subject: &str, before: Option<Self>) -> Option<Self> {
        let actor = Self { sub: subject.to_owned(), act: before.map(Box::new) };
        (actor.length() <= MAX_ACTORS).then_some(actor)
    }

    /// Reads the claim. `None` if this server did not write it.
    pub fn read(claim: &Value) -> Option<Self> {
        Self::deserialize(claim).ok().filter(|actor| actor.length() <= MAX_ACTORS)
    }

    /// Returns the subject of the current actor.
    pub fn subject(&self) -> &str {
        &self.sub
    }

    fn length(&self) -> usize {
        1 + self.act.as_ref().map_or(0, |before| before.length())
    }
}

/// The claim `may_act`: the only party that may act for the subject (RFC 8693 section 4.4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MayAct {
    /// The subject of that party.
    sub: String,
    /// The issuer of that subject; without one, it is the issuer of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
}

impl MayAct {
    /// Reads the claim. `None` if it has a member that cannot be compared: it may be a restriction.
    pub fn read(claim: &Value) -> Option<Self> {
        Self::deserialize(claim).ok()
    }

    /// Returns whether it names this subject of this server.
    pub fn admits(&self, authority: &Authority, subject: &str) -> bool {
        self.sub == subject && self.iss.as_ref().is_none_or(|issuer| issuer == authority.issuer())
    }
}

/// The claims of delegation of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delegation {
    /// Who acts for the subject (RFC 8693 section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Who may act for the subject in further exchanges (RFC 8693 section 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayAct>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;
    use serde_json::json;

    #[test]
    fn the_newest_actor_is_outermost_and_the_chain_is_bounded() {
        let chain =
            (1..=MAX_ACTORS).try_fold(None, |before, number| Some(Some(Actor::after(&number.to_string(), before)?)));
        let chain = chain.flatten().unwrap();
        assert_eq!(chain.subject(), "5");
        let claim = serde_json::to_value(&chain).unwrap();
        let inner = json!({ "sub": "3", "act": { "sub": "2", "act": { "sub": "1" } } });
        assert_eq!(claim, json!({ "sub": "5", "act": { "sub": "4", "act": inner } }));
        assert_eq!(Actor::read(&claim), Some(chain.clone()));
        assert_eq!(Actor::after("6", Some(chain)), None);
        assert_eq!(Actor::read(&json!({ "sub": "6", "act": claim })), None);
    }

    #[test]
    fn claims_with_members_that_nothing_compares_are_not_read() {
        for claim in [json!("a"), json!({}), json!({ "sub": 5 }), json!({ "sub": "a", "client_id": "b" })] {
            assert_eq!(Actor::read(&claim), None, "{claim}");
            assert_eq!(MayAct::read(&claim), None, "{claim}");
        }
    }

    #[test]
    fn may_act_names_one_subject_of_one_issuer() {
        let authority = Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap();
        let admits = |claim: Value, subject: &str| MayAct::read(&claim).unwrap().admits(&authority, subject);
        assert!(admits(json!({ "sub": "a" }), "a"));
        assert!(admits(json!({ "sub": "a", "iss": "https://as.example" }), "a"));
        assert!(!admits(json!({ "sub": "a", "iss": "https://other.example" }), "a"));
        assert!(!admits(json!({ "sub": "a" }), "A"));
    }
}
