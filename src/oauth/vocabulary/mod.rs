//! The terms of OAuth 2.0 and OpenID Connect as types: clients, scopes, resources, redirect URIs, PKCE, settings.

pub mod authority;
pub mod authority_error;
pub mod catalogue;
pub mod claims;
pub mod client;
pub mod client_metadata;
pub mod client_secret;
pub mod derived_id;
pub mod event_kind;
pub mod key_source;
pub mod lifetimes;
pub mod origin;
pub mod pkce;
pub mod protected_resource;
pub mod redirect;
pub mod remote_keys;
pub mod remote_url;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod service_account;
pub mod settings;
pub mod sign_in;
pub mod status_entry;
pub mod trusted_issuer;
pub mod upstream_policy;
