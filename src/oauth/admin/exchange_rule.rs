//! The description of an exchange rule by an operator: the members of `/admin/exchange-rules`.

use serde_json::{Map, Value, json};

use crate::oauth::endpoints::register::delegable_scope;
use crate::oauth::refusal::ExchangeRuleError;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::exchange_rule::{AssertionTarget, ExchangeMode, ExchangeRule};
use crate::oauth::vocabulary::members::{has_only, optional, required};
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

/// The maximum numbers of sources and of targets.
const MAX_AUDIENCES: usize = 20;
/// The members, of which `id` and `created_at` are ignored: responses have them.
const MEMBERS: [&str; 9] =
    ["client", "client_id", "created_at", "id", "mode", "resources", "scope", "sources", "targets"];
/// The `mode` of a rule for identity assertions, in the admin API.
const ID_JAG: &str = "id_jag";
/// The maximum length of a `client_id` at another server, bytes.
const MAX_CLIENT_ID: usize = 500;

/// Parses the description of an exchange rule. An unknown member is refused: it may have been meant as a restriction. A null
/// member counts as omitted; without `scope`, the new tokens have none.
///
/// # Errors
/// [`ExchangeRuleError`] names the first member that is wrong.
pub fn parse(
    authority: &Authority,
    body: &Map<String, Value>,
    now: UnixTime,
) -> Result<ExchangeRule, ExchangeRuleError> {
    if !has_only(body, &MEMBERS) {
        return Err(ExchangeRuleError::Unknown);
    }
    let is_assertion = body.get("mode").is_some_and(|mode| mode == ID_JAG);
    // An assertion has no actor: its `client_id` names the client.
    let mode = |value: &Value| match is_assertion {
        true => Some(ExchangeMode::Impersonation),
        false => ExchangeMode::ALL.into_iter().find(|mode| *value == mode.name()),
    };
    let rule = ExchangeRule {
        client: required(body, "client", client, ExchangeRuleError::Client)?,
        sources: required(body, "sources", |value| audiences(value, source), ExchangeRuleError::Sources)?,
        targets: required(body, "targets", |value| audiences(value, Resource::parse), ExchangeRuleError::Targets)?,
        scope: optional(body, "scope", delegable_scope, ExchangeRuleError::Scope)?.unwrap_or_default(),
        mode: required(body, "mode", mode, ExchangeRuleError::Mode)?,
        created_at: now,
        assertion: None,
    };
    let assertion = if is_assertion { Some(target(authority, body, &rule)?) } else { no_target(body)? };
    Ok(ExchangeRule { assertion, ..rule })
}

/// Returns the rule as the admin API shows it.
pub fn shown(rule: &ExchangeRule) -> Value {
    let mut shown = serde_json::to_value(rule).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), json!(rule.id()));
        members.remove("assertion");
        if let Some(target) = &rule.assertion {
            members.insert("mode".to_owned(), json!(ID_JAG));
            members.insert("targets".to_owned(), json!([target.issuer]));
            members.insert("client_id".to_owned(), json!(target.client_id));
            members.insert("resources".to_owned(), json!(target.resources));
        }
    }
    shown
}

/// Returns the target of a rule for identity assertions. Their subject tokens belong to the client, and their only target is another
/// server: this one issues no access token for an assertion of its own (draft-ietf-oauth-identity-assertion-authz-grant-06, "Cross-Domain
/// Use").
fn target(
    authority: &Authority,
    body: &Map<String, Value>,
    rule: &ExchangeRule,
) -> Result<AssertionTarget, ExchangeRuleError> {
    if rule.sources != [rule.client.as_str()] {
        return Err(ExchangeRuleError::Sources);
    }
    let is_other = |resource: &Resource| resource.as_str() != authority.issuer();
    // The exact text, which may have the slash that a resource has not.
    let issuer = |value: &Value| match value.as_array()?.as_slice() {
        [only] => Some(only.as_str()?.to_owned()),
        _ => None,
    };
    let issuer = required(body, "targets", issuer, ExchangeRuleError::Targets)?;
    if !rule.targets.iter().all(is_other) {
        return Err(ExchangeRuleError::Targets);
    }
    let resources = |value: &Value| match value.as_array()?.as_slice() {
        [] => Some(Vec::new()),
        _ => audiences(value, Resource::parse),
    };
    Ok(AssertionTarget {
        issuer,
        client_id: required(body, "client_id", client_id, ExchangeRuleError::ClientId)?,
        resources: optional(body, "resources", resources, ExchangeRuleError::Resources)?.unwrap_or_default(),
    })
}

/// The members of a target are refused in other rules: they may have been meant as a restriction.
fn no_target(body: &Map<String, Value>) -> Result<Option<AssertionTarget>, ExchangeRuleError> {
    optional(body, "client_id", |_| None::<()>, ExchangeRuleError::ClientId)?;
    optional(body, "resources", |_| None::<()>, ExchangeRuleError::Resources)?;
    Ok(None)
}

/// The syntax of RFC 6749 appendix A.1, without spaces.
fn client_id(value: &Value) -> Option<String> {
    let text = value.as_str().filter(|text| (1..=MAX_CLIENT_ID).contains(&text.len()))?;
    text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| text.to_owned())
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
    use crate::oauth::vocabulary::authority::Settings;

    fn parsed(changes: &Value) -> Result<Value, ExchangeRuleError> {
        let authority = Authority::parse(Settings { issuer: "https://idp.example", ..Settings::default() }).unwrap();
        let mut body = json!({
            "client": "gateway", "sources": ["https://api.example"], "targets": ["https://backend.example"],
            "mode": "delegation",
        });
        let members = body.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        parse(&authority, members, UnixTime(7)).map(|rule| shown(&rule))
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

    fn id_jag(changes: &Value) -> Result<Value, ExchangeRuleError> {
        let mut body = json!({
            "mode": "id_jag", "client": "wiki", "sources": ["wiki"], "targets": ["https://chat.example/"], "client_id": "f5",
        });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        parsed(&body)
    }

    #[test]
    fn a_rule_for_identity_assertions_keeps_the_exact_issuer() {
        let shown = id_jag(&json!({ "resources": ["https://api.chat.example"], "scope": "chat.read" })).unwrap();
        assert_eq!(
            shown,
            json!({
                "id": shown["id"], "client": "wiki", "sources": ["wiki"], "targets": ["https://chat.example/"],
                "mode": "id_jag", "client_id": "f5", "resources": ["https://api.chat.example"], "scope": "chat.read",
                "created_at": 7,
            })
        );
        assert_eq!(parsed(&shown).unwrap(), shown);
        let bare = id_jag(&json!({ "targets": ["https://chat.example"], "resources": null })).unwrap();
        assert_eq!((&bare["id"], &bare["resources"]), (&shown["id"], &json!([])));
        assert_eq!(parsed(&bare).unwrap(), bare);
    }

    #[test]
    fn each_mistake_of_a_rule_for_identity_assertions_is_named() {
        for (changes, error) in [
            (json!({ "sources": ["https://api.example"] }), ExchangeRuleError::Sources),
            (json!({ "sources": ["wiki", "other"] }), ExchangeRuleError::Sources),
            (json!({ "targets": ["https://chat.example", "https://other.example"] }), ExchangeRuleError::Targets),
            (json!({ "targets": ["https://idp.example"] }), ExchangeRuleError::Targets),
            (json!({ "targets": ["https://idp.example/"] }), ExchangeRuleError::Targets),
            (json!({ "client_id": null }), ExchangeRuleError::ClientId),
            (json!({ "client_id": "" }), ExchangeRuleError::ClientId),
            (json!({ "client_id": "a b" }), ExchangeRuleError::ClientId),
            (json!({ "client_id": 5 }), ExchangeRuleError::ClientId),
            (json!({ "client_id": "x".repeat(MAX_CLIENT_ID + 1) }), ExchangeRuleError::ClientId),
            (json!({ "resources": ["api"] }), ExchangeRuleError::Resources),
            (json!({ "resources": "urn:a" }), ExchangeRuleError::Resources),
            (json!({ "mode": "delegation" }), ExchangeRuleError::ClientId),
            (json!({ "mode": "delegation", "client_id": null, "resources": [] }), ExchangeRuleError::Resources),
        ] {
            assert_eq!(id_jag(&changes).unwrap_err(), error, "{changes}");
        }
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
