//! The endpoints: each parses, loads, asks `oauth` to decide, commits, replies.

pub(crate) mod account_page;
pub(crate) mod admin_clients;
pub(crate) mod admin_events;
pub(crate) mod admin_exchange_rules;
pub(crate) mod admin_jobs;
pub(crate) mod admin_keys;
pub(crate) mod admin_passkeys;
pub(crate) mod admin_resources;
pub(crate) mod admin_trusted_issuers;
pub(crate) mod admin_users;
pub(crate) mod authorize;
pub(crate) mod device;
pub(crate) mod documents;
mod identity_assertion;
pub(crate) mod introspect_revoke;
pub(crate) mod jwt_bearer;
pub(crate) mod logout;
pub(crate) mod resource;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod token;
pub(crate) mod token_exchange;
pub(crate) mod upstream;
