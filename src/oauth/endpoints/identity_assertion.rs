//! The identity assertion JWT authorization grant, ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant-06): a client of one
//! authorization server gets access at another one for the user who signed in.
//!
//! The identity provider issues the assertion by token exchange (section 4.3), if a rule of an operator permits it. The other server accepts
//! it by the JWT bearer grant (section 4.4), if an operator trusts its issuer for that. This file has what both write and read.

use serde::Serialize;
use serde_json::Value;

use crate::oauth::endpoints::{assertion, id_token};
use crate::oauth::grant::gate::AssertionPermit;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{GrantRefusal, SignIn};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::exchange_rule::{AssertionTarget, ExchangeRule};
use crate::oauth::vocabulary::resource::Resource;
use crate::token::{Claims, UnixTime};

/// The value of `typ` (section 3.1).
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";
/// The name of the profile in the metadata of a server that accepts it (section 7.2).
pub const PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";
/// The maximum lifetime of an assertion, seconds.
const LIFETIME: u64 = 300;
/// The claims that restrict an assertion in a way that this server cannot enforce: a key of its holder, actors, authorization details, and
/// tenants, within which alone a subject is unique.
const RESTRICTING: [&str; 6] = ["act", "aud_tenant", "authorization_details", "cnf", "may_act", "tenant"];

/// What a rule allows for a requested assertion.
#[derive(Clone, Debug)]
pub struct Target<'r> {
    /// The rule.
    pub rule: &'r ExchangeRule,
    /// The other server, and the client there.
    pub server: &'r AssertionTarget,
    /// The resources that the assertion names; empty for none.
    pub resources: Vec<Resource>,
}

impl Target<'_> {
    /// Returns the other server and the resources there, for which the operator may require a sign-in of some strength.
    pub fn all(&self) -> Vec<Resource> {
        self.rule.targets.iter().chain(&self.resources).cloned().collect()
    }
}

/// Finds the rule for the other server and its resources (section 4.3.1). `audience` names the server, compared without the slash of an
/// empty path, which clients that parse URLs add; the assertion has the text of the rule.
///
/// # Errors
/// [`Refusal::MissingParameter`] without an audience, [`Refusal::ExchangeTarget`] for several, or if no rule has it or its resources.
pub fn target<'r>(
    rules: &[&'r ExchangeRule],
    audiences: &[Resource],
    resources: &[Resource],
) -> Result<Target<'r>, Refusal> {
    let audience = match audiences {
        [] => return Err(Refusal::MissingParameter),
        [only] => only,
        _ => return Err(Refusal::ExchangeTarget),
    };
    let rule = rules.iter().find(|rule| rule.targets.contains(audience)).ok_or(Refusal::ExchangeTarget)?;
    let server = rule.assertion.as_ref().ok_or(Refusal::ExchangeTarget)?;
    let resources = server.resources_for(resources).ok_or(Refusal::ExchangeTarget)?;
    Ok(Target { rule, server, resources })
}

/// The claims of an assertion (section 3.1).
#[derive(Debug, Serialize)]
pub struct IdJag {
    iss: String,
    sub: String,
    aud: String,
    client_id: String,
    jti: TokenId,
    iat: UnixTime,
    exp: UnixTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource: Vec<Resource>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    auth_time: UnixTime,
    acr: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

impl IdJag {
    /// Makes the claims of an assertion that the gate has permitted. `jti` is a fresh random identifier; `ends` is when the subject token
    /// ends, which the assertion does not outlive.
    ///
    /// # Errors
    /// [`Refusal::ExchangeSubject`] for a subject token that only the tolerance for clocks keeps.
    pub fn new(
        authority: &Authority,
        account: &AccountId,
        target: &Target<'_>,
        (permit, sign_in): (&AssertionPermit, &SignIn),
        jti: TokenId,
        ends: UnixTime,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        let exp = now.plus(LIFETIME).min(ends);
        if exp <= now {
            return Err(Refusal::ExchangeSubject);
        }
        Ok(Self {
            iss: authority.issuer().to_owned(),
            sub: account.to_string(),
            aud: target.server.issuer.clone(),
            client_id: target.server.client_id.clone(),
            jti,
            iat: now,
            exp,
            resource: target.resources.clone(),
            scope: permit.scope().to_string(),
            auth_time: sign_in.at,
            acr: id_token::acr(authority, sign_in).value(),
            amr: sign_in.amr.clone(),
        })
    }

    /// Returns the identifier.
    pub const fn jti(&self) -> &TokenId {
        &self.jti
    }

    /// Returns the scope.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Returns the lifetime, seconds.
    pub const fn lifetime(&self) -> u64 {
        self.exp.0.saturating_sub(self.iat.0)
    }
}

/// Returns the refusal of a request that the account of the subject refused. A subject token of another client is refused as one that does
/// not exist. No grant ends.
pub const fn refusal_of_account(refusal: GrantRefusal) -> Refusal {
    match refusal {
        GrantRefusal::RightsLost | GrantRefusal::Scope => Refusal::ScopeNotAllowed,
        GrantRefusal::Resource | GrantRefusal::Audience => Refusal::ResourceNotAllowed,
        GrantRefusal::ClientAuthentication
        | GrantRefusal::ClientDisabled
        | GrantRefusal::GrantType
        | GrantRefusal::StepUp => Refusal::Grant(refusal),
        GrantRefusal::CodeRedirect
        | GrantRefusal::CodeReused
        | GrantRefusal::CodeSpent
        | GrantRefusal::CodeVerifier
        | GrantRefusal::ConsentMissing
        | GrantRefusal::GrantExpired
        | GrantRefusal::GrantOfAnother
        | GrantRefusal::GrantUnknown
        | GrantRefusal::RefreshReused
        | GrantRefusal::UserDisabled => Refusal::ExchangeSubject,
    }
}

/// What an accepted assertion of another server says about the request for which it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegated {
    /// The client that may use it (`client_id`).
    pub client: String,
    /// The resources for which it may be used; empty for any.
    pub resources: Vec<Resource>,
}

impl Delegated {
    /// Reads the claims that only an identity assertion has (sections 3.1 and 4.4.1), beside those that
    /// [`accept`](crate::oauth::endpoints::jwt_bearer::accept) checks for every assertion. `None` if one is missing or malformed,
    /// or if a claim is a restriction that this server cannot enforce.
    pub fn read(authority: &Authority, claims: &Claims) -> Option<Self> {
        let members = claims.members();
        let is_enforced = !RESTRICTING.iter().any(|name| members.contains_key(*name));
        let is_for_us = assertion::names_only(members.get("aud"), &[authority.issuer().to_owned()], 0);
        (is_enforced && is_for_us && claims.time("iat").is_some()).then_some(())?;
        Some(Self {
            client: claims.text("client_id").filter(|id| !id.is_empty())?.to_owned(),
            resources: members.get("resource").map_or(Some(Vec::new()), resources_of)?,
        })
    }

    /// Returns the resources of the request: those that it names, which the assertion limits, or those of the assertion.
    ///
    /// # Errors
    /// [`Refusal::ResourceNotAllowed`].
    pub fn requested_resources(&self, requested: Vec<Resource>) -> Result<Vec<Resource>, Refusal> {
        let is_covered = |resource: &Resource| self.resources.is_empty() || self.resources.contains(resource);
        match requested.as_slice() {
            [] => Ok(self.resources.clone()),
            named if named.iter().all(is_covered) => Ok(requested),
            _ => Err(Refusal::ResourceNotAllowed),
        }
    }
}

/// A URI, or a list of URIs that is not empty: an empty one would limit nothing.
fn resources_of(claim: &Value) -> Option<Vec<Resource>> {
    match claim {
        Value::Array(list) if !list.is_empty() => list.iter().map(|item| Resource::parse(item.as_str()?)).collect(),
        claim => Some(vec![Resource::parse(claim.as_str()?)?]),
    }
}
