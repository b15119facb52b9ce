//! The facts that the gate judges.

use serde::{Deserialize, Serialize};

use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, Client, ClientId, GrantType};
use crate::oauth::vocabulary::client_metadata::algorithm_name;
use crate::oauth::vocabulary::protected_resource::ProtectedResource;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::{Scope, concerns_user_alone, is_administrative};
use crate::oauth::vocabulary::sign_in::{Acr, SignIn};
use crate::token::{Algorithm, UnixTime};

/// Everything that decides whether a grant may be used now.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// The client of the request.
    pub client: &'f ClientFacts,
    /// The user; `None` if the grant involves none.
    pub user: Option<UserFacts<'f>>,
    /// What was granted before.
    pub granted: Granted<'f>,
    /// What the request asks for.
    pub requested: Requested<'f>,
}

/// The client of a request: its record, and how it authenticated. The isolate sends this to the account that decides.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ClientFacts {
    /// The identifier.
    pub id: ClientId,
    /// Whether the client is enabled.
    pub enabled: bool,
    /// The authentication method that it registered; `None` allows both ways to send a secret.
    pub registered_method: Option<AuthMethod>,
    /// The method by which it authenticated for this request; `None` if it did not.
    pub authenticated_by: Option<AuthMethod>,
    /// The grant types that it registered.
    pub grant_types: Vec<GrantType>,
    /// The scope that it registered.
    pub scope: Scope,
    /// The resources that it may request tokens for: its own, the issuer and the default resource.
    pub resources: Vec<Resource>,
    /// The rules of the resources, and of this server.
    #[serde(default)]
    pub rules: Rules,
    /// Whether the record comes from the client's registry and not from a copy, which may be two minutes old. Only then is a
    /// grant revoked for lack of rights: a copy may lack rights that the client has just been given.
    pub exact: bool,
}

/// The user of a grant.
#[derive(Clone, Copy, Debug)]
pub struct UserFacts<'f> {
    /// Whether the account is enabled.
    pub enabled: bool,
    /// Whether the user's consent to the client is stored.
    pub has_consented: bool,
    /// The scope that the user may allow; `None` for everything but the administration of this server.
    pub scope: Option<&'f Scope>,
    /// Whether the session in which the grant was allowed is active.
    pub session_is_active: bool,
    /// When that session ends; `None` if the grant outlives it. The gate does not need it: tokens say it.
    pub session_ends: Option<UnixTime>,
}

/// What was granted before this request: by the user, or by the client's registration.
#[derive(Clone, Copy, Debug)]
pub struct Granted<'f> {
    /// The client that a stored grant belongs to.
    pub owner: Option<&'f ClientId>,
    /// The scope.
    pub scope: &'f Scope,
    /// The resources. A request that names none gets these.
    pub resources: &'f [Resource],
    /// Whether `offline_access` was granted.
    pub offline: bool,
    /// The sign-in of the user.
    pub sign_in: Option<&'f SignIn>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Requested<'f> {
    /// The scope; `None` for everything that is left of the granted one.
    pub scope: Option<&'f Scope>,
    /// The resources; empty for those that were granted.
    pub resources: &'f [Resource],
}

/// The rules of resources and of this server, beyond the registration of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Rules {
    /// The scope that each registered resource knows. A resource without a rule accepts every scope value.
    pub scopes: Vec<ResourceScope>,
    /// The sign-ins that are required (RFC 9470).
    pub step_up: Vec<StepUp>,
    /// What registered resources demand of their access tokens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenRule>,
    /// The lifetime of access tokens for the other resources, seconds; only where `tokens` has an entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
}

/// What a registered resource demands of its access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TokenRule {
    /// The resource.
    pub resource: Resource,
    /// Whether they name no other audience (RFC 9700 section 2.3).
    pub alone: bool,
    /// Their lifetime, seconds; `None` for that of the other resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// Their signing algorithm; `None` for any.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "algorithm_name")]
    pub algorithm: Option<Algorithm>,
}

/// The scope that a resource knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ResourceScope {
    /// The resource.
    pub resource: Resource,
    /// The scope.
    pub scope: Scope,
}

/// A required sign-in (RFC 9470).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct StepUp {
    /// The tokens that require it.
    pub of: StepUpOf,
    /// The lowest authentication context class.
    pub acr: Option<Acr>,
    /// The maximum age of the sign-in, seconds.
    pub max_age: Option<u64>,
}

/// The tokens that require a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUpOf {
    /// Those for a resource.
    Resource(Resource),
    /// Those with a scope value.
    Scope(String),
    /// Those with a scope value of the administration of this server.
    Administration,
}

/// What all rules that concern a token require of the sign-in together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequiredSignIn {
    /// The lowest authentication context class.
    pub acr: Option<Acr>,
    /// The maximum age, seconds.
    pub max_age: Option<u64>,
}

impl RequiredSignIn {
    /// Returns whether a sign-in is strong and recent enough.
    pub fn is_met_by(&self, sign_in: &SignIn, now: UnixTime) -> bool {
        self.acr.is_none_or(|lowest| sign_in.class() >= lowest)
            && self.max_age.is_none_or(|age| sign_in.is_recent(age, now))
    }
}

impl<'f> UserFacts<'f> {
    /// Returns the facts about a user who is not present, for grant types whose row requires neither consent nor session.
    pub const fn absent(enabled: bool, scope: Option<&'f Scope>) -> Self {
        Self { enabled, has_consented: false, scope, session_is_active: false, session_ends: None }
    }
}

impl ClientFacts {
    /// Returns the facts about a client whose record is a copy. `authenticated_by` is the method by which it authenticated for
    /// this request, if it did.
    pub fn of(
        authority: &Authority,
        catalogue: &Catalogue,
        client: &Client,
        authenticated_by: Option<AuthMethod>,
    ) -> Self {
        let resources = resources_of_client(authority, catalogue, client);
        Self {
            id: client.id.clone(),
            enabled: client.enabled,
            registered_method: client.auth_method(),
            authenticated_by,
            grant_types: client.grant_types().to_vec(),
            scope: client.scope.clone(),
            rules: Rules::of(authority, catalogue, &resources),
            resources,
            exact: false,
        }
    }

    /// Returns whether it authenticated for this request by a method that it registered.
    pub(super) fn is_authenticated(&self) -> bool {
        self.authenticated_by.is_some_and(|method| method.is_allowed_by(self.registered_method))
    }
}

/// Returns the resources that a client may request tokens for: the issuer, the default resource, its own, and the registered ones that
/// admit it. A registered resource decides itself, also where it is the default one.
pub fn resources_of_client(authority: &Authority, catalogue: &Catalogue, client: &Client) -> Vec<Resource> {
    let default = authority.default_resource();
    let may = |resource: &&Resource| match catalogue.resource(resource) {
        Some(registered) => registered.admits(client),
        None => *resource == default || !catalogue.is_being_removed(resource),
    };
    let mut resources: Vec<_> = client.resources.iter().filter(may).cloned().collect();
    let issuer = Resource::parse(authority.issuer());
    let admitting = catalogue.resources().iter().filter(|resource| resource.admits(client));
    let admitting = admitting.map(|resource| &resource.identifier);
    for other in issuer.iter().chain([default].into_iter().filter(may)).chain(admitting) {
        if !resources.contains(other) {
            resources.push(other.clone());
        }
    }
    resources
}

impl Rules {
    /// Returns the rules of this server itself.
    pub fn of_server(authority: &Authority) -> Self {
        let administration = |acr| StepUp { of: StepUpOf::Administration, acr: Some(acr), max_age: None };
        Self { step_up: authority.admin_acr().map(administration).into_iter().collect(), ..Self::default() }
    }

    /// Returns the rules of this server and of the registered ones of these resources.
    pub fn of(authority: &Authority, catalogue: &Catalogue, resources: &[Resource]) -> Self {
        let mut rules = Self::of_server(authority);
        for resource in resources.iter().filter_map(|resource| catalogue.resource(resource)) {
            let identifier = || resource.identifier.clone();
            rules.scopes.push(ResourceScope { resource: identifier(), scope: resource.scope() });
            let ProtectedResource { acr, max_age, .. } = *resource;
            if acr.is_some() || max_age.is_some() {
                rules.step_up.push(StepUp { of: StepUpOf::Resource(identifier()), acr, max_age });
            }
            rules.tokens.push(TokenRule {
                resource: identifier(),
                alone: !resource.other_audiences,
                lifetime: resource.access_token_lifetime,
                algorithm: resource.signing_algorithm,
            });
            rules.lifetime = Some(authority.access_token_ttl());
        }
        rules
    }

    /// Returns the part of a scope that at least one of these resources knows. What concerns the user alone is known everywhere: it
    /// decides about the ID token and the refresh token beside the access token.
    pub fn known_scope(&self, scope: &Scope, resources: &[Resource]) -> Scope {
        let rule = |resource: &Resource| self.scopes.iter().find(|rule| rule.resource == *resource);
        scope.filter(|value| {
            concerns_user_alone(value)
                || resources.iter().any(|it| rule(it).is_none_or(|rule| rule.scope.contains(value)))
        })
    }

    /// Returns the rule for the tokens of a resource.
    pub(super) fn token(&self, resource: &Resource) -> Option<&TokenRule> {
        self.tokens.iter().find(|rule| rule.resource == *resource)
    }

    /// Returns the lifetime of a token for these resources: the shortest that one of them demands.
    pub(super) fn lifetime_of(&self, resources: &[Resource]) -> Option<u64> {
        resources.iter().filter_map(|it| self.token(it).and_then(|rule| rule.lifetime).or(self.lifetime)).min()
    }

    /// Returns the sign-in that a token of this scope for these resources requires; `None` if it requires none.
    pub fn required_sign_in(&self, scope: &Scope, resources: &[Resource]) -> Option<RequiredSignIn> {
        let concerns = |step_up: &&StepUp| match &step_up.of {
            StepUpOf::Resource(resource) => resources.contains(resource),
            StepUpOf::Scope(value) => scope.contains(value),
            StepUpOf::Administration => scope.values().iter().any(|value| is_administrative(value)),
        };
        self.step_up.iter().filter(concerns).fold(None, |all, step_up| {
            let RequiredSignIn { acr, max_age } = all.unwrap_or_default();
            let max_age = [max_age, step_up.max_age].into_iter().flatten().min();
            Some(RequiredSignIn { acr: acr.max(step_up.acr), max_age })
        })
    }
}
