//! The description of an exchange rule by an operator: the members of `/admin/exchange-rules`.

use serde_json::{Map, Value, json};

use crate::oauth::endpoints::register::delegable_scope;
use crate::oauth::refusal::ExchangeRuleError;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::exchange_rule::{ExchangeMode, ExchangeRule};
use crate::oauth::vocabulary::members::{has_only, optional, required};
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

/// The maximum numbers of sources and of targets.
const MAX_AUDIENCES: usize = 20;
/// The members, of which `id` and `created_at` are ignored: responses have them.
const MEMBERS: [&str; 7] = ["client", "created_at", "id", "mode", "scope", "sources", "targets"];

/// Parses the description of an exchange rule. An unknown member is refused: it may have been meant as a restriction. A null
/// member counts as omitted; without `scope`, the new tokens have none.
///
/// # Errors
/// [`ExchangeRuleError`] names the first member that is wrong.
pub fn parse(body: &Map<String, Value>, now: UnixTime) -> Result<ExchangeRule, ExchangeRuleError> {
    if !has_only(body, &MEMBERS) {
        return Err(ExchangeRuleError::Unknown);
    }
    let mode = |value: &Value| ExchangeMode::ALL.into_iter().find(|mode| *value == mode.name());
    Ok(ExchangeRule {
        client: required(body, "client", client, ExchangeRuleError::Client)?,
        sources: required(body, "sources", |value| audiences(value, source), ExchangeRuleError::Sources)?,
        targets: required(body, "targets", |value| audiences(value, Resource::parse), ExchangeRuleError::Targets)?,
        scope: optional(body, "scope", delegable_scope, ExchangeRuleError::Scope)?.unwrap_or_default(),
        mode: required(body, "mode", mode, ExchangeRuleError::Mode)?,
        created_at: now,
    })
}

/// Returns the rule as the admin API shows it.
pub fn shown(rule: &ExchangeRule) -> Value {
    let mut shown = serde_json::to_value(rule).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), json!(rule.id()));
    }
    shown
}

/// The root client administers this server: it obtains no other tokens.
fn client(value: &Value) -> Option<ClientId> {
    ClientId::parse(value.as_str()?).filter(|client| !client.is_root())
}

/// A resource as tokens name it, or the client of an ID token.
fn source(text: &str) -> Option<String> {
    let resource = Resource::parse(text).map(|resource| resource.as_str().to_owned());
    resource.or_else(|| ClientId::parse(text).map(|client| client.to_string()))
}

/// Each counts once, so that the same audiences have the same identifier.
fn audiences<T: PartialEq>(value: &Value, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut audiences = Vec::new();
    for item in value.as_array().filter(|items| (1..=MAX_AUDIENCES).contains(&items.len()))? {
        let audience = parse(item.as_str()?)?;
        if !audiences.contains(&audience) {
            audiences.push(audience);
        }
    }
    Some(audiences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(changes: &Value) -> Result<Value, ExchangeRuleError> {
        let mut body = json!({
            "client": "gateway", "sources": ["https://api.example"], "targets": ["https://backend.example"],
            "mode": "delegation",
        });
        let members = body.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        parse(members, UnixTime(7)).map(|rule| shown(&rule))
    }

    #[test]
    fn a_response_can_be_sent_again() {
        let shown = parsed(&json!({ "scope": null })).unwrap();
        assert_eq!(
            shown,
            json!({
                "id": shown["id"], "client": "gateway", "sources": ["https://api.example"],
                "targets": ["https://backend.example"], "scope": "", "mode": "delegation", "created_at": 7,
            })
        );
        assert_eq!(parsed(&shown).unwrap(), shown);
    }

    #[test]
    fn audiences_are_those_of_tokens_and_count_once() {
        let shown = parsed(&json!({
            "sources": ["https://api.example/", "https://api.example", "app"], "targets": ["urn:b", "urn:b"],
            "scope": "read", "mode": "impersonation",
        }));
        let shown = shown.unwrap();
        assert_eq!(shown["sources"], json!(["https://api.example", "app"]));
        assert_eq!(shown["targets"], json!(["urn:b"]));
        assert_eq!((&shown["scope"], &shown["mode"]), (&json!("read"), &json!("impersonation")));
    }

    #[test]
    fn each_mistake_is_named() {
        let many = (0..=MAX_AUDIENCES).map(|number| format!("urn:{number}")).collect::<Vec<_>>();
        for (changes, error) in [
            (json!({ "source": ["urn:a"] }), ExchangeRuleError::Unknown),
            (json!({ "client": null }), ExchangeRuleError::Client),
            (json!({ "client": "root" }), ExchangeRuleError::Client),
            (json!({ "client": 5 }), ExchangeRuleError::Client),
            (json!({ "sources": null }), ExchangeRuleError::Sources),
            (json!({ "sources": [] }), ExchangeRuleError::Sources),
            (json!({ "sources": "urn:a" }), ExchangeRuleError::Sources),
            (json!({ "sources": ["a\nb"] }), ExchangeRuleError::Sources),
            (json!({ "sources": many }), ExchangeRuleError::Sources),
            (json!({ "targets": null }), ExchangeRuleError::Targets),
            (json!({ "targets": [] }), ExchangeRuleError::Targets),
            (json!({ "targets": ["backend"] }), ExchangeRuleError::Targets),
            (json!({ "targets": ["https://b.example/#x"] }), ExchangeRuleError::Targets),
            (json!({ "targets": many }), ExchangeRuleError::Targets),
            (json!({ "scope": ["read"] }), ExchangeRuleError::Scope),
            (json!({ "scope": "read edgemint:admin" }), ExchangeRuleError::Scope),
            (json!({ "scope": "read offline_access" }), ExchangeRuleError::Scope),
            (json!({ "mode": null }), ExchangeRuleError::Mode),
            (json!({ "mode": "delegate" }), ExchangeRuleError::Mode),
        ] {
            assert_eq!(parsed(&changes).unwrap_err(), error, "{changes}");
        }
    }
}
