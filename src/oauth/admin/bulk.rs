//! Bulk revocation: the grants that an operator selects.

use crate::oauth::refusal::BulkError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::token::UnixTime;

use crate::oauth::grant::Grant;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::resource::Resource;

/// A filter of grants. An omitted condition holds for all; the others must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct GrantFilter {
    /// Grants of this client.
    pub client: Option<ClientId>,
    /// Grants for this resource.
    pub resource: Option<Resource>,
    /// Grants that were allowed before this time.
    pub before: Option<UnixTime>,
}

impl GrantFilter {
    /// Returns the filter for all grants of a client.
    pub fn of_client(client: ClientId) -> Self {
        Self { client: Some(client), ..Self::default() }
    }

    /// Returns whether a grant matches.
    pub fn matches(&self, grant: &Grant) -> bool {
        self.client.as_ref().is_none_or(|client| grant.client == *client)
            && self.resource.as_ref().is_none_or(|resource| grant.resources.contains(resource))
            && self.before.is_none_or(|before| grant.issued_at < before)
    }
}

/// A bulk revocation: the body of `POST /admin/revocations`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct BulkRevocation {
    /// Only grants of this user.
    pub user: Option<AccountId>,
    /// The filter of grants.
    #[serde(flatten)]
    pub grants: GrantFilter,
}

impl BulkRevocation {
    /// Parses the members. Unlike elsewhere, an unknown or null member is refused: a condition that is ignored would revoke more
    /// than the operator wanted.
    ///
    /// # Errors
    /// [`BulkError`] names the first error.
    pub fn parse(body: &Map<String, Value>, now: UnixTime) -> Result<Self, BulkError> {
        if body.keys().any(|name| !["user", "client", "resource", "before"].contains(&name.as_str())) {
            return Err(BulkError::Unknown);
        }
        if body.is_empty() {
            return Err(BulkError::Empty);
        }
        let text = |name: &str, error| body.get(name).map(|value| value.as_str().ok_or(error)).transpose();
        let user = text("user", BulkError::User)?;
        let client = text("client", BulkError::Client)?;
        let resource = text("resource", BulkError::Resource)?;
        let before = body.get("before").map(|value| value.as_u64().map(UnixTime).filter(|before| *before <= now));
        Ok(Self {
            user: user.map(|text| AccountId::parse(text).ok_or(BulkError::User)).transpose()?,
            grants: GrantFilter {
                client: client.map(|text| ClientId::parse(text).ok_or(BulkError::Client)).transpose()?,
                resource: resource.map(|text| Resource::parse(text).ok_or(BulkError::Resource)).transpose()?,
                before: before.map(|before| before.ok_or(BulkError::Before)).transpose()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::grant::handle::SessionId;
    use crate::oauth::grant::{SignIn, Stage};
    use crate::oauth::vocabulary::pkce::Challenge;
    use crate::oauth::vocabulary::scope::Scope;

    const NOW: UnixTime = UnixTime(1000);

    fn grant() -> Grant {
        let resource = |text| Resource::parse(text).unwrap();
        Grant {
            client: ClientId::parse("app").unwrap(),
            scope: Scope::parse("read").unwrap(),
            resources: vec![resource("https://api.example"), resource("https://other.example")],
            session: Some(SessionId::from_bytes([1; 16])),
            offline: true,
            sign_in: Some(SignIn { at: UnixTime(400), amr: Vec::new(), acr: None }),
            challenge: Challenge::of_verifier(&"v".repeat(43)),
            issued_at: UnixTime(500),
            status: None,
            id_token_claims: Vec::new(),
            tokens_end: None,
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Code { redirect_uri: "https://app.example/cb".to_owned(), nonce: None },
        }
    }

    fn parse(body: &Value) -> Result<BulkRevocation, BulkError> {
        BulkRevocation::parse(body.as_object().unwrap(), NOW)
    }

    fn matches(body: &Value) -> bool {
        parse(body).unwrap().grants.matches(&grant())
    }

    #[test]
    fn all_conditions_have_to_hold() {
        assert!(GrantFilter::default().matches(&grant()));
        assert!(GrantFilter::of_client(ClientId::parse("app").unwrap()).matches(&grant()));
        let members = [
            ("client", json!("app"), json!("App")),
            ("resource", json!("https://other.example/"), json!("https://api.example/v1")),
            ("before", json!(501), json!(500)),
        ];
        for chosen in 1_u8..8 {
            let said = |wrong: Option<usize>| {
                let members = members.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0);
                let member = |(at, (name, right, other)): (usize, &(&str, Value, Value))| {
                    ((*name).to_owned(), if wrong == Some(at) { other.clone() } else { right.clone() })
                };
                Value::Object(members.map(member).collect())
            };
            assert!(matches(&said(None)), "{}", said(None));
            for wrong in (0..members.len()).filter(|at| chosen & (1 << at) != 0) {
                assert!(!matches(&said(Some(wrong))), "{}", said(Some(wrong)));
            }
        }
    }

    #[test]
    fn malformed_revocations_are_refused() {
        let user = AccountId::from_bytes([7; 16]).to_string();
        assert_eq!(parse(&json!({ "user": user })).unwrap().user.unwrap().to_string(), user);
        for (body, error) in [
            (json!({}), BulkError::Empty),
            (json!({ "users": user }), BulkError::Unknown),
            (json!({ "user": user, "after": 1 }), BulkError::Unknown),
            (json!({ "user": null }), BulkError::User),
            (json!({ "user": "x" }), BulkError::User),
            (json!({ "user": [user] }), BulkError::User),
            (json!({ "client": "" }), BulkError::Client),
            (json!({ "client": 1 }), BulkError::Client),
            (json!({ "resource": "/api" }), BulkError::Resource),
            (json!({ "resource": ["https://api.example"] }), BulkError::Resource),
            (json!({ "before": 1001 }), BulkError::Before),
            (json!({ "before": "1000" }), BulkError::Before),
            (json!({ "before": -1 }), BulkError::Before),
            (json!({ "before": 1.5 }), BulkError::Before),
            (json!({ "client": "app", "before": null }), BulkError::Before),
        ] {
            assert_eq!(parse(&body), Err(error), "{body}");
        }
        assert!(parse(&json!({ "before": 1000 })).is_ok() && parse(&json!({ "before": 0 })).is_ok());
    }
}
