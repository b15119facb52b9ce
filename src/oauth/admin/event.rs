//! What an operator may want to know afterwards: a closed list of events, each with a stable word.
//!
//! An event names what exists: clients, accounts, grants, keys, tokens by their identifiers. It never holds a name or an
//! address of a person, a token, a code, a secret, or a text that a request brought along and nothing here goes by.
//! Identifiers are no secrets; what a handle is worth is its MAC, which is not stored anywhere.

use serde::Serialize;

use crate::oauth::vocabulary::event_kind::{EventKind, Severity};
use crate::token::UnixTime;

use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::vocabulary::client::ClientId;

/// Whom and what an event is about, as far as that is known to exist.
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
    pub kid: Option<String>,
    /// The identifier of a token that was minted or verified here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The bulk revocation, as `GET /admin/revocations/ID` knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// Who acted as an operator: the client of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<ClientId>,
    /// The same: the account of the token, if it is a person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_user: Option<AccountId>,
}

/// One event, as it is logged and stored.
#[derive(Debug, Serialize)]
pub struct Event<'e> {
    /// What happened.
    pub event: EventKind,
    /// How much it asks for attention.
    pub severity: Severity,
    /// When.
    pub time: UnixTime,
    /// Where: an endpoint's name, never the path that was asked for.
    pub endpoint: &'static str,
    /// Why, or by which way: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whom and what it is about.
    #[serde(flatten)]
    pub about: &'e About,
}

impl Event<'_> {
    /// The event as one line of JSON.
    pub fn to_line(&self) -> String {
        // Texts and numbers under distinct names: they serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_what_is_known_and_nothing_else() {
        let about = About { client: ClientId::parse("a\"b"), kid: Some("k".to_owned()), ..About::default() };
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
