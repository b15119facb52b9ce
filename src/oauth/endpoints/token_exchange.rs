//! Token exchange (RFC 8693): a client presents a token that it received, and gets one for another resource about the same
//! subject.
//!
//! A rule of an operator ([`ExchangeRule`]) allows each exchange. The new token is never wider than the subject token and never
//! outlives it; its identifier and its status list entry lead to the same grant, so that ending the grant ends both.

use serde_json::Value;

use crate::oauth::endpoints::bearer;
use crate::oauth::endpoints::identity_assertion::ID_JAG_TYPE;
use crate::oauth::endpoints::token_endpoint::resources_of;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::gate::{self, Check, ClientFacts, Facts, Granted, Permit, Requested, UserFacts};
use crate::oauth::grant::{GrantRefusal, SignIn};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::actor::{Actor, Delegation, MayAct};
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{Client, ClientId, GrantType};
use crate::oauth::vocabulary::exchange_rule::{ExchangeMode, ExchangeRule};
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::status_entry::StatusEntry;
use crate::token::{Expected, Policy, Token, UnixTime};
use crate::wire::Form;

/// A type of token (RFC 8693 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// An access token of this server.
    AccessToken,
    /// An ID token of this server for the client that presents it.
    IdToken,
    /// A refresh token of this server of the client that presents it.
    RefreshToken,
    /// An identity assertion for another authorization server (draft-ietf-oauth-identity-assertion-authz-grant-06).
    IdJag,
}

/// A row of the table of token types.
struct TokenTypeRow {
    name: &'static str,
    /// The value of `typ`, which must agree with the type that the client declares. No token has the empty type of a refresh token, which
    /// is no JWT.
    typ: &'static str,
    /// The types of the subject tokens for which an exchange issues it.
    subjects: &'static [TokenType],
    /// The claims without which it is refused.
    required: &'static [&'static str],
}

impl TokenType {
    /// All values.
    pub const ALL: [Self; 4] = [Self::AccessToken, Self::IdToken, Self::RefreshToken, Self::IdJag];
    /// The types of actor tokens.
    const ACTORS: [Self; 2] = [Self::AccessToken, Self::IdToken];

    const fn row(self) -> TokenTypeRow {
        match self {
            Self::AccessToken => TokenTypeRow {
                name: "urn:ietf:params:oauth:token-type:access_token",
                typ: "at+jwt",
                subjects: &[Self::AccessToken, Self::IdToken],
                required: &["sub", "aud", "client_id", "iat", "exp", "jti"],
            },
            Self::IdToken => TokenTypeRow {
                name: "urn:ietf:params:oauth:token-type:id_token",
                typ: "JWT",
                subjects: &[],
                required: &["sub", "aud", "iat", "exp", "jti", "sid"],
            },
            Self::RefreshToken => TokenTypeRow {
                name: "urn:ietf:params:oauth:token-type:refresh_token",
                typ: "",
                subjects: &[],
                required: &[],
            },
            Self::IdJag => TokenTypeRow {
                name: "urn:ietf:params:oauth:token-type:id-jag",
                typ: ID_JAG_TYPE,
                subjects: &[Self::IdToken, Self::RefreshToken],
                required: &[],
            },
        }
    }

    /// Returns the registered name.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the policy for presented tokens of the type: issued by this server, with this `typ`, for any audience.
    pub fn policy(self, authority: &Authority) -> Policy {
        Policy {
            types: Expected::one(self.row().typ),
            required_claims: self.row().required.iter().map(|name| (*name).to_owned()).collect(),
            ..bearer::any_audience_policy(authority)
        }
    }

    /// Parses the name of one of these types.
    fn parse(name: &str, of: &[Self]) -> Result<Self, Refusal> {
        of.iter().copied().find(|known| known.name() == name).ok_or(Refusal::ExchangeTokenType)
    }
}

/// A token of the request, not verified yet.
#[derive(Clone, Debug)]
pub struct SentToken {
    /// Its text.
    pub text: String,
    /// The type that the client declares.
    pub kind: TokenType,
}

/// A parsed exchange request (RFC 8693 section 2.1).
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// The token whose subject the new token is about.
    pub subject: SentToken,
    /// The token of the acting party.
    pub actor: Option<SentToken>,
    /// The requested scope.
    pub scope: Option<Scope>,
    /// The requested resources (`resource`).
    pub resources: Vec<Resource>,
    /// The requested audiences (`audience`).
    pub audiences: Vec<Resource>,
    /// The type of the new token.
    pub issued: TokenType,
}

impl ExchangeRequest {
    /// Parses the form.
    ///
    /// # Errors
    /// [`Refusal::ClientAuthMissing`] for a public client, [`Refusal::MissingParameter`], [`Refusal::ExchangeTokenType`],
    /// [`Refusal::ExchangeActorIncomplete`], [`Refusal::ScopeMalformed`], [`Refusal::ResourceMalformed`],
    /// [`Refusal::ExchangeTarget`].
    pub fn parse(client: &Client, form: &Form) -> Result<Self, Refusal> {
        if client.is_public() {
            return Err(Refusal::ClientAuthMissing);
        }
        let issued = form.get("requested_token_type");
        let issued = issued.map_or(Ok(TokenType::AccessToken), |name| TokenType::parse(name, &TokenType::ALL))?;
        let subjects = issued.row().subjects;
        if subjects.is_empty() {
            return Err(Refusal::ExchangeTokenType);
        }
        let required = |name| form.get(name).ok_or(Refusal::MissingParameter);
        let subject = SentToken {
            text: required("subject_token")?.to_owned(),
            kind: TokenType::parse(required("subject_token_type")?, subjects)?,
        };
        let actor = match (form.get("actor_token"), form.get("actor_token_type")) {
            (None, None) => None,
            (Some(text), Some(kind)) => {
                Some(SentToken { text: text.to_owned(), kind: TokenType::parse(kind, &TokenType::ACTORS)? })
            }
            (Some(_), None) | (None, Some(_)) => return Err(Refusal::ExchangeActorIncomplete),
        };
        let scope = form.get("scope").map(|text| Scope::parse(text).ok_or(Refusal::ScopeMalformed)).transpose()?;
        let resources = resources_of(form)?;
        let audiences = form.all("audience").map(|text| Resource::parse(text).ok_or(Refusal::ExchangeTarget));
        Ok(Self { subject, actor, scope, resources, audiences: audiences.collect::<Result<_, _>>()?, issued })
    }

    /// Returns the targets of an access token. `audience` names a resource as `resource` does: this server knows its targets by no other
    /// names.
    pub fn targets(&self) -> Vec<Resource> {
        let mut targets = self.resources.clone();
        for audience in &self.audiences {
            if !targets.contains(audience) {
                targets.push(audience.clone());
            }
        }
        targets
    }
}

/// A verified token of the request. Whether it is active is to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedToken {
    /// The claims that an access token has; an ID token belongs to the client of its audience, and has no scope.
    pub token: AccessToken,
    /// The subject.
    pub subject: String,
    /// The scope; `None` for an ID token, which has that of its grant.
    pub scope: Option<Scope>,
    /// The status list entry.
    pub status: Option<StatusEntry>,
    audiences: Vec<String>,
    act: Option<Actor>,
    may_act: Option<MayAct>,
}

/// The claims of an access token that an exchange carries over or takes into account. Any other may be a restriction, such as the key
/// of its holder (`cnf`), that the new token would lack.
const KNOWN_CLAIMS: [&str; 15] = [
    "acr",
    "act",
    "amr",
    "aud",
    "auth_time",
    "client_id",
    "exp",
    "iat",
    "iss",
    "jti",
    "may_act",
    "nbf",
    "scope",
    "status",
    "sub",
];

impl PresentedToken {
    /// Reads a token that [`TokenType::policy`] accepts and a key of this server has signed, which `client` presents. `None` if
    /// this server did not write it so, if it is an ID token for another client, or has a claim that would be lost.
    pub fn read(authority: &Authority, client: &ClientId, kind: TokenType, token: &Token) -> Option<Self> {
        let members = token.claims().members();
        let claim = |name: &str| members.get(name);
        let subject = claim("sub")?.as_str()?.to_owned();
        let (access, scope) = match kind {
            TokenType::AccessToken => {
                let access = AccessToken::read(token).filter(|access| is_about(access, &subject))?;
                let scope = access.scope.clone();
                (access, Some(scope))
            }
            TokenType::IdToken => (AccessToken::of_id_token(token).filter(|access| access.client == *client)?, None),
            TokenType::RefreshToken | TokenType::IdJag => return None,
        };
        let is_known = |name: &String| KNOWN_CLAIMS.contains(&name.as_str());
        let is_complete = match kind {
            TokenType::AccessToken => members.keys().all(is_known),
            // Its other claims are about the user.
            TokenType::IdToken | TokenType::RefreshToken | TokenType::IdJag => claim("cnf").is_none(),
        };
        is_complete.then_some(())?;
        Some(Self {
            token: access,
            subject,
            scope,
            status: read(claim("status"), |status| StatusEntry::of_claim(authority, status))?,
            audiences: token.claims().audiences().map(str::to_owned).collect(),
            act: read(claim("act"), Actor::read)?,
            may_act: read(claim("may_act"), MayAct::read)?,
        })
    }

    /// Checks that the client may present it as an actor token: it was issued to the client itself, and names no
    /// actor.
    ///
    /// # Errors
    /// [`Refusal::ExchangeActor`].
    pub fn check_actor(&self, client: &ClientId) -> Result<(), Refusal> {
        if self.token.client == *client && self.act.is_none() { Ok(()) } else { Err(Refusal::ExchangeActor) }
    }
}

/// Reads an optional claim. The outer `None` is a claim that cannot be read.
#[allow(clippy::option_option)] // Missing and unreadable are different outcomes.
fn read<T>(claim: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
    claim.map_or(Some(None), |claim| read(claim).map(Some))
}

/// Returns whether the identifier leads to the subject: to the user's account, or to the client's registry. The root client has no
/// tokens to exchange: they administer this server.
fn is_about(token: &AccessToken, subject: &str) -> bool {
    match (&token.grant, &token.account) {
        (Some(_), account) => account.is_some(),
        (None, _) => token.registry.as_str() == subject && !token.registry.is_root(),
    }
}

/// What the rules allow for an exchange: if several match, what each of them allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The resources of the new token.
    pub targets: Vec<Resource>,
    /// The scope that it may have.
    pub scope: Scope,
    /// What it says about the client.
    pub mode: ExchangeMode,
}

/// Returns the rules about a client and tokens of a type.
///
/// # Errors
/// [`Refusal::ExchangeNotAllowed`] if there is none.
pub fn rules_of<'r>(
    rules: &'r [ExchangeRule],
    client: &ClientId,
    issued: TokenType,
) -> Result<Vec<&'r ExchangeRule>, Refusal> {
    let issues = |rule: &&ExchangeRule| rule.assertion.is_some() == (issued == TokenType::IdJag);
    let rules: Vec<_> = rules.iter().filter(|rule| rule.client == *client).filter(issues).collect();
    if rules.is_empty() { Err(Refusal::ExchangeNotAllowed) } else { Ok(rules) }
}

/// Returns what the rules of the client allow for a subject token and the requested targets. Without targets, it is the only one that the rules
/// allow for the token.
///
/// # Errors
/// [`Refusal::ExchangeSource`], [`Refusal::ExchangeTarget`].
pub fn allowed(rules: &[&ExchangeRule], subject: &PresentedToken, requested: &[Resource]) -> Result<Allowed, Refusal> {
    let is_source = |rule: &&&ExchangeRule| rule.is_from(subject.audiences.iter().map(String::as_str));
    let rules: Vec<_> = rules.iter().filter(is_source).copied().collect();
    let first = rules.first().and_then(|rule| rule.targets.first()).ok_or(Refusal::ExchangeSource)?;
    let targets = match requested {
        [] if rules.iter().all(|rule| rule.targets.iter().all(|target| target == first)) => vec![first.clone()],
        [] => return Err(Refusal::ExchangeTarget),
        requested => requested.to_vec(),
    };
    let is_allowed = |target: &Resource| rules.iter().any(|rule| rule.targets.contains(target));
    if !targets.iter().all(is_allowed) {
        return Err(Refusal::ExchangeTarget);
    }
    let matching = rules.iter().filter(|rule| targets.iter().any(|target| rule.targets.contains(target)));
    let narrower = |allowed: Option<Allowed>, rule: &&ExchangeRule| {
        Some(match allowed {
            None => Allowed { targets: targets.clone(), scope: rule.scope.clone(), mode: rule.mode },
            Some(allowed) => {
                Allowed { scope: allowed.scope.within(&rule.scope), mode: allowed.mode.max(rule.mode), ..allowed }
            }
        })
    };
    matching.fold(None, narrower).ok_or(Refusal::ExchangeTarget)
}

/// Everything that decides what the new token permits.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'e> {
    /// The client that exchanges.
    pub client: &'e ClientFacts,
    /// The user of the subject token; `None` if it is about a client.
    pub user: Option<UserFacts<'e>>,
    /// The scope of the subject token.
    pub of_subject: &'e Scope,
    /// The sign-in of the user.
    pub sign_in: Option<&'e SignIn>,
    /// The scope that the rules allow.
    pub scope: &'e Scope,
    /// The resources of the new token, which the rules allow.
    pub targets: &'e [Resource],
    /// The requested scope.
    pub requested: Option<&'e Scope>,
}

/// Decides what the new token permits: what the subject token and the rules have in common passes the gate.
///
/// # Errors
/// The first check of the gate that fails; [`Check::Scope`] if the subject token and the rules have no scope value in common;
/// [`Check::Resource`] if the client may not request the targets.
pub fn permit(exchange: &Exchange<'_>, now: UnixTime) -> Result<Permit, Check> {
    let Exchange { client, user, of_subject, sign_in, scope, targets, requested } = *exchange;
    let common = of_subject.within(scope);
    if common.is_empty() && !of_subject.is_empty() && !scope.is_empty() {
        return Err(Check::Scope);
    }
    let granted = Granted { owner: None, scope: &common, resources: targets, offline: false, sign_in };
    let facts = Facts { client, user, granted, requested: Requested { scope: requested, resources: targets } };
    let pass = if user.is_some() { gate::pass } else { gate::pass_for_client_itself };
    pass(GrantType::TokenExchange, &facts, now).map_err(|failed| match failed {
        Check::Rights if !targets.iter().any(|target| client.resources.contains(target)) => Check::Resource,
        failed => failed,
    })
}

/// Returns who acts in the new token. The acting party is the subject of the actor token, or the client itself. Those who acted until now
/// are never dropped.
///
/// # Errors
/// [`Refusal::ExchangeMayAct`], [`Refusal::ExchangeModeActor`], [`Refusal::ExchangeActors`].
pub fn delegation(
    authority: &Authority,
    mode: ExchangeMode,
    client: &ClientId,
    subject: &PresentedToken,
    actor: Option<&PresentedToken>,
) -> Result<Delegation, Refusal> {
    let party = actor.map_or(client.as_str(), |actor| &actor.subject);
    if subject.may_act.as_ref().is_some_and(|may_act| !may_act.admits(authority, party)) {
        return Err(Refusal::ExchangeMayAct);
    }
    let act = match mode {
        ExchangeMode::Impersonation if actor.is_some() => return Err(Refusal::ExchangeModeActor),
        ExchangeMode::Impersonation => subject.act.clone(),
        ExchangeMode::Delegation => Some(Actor::after(party, subject.act.clone()).ok_or(Refusal::ExchangeActors)?),
    };
    Ok(Delegation { act, may_act: subject.may_act.clone() })
}

/// Returns the end of the new token: it outlives neither the subject token nor the tokens of its grant.
///
/// # Errors
/// [`Refusal::ExchangeSubject`] for a subject token that only the tolerance for clocks keeps.
pub fn end(subject: &PresentedToken, grant_ends: UnixTime, now: UnixTime) -> Result<UnixTime, Refusal> {
    let end = grant_ends.min(subject.token.expires_at);
    if now < end { Ok(end) } else { Err(Refusal::ExchangeSubject) }
}

/// Returns the refusal of a request that the account of the subject refused. No grant ends.
pub const fn refusal_of_account(refusal: GrantRefusal) -> Refusal {
    match refusal {
        GrantRefusal::GrantUnknown | GrantRefusal::GrantExpired | GrantRefusal::UserDisabled => {
            Refusal::ExchangeSubject
        }
        GrantRefusal::RightsLost | GrantRefusal::Scope => Refusal::ScopeNotAllowed,
        GrantRefusal::Resource => Refusal::ResourceNotAllowed,
        GrantRefusal::StepUp => Refusal::ExchangeStepUp,
        GrantRefusal::Audience
        | GrantRefusal::ClientAuthentication
        | GrantRefusal::ClientDisabled
        | GrantRefusal::CodeRedirect
        | GrantRefusal::CodeReused
        | GrantRefusal::CodeSpent
        | GrantRefusal::CodeVerifier
        | GrantRefusal::ConsentMissing
        | GrantRefusal::GrantOfAnother
        | GrantRefusal::GrantType
        | GrantRefusal::RefreshReused => Refusal::Grant(refusal),
    }
}
