//! Client registration: the metadata that a client or an operator sends (RFC 7591 section 2).

mod flags;

use crate::oauth::refusal::MetadataError;
use serde_json::{Map, Value, json};

use crate::keyring::SIGNING_ALGORITHMS;
use crate::token::{Algorithm, UnixTime};

use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{
    AssertionAudience, AuthMethod, ClientId, ClientMetadata, ClientRecord, ClientSecret, GrantType, IdTokenClaims,
};
use crate::oauth::vocabulary::key_source::public_jwks;
use crate::oauth::vocabulary::members::{has_only, list, optional};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{ADMIN_SCOPE, OFFLINE_ACCESS, Scope, openid_scopes};
use crate::oauth::vocabulary::service_account::ServiceAccount;
use crate::oauth::vocabulary::trusted_issuer::Presence;

/// The maximum number of users in whose names a service account obtains tokens.
const MAX_DELEGATIONS: usize = 200;

/// Validated metadata, with the identifier and the secret if the request has them.
#[derive(Debug)]
pub struct Registration {
    /// The identifier of a client that is imported.
    pub client_id: Option<ClientId>,
    /// Its secret.
    pub secret: Option<ClientSecret>,
    metadata: ClientMetadata,
}

impl Registration {
    /// Parses metadata. Unknown members are ignored (RFC 7591 section 2).
    ///
    /// # Errors
    /// [`MetadataError`] names the first member that is wrong.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, MetadataError> {
        let client_id = optional(body, "client_id", |value| ClientId::parse(value.as_str()?), MetadataError::ClientId)?;
        let secret =
            optional(body, "client_secret", |value| ClientSecret::parse(value.as_str()?), MetadataError::Secret)?;
        let auth_method = optional(
            body,
            "token_endpoint_auth_method",
            |value| from_name(value.as_str()?),
            MetadataError::AuthMethod,
        )?;
        let jwks = optional(body, "jwks", public_jwks, MetadataError::Jwks)?;
        let jwks_uri = optional(body, "jwks_uri", |value| RemoteUrl::parse(value.as_str()?), MetadataError::JwksUri)?;
        if jwks.is_some() && jwks_uri.is_some() {
            return Err(MetadataError::JwksBoth);
        }
        if auth_method == Some(AuthMethod::PrivateKeyJwt) && jwks.is_none() && jwks_uri.is_none() {
            return Err(MetadataError::JwksMissing);
        }
        if matches!(auth_method, Some(AuthMethod::PrivateKeyJwt | AuthMethod::None)) && secret.is_some() {
            return Err(MetadataError::SecretUnused);
        }
        let redirects = |name, error| {
            let uris = optional(body, name, |value| list(value, 50, redirect_uri), error)?;
            Ok::<_, MetadataError>(uris.unwrap_or_default())
        };
        let redirect_uris = redirects("redirect_uris", MetadataError::RedirectUris)?;
        let grant_types = optional(body, "grant_types", grant_types, MetadataError::GrantTypes)?;
        let grant_types = grant_types.unwrap_or_else(|| default_grants(&redirect_uris));
        let redirects_users = grant_types.contains(&GrantType::AuthorizationCode);
        let signs_users_in = redirects_users || grant_types.contains(&GrantType::DeviceCode);
        if redirects_users && redirect_uris.is_empty() {
            return Err(MetadataError::RedirectUrisMissing);
        }
        let needs_authentication = [GrantType::ClientCredentials, GrantType::TokenExchange];
        if auth_method == Some(AuthMethod::None) && needs_authentication.iter().any(|it| grant_types.contains(it)) {
            return Err(MetadataError::GrantTypesPublic);
        }
        optional(body, "response_types", response_types, MetadataError::ResponseTypes)?;
        let default_scope = || if signs_users_in { openid_scopes() } else { Scope::default() };
        let description = |name| optional(body, name, short_text, MetadataError::Description);
        let metadata = ClientMetadata {
            client_name: description("client_name")?,
            client_uri: description("client_uri")?,
            contacts: optional(body, "contacts", |value| list(value, 20, short_text), MetadataError::Description)?
                .unwrap_or_default(),
            grant_types,
            redirect_uris,
            post_logout_redirect_uris: redirects("post_logout_redirect_uris", MetadataError::PostLogoutRedirectUris)?,
            access_token_signed_response_alg: optional(
                body,
                "access_token_signed_response_alg",
                signing_algorithm,
                MetadataError::AccessTokenAlg,
            )?,
            id_token_signed_response_alg: optional(
                body,
                "id_token_signed_response_alg",
                signing_algorithm,
                MetadataError::IdTokenAlg,
            )?,
            id_token_claims: optional(
                body,
                "id_token_claims",
                |value| (value == "profile").then_some(IdTokenClaims::Profile),
                MetadataError::IdTokenClaims,
            )?,
            token_endpoint_auth_method: auth_method,
            token_endpoint_auth_signing_alg: optional(
                body,
                "token_endpoint_auth_signing_alg",
                |value| algorithm(value).filter(|algorithm| Algorithm::ASYMMETRIC.contains(algorithm)),
                MetadataError::SigningAlg,
            )?,
            assertion_audience: optional(
                body,
                "assertion_audience",
                assertion_audience,
                MetadataError::AssertionAudience,
            )?,
            jwks,
            jwks_uri,
            service_account: None,
            require_pkce: None,
            device_without_secret: None,
            assertion_without_jti: None,
            scope: optional(body, "scope", scope, MetadataError::Scope)?.unwrap_or_else(default_scope),
            resources: optional(body, "resources", |value| list(value, 50, resource), MetadataError::Resources)?
                .unwrap_or_default(),
            software_id: description("software_id")?,
            software_version: description("software_version")?,
        };
        Ok(Self { client_id, secret, metadata })
    }

    /// Adds the member `service_account` of an operator's request. Clients that register themselves must not choose it.
    ///
    /// # Errors
    /// [`MetadataError::ServiceAccount`], also for a client that cannot assert for itself.
    pub fn with_service_account(mut self, body: &Map<String, Value>) -> Result<Self, MetadataError> {
        let metadata = &mut self.metadata;
        let has_keys = metadata.jwks.is_some() || metadata.jwks_uri.is_some();
        metadata.service_account = optional(body, "service_account", service_account, MetadataError::ServiceAccount)?;
        if metadata.service_account.is_some() && !(has_keys && metadata.grant_types.contains(&GrantType::JwtBearer)) {
            return Err(MetadataError::ServiceAccount);
        }
        Ok(self)
    }

    /// Returns whether such a client authenticates with a secret.
    pub fn needs_secret(&self) -> bool {
        !matches!(self.metadata.token_endpoint_auth_method, Some(AuthMethod::PrivateKeyJwt | AuthMethod::None))
    }

    /// Returns the secret to set: that of the request, or a new one for a client that needs one and has none. `old` is the record
    /// that is replaced, if there is one.
    pub fn new_secret(&self, old: Option<&ClientRecord>, random: [u8; 32]) -> Option<ClientSecret> {
        let needs_new = || self.needs_secret() && old.is_none_or(|old| old.secret.is_none());
        self.secret.clone().or_else(|| needs_new().then(|| ClientSecret::from_random(random)))
    }

    /// Checks that this server signs with the algorithms that the client registers, and may fetch its keys.
    ///
    /// # Errors
    /// [`MetadataError::IdTokenAlg`], [`MetadataError::AccessTokenAlg`], [`MetadataError::JwksUri`].
    pub fn check_support(&self, authority: &Authority) -> Result<(), MetadataError> {
        let available = authority.algorithms();
        if self.metadata.jwks_uri.as_ref().is_some_and(|url| !url.may_be_fetched_by(authority)) {
            return Err(MetadataError::JwksUri);
        }
        let is_missing = |algorithm: Option<Algorithm>| algorithm.is_some_and(|it| !available.contains(&it));
        if is_missing(self.id_token_algorithm()) {
            return Err(MetadataError::IdTokenAlg);
        }
        if is_missing(self.access_token_algorithm()) {
            return Err(MetadataError::AccessTokenAlg);
        }
        Ok(())
    }

    /// Returns the signing algorithm of its access tokens, if registered. This server must have such a key.
    pub fn access_token_algorithm(&self) -> Option<Algorithm> {
        self.metadata.access_token_signed_response_alg
    }

    /// Returns the signing algorithm of its ID tokens, if registered. This server must have such a key.
    pub fn id_token_algorithm(&self) -> Option<Algorithm> {
        self.metadata.id_token_signed_response_alg
    }

    /// Returns the record of a new client.
    pub fn into_record(self, client_id: ClientId, secret: Option<&ClientSecret>, now: UnixTime) -> ClientRecord {
        let secret = secret.map(ClientSecret::digest);
        let assertion_audience = self.metadata.assertion_audience.or_else(|| default_audience(&self.metadata));
        let metadata = ClientMetadata { assertion_audience, ..self.metadata };
        ClientRecord {
            client_id,
            issued_at: now,
            secret,
            status: None,
            disabled: false,
            suspension: None,
            self_registered: false,
            metadata,
        }
    }

    /// Returns the record of a client whose metadata is replaced (RFC 7592 section 2.2). It keeps its secret unless there is a new
    /// one or it needs none any more. A client with assertions keeps their audience unless there is a new one: an update of
    /// something else must not lock it out.
    pub fn replace(&self, old: &ClientRecord, secret: Option<&ClientSecret>) -> ClientRecord {
        let kept = if self.needs_secret() { old.secret.clone() } else { None };
        let secret = secret.map(ClientSecret::digest).or(kept);
        let was_asserting = old.metadata.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt);
        let assertion_audience = self.metadata.assertion_audience.or_else(|| match default_audience(&self.metadata) {
            Some(_) if was_asserting => old.metadata.assertion_audience,
            default => default,
        });
        ClientRecord { secret, metadata: ClientMetadata { assertion_audience, ..self.metadata.clone() }, ..old.clone() }
    }
}

/// Returns the client information response (RFC 7591 section 3.2.1). It contains the secret only if it was just set.
pub fn client_information(record: &ClientRecord, secret: Option<&ClientSecret>) -> Value {
    let mut information = serde_json::to_value(&record.metadata).unwrap_or_default();
    let auth_method = record.metadata.token_endpoint_auth_method.unwrap_or(AuthMethod::ClientSecretBasic);
    if let Some(members) = information.as_object_mut() {
        members.insert("client_id".to_owned(), json!(record.client_id));
        members.insert("client_id_issued_at".to_owned(), json!(record.issued_at));
        members.insert("token_endpoint_auth_method".to_owned(), json!(auth_method.name()));
        if let Some(secret) = secret {
            members.insert("client_secret".to_owned(), json!(secret.expose()));
            members.insert("client_secret_expires_at".to_owned(), json!(0));
        }
    }
    information
}

/// Parses the member `enabled` of an operator's request. Clients that register themselves must not choose it.
///
/// # Errors
/// [`MetadataError::Enabled`].
pub fn enabled(body: &Map<String, Value>) -> Result<Option<bool>, MetadataError> {
    optional(body, "enabled", Value::as_bool, MetadataError::Enabled)
}

/// Returns the default audience of assertions: the issuer, for a client that uses assertions.
fn default_audience(metadata: &ClientMetadata) -> Option<AssertionAudience> {
    let asserts = metadata.token_endpoint_auth_method == Some(AuthMethod::PrivateKeyJwt);
    asserts.then_some(AssertionAudience::Issuer)
}

fn short_text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| text.len() <= 500 && !text.chars().any(char::is_control)).map(str::to_owned)
}

fn from_name(name: &str) -> Option<AuthMethod> {
    AuthMethod::ALL.into_iter().find(|method| method.name() == name)
}

fn assertion_audience(value: &Value) -> Option<AssertionAudience> {
    AssertionAudience::ALL.into_iter().find(|audience| *value == audience.name())
}

fn grant_types(value: &Value) -> Option<Vec<GrantType>> {
    let grant = |value: &Value| GrantType::ALL.into_iter().find(|grant| *value == grant.name());
    let makes_sense = |grants: &Vec<GrantType>| {
        let has = |grant| grants.contains(&grant);
        let signs_users_in = has(GrantType::AuthorizationCode) || has(GrantType::DeviceCode);
        !grants.is_empty() && (signs_users_in || !has(GrantType::RefreshToken))
    };
    list(value, 20, grant).filter(makes_sense)
}

/// A client with redirect URIs uses codes (RFC 7591 section 2: `authorization_code` is the default); a service without them
/// uses client credentials.
fn default_grants(redirect_uris: &[RedirectUri]) -> Vec<GrantType> {
    if redirect_uris.is_empty() {
        vec![GrantType::ClientCredentials]
    } else {
        vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
    }
}

/// An unknown member may have been meant as a restriction, so it is refused.
fn service_account(value: &Value) -> Option<ServiceAccount> {
    let members = value.as_object()?;
    if !has_only(members, &["jti", "scope", "users"]) {
        return None;
    }
    let jti = |value: &Value| Presence::ALL.into_iter().find(|presence| *value == presence.name());
    let user = |value: &Value| AccountId::parse(value.as_str()?).map(|account| account.to_string());
    let scope = match members.get("scope") {
        Some(value) => delegable_scope(value)?,
        None => Scope::default(),
    };
    Some(ServiceAccount {
        jti: members.get("jti").map_or(Some(Presence::Required), jti)?,
        users: members.get("users").map_or(Some(Vec::new()), |value| list(value, MAX_DELEGATIONS, user))?,
        scope,
    })
}

fn redirect_uri(value: &Value) -> Option<RedirectUri> {
    RedirectUri::parse(value.as_str()?)
}

fn response_types(value: &Value) -> Option<()> {
    value.as_array().is_some_and(|types| types.iter().all(|name| name == "code")).then_some(())
}

fn algorithm(value: &Value) -> Option<Algorithm> {
    Algorithm::from_name(value.as_str()?)
}

fn signing_algorithm(value: &Value) -> Option<Algorithm> {
    algorithm(value).filter(|algorithm| SIGNING_ALGORITHMS.contains(algorithm))
}

fn scope(value: &Value) -> Option<Scope> {
    Scope::parse(value.as_str().filter(|text| text.len() <= 4000)?)
}

/// Parses a scope that assertions may lead to: neither to a refresh token nor to the administration of this server.
pub fn delegable_scope(value: &Value) -> Option<Scope> {
    scope(value).filter(|scope| !scope.contains(ADMIN_SCOPE) && !scope.contains(OFFLINE_ACCESS))
}

fn resource(value: &Value) -> Option<Resource> {
    Resource::parse(value.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::vocabulary::client::SecretDigest;

    fn parse(body: Value) -> Result<Registration, MetadataError> {
        let body = body.as_object().unwrap();
        Registration::parse(body)?.with_service_account(body)
    }

    fn ed25519() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    /// The metadata of a service account, with changed members.
    fn service_account(changes: &Value) -> Value {
        let mut metadata = json!({
            "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "jwks_uri": "https://app.example/jwks",
            "service_account": { "jti": "optional", "users": ["A".repeat(22)], "scope": "read" },
        });
        metadata.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        metadata
    }

    #[test]
    fn a_service_account_has_the_users_that_the_operator_listed() {
        let registered = parse(service_account(&json!({}))).unwrap().metadata.service_account.unwrap();
        let expected = ServiceAccount {
            jti: Presence::Optional,
            users: vec!["A".repeat(22)],
            scope: Scope::parse("read").unwrap(),
        };
        assert_eq!(registered, expected);
        let by_itself = Registration::parse(service_account(&json!({})).as_object().unwrap()).unwrap();
        assert_eq!(by_itself.metadata.service_account, None, "a client that registers itself");
        let empty =
            parse(service_account(&json!({ "service_account": {} }))).unwrap().metadata.service_account.unwrap();
        assert_eq!(empty, ServiceAccount::default());
    }

    #[test]
    fn defaults_and_unknown_members() {
        let registration =
            parse(json!({ "client_name": "App", "scope": "read  write", "tos_uri": 5, "jwks": null })).unwrap();
        assert!(registration.needs_secret());
        let id = ClientId::parse("app").unwrap();
        let secret = ClientSecret::parse("a-secret-of-a-test").unwrap();
        let record = registration.into_record(id, Some(&secret), UnixTime(7));
        assert_eq!(
            client_information(&record, Some(&secret)),
            json!({
                "client_id": "app", "client_id_issued_at": 7, "client_secret": "a-secret-of-a-test", "client_secret_expires_at": 0,
                "client_name": "App", "scope": "read write", "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "client_secret_basic",
            })
        );
        assert!(client_information(&record, None).get("client_secret").is_none());
    }

    #[test]
    fn each_mistake_is_named() {
        let mut private = ed25519();
        private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        for (body, error) in [
            (json!({ "client_id": "" }), MetadataError::ClientId),
            (json!({ "client_secret": "line-break\nin-the-secret" }), MetadataError::Secret),
            (json!({ "client_secret": "" }), MetadataError::Secret),
            (json!({ "client_secret": "fifteen-letters" }), MetadataError::Secret),
            (json!({ "client_secret": "aaaaaaaaaaaaaaaaaaaa" }), MetadataError::Secret),
            (json!({ "client_secret": "passwordpassword" }), MetadataError::Secret),
            (json!({ "assertion_audience": "https://as.example" }), MetadataError::AssertionAudience),
            (json!({ "assertion_audience": ["issuer"] }), MetadataError::AssertionAudience),
            (json!({ "client_name": 1 }), MetadataError::Description),
            (json!({ "contacts": "me" }), MetadataError::Description),
            (json!({ "grant_types": ["implicit"] }), MetadataError::GrantTypes),
            (json!({ "grant_types": [] }), MetadataError::GrantTypes),
            (json!({ "grant_types": "client_credentials" }), MetadataError::GrantTypes),
            (json!({ "token_endpoint_auth_method": "tls_client_auth" }), MetadataError::AuthMethod),
            (json!({ "token_endpoint_auth_method": "none" }), MetadataError::GrantTypesPublic),
            (
                json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/"], "client_secret": "a-secret-of-a-test" }),
                MetadataError::SecretUnused,
            ),
            (json!({ "grant_types": ["authorization_code"] }), MetadataError::RedirectUrisMissing),
            (json!({ "grant_types": ["refresh_token"] }), MetadataError::GrantTypes),
            (json!({ "redirect_uris": ["http://app.example/"] }), MetadataError::RedirectUris),
            (json!({ "redirect_uris": "https://app.example/" }), MetadataError::RedirectUris),
            (json!({ "post_logout_redirect_uris": ["javascript:x"] }), MetadataError::PostLogoutRedirectUris),
            (json!({ "response_types": ["token"] }), MetadataError::ResponseTypes),
            (json!({ "id_token_signed_response_alg": "HS256" }), MetadataError::IdTokenAlg),
            (json!({ "id_token_signed_response_alg": "none" }), MetadataError::IdTokenAlg),
            (json!({ "access_token_signed_response_alg": "HS256" }), MetadataError::AccessTokenAlg),
            (json!({ "token_endpoint_auth_method": "private_key_jwt" }), MetadataError::JwksMissing),
            (
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [ed25519()] }, "client_secret": "a-secret-of-a-test" }),
                MetadataError::SecretUnused,
            ),
            (json!({ "token_endpoint_auth_signing_alg": "HS256" }), MetadataError::SigningAlg),
            (json!({ "jwks": { "keys": [] } }), MetadataError::Jwks),
            (json!({ "jwks": { "keys": [private] } }), MetadataError::Jwks),
            (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), MetadataError::Jwks),
            (json!({ "jwks_uri": "https://10.0.0.1/jwks" }), MetadataError::JwksUri),
            (json!({ "jwks_uri": "http://app.example/jwks" }), MetadataError::JwksUri),
            (json!({ "jwks_uri": ["https://app.example/jwks"] }), MetadataError::JwksUri),
            (
                json!({ "jwks_uri": "https://app.example/jwks", "jwks": { "keys": [ed25519()] } }),
                MetadataError::JwksBoth,
            ),
            (
                json!({
                    "token_endpoint_auth_method": "none",
                    "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"],
                }),
                MetadataError::GrantTypesPublic,
            ),
            (json!({ "scope": ["read"] }), MetadataError::Scope),
            (json!({ "service_account": {} }), MetadataError::ServiceAccount),
            (service_account(&json!({ "grant_types": ["client_credentials"] })), MetadataError::ServiceAccount),
            (service_account(&json!({ "jwks_uri": null })), MetadataError::ServiceAccount),
            (service_account(&json!({ "service_account": { "jti": true } })), MetadataError::ServiceAccount),
            (service_account(&json!({ "service_account": { "user": [] } })), MetadataError::ServiceAccount),
            (service_account(&json!({ "service_account": { "users": ["alice"] } })), MetadataError::ServiceAccount),
            (
                service_account(&json!({ "service_account": { "users": vec!["A".repeat(22); 201] } })),
                MetadataError::ServiceAccount,
            ),
            (service_account(&json!({ "service_account": { "scope": ADMIN_SCOPE } })), MetadataError::ServiceAccount),
            (
                service_account(&json!({ "service_account": { "scope": "read offline_access" } })),
                MetadataError::ServiceAccount,
            ),
            (json!({ "scope": "a\"" }), MetadataError::Scope),
            (json!({ "resources": ["api"] }), MetadataError::Resources),
        ] {
            assert_eq!(parse(body.clone()).unwrap_err(), error, "{body}");
        }
    }

    #[test]
    fn replacing_keeps_the_secret_unless_told_otherwise() {
        let id = || ClientId::parse("app").unwrap();
        let secret = ClientSecret::parse("the-old-secret-of-it").unwrap();
        let old = parse(json!({})).unwrap().into_record(id(), Some(&secret), UnixTime(1));
        let kept = parse(json!({ "scope": "read" })).unwrap().replace(&old, None);
        assert!(kept.secret.unwrap().equals(&SecretDigest::of("the-old-secret-of-it")));
        let new = ClientSecret::parse("the-new-secret-of-it").unwrap();
        let changed = parse(json!({})).unwrap().replace(&old, Some(&new));
        assert!(changed.secret.unwrap().equals(&SecretDigest::of("the-new-secret-of-it")));
        let keys = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [ed25519()] } });
        assert!(parse(keys).unwrap().replace(&old, None).secret.is_none());
    }
    #[test]
    fn a_client_with_assertions_gets_the_issuer_as_their_audience_and_an_update_keeps_what_there_is() {
        let id = || ClientId::parse("app").unwrap();
        let keyed = |audience: Value| {
            json!({
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [ed25519()] },
                "assertion_audience": audience,
            })
        };
        let created = |body| parse(body).unwrap().into_record(id(), None, UnixTime(1));
        let audience = |record: &ClientRecord| record.metadata.assertion_audience;
        let (issuer, endpoint) = (Some(AssertionAudience::Issuer), Some(AssertionAudience::TokenEndpoint));
        let (strict, lenient) = (created(keyed(json!(null))), created(keyed(json!("token_endpoint"))));
        let with_secret = created(json!({}));
        assert_eq!([&strict, &lenient, &with_secret].map(audience), [issuer, endpoint, None]);

        let mut before = strict.clone();
        before.metadata.assertion_audience = None;
        let replaced = |old, body| audience(&parse(body).unwrap().replace(old, None));
        assert_eq!(replaced(&strict, keyed(json!(null))), issuer);
        assert_eq!(replaced(&lenient, keyed(json!(null))), endpoint);
        assert_eq!(replaced(&lenient, keyed(json!("issuer"))), issuer);
        assert_eq!(replaced(&before, keyed(json!(null))), None, "as before");
        assert_eq!(replaced(&before, keyed(json!("issuer"))), issuer);
        assert_eq!(replaced(&with_secret, keyed(json!(null))), issuer, "it has never used assertions");
        assert_eq!(replaced(&lenient, json!({})), None, "it uses none any more");
    }

    #[test]
    fn a_record_of_before_the_choice_of_audiences_may_use_the_token_endpoint() {
        let record = json!({
            "client_id": "app", "issued_at": 1, "secret": null,
            "metadata": {
                "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [ed25519()] }, "scope": "",
            },
        });
        let record: ClientRecord = serde_json::from_value(record).unwrap();
        let client = crate::oauth::Client::from_record(&record);
        assert_eq!(client.assertion_audience(), AssertionAudience::TokenEndpoint);
    }
}
