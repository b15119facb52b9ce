//! The description of a trusted issuer by an operator: the members of `/admin/trusted-issuers`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::oauth::endpoints::register::delegable_scope;
use crate::oauth::refusal::TrustedIssuerError;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{AssertionAudience, ClientId};
use crate::oauth::vocabulary::key_source::public_jwks;
use crate::oauth::vocabulary::members::{has_only, optional, required};
use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::oauth::vocabulary::trusted_issuer::{
    Assertions, Presence, SubjectRule, TrustedIssuerId, TrustedIssuerRecord, may_be_trusted_issuer,
};
use crate::token::{Algorithm, UnixTime};

/// The maximum numbers of clients and of mapped subjects.
const MAX_CLIENTS: usize = 100;
/// The maximum length of a mapped subject, bytes.
const MAX_SUBJECT: usize = 500;
/// The members, of which `id` and `created_at` are ignored: responses have them.
const MEMBERS: [&str; 14] = [
    "algorithms",
    "assertions",
    "audience",
    "client_authentication",
    "clients",
    "created_at",
    "id",
    "issuer",
    "jti",
    "jwks",
    "jwks_uri",
    "scope",
    "subject",
    "subjects",
];

/// Parses the description of a trusted issuer. An unknown member is refused: it may have been meant as a restriction. A null
/// member counts as omitted.
///
/// # Errors
/// [`TrustedIssuerError`] names the first member that is wrong.
pub fn parse(
    authority: &Authority,
    body: &Map<String, Value>,
    now: UnixTime,
) -> Result<TrustedIssuerRecord, TrustedIssuerError> {
    if !has_only(body, &MEMBERS) {
        return Err(TrustedIssuerError::Unknown);
    }
    let issuer = required(body, "issuer", |value| issuer(authority, value), TrustedIssuerError::Issuer)?;
    let jwks = optional(body, "jwks", public_jwks, TrustedIssuerError::Jwks)?;
    let url = |value: &Value| RemoteUrl::parse(value.as_str()?).filter(|url| url.may_be_fetched_by(authority));
    let jwks_uri = optional(body, "jwks_uri", url, TrustedIssuerError::JwksUri)?;
    if jwks.is_some() == jwks_uri.is_some() {
        return Err(TrustedIssuerError::Keys);
    }
    let subject = |value: &Value| SubjectRule::ALL.into_iter().find(|rule| *value == rule.name());
    let subject = required(body, "subject", subject, TrustedIssuerError::Subject)?;
    let clients = required(body, "clients", clients, TrustedIssuerError::Clients)?;
    let subjects = optional(body, "subjects", |value| subjects(value, &clients), TrustedIssuerError::Subjects)?;
    if subjects.is_some() != (subject == SubjectRule::MappedClient) {
        return Err(TrustedIssuerError::Subjects);
    }
    let audience = |value: &Value| AssertionAudience::ALL.into_iter().find(|audience| *value == audience.name());
    let presence = |value: &Value| Presence::ALL.into_iter().find(|presence| *value == presence.name());
    let assertions = |value: &Value| Assertions::ALL.into_iter().find(|assertions| *value == assertions.name());
    let assertions = optional(body, "assertions", assertions, TrustedIssuerError::Assertions)?.unwrap_or_default();
    let by_default = match assertions {
        Assertions::Jwt => Presence::Optional,
        Assertions::IdJag => Presence::Required,
    };
    let record = TrustedIssuerRecord {
        issuer,
        created_at: now,
        jwks,
        jwks_uri,
        algorithms: required(body, "algorithms", algorithms, TrustedIssuerError::Algorithms)?,
        subject,
        subjects: subjects.unwrap_or_default(),
        audience: optional(body, "audience", audience, TrustedIssuerError::Audience)?
            .unwrap_or(AssertionAudience::Issuer),
        scope: optional(body, "scope", delegable_scope, TrustedIssuerError::Scope)?.unwrap_or_default(),
        jti: optional(body, "jti", presence, TrustedIssuerError::Jti)?.unwrap_or(Presence::Required),
        clients,
        client_authentication: optional(
            body,
            "client_authentication",
            presence,
            TrustedIssuerError::ClientAuthentication,
        )?
        .unwrap_or(by_default),
        assertions,
    };
    if is_consistent(&record) { Ok(record) } else { Err(TrustedIssuerError::Assertions) }
}

/// Returns whether the members say of identity assertions what their checks require. They are about a user, whom the issuer names by
/// an identifier that no other user ever has: neither a user name nor an e-mail address.
fn is_consistent(record: &TrustedIssuerRecord) -> bool {
    record.assertions == Assertions::Jwt
        || (matches!(record.subject, SubjectRule::UserId | SubjectRule::Upstream)
            && record.audience == AssertionAudience::Issuer
            && record.jti == Presence::Required
            && record.client_authentication == Presence::Required)
}

/// Returns the record as the admin API shows it.
pub fn shown(record: &TrustedIssuerRecord) -> Value {
    let mut shown = serde_json::to_value(record).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.insert("id".to_owned(), json!(TrustedIssuerId::of(&record.issuer)));
    }
    shown
}

/// This server's own tokens are no assertions: it would exchange an access token for another one.
fn issuer(authority: &Authority, value: &Value) -> Option<String> {
    let issuer = value.as_str()?;
    (may_be_trusted_issuer(issuer) && issuer != authority.issuer()).then(|| issuer.to_owned())
}

fn algorithms(value: &Value) -> Option<Vec<Algorithm>> {
    let algorithm = |value: &Value| {
        Algorithm::from_name(value.as_str()?).filter(|algorithm| Algorithm::ASYMMETRIC.contains(algorithm))
    };
    let algorithms = value.as_array()?.iter().map(algorithm).collect::<Option<Vec<_>>>()?;
    (1..=Algorithm::ASYMMETRIC.len()).contains(&algorithms.len()).then_some(algorithms)
}

/// The root client administers this server: no other server may speak for it.
fn clients(value: &Value) -> Option<Vec<ClientId>> {
    let client = |value: &Value| ClientId::parse(value.as_str()?).filter(|client| !client.is_root());
    let clients = value.as_array()?.iter().map(client).collect::<Option<Vec<_>>>()?;
    (1..=MAX_CLIENTS).contains(&clients.len()).then_some(clients)
}

fn subjects(value: &Value, clients: &[ClientId]) -> Option<BTreeMap<String, ClientId>> {
    let entry = |(subject, client): (&String, &Value)| {
        let client = ClientId::parse(client.as_str()?).filter(|client| clients.contains(client))?;
        (1..=MAX_SUBJECT).contains(&subject.len()).then(|| (subject.clone(), client))
    };
    let subjects = value.as_object()?.iter().map(entry).collect::<Option<BTreeMap<_, _>>>()?;
    (1..=MAX_CLIENTS).contains(&subjects.len()).then_some(subjects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::authority::Settings;

    const NOW: UnixTime = UnixTime(7);

    fn parsed(changes: &Value) -> Result<Value, TrustedIssuerError> {
        let authority = Authority::parse(Settings { issuer: "https://as.example", ..Settings::default() }).unwrap();
        let mut body = json!({
            "issuer": "https://idp.example", "jwks_uri": "https://idp.example/jwks", "algorithms": ["RS256"],
            "subject": "user_id", "clients": ["app"],
        });
        let members = body.as_object_mut().unwrap();
        members.extend(changes.as_object().unwrap().clone());
        parse(&authority, members, NOW).map(|record| shown(&record))
    }

    #[test]
    fn defaults() {
        let expected = json!({
            "id": TrustedIssuerId::of("https://idp.example"), "issuer": "https://idp.example", "created_at": 7,
            "jwks_uri": "https://idp.example/jwks", "algorithms": ["RS256"], "subject": "user_id", "audience": "issuer",
            "scope": "", "jti": "required", "clients": ["app"], "client_authentication": "optional",
        });
        assert_eq!(parsed(&json!({ "scope": null })).unwrap(), expected);
        assert_eq!(parsed(&expected).unwrap(), expected, "a response can be sent again");
    }

    #[test]
    fn every_member_is_kept() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let full = json!({
            "issuer": "https://idp.example", "jwks": { "keys": [jwk] }, "jwks_uri": null, "algorithms": ["EdDSA", "PS512"],
            "subject": "mapped_client", "subjects": { "repo:a": "app", "repo:b": "other" }, "audience": "token_endpoint",
            "scope": "read write", "jti": "optional", "clients": ["app", "other"], "client_authentication": "required",
        });
        let shown = parsed(&full).unwrap();
        for (name, value) in full.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
            assert_eq!(shown[name], *value, "{name}");
        }
    }

    #[test]
    fn identity_assertions_require_client_authentication_by_default() {
        for subject in ["user_id", "upstream"] {
            let shown = parsed(&json!({ "assertions": "id_jag", "subject": subject })).unwrap();
            let members = [&shown["assertions"], &shown["client_authentication"], &shown["jti"], &shown["audience"]];
            assert_eq!(members, ["id_jag", "required", "required", "issuer"]);
            assert_eq!(parsed(&shown).unwrap(), shown);
        }
        let jwt = parsed(&json!({ "assertions": "jwt" })).unwrap();
        assert_eq!(jwt, parsed(&json!({})).unwrap());
    }

    #[test]
    fn each_mistake_is_named() {
        let many = (0..=MAX_CLIENTS).map(|number| number.to_string()).collect::<Vec<_>>();
        for (changes, error) in [
            (json!({ "client_authentification": "required" }), TrustedIssuerError::Unknown),
            (json!({ "issuer": null }), TrustedIssuerError::Issuer),
            (json!({ "issuer": "idp" }), TrustedIssuerError::Issuer),
            (json!({ "issuer": "https://as.example" }), TrustedIssuerError::Issuer),
            (json!({ "jwks_uri": "https://10.0.0.1/" }), TrustedIssuerError::JwksUri),
            (json!({ "jwks_uri": "http://localhost:1/" }), TrustedIssuerError::JwksUri),
            (json!({ "jwks_uri": null }), TrustedIssuerError::Keys),
            (json!({ "jwks": { "keys": [] } }), TrustedIssuerError::Jwks),
            (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), TrustedIssuerError::Jwks),
            (
                json!({ "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] } }),
                TrustedIssuerError::Keys,
            ),
            (json!({ "algorithms": null }), TrustedIssuerError::Algorithms),
            (json!({ "algorithms": [] }), TrustedIssuerError::Algorithms),
            (json!({ "algorithms": ["RS256", "HS256"] }), TrustedIssuerError::Algorithms),
            (json!({ "algorithms": ["none"] }), TrustedIssuerError::Algorithms),
            (json!({ "algorithms": "RS256" }), TrustedIssuerError::Algorithms),
            (json!({ "subject": null }), TrustedIssuerError::Subject),
            (json!({ "subject": "email" }), TrustedIssuerError::Subject),
            (json!({ "subject": "mapped_client" }), TrustedIssuerError::Subjects),
            (json!({ "subjects": { "a": "app" } }), TrustedIssuerError::Subjects),
            (json!({ "subject": "mapped_client", "subjects": {} }), TrustedIssuerError::Subjects),
            (json!({ "subject": "mapped_client", "subjects": { "": "app" } }), TrustedIssuerError::Subjects),
            (json!({ "subject": "mapped_client", "subjects": { "a": "other" } }), TrustedIssuerError::Subjects),
            (json!({ "clients": null }), TrustedIssuerError::Clients),
            (json!({ "clients": [] }), TrustedIssuerError::Clients),
            (json!({ "clients": ["app", "root"] }), TrustedIssuerError::Clients),
            (json!({ "clients": many }), TrustedIssuerError::Clients),
            (json!({ "assertions": "id-jag" }), TrustedIssuerError::Assertions),
            (json!({ "assertions": ["id_jag"] }), TrustedIssuerError::Assertions),
            (json!({ "assertions": "id_jag", "subject": "username" }), TrustedIssuerError::Assertions),
            (json!({ "assertions": "id_jag", "subject": "client_id" }), TrustedIssuerError::Assertions),
            (
                json!({ "assertions": "id_jag", "subject": "mapped_client", "subjects": { "a": "app" } }),
                TrustedIssuerError::Assertions,
            ),
            (json!({ "assertions": "id_jag", "audience": "token_endpoint" }), TrustedIssuerError::Assertions),
            (json!({ "assertions": "id_jag", "jti": "optional" }), TrustedIssuerError::Assertions),
            (json!({ "assertions": "id_jag", "client_authentication": "optional" }), TrustedIssuerError::Assertions),
            (json!({ "audience": "https://as.example" }), TrustedIssuerError::Audience),
            (json!({ "scope": ["read"] }), TrustedIssuerError::Scope),
            (json!({ "scope": "read edgemint:admin" }), TrustedIssuerError::Scope),
            (json!({ "scope": "read offline_access" }), TrustedIssuerError::Scope),
            (json!({ "jti": true }), TrustedIssuerError::Jti),
            (json!({ "client_authentication": true }), TrustedIssuerError::ClientAuthentication),
        ] {
            assert_eq!(parsed(&changes).unwrap_err(), error, "{changes}");
        }
    }
}
