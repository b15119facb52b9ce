//! The reasons to refuse tokens of a grant.

use serde::{Deserialize, Serialize};

use crate::oauth::grant::gate::Check;

/// A reason to refuse a command to a grant. Each has a stable word for the log; clients see one sentence for all that a
/// stolen code or refresh token could probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantRefusal {
    /// There is no such grant.
    GrantUnknown,
    /// The grant belongs to another client.
    GrantOfAnother,
    /// The grant or its session has expired.
    GrantExpired,
    /// The code was sent to another redirect URI.
    CodeRedirect,
    /// The verifier does not match the code's challenge.
    CodeVerifier,
    /// The same client has redeemed the code, within the replay window, or the device code, at any time.
    CodeSpent,
    /// The code was redeemed before the replay window: the grant has been revoked.
    CodeReused,
    /// The refresh token was used before the replay window: the grant has been revoked.
    RefreshReused,
    /// The client or the user has lost all rights that the grant needs.
    RightsLost,
    /// The request names a scope beyond the grant, or none of the named scope is left.
    Scope,
    /// The request names a resource beyond the grant, or one that the client has lost.
    Resource,
    /// The resources of the request or of the grant cannot share a token.
    Audience,
    /// The client is disabled.
    ClientDisabled,
    /// The client has not authenticated by the method that it registered.
    ClientAuthentication,
    /// The client did not register the grant type.
    GrantType,
    /// The user is disabled.
    UserDisabled,
    /// The user's consent to the client is missing.
    ConsentMissing,
    /// The scope or a resource requires a stronger or more recent sign-in.
    StepUp,
}

impl GrantRefusal {
    /// All values.
    pub const ALL: [Self; 18] = [
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
        Self::Audience,
        Self::ClientDisabled,
        Self::ClientAuthentication,
        Self::GrantType,
        Self::UserDisabled,
        Self::ConsentMissing,
        Self::StepUp,
    ];

    /// Returns the stable word.
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
            Self::Audience => "audience",
            Self::ClientDisabled => "client_disabled",
            Self::ClientAuthentication => "client_auth_method",
            Self::GrantType => "grant_not_allowed",
            Self::UserDisabled => "user_disabled",
            Self::ConsentMissing => "consent_missing",
            Self::StepUp => "step_up",
        }
    }
}

impl From<Check> for GrantRefusal {
    fn from(failed: Check) -> Self {
        match failed {
            Check::ClientEnabled => Self::ClientDisabled,
            Check::Authentication => Self::ClientAuthentication,
            Check::GrantType => Self::GrantType,
            Check::Owner => Self::GrantOfAnother,
            Check::UserEnabled => Self::UserDisabled,
            Check::Consent => Self::ConsentMissing,
            Check::Session | Check::Rights => Self::RightsLost,
            Check::Scope => Self::Scope,
            Check::Resource => Self::Resource,
            Check::Audience => Self::Audience,
            Check::StepUp => Self::StepUp,
        }
    }
}
