//! What endpoints share: each service loads records, calls the pure decision, and commits. A service returns values; the reply
//! is the endpoint's.

pub(crate) mod assertions;
pub(crate) mod attempts;
pub(crate) mod catalogue;
pub(crate) mod client_tokens;
pub(crate) mod clients;
pub(crate) mod devices;
pub(crate) mod endings;
pub(crate) mod exchange_rules;
pub(crate) mod federation;
pub(crate) mod grants;
pub(crate) mod identifiers;
pub(crate) mod passkeys;
pub(crate) mod password_sign_in;
pub(crate) mod passwords;
pub(crate) mod presented_tokens;
pub(crate) mod profiles;
pub(crate) mod registration;
pub(crate) mod remote_keys;
pub(crate) mod sessions;
pub(crate) mod subjects;
pub(crate) mod tokens;
pub(crate) mod trusted_issuers;
pub(crate) mod upstream_provider;
pub(crate) mod users;
