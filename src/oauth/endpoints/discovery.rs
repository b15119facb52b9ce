//! The metadata of the authorization server and its resources.

use serde_json::{Value, json};

use crate::token::Algorithm;

use crate::oauth::endpoints::token_exchange::TokenType;
use crate::oauth::endpoints::{id_token, identity_assertion};
use crate::oauth::grant::Acr;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{AuthMethod, GrantType};
use crate::oauth::vocabulary::pkce;
use crate::oauth::vocabulary::scope::{GROUPS, OPENID_SCOPES};
use crate::oauth::vocabulary::status_entry::STATUS_PATH;

/// Returns the authorization server metadata (RFC 8414 section 2), which OpenID Connect Discovery 1.0 section 4 serves at a
/// second path.
pub fn server_metadata(authority: &Authority) -> Value {
    let proving = AuthMethod::PROVING.map(AuthMethod::name);
    let assertion_algorithms = Algorithm::ASYMMETRIC.map(Algorithm::name);
    let signing: Vec<_> = authority.algorithms().iter().map(|algorithm| algorithm.name()).collect();
    let mut scopes = OPENID_SCOPES.to_vec();
    scopes.push(GROUPS);
    scopes.extend(authority.sample_scope().values().iter().map(String::as_str));
    json!({
        "issuer": authority.issuer(),
        "device_authorization_endpoint": authority.endpoint("/oauth/device_authorization"),
        "authorization_endpoint": authority.endpoint("/oauth/authorize"),
        "token_endpoint": authority.endpoint("/oauth/token"),
        "userinfo_endpoint": authority.endpoint("/oauth/userinfo"),
        "end_session_endpoint": authority.endpoint("/oauth/logout"),
        "introspection_endpoint": authority.endpoint("/oauth/introspect"),
        "revocation_endpoint": authority.endpoint("/oauth/revoke"),
        "jwks_uri": authority.endpoint("/.well-known/jwks.json"),
        "status_list_aggregation_endpoint": authority.endpoint(STATUS_PATH),
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "authorization_grant_profiles_supported": [identity_assertion::PROFILE],
        "identity_chaining_requested_token_types_supported": [TokenType::IdJag.name()],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "code_challenge_methods_supported": [pkce::METHOD],
        "authorization_response_iss_parameter_supported": true,
        "refresh_token_expiration_types_supported": ["authorization", "token_timeout"],
        "scopes_supported": scopes,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing,
        "acr_values_supported": [Acr::PhishingResistant.value(), Acr::SignedIn.value()],
        "claim_types_supported": ["normal"],
        "claims_supported": id_token::CLAIMS,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "ui_locales_supported": ["en", "zh"],
        "token_endpoint_auth_methods_supported": AuthMethod::ALL.map(AuthMethod::name),
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "revocation_endpoint_auth_methods_supported": AuthMethod::ALL.map(AuthMethod::name),
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms,
        "protected_resources": [authority.issuer()],
    })
}

/// Returns the metadata of the sample resource and the admin endpoints (RFC 9728 section 2).
pub fn resource_metadata(authority: &Authority) -> Value {
    let mut metadata = json!({
        "resource": authority.issuer(),
        "authorization_servers": [authority.issuer()],
        "bearer_methods_supported": ["header"],
        "resource_name": "Edgemint",
    });
    if !authority.sample_scope().is_empty() {
        let scopes = json!(authority.sample_scope().values());
        metadata.as_object_mut().map(|members| members.insert("scopes_supported".to_owned(), scopes));
    }
    metadata
}
