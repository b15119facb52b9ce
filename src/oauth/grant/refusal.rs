//! The reasons to refuse tokens of a grant.

use serde::{Deserialize, Serialize};

/// A reason to refuse a command to a grant. Each has a stable word for the log; clients see one sentence for all but
/// the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantRefusal {
    /// There is no such grant any more, or there never was.
    GrantUnknown,
    /// It is another client's.
    GrantOfAnother,
    /// Its time is over, or its session's.
    GrantExpired,
    /// The code was sent elsewhere.
    CodeRedirect,
    /// The verifier is not the code's.
    CodeVerifier,
    /// The code has just been redeemed by the same client.
    CodeSpent,
    /// The code was redeemed a while ago: the grant has been ended.
    CodeReused,
    /// The refresh token was exchanged a while ago: the grant has been ended.
    RefreshReused,
    /// The client or the user may have nothing of the grant any more: it has been revoked.
    RightsLost,
    /// The scope of the request is more than the grant has, or nothing of it is left.
    Scope,
    /// The request names a resource that the grant does not have, or that the client may not have any more.
    Resource,
}

impl GrantRefusal {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::GrantUnknown,
        Self::GrantOfAnother,
        Self::GrantExpired,
        Self::CodeRedirect,
        Self::CodeVerifier,
        Self::CodeSpent,
        Self::CodeReused,
        Self::RefreshReused,
        Self::RightsLost,
        Self::Scope,
        Self::Resource,
    ];

    /// The stable word.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::GrantUnknown => "grant_unknown",
            Self::GrantOfAnother => "grant_of_another",
            Self::GrantExpired => "grant_expired",
            Self::CodeRedirect => "code_redirect",
            Self::CodeVerifier => "code_verifier",
            Self::CodeSpent => "code_spent",
            Self::CodeReused => "code_reused",
            Self::RefreshReused => "refresh_reused",
            Self::RightsLost => "rights_lost",
            Self::Scope => "grant_scope",
            Self::Resource => "grant_resource",
        }
    }
}
