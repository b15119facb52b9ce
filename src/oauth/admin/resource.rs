//! The description of a resource by an operator: the members of `/admin/resources`.

use serde_json::{Map, Value, json};

use crate::keyring::{MAX_TOKEN_TTL, SIGNING_ALGORITHMS};
use crate::oauth::refusal::ResourceError;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::members::{has_only, list, optional, required};
use crate::oauth::vocabulary::protected_resource::{
    AdmittedClients, ClientClass, Description, ProtectedResource, ScopeDescription,
};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{Scope, concerns_user_alone};
use crate::oauth::vocabulary::sign_in::Acr;
use crate::token::{Algorithm, UnixTime};

/// The maximum number of listed clients.
const MAX_CLIENTS: usize = 200;
/// The maximum number of scope values.
const MAX_SCOPES: usize = 100;
/// The maximum length of a name or a description, characters: as much as a page shows.
const MAX_TEXT: usize = 100;
/// The range of `max_age`, seconds. A shorter one would expire while the user reads the consent page.
const MAX_AGE: std::ops::RangeInclusive<u64> = 60..=400 * 24 * 3600;
/// The beginning of the scope values that concern this server.
const OWN_SCOPES: &str = "edgemint:";
/// The members, of which `id` and `created_at` are ignored: responses have them.
const MEMBERS: [&str; 12] = [
    "access_token_lifetime",
    "acr",
    "clients",
    "created_at",
    "id",
    "identifier",
    "introspection_client",
    "max_age",
    "name",
    "other_audiences",
    "scopes",
    "signing_algorithm",
];

/// Parses the description of a resource. An unknown member is refused: it may have been meant as a restriction. A null member counts
/// as omitted. `is_text` says whether the pages can show a text as it is.
///
/// # Errors
/// [`ResourceError`] names the first member that is wrong.
pub fn parse(
    authority: &Authority,
    body: &Map<String, Value>,
    is_text: impl Fn(&str) -> bool,
    now: UnixTime,
) -> Result<ProtectedResource, ResourceError> {
    if !has_only(body, &MEMBERS) {
        return Err(ResourceError::Unknown);
    }
    let text = |value: &Value| {
        let text = value.as_str()?;
        let is_shown = !text.trim().is_empty() && text.chars().count() <= MAX_TEXT && is_text(text);
        is_shown.then(|| text.to_owned())
    };
    let lifetime = |value: &Value| value.as_u64().filter(|seconds| (1..=MAX_TOKEN_TTL).contains(seconds));
    let max_age = |value: &Value| value.as_u64().filter(|seconds| MAX_AGE.contains(seconds));
    Ok(ProtectedResource {
        identifier: required(body, "identifier", |value| identifier(authority, value), ResourceError::Identifier)?,
        created_at: now,
        name: required(body, "name", text, ResourceError::Name)?,
        scopes: optional(body, "scopes", |value| scopes(value, text), ResourceError::Scopes)?.unwrap_or_default(),
        access_token_lifetime: optional(body, "access_token_lifetime", lifetime, ResourceError::AccessTokenLifetime)?,
        signing_algorithm: optional(
            body,
            "signing_algorithm",
            |value| algorithm(authority, value),
            ResourceError::SigningAlgorithm,
        )?,
        clients: optional(body, "clients", clients, ResourceError::Clients)?
            .unwrap_or(AdmittedClients::Listed(Vec::new())),
        acr: optional(body, "acr", |value| Acr::parse(value.as_str()?), ResourceError::Acr)?,
        max_age: optional(body, "max_age", max_age, ResourceError::MaxAge)?,
        other_audiences: optional(body, "other_audiences", Value::as_bool, ResourceError::OtherAudiences)?
            .unwrap_or_default(),
        introspection_client: optional(body, "introspection_client", client, ResourceError::IntrospectionClient)?,
    })
}

/// Returns the record as the admin API shows it.
pub fn shown(record: &ProtectedResource) -> Value {
    let mut shown = serde_json::to_value(record).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), json!(record.id()));
    }
    shown
}

/// This server knows its own scope.
fn identifier(authority: &Authority, value: &Value) -> Option<Resource> {
    Resource::parse(value.as_str()?).filter(|resource| resource.as_str() != authority.issuer())
}

/// Each value once, and none of this server's own: users would read another description of them.
fn scopes(value: &Value, text: impl Fn(&Value) -> Option<String>) -> Option<Vec<ScopeDescription>> {
    let scope = |value: &Value| {
        let members = value.as_object().filter(|members| has_only(members, &["value", "description"]))?;
        let value = members.get("value")?.as_str()?;
        let is_one = Scope::parse(value)?.values() == [value];
        let is_own = concerns_user_alone(value) || value.starts_with(OWN_SCOPES);
        let description = members.get("description")?.as_object().filter(|it| has_only(it, &["en", "zh"]))?;
        let description = Description {
            en: text(description.get("en")?)?,
            zh: match description.get("zh").filter(|zh| !zh.is_null()) {
                Some(zh) => Some(text(zh)?),
                None => None,
            },
        };
        (is_one && !is_own).then(|| ScopeDescription { value: value.to_owned(), description })
    };
    let scopes = list(value, MAX_SCOPES, scope)?;
    let is_new = |(at, scope): (usize, &ScopeDescription)| !scopes.iter().take(at).any(|it| it.value == scope.value);
    scopes.iter().enumerate().all(is_new).then_some(scopes)
}

fn algorithm(authority: &Authority, value: &Value) -> Option<Algorithm> {
    let is_supported =
        |algorithm: &Algorithm| SIGNING_ALGORITHMS.contains(algorithm) && authority.algorithms().contains(algorithm);
    Algorithm::from_name(value.as_str()?).filter(is_supported)
}

fn clients(value: &Value) -> Option<AdmittedClients> {
    let class = ClientClass::ALL.into_iter().find(|class| *value == class.name()).map(AdmittedClients::Class);
    class.or_else(|| list(value, MAX_CLIENTS, client).map(AdmittedClients::Listed))
}

/// The root client administers this server, and nothing else.
fn client(value: &Value) -> Option<ClientId> {
    ClientId::parse(value.as_str()?).filter(|client| !client.is_root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;

    const NOW: UnixTime = UnixTime(7);

    fn parsed(changes: &Value) -> Result<Value, ResourceError> {
        let settings = Settings { issuer: "https://as.example", algorithms: "ES256 EdDSA", ..Settings::default() };
        let mut body = json!({ "identifier": "https://files.example/", "name": "Files" });
        let members = body.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        let is_text = |text: &str| !text.contains('\n');
        parse(&Authority::parse(settings).unwrap(), members, is_text, NOW).map(|record| shown(&record))
    }

    fn described(value: &str) -> Value {
        json!({ "value": value, "description": { "en": "Read your files" } })
    }

    #[test]
    fn by_default_a_resource_admits_no_client_and_no_other_audience() {
        let expected = json!({
            "id": "H8oNieJ8prujhUwGvoDkyQ", "identifier": "https://files.example", "created_at": 7, "name": "Files",
            "scopes": [], "clients": [], "other_audiences": false,
        });
        let shown = parsed(&json!({ "acr": null })).unwrap();
        assert_eq!(shown, expected);
        assert_eq!(parsed(&shown).unwrap(), expected, "a response can be sent again");
    }

    #[test]
    fn every_member_is_kept() {
        let full = json!({
            "name": "文件", "scopes": [
                { "value": "read", "description": { "en": "Read your files", "zh": "读取您的文件" } }, described("write"),
            ],
            "access_token_lifetime": 86_400, "signing_algorithm": "EdDSA", "clients": ["app", "other"], "acr": "phr",
            "max_age": 60, "other_audiences": true, "introspection_client": "files-api",
        });
        let shown = parsed(&full).unwrap();
        for (name, value) in full.as_object().unwrap() {
            assert_eq!(shown[name], *value, "{name}");
        }
        for class in ["all", "self_registered"] {
            assert_eq!(parsed(&json!({ "clients": class })).unwrap()["clients"], class);
        }
    }

    #[test]
    fn each_mistake_is_named() {
        let many = |most: usize| (0..=most).map(|number| number.to_string()).collect::<Vec<_>>();
        let with_scope = |scope: Value| json!({ "scopes": [scope] });
        let description = |description: Value| with_scope(json!({ "value": "read", "description": description }));
        let long = "x".repeat(MAX_TEXT + 1);
        for (changes, error) in [
            (json!({ "lifetime": 60 }), ResourceError::Unknown),
            (json!({ "identifier": null }), ResourceError::Identifier),
            (json!({ "identifier": "files" }), ResourceError::Identifier),
            (json!({ "identifier": "https://files.example/#part" }), ResourceError::Identifier),
            (json!({ "identifier": "https://files.example/#" }), ResourceError::Identifier),
            (json!({ "identifier": "https://as.example" }), ResourceError::Identifier),
            (json!({ "identifier": "https://as.example/" }), ResourceError::Identifier),
            (json!({ "identifier": format!("urn:{}", "x".repeat(509)) }), ResourceError::Identifier),
            (json!({ "name": null }), ResourceError::Name),
            (json!({ "name": " " }), ResourceError::Name),
            (json!({ "name": "a\nb" }), ResourceError::Name),
            (json!({ "name": long }), ResourceError::Name),
            (json!({ "scopes": "read" }), ResourceError::Scopes),
            (json!({ "scopes": ["read"] }), ResourceError::Scopes),
            (json!({ "scopes": [described("read"), described("read")] }), ResourceError::Scopes),
            (
                json!({ "scopes": many(MAX_SCOPES).iter().map(|value| described(value)).collect::<Vec<_>>() }),
                ResourceError::Scopes,
            ),
            (with_scope(described("")), ResourceError::Scopes),
            (with_scope(described("read write")), ResourceError::Scopes),
            (with_scope(described(" read")), ResourceError::Scopes),
            (with_scope(described("re\"ad")), ResourceError::Scopes),
            (with_scope(described("openid")), ResourceError::Scopes),
            (with_scope(described("offline_access")), ResourceError::Scopes),
            (with_scope(described("groups")), ResourceError::Scopes),
            (with_scope(described("edgemint:admin")), ResourceError::Scopes),
            (with_scope(json!({ "value": "read" })), ResourceError::Scopes),
            (
                with_scope(json!({ "value": "read", "description": { "en": "Read" }, "required": true })),
                ResourceError::Scopes,
            ),
            (description(json!("Read")), ResourceError::Scopes),
            (description(json!({ "zh": "读取" })), ResourceError::Scopes),
            (description(json!({ "en": "Read", "zh": "" })), ResourceError::Scopes),
            (description(json!({ "en": "Read", "de": "Lesen" })), ResourceError::Scopes),
            (description(json!({ "en": long })), ResourceError::Scopes),
            (description(json!({ "en": "a\nb" })), ResourceError::Scopes),
            (json!({ "access_token_lifetime": 0 }), ResourceError::AccessTokenLifetime),
            (json!({ "access_token_lifetime": 86_401 }), ResourceError::AccessTokenLifetime),
            (json!({ "access_token_lifetime": 1.5 }), ResourceError::AccessTokenLifetime),
            (json!({ "access_token_lifetime": "60" }), ResourceError::AccessTokenLifetime),
            (json!({ "signing_algorithm": "RS256" }), ResourceError::SigningAlgorithm),
            (json!({ "signing_algorithm": "none" }), ResourceError::SigningAlgorithm),
            (json!({ "clients": "some" }), ResourceError::Clients),
            (json!({ "clients": ["root"] }), ResourceError::Clients),
            (json!({ "clients": [7] }), ResourceError::Clients),
            (json!({ "clients": many(MAX_CLIENTS) }), ResourceError::Clients),
            (json!({ "acr": "gold" }), ResourceError::Acr),
            (json!({ "acr": 1 }), ResourceError::Acr),
            (json!({ "max_age": 59 }), ResourceError::MaxAge),
            (json!({ "max_age": -1 }), ResourceError::MaxAge),
            (json!({ "max_age": 34_560_001 }), ResourceError::MaxAge),
            (json!({ "other_audiences": "no" }), ResourceError::OtherAudiences),
            (json!({ "introspection_client": "root" }), ResourceError::IntrospectionClient),
            (json!({ "introspection_client": ["api"] }), ResourceError::IntrospectionClient),
        ] {
            assert_eq!(parsed(&changes).unwrap_err(), error, "{changes}");
        }
    }
}
