use super::*;
use crate::oauth::endpoints::discovery::{resource_metadata, server_metadata};

#[test]
fn server_metadata_names_what_this_server_does() {
    let metadata = server_metadata(&Authority::parse(Settings { algorithms: "ES256 RS256", ..settings() }).unwrap());
    for (name, expected) in [
        ("issuer", json!(ISSUER)),
        ("authorization_endpoint", json!("https://as.example/oauth/authorize")),
        ("token_endpoint", json!("https://as.example/oauth/token")),
        ("jwks_uri", json!("https://as.example/.well-known/jwks.json")),
        (
            "grant_types_supported",
            json!([
                "authorization_code",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "urn:ietf:params:oauth:grant-type:token-exchange"
            ]),
        ),
        ("device_authorization_endpoint", json!("https://as.example/oauth/device_authorization")),
        ("refresh_token_expiration_types_supported", json!(["authorization", "token_timeout"])),
        ("response_types_supported", json!(["code"])),
        ("code_challenge_methods_supported", json!(["S256"])),
        ("scopes_supported", json!(["openid", "profile", "email", "offline_access", "groups", "read", "write"])),
        ("id_token_signing_alg_values_supported", json!(["ES256", "RS256"])),
        ("acr_values_supported", json!(["phr", "1"])),
        ("request_parameter_supported", json!(false)),
        ("request_uri_parameter_supported", json!(false)),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]),
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]),
        ),
        ("protected_resources", json!([ISSUER])),
    ] {
        assert_eq!(metadata.get(name), Some(&expected), "{name}");
    }
    // `none` and the HMAC algorithms do not authenticate a client by a key of its own.
    let algorithms = metadata["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.contains(&json!("EdDSA")) && !algorithms.contains(&json!("HS256")));
}

#[test]
fn resource_metadata_names_the_scope_where_there_is_one() {
    assert_eq!(
        resource_metadata(&authority()),
        json!({
            "resource": ISSUER, "authorization_servers": [ISSUER], "bearer_methods_supported": ["header"],
            "resource_name": "Edgemint", "scopes_supported": ["read", "write"],
        })
    );
    let open = Authority::parse(Settings { sample_scope: "", ..settings() }).unwrap();
    assert!(resource_metadata(&open).get("scopes_supported").is_none());
}
