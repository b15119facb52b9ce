//! The checks of the gate, and the grant types that each applies to.

use crate::oauth::vocabulary::client::GrantType;

/// A check of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The client is enabled.
    ClientEnabled,
    /// The client has authenticated by a method that it registered.
    Authentication,
    /// The client registered the grant type.
    GrantType,
    /// The grant belongs to the client.
    Owner,
    /// The user is enabled.
    UserEnabled,
    /// The user's consent to the client is stored.
    Consent,
    /// The session in which the grant was allowed is active, or the grant outlives it.
    Session,
    /// The client, the user and the resources leave something of what was granted.
    Rights,
    /// The requested scope was granted, and something of it is left.
    Scope,
    /// The requested resources were granted, and the client still may use them.
    Resource,
    /// The resources of the token may share one token.
    Audience,
    /// The user's sign-in is as strong and as recent as the scope and the resources require (RFC 9470).
    StepUp,
}

impl Check {
    /// All checks, in their order. The first that fails decides the refusal.
    pub const ALL: [Self; 12] = [
        Self::ClientEnabled,
        Self::Authentication,
        Self::GrantType,
        Self::Owner,
        Self::UserEnabled,
        Self::Consent,
        Self::Session,
        Self::Rights,
        Self::Scope,
        Self::Resource,
        Self::Audience,
        Self::StepUp,
    ];

    /// Those that need only the client.
    pub(super) const OF_CLIENT: [Self; 3] = [Self::ClientEnabled, Self::Authentication, Self::GrantType];
}

/// Whether a check applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It does.
    Yes,
    /// It does not, for this reason.
    No(&'static str),
}

/// The row of a grant type: whether each check applies.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    client_enabled: Applies,
    authentication: Applies,
    grant_type: Applies,
    owner: Applies,
    user_enabled: Applies,
    consent: Applies,
    session: Applies,
    rights: Applies,
    scope: Applies,
    resource: Applies,
    audience: Applies,
    step_up: Applies,
}

impl Row {
    /// Returns the row of a grant type. For a grant type whose tokens can be about a user or about the client itself, it is that of
    /// users; see [`Row::of_client_itself`].
    pub const fn of(grant_type: GrantType) -> Self {
        use Applies::{No, Yes};
        match grant_type {
            GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken => Self {
                client_enabled: Yes,
                authentication: Yes,
                grant_type: Yes,
                owner: Yes,
                user_enabled: Yes,
                consent: Yes,
                session: Yes,
                rights: Yes,
                scope: Yes,
                resource: Yes,
                audience: Yes,
                step_up: Yes,
            },
            GrantType::ClientCredentials => Self {
                client_enabled: Yes,
                authentication: Yes,
                grant_type: Yes,
                owner: No("no grant is stored"),
                user_enabled: No("there is no user"),
                consent: No("there is no user"),
                session: No("there is no user"),
                rights: Yes,
                scope: Yes,
                resource: Yes,
                audience: Yes,
                step_up: No("there is no user, so there is no sign-in"),
            },
            GrantType::JwtBearer => Self {
                client_enabled: Yes,
                authentication: No("the assertion replaces it (RFC 7523 section 3.1); it is checked where it is sent"),
                grant_type: Yes,
                owner: No("no grant is stored before"),
                user_enabled: Yes,
                consent: No("an operator allowed it: on the client, or by trusting the issuer"),
                session: No("the user is not present"),
                rights: Yes,
                scope: Yes,
                resource: Yes,
                audience: Yes,
                step_up: Yes,
            },
            GrantType::TokenExchange => Self {
                client_enabled: Yes,
                authentication: Yes,
                grant_type: Yes,
                owner: No("the subject token may have been issued to another client; a rule of the operator admits it"),
                user_enabled: Yes,
                consent: No(
                    "an operator allowed it by a rule; withdrawing the consent ends the grant of the subject token",
                ),
                session: No("the user is not present; the grant of the subject token is active, so its session is"),
                rights: Yes,
                scope: Yes,
                resource: Yes,
                audience: Yes,
                step_up: Yes,
            },
        }
    }

    /// Returns the row of a grant type for describing a grant: no token is requested yet.
    pub(super) const fn of_description(grant_type: GrantType) -> Self {
        Self { audience: Applies::No("the client names a resource when it requests a token"), ..Self::of(grant_type) }
    }

    /// Returns the row for an identity assertion: by token exchange, for another authorization server, about the user of a grant of the
    /// client that requests it.
    pub const fn of_identity_assertion() -> Self {
        use Applies::{No, Yes};
        Self {
            client_enabled: Yes,
            authentication: Yes,
            grant_type: Yes,
            owner: Yes,
            user_enabled: Yes,
            consent: Yes,
            session: Yes,
            rights: Yes,
            scope: Yes,
            resource: No("the resources are another server's; the rule of an operator says which the client may name"),
            audience: No("the resources are another server's, which decides which of them may share a token"),
            step_up: Yes,
        }
    }

    /// Returns the row of a grant type for tokens about a client; `None` if its tokens are always about a user.
    pub const fn of_client_itself(grant_type: GrantType) -> Option<Self> {
        use Applies::No;
        match grant_type {
            GrantType::ClientCredentials => Some(Self::of(grant_type)),
            GrantType::JwtBearer => Some(Self {
                user_enabled: No("the token is about the client itself"),
                step_up: No("the token is about the client itself, so there is no sign-in"),
                ..Self::of(grant_type)
            }),
            GrantType::TokenExchange => Some(Self {
                user_enabled: No("the token is about the client of the subject token"),
                step_up: No("the token is about a client, so there is no sign-in"),
                ..Self::of(grant_type)
            }),
            GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken => None,
        }
    }

    /// Returns whether a check applies.
    pub const fn applies(&self, check: Check) -> bool {
        matches!(self.cell(check), Applies::Yes)
    }

    /// Returns the cell of a check.
    pub const fn cell(&self, check: Check) -> Applies {
        match check {
            Check::ClientEnabled => self.client_enabled,
            Check::Authentication => self.authentication,
            Check::GrantType => self.grant_type,
            Check::Owner => self.owner,
            Check::UserEnabled => self.user_enabled,
            Check::Consent => self.consent,
            Check::Session => self.session,
            Check::Rights => self.rights,
            Check::Scope => self.scope,
            Check::Resource => self.resource,
            Check::Audience => self.audience,
            Check::StepUp => self.step_up,
        }
    }
}
