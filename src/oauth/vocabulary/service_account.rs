//! What an operator allows a client that asserts for itself (RFC 7523 section 2.1), beyond tokens of its own.

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::scope::Scope;

/// Whether something must be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It must be present.
    Required,
    /// It may be absent.
    Optional,
}

impl Presence {
    /// All values.
    pub const ALL: [Self; 2] = [Self::Required, Self::Optional];

    /// Returns the name in the admin API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// The member `service_account` of client metadata (extension). Only operators set it: a client that registered itself would give
/// itself rights of users.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServiceAccount {
    /// Whether its assertions must have a `jti`.
    pub jti: Presence,
    /// The users in whose names it may obtain tokens, by the identifiers of their accounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// The scope of those tokens.
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
}

impl Default for ServiceAccount {
    /// The rules for a client without the member: none of the users, and each assertion is used once.
    fn default() -> Self {
        Self { jti: Presence::Required, users: Vec::new(), scope: Scope::default() }
    }
}
