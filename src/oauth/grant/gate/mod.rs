//! The gate of all grants: one pure function that every grant passes at its first and at every later use.
//!
//! The caller states the [`Facts`]; [`pass`] runs the checks that the [`Row`] of the grant type names, and returns the [`Permit`]
//! without which no access token can be minted. For the grants of a user, it runs in the account's object, in the turn that
//! stores the result.

mod facts;
mod table;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::client_metadata::algorithm_name;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{OFFLINE_ACCESS, Scope, permitted_scope};
use crate::token::{Algorithm, UnixTime};

pub use self::facts::{
    ClientFacts, Facts, Granted, Requested, RequiredSignIn, ResourceScope, Rules, StepUp, StepUpOf, TokenRule,
    UserFacts, resources_of_client,
};
pub use self::table::{Applies, Check, Row};

/// The scope, the resources, the lifetime and the algorithm of an access token that may be minted. Only [`pass`] makes one; it is deserialized where an
/// account's object has returned it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Permit {
    scope: Scope,
    resources: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifetime: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    algorithm: Option<Algorithm>,
}

impl Permit {
    /// Returns the scope.
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns the resources: the audience.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Returns the lifetime, seconds; `default` where no resource is registered.
    pub fn lifetime(&self, default: u64) -> u64 {
        self.lifetime.unwrap_or(default)
    }

    /// Returns the signing algorithm; `None` where no resource demands one.
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }
}

/// The scope of an identity assertion that may be issued. Only [`pass_for_another_server`] makes one; it is deserialized where an account's
/// object has returned it. No access token can be minted of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct AssertionPermit(Scope);

impl AssertionPermit {
    /// Returns the scope, whose values are those of the other server.
    pub const fn scope(&self) -> &Scope {
        &self.0
    }
}

/// Decides whether a grant may be used now, and for what.
///
/// # Errors
/// The first check that fails.
pub fn pass(grant_type: GrantType, facts: &Facts<'_>, now: UnixTime) -> Result<Permit, Check> {
    pass_row(Row::of(grant_type), grant_type, facts, now)
}

/// Decides the same for a token about the client itself.
///
/// # Errors
/// The first check that fails; [`Check::UserEnabled`] for a grant type whose tokens are always about a user.
pub fn pass_for_client_itself(grant_type: GrantType, facts: &Facts<'_>, now: UnixTime) -> Result<Permit, Check> {
    pass_row(Row::of_client_itself(grant_type).ok_or(Check::UserEnabled)?, grant_type, facts, now)
}

/// Decides whether the grant of a user may yield an identity assertion for another authorization server now. The scope of [`Granted`] is
/// what the rule of an operator allows, and its resources are that server and those there: what the client may request here does not
/// limit them, what the user may allow does.
///
/// # Errors
/// The first check that fails.
pub fn pass_for_another_server(facts: &Facts<'_>, now: UnixTime) -> Result<AssertionPermit, Check> {
    let limits = Limits::of_another_server(facts);
    let limits = check_limits(Row::of_identity_assertion(), GrantType::TokenExchange, facts, limits, now)?;
    Ok(AssertionPermit(limits.scope))
}

fn pass_row(row: Row, grant_type: GrantType, facts: &Facts<'_>, now: UnixTime) -> Result<Permit, Check> {
    let limits = check(row, grant_type, facts, now)?;
    let rules = &facts.client.rules;
    let resources = limits.audience.unwrap_or_default();
    Ok(Permit {
        scope: limits.scope,
        lifetime: rules.lifetime_of(&resources),
        algorithm: resources.iter().find_map(|it| rules.token(it)?.algorithm),
        resources,
    })
}

/// Runs the checks of a row, and returns what they leave.
fn check(row: Row, grant_type: GrantType, facts: &Facts<'_>, now: UnixTime) -> Result<Limits, Check> {
    check_limits(row, grant_type, facts, Limits::of(row.applies(Check::UserEnabled), facts), now)
}

fn check_limits(
    row: Row,
    grant_type: GrantType,
    facts: &Facts<'_>,
    limits: Limits,
    now: UnixTime,
) -> Result<Limits, Check> {
    let failed = Check::ALL.into_iter().find(|check| {
        row.applies(*check)
            && !match check {
                Check::ClientEnabled | Check::Authentication | Check::GrantType => {
                    client_holds(*check, grant_type, facts.client)
                }
                Check::Owner => facts.granted.owner == Some(&facts.client.id),
                Check::UserEnabled => facts.user.is_some_and(|user| user.enabled),
                Check::Consent => facts.user.is_some_and(|user| user.has_consented),
                Check::Session => facts.user.is_some_and(|user| {
                    user.session_is_active || outlives_session(facts.granted.offline, facts.client, user.scope)
                }),
                Check::Rights => limits.leave_something(facts.granted.scope),
                Check::Scope => limits.cover_scope(facts),
                Check::Resource => facts.requested.resources.iter().all(|it| limits.resources.contains(it)),
                Check::Audience => limits.audience.is_some(),
                Check::StepUp => limits.satisfy_step_up(facts, now),
            }
    });
    failed.map_or(Ok(limits), Err)
}

/// Returns the scope that is left of a grant, by the same checks as [`pass`] without those of a single token.
///
/// # Errors
/// The first check that fails.
pub fn remaining(grant_type: GrantType, facts: &Facts<'_>, now: UnixTime) -> Result<Scope, Check> {
    check(Row::of_description(grant_type), grant_type, facts, now).map(|limits| limits.remaining)
}

/// Runs the checks that need only the client, before anything of the user is loaded. [`pass`] runs them again.
///
/// # Errors
/// The first check that fails.
pub fn admit(grant_type: GrantType, client: &ClientFacts) -> Result<(), Check> {
    of_client(grant_type, client, |_| true)
}

/// Runs the same checks without [`Check::Authentication`], for a request that yields no tokens: the client authenticates when it comes
/// for them, and passes [`admit`] then.
///
/// # Errors
/// The first check that fails.
pub fn admit_unauthenticated(grant_type: GrantType, client: &ClientFacts) -> Result<(), Check> {
    of_client(grant_type, client, |check| check != Check::Authentication)
}

fn of_client(grant_type: GrantType, client: &ClientFacts, is_wanted: impl Fn(Check) -> bool) -> Result<(), Check> {
    let row = Row::of(grant_type);
    let fails = |check: &Check| is_wanted(*check) && row.applies(*check) && !client_holds(*check, grant_type, client);
    Check::OF_CLIENT.into_iter().find(fails).map_or(Ok(()), Err)
}

/// Returns whether a grant is active without its session: `offline_access` was granted, and neither the client nor the user has
/// lost it.
pub fn outlives_session(offline: bool, client: &ClientFacts, user: Option<&Scope>) -> bool {
    offline && !permitted_scope(&client.scope.filter(|value| value == OFFLINE_ACCESS), user).is_empty()
}

fn client_holds(check: Check, grant_type: GrantType, client: &ClientFacts) -> bool {
    match check {
        Check::ClientEnabled => client.enabled,
        Check::Authentication => client.is_authenticated(),
        Check::GrantType => client.grant_types.contains(&grant_type),
        // Not about the client alone: it cannot hold without the other facts.
        Check::Owner
        | Check::UserEnabled
        | Check::Consent
        | Check::Session
        | Check::Rights
        | Check::Scope
        | Check::Resource
        | Check::Audience
        | Check::StepUp => false,
    }
}

/// What is left of a grant.
struct Limits {
    /// The granted scope that the client, the user and any of the granted resources leave.
    remaining: Scope,
    /// The scope of the token.
    scope: Scope,
    /// The granted resources that the client may still use.
    resources: Vec<Resource>,
    /// The resources of the token; `None` if those that are requested cannot share one.
    audience: Option<Vec<Resource>>,
}

impl Limits {
    fn of(involves_user: bool, facts: &Facts<'_>) -> Self {
        let Facts { client, user, granted, requested } = facts;
        let of_client = granted.scope.within(&client.scope);
        let allowed = match user {
            Some(user) if involves_user => permitted_scope(&of_client, user.scope),
            Some(_) | None => of_client,
        };
        let resources: Vec<_> = granted.resources.iter().filter(|it| client.resources.contains(it)).cloned().collect();
        let remaining = client.rules.known_scope(&allowed, &resources);
        let scope = requested.scope.map_or_else(|| remaining.clone(), |asked| asked.within(&remaining));
        let audience = audience(&client.rules, requested.resources, &resources);
        let scope = match (&audience, requested.resources) {
            (None, []) => scope,
            (Some(resources), []) => client.rules.known_scope(&scope, resources),
            (_, named) => client.rules.known_scope(&scope, named),
        };
        Self { remaining, scope, resources, audience }
    }

    /// The rights of a user at another authorization server.
    fn of_another_server(facts: &Facts<'_>) -> Self {
        let Facts { user, granted, requested, .. } = facts;
        let remaining = permitted_scope(granted.scope, user.and_then(|user| user.scope));
        let scope = requested.scope.map_or_else(|| remaining.clone(), |asked| asked.within(&remaining));
        let resources = granted.resources.to_vec();
        Self { remaining, scope, audience: Some(resources.clone()), resources }
    }

    fn leave_something(&self, granted: &Scope) -> bool {
        !self.resources.is_empty() && (!self.remaining.is_empty() || granted.is_empty())
    }

    fn cover_scope(&self, facts: &Facts<'_>) -> bool {
        let asked = facts.requested.scope.unwrap_or(facts.granted.scope);
        facts.granted.scope.covers(asked) && (!self.scope.is_empty() || asked.is_empty())
    }

    fn satisfy_step_up(&self, facts: &Facts<'_>, now: UnixTime) -> bool {
        let resources = self.audience.as_ref().unwrap_or(&self.resources);
        let required = facts.client.rules.required_sign_in(&self.scope, resources);
        required.is_none_or(|required| facts.granted.sign_in.is_some_and(|sign_in| required.is_met_by(sign_in, now)))
    }
}

/// Returns the resources of a token: those that are named, or else those of the grant that may share a token, or else its only one.
/// `None` if they cannot share a token: one admits no other (RFC 9700 section 2.3), or two demand different signing algorithms.
fn audience(rules: &Rules, named: &[Resource], granted: &[Resource]) -> Option<Vec<Resource>> {
    let alone = |resource: &Resource| rules.token(resource).is_some_and(|rule| rule.alone);
    let sharing = || granted.iter().filter(|it| !alone(it)).cloned().collect::<Vec<_>>();
    let audience = match named {
        [] if granted.len() > 1 => Some(sharing()).filter(|sharing| !sharing.is_empty())?,
        [] => granted.to_vec(),
        named => named.to_vec(),
    };
    let mut algorithms = audience.iter().filter_map(|it| rules.token(it)?.algorithm);
    let first = algorithms.next();
    let has_one_algorithm = algorithms.all(|other| Some(other) == first);
    let may_share = audience.len() <= 1 || !audience.iter().any(alone);
    (may_share && has_one_algorithm).then_some(audience)
}
