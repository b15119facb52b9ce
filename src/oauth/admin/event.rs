//! Audit events: logged immediately, stored asynchronously.
//!
//! An event names existing clients, accounts, grants, keys and tokens by their identifiers. It never contains a user's name or
//! address, a token, a code, a secret, or unvalidated text of a request. Identifiers are not secret: the secret of a handle is
//! its MAC, which is not stored.

use serde::Serialize;

use crate::keyring::KeyId;
use crate::oauth::vocabulary::event_kind::{EventKind, Severity};
use crate::token::UnixTime;

use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::exchange_rule::ExchangeRuleId;
use crate::oauth::vocabulary::protected_resource::ResourceId;
use crate::oauth::vocabulary::trusted_issuer::TrustedIssuerId;

/// The subjects of an event, as far as they are known to exist.
#[derive(Clone, Debug, Default, Serialize)]
pub struct About {
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<AccountId>,
    /// The grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// The signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<KeyId>,
    /// The identifier of a token that was minted or verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The identifier of the token that a client exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_jti: Option<String>,
    /// The client that this token is about, if it is about none of the users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_client: Option<ClientId>,
    /// The subject of the party that acts in the token that the exchange yielded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The exchange rule, by its identifier in `GET /admin/exchange-rules/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange_rule: Option<ExchangeRuleId>,
    /// The bulk revocation, by its identifier in `GET /admin/revocations/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// The registered resource, by its identifier in `GET /admin/resources/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    /// The trusted issuer, by its identifier in `GET /admin/trusted-issuers/ID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_issuer: Option<TrustedIssuerId>,
    /// The client of the operator's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// The account of the operator's token, if it is a user's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_user: Option<AccountId>,
}

/// An event, as it is logged and stored.
#[derive(Debug, Serialize)]
pub struct Event<'e> {
    /// The kind.
    pub event: EventKind,
    /// The severity.
    pub severity: Severity,
    /// The time.
    pub time: UnixTime,
    /// The name of the endpoint, never the requested path.
    pub endpoint: &'static str,
    /// The reason or the method, a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The number of affected items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// The subjects.
    #[serde(flatten)]
    pub about: &'e About,
}

impl Event<'_> {
    /// Returns the event as one line of JSON.
    pub fn to_line(&self) -> String {
        // Texts and numbers under distinct names always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_known_subjects_alone() {
        let about = About { client: ClientId::parse("a\"b"), kid: KeyId::parse("k"), ..About::default() };
        let event = Event {
            event: EventKind::TokenIssued,
            severity: Severity::Info,
            time: UnixTime(7),
            endpoint: "/oauth/token",
            reason: Some("refresh_token"),
            count: None,
            about: &about,
        };
        let line = concat!(
            r#"{"event":"token_issued","severity":"info","time":7,"endpoint":"/oauth/token","#,
            r#""reason":"refresh_token","client":"a\"b","kid":"k"}"#
        );
        assert_eq!(event.to_line(), line);
    }
}
