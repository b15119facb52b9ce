//! What clients and resources can find out about this authority: exactly what is there.

use serde_json::{Value, json};

use crate::token::Algorithm;

use super::authority::Authority;
use super::client::{AuthMethod, GrantType};

/// The authorization server metadata (RFC 8414 section 2), which OpenID Connect Discovery 1.0 section 4 serves
/// at a second place.
pub fn server_metadata(authority: &Authority) -> Value {
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    let algorithms = Algorithm::ASYMMETRIC.map(Algorithm::name);
    json!({
        "issuer": authority.issuer(),
        "token_endpoint": authority.endpoint("/oauth/token"),
        "introspection_endpoint": authority.endpoint("/oauth/introspect"),
        "revocation_endpoint": authority.endpoint("/oauth/revoke"),
        "jwks_uri": authority.endpoint("/.well-known/jwks.json"),
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        // Required by RFC 8414. There is no authorization endpoint, so there is none.
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "protected_resources": [authority.issuer()],
    })
}

/// The metadata of the sample resource and the admin endpoints (RFC 9728 section 2).
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
