//! The JWT bearer grant (RFC 7523 sections 2.1 and 3, RFC 10070 section 4): an assertion yields an access token.
//!
//! The assertion comes from a trusted issuer, or from a client that asserts for itself (a service account). The order: the request
//! names the issuer; its keys check the signature; then [`accept`] checks the claims and returns whom the assertion is about;
//! then [`client_of`] finds the client. Nothing is decided by the unverified claims except whose keys to use.

use crate::oauth::endpoints::assertion;
use crate::oauth::endpoints::identity_assertion::{Delegated, ID_JAG_TYPE};
use crate::oauth::endpoints::token_endpoint::resources_of;
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::{AssertionAudience, Client, ClientId};
use crate::oauth::vocabulary::compatibility::Item;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::lifetimes::Lifetimes;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::trusted_issuer::{Assertions, Presence, SubjectRule, TrustedIssuer};
use crate::token::{
    Algorithm, Claims, DEFAULT_MAX_BYTES, Header, Policy, Token, UnixTime, VerifyError, decode_unverified,
};
use crate::wire::Form;

pub use crate::oauth::endpoints::assertion::{AssertedText, AssertionUse};

/// The types of assertions of RFC 7523: no type of their own is registered (RFC 10070 section 4).
const TYPES: [&str; 1] = ["JWT"];
/// The longest time for which an assertion without `jti` is valid, seconds: until then it can be replayed.
const LIFETIME_WITHOUT_JTI: u64 = 600;
/// How far in the future `iat` may be, seconds.
const MAX_AHEAD: u64 = 60;

/// A parsed request.
#[derive(Debug)]
pub struct AssertionRequest {
    /// The assertion, not verified yet.
    pub assertion: String,
    /// Its `iss`, not verified yet: it says whose keys to use.
    pub issuer: String,
    /// The `client_id` of the request.
    pub client_id: Option<ClientId>,
    /// The requested scope.
    pub scope: Option<Scope>,
    /// The requested resources.
    pub resources: Vec<Resource>,
}

impl AssertionRequest {
    /// Parses the form.
    ///
    /// # Errors
    /// A missing or malformed assertion, a malformed `client_id`, `scope` or `resource`.
    pub fn parse(form: &Form) -> Result<Self, Refusal> {
        let assertion = form.get("assertion").ok_or(Refusal::MissingParameter)?.to_owned();
        let (_, claims) = decode_unverified(&assertion, DEFAULT_MAX_BYTES).map_err(|_| Refusal::Assertion)?;
        let client_id = form.get("client_id").map(|id| ClientId::parse(id).ok_or(Refusal::ClientAuthMalformed));
        let scope = form.get("scope").map(|text| Scope::parse(text).ok_or(Refusal::ScopeMalformed));
        Ok(Self {
            issuer: claims.text("iss").ok_or(Refusal::Assertion)?.to_owned(),
            assertion,
            client_id: client_id.transpose()?,
            scope: scope.transpose()?,
            resources: resources_of(form)?,
        })
    }
}

/// The issuer of an assertion.
#[derive(Clone, Copy, Debug)]
pub enum Asserter<'a> {
    /// A trusted issuer.
    TrustedIssuer(&'a TrustedIssuer),
    /// A client that asserts for itself.
    ServiceAccount(&'a Client),
}

impl Asserter<'_> {
    /// Returns the source of its public keys.
    pub fn keys(&self) -> &KeySource {
        match self {
            Self::TrustedIssuer(issuer) => &issuer.keys,
            Self::ServiceAccount(client) => client.keys(),
        }
    }

    /// Returns the policy for its assertions. [`accept`] checks what a policy cannot express.
    pub fn policy(&self, authority: &Authority) -> Policy {
        let (issuer, algorithms) = match self {
            Self::TrustedIssuer(issuer) => (issuer.record.issuer.as_str(), issuer.record.algorithms.clone()),
            Self::ServiceAccount(client) => {
                let registered = client.assertion_algorithm().map(|algorithm| vec![algorithm]);
                (client.id.as_str(), registered.unwrap_or_else(|| Algorithm::ASYMMETRIC.to_vec()))
            }
        };
        let required: &[&str] = if self.may_omit_jti_and_sub(authority) { &["exp"] } else { &["sub", "exp"] };
        assertion::policy(issuer, self.audiences(authority), algorithms, required)
    }

    /// RFC 10070 section 4 leaves both audiences to authorization grants; service accounts use either.
    fn audiences(&self, authority: &Authority) -> Vec<String> {
        let audience = match self {
            Self::TrustedIssuer(issuer) => issuer.record.audience,
            Self::ServiceAccount(_) => AssertionAudience::TokenEndpoint,
        };
        assertion::audiences(authority, audience)
    }

    /// Returns whether an operator permits this issuer assertions that some libraries of service accounts send: without `jti`, and
    /// without `sub` where they are about the client itself.
    fn may_omit_jti_and_sub(&self, authority: &Authority) -> bool {
        match self {
            Self::TrustedIssuer(_) => false,
            Self::ServiceAccount(client) => client.is_permitted(Item::AssertionWithoutJti, authority),
        }
    }

    /// Returns the kind of its assertions. A client that asserts for itself is no identity provider.
    fn assertions(&self) -> Assertions {
        match self {
            Self::TrustedIssuer(issuer) => issuer.record.assertions,
            Self::ServiceAccount(_) => Assertions::Jwt,
        }
    }

    fn jti(&self) -> Presence {
        match self {
            Self::TrustedIssuer(issuer) => issuer.record.jti,
            Self::ServiceAccount(client) => client.service_account().jti,
        }
    }
}

/// Whom an assertion is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A client.
    Client(ClientId),
    /// A user, by the identifier of the account.
    Account(AccountId),
    /// A user, by the local user name.
    Username(String),
    /// A user, by the subject at this upstream provider.
    Upstream {
        /// The provider's issuer identifier.
        issuer: String,
        /// The subject.
        subject: String,
    },
}

/// A verified assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whom it is about.
    pub subject: Subject,
    /// The scope that it asks for.
    pub scope: Option<Scope>,
    /// How often it can be used.
    pub once: Once,
    /// What an identity assertion says about its request; `None` for any other assertion.
    pub delegated: Option<Delegated>,
}

/// How often an assertion can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// Once, by its `jti`.
    Identified(AssertionUse),
    /// Once by its text, which a library writes twice within a second: the same request gets the same token within the replay window.
    ByText(AssertedText),
    /// Until it expires.
    Repeatable,
}

/// The first use of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstUse {
    /// When it was; its token is issued then.
    pub at: UnixTime,
    /// Whether this is a later one, which gets the same token.
    pub repeated: bool,
}

impl FirstUse {
    /// Decides the use of an assertion that was used first at `first`, by its text. `is_new`: whether this is that use.
    ///
    /// # Errors
    /// [`Refusal::AssertionReplay`] after the replay window.
    pub fn of_text(first: UnixTime, is_new: bool, lifetimes: &Lifetimes, now: UnixTime) -> Result<Self, Refusal> {
        if is_new || lifetimes.is_replay(first, now) {
            Ok(Self { at: first, repeated: !is_new })
        } else {
            Err(Refusal::AssertionReplay)
        }
    }
}

/// Checks the rest of an assertion whose signature and policy have been checked.
///
/// `text` is the assertion as it was sent.
///
/// 1. It expires within an hour, and is not from the future.
/// 2. Its type is that of the assertions of its issuer.
/// 3. It names this server as its only audience.
/// 4. It has a `jti`; or it may go without, and is signed with RS256 and used once by its text, or is at most ten minutes old.
/// 5. An identity assertion names its client, and restricts nothing that this server cannot enforce.
/// 6. Its subject is one that its issuer may name.
///
/// # Errors
/// [`Refusal::Assertion`], [`Refusal::AssertionSubject`], [`Refusal::ScopeMalformed`].
pub fn accept(
    authority: &Authority,
    asserter: Asserter<'_>,
    text: &str,
    assertion: Result<Token, VerifyError>,
    now: UnixTime,
) -> Result<Accepted, Refusal> {
    let assertion = assertion.map_err(|_| Refusal::Assertion)?;
    let claims = assertion.claims();
    let may_omit = asserter.may_omit_jti_and_sub(authority);
    let is_by_text = may_omit && claims.members().get("jti").is_none() && assertion.header().alg() == Algorithm::Rs256;
    let expires_soon_enough = match is_by_text {
        true => assertion::expires_soon_enough_by_their_clock(claims, now),
        false => assertion::expires_soon_enough(claims, now),
    };
    let is_accepted = expires_soon_enough
        && claims.time("iat").is_none_or(|iat| iat <= assertion::seconds(now.plus(MAX_AHEAD)))
        && has_type_of(asserter.assertions(), assertion.header())
        && assertion::names_only(claims.members().get("aud"), &asserter.audiences(authority), 1);
    if !is_accepted {
        return Err(Refusal::Assertion);
    }
    let once = match claims.members().get("jti") {
        Some(_) => Once::Identified(assertion::used(claims, now).ok_or(Refusal::Assertion)?),
        None if is_by_text => Once::ByText(AssertedText::of(text, now)),
        None if asserter.jti() == Presence::Optional && is_recent(claims, now) => Once::Repeatable,
        None => return Err(Refusal::Assertion),
    };
    let delegated = match asserter.assertions() {
        Assertions::Jwt => None,
        Assertions::IdJag => Some(Delegated::read(authority, claims).ok_or(Refusal::Assertion)?),
    };
    let subject = match (claims.members().get("sub"), asserter) {
        (Some(subject), _) => subject.as_str().ok_or(Refusal::Assertion)?,
        (None, Asserter::ServiceAccount(client)) if may_omit => client.id.as_str(),
        (None, _) => return Err(Refusal::Assertion),
    };
    let subject = subject_of(asserter, subject).ok_or(Refusal::AssertionSubject)?;
    Ok(Accepted { subject, scope: scope_of(claims)?, once, delegated })
}

/// Returns whether the type is that of this kind of assertions. Those of RFC 7523 may go without one.
fn has_type_of(assertions: Assertions, header: &Header) -> bool {
    match assertions {
        Assertions::Jwt => assertion::has_type(header, &TYPES),
        Assertions::IdJag => header.is_type(ID_JAG_TYPE),
    }
}

/// Returns the client of a request: the subject of the assertion, or for a user the client that authenticated or is named, or the only one
/// that may use assertions of the issuer. `authenticated` is the client that authenticated, if one did; for an identity assertion
/// it is the one that the assertion names.
///
/// # Errors
/// [`Refusal::AssertionClient`] if it is not a client that may use the assertion, or two are named;
/// [`Refusal::MissingParameter`] if several may use it and none is named; [`Refusal::ClientAuthMissing`].
pub fn client_of(
    asserter: Asserter<'_>,
    accepted: &Accepted,
    authenticated: Option<&ClientId>,
    named: Option<&ClientId>,
) -> Result<ClientId, Refusal> {
    if let Some(delegated) = &accepted.delegated {
        let client = authenticated.ok_or(Refusal::ClientAuthMissing)?;
        if delegated.client != client.as_str() {
            return Err(Refusal::AssertionClient);
        }
    }
    let sent = authenticated.or(named);
    let client = match (asserter, &accepted.subject) {
        (Asserter::ServiceAccount(client), _) => &client.id,
        (Asserter::TrustedIssuer(_), Subject::Client(client)) => client,
        (Asserter::TrustedIssuer(issuer), _) => match (sent, issuer.record.clients.as_slice()) {
            (Some(client), _) | (None, [client]) => client,
            (None, _) => return Err(Refusal::MissingParameter),
        },
    };
    let is_the_same = [authenticated, named].into_iter().flatten().all(|sent| sent == client);
    if !is_the_same {
        return Err(Refusal::AssertionClient);
    }
    if let Asserter::TrustedIssuer(issuer) = asserter {
        if !issuer.record.clients.contains(client) {
            return Err(Refusal::AssertionClient);
        }
        if issuer.record.client_authentication == Presence::Required && authenticated.is_none() {
            return Err(Refusal::ClientAuthMissing);
        }
    }
    Ok(client.clone())
}

/// Returns the scope that an operator allowed for tokens about this subject.
pub fn granted_scope<'a>(asserter: Asserter<'a>, subject: &Subject) -> &'a Scope {
    match (asserter, subject) {
        (Asserter::TrustedIssuer(issuer), _) => &issuer.record.scope,
        (Asserter::ServiceAccount(client), Subject::Client(_)) => &client.scope,
        (Asserter::ServiceAccount(client), Subject::Account(_) | Subject::Username(_) | Subject::Upstream { .. }) => {
            &client.service_account().scope
        }
    }
}

/// Returns the requested scope: that of the request, which the assertion limits, or that of the assertion.
///
/// # Errors
/// [`Refusal::ScopeNotAllowed`].
pub fn requested_scope(request: Option<Scope>, assertion: Option<Scope>) -> Result<Option<Scope>, Refusal> {
    match (request, assertion) {
        (Some(request), Some(assertion)) if !assertion.covers(&request) => Err(Refusal::ScopeNotAllowed),
        (request, assertion) => Ok(request.or(assertion)),
    }
}

/// Returns the refusal of a request whose scope is that of its assertion. The scope of an assertion that is used once by its text is part
/// of what it asserts: the libraries that send such assertions read every refusal of them as `invalid_grant`.
pub fn refusal_of_scope(refusal: Refusal, once: &Once) -> Refusal {
    match (refusal, once) {
        (Refusal::ScopeNotAllowed, Once::ByText(_)) => Refusal::AssertionScope,
        (refusal, _) => refusal,
    }
}

/// Returns the refusal of a request that the account refused.
pub const fn refusal_of_account(refusal: GrantRefusal) -> Refusal {
    match refusal {
        GrantRefusal::GrantUnknown => Refusal::AssertionSubject,
        // No grant ends: there was none.
        GrantRefusal::RightsLost | GrantRefusal::Scope => Refusal::ScopeNotAllowed,
        GrantRefusal::Resource => Refusal::ResourceNotAllowed,
        GrantRefusal::Audience
        | GrantRefusal::ClientAuthentication
        | GrantRefusal::ClientDisabled
        | GrantRefusal::CodeRedirect
        | GrantRefusal::CodeReused
        | GrantRefusal::CodeSpent
        | GrantRefusal::CodeVerifier
        | GrantRefusal::ConsentMissing
        | GrantRefusal::GrantExpired
        | GrantRefusal::GrantOfAnother
        | GrantRefusal::GrantType
        | GrantRefusal::RefreshReused
        | GrantRefusal::StepUp
        | GrantRefusal::UserDisabled => Refusal::Grant(refusal),
    }
}

/// Returns whether an assertion without `jti` is valid for ten minutes at most: by its expiry, or by its time of issue, since
/// some libraries let all of theirs expire in an hour.
fn is_recent(claims: &Claims, now: UnixTime) -> bool {
    let (lifetime, tolerance) = (assertion::seconds(UnixTime(LIFETIME_WITHOUT_JTI)), assertion::CLOCK_TOLERANCE);
    let Some(exp) = claims.time("exp") else {
        return false;
    };
    let end = claims.time("iat").map_or(exp, |iat| exp.min(iat + lifetime));
    let latest = assertion::seconds(now.plus(LIFETIME_WITHOUT_JTI + MAX_AHEAD));
    assertion::seconds(now) < end + assertion::seconds(UnixTime(tolerance)) && end <= latest
}

/// A list of scope values is not read: RFC 8693 section 4.2 defines a text.
fn scope_of(claims: &Claims) -> Result<Option<Scope>, Refusal> {
    let scope = match claims.members().get("scope") {
        None => return Ok(None),
        Some(scope) => scope.as_str().and_then(Scope::parse).ok_or(Refusal::ScopeMalformed)?,
    };
    // Some libraries send an empty claim for none.
    Ok(Some(scope).filter(|scope| !scope.is_empty()))
}

fn subject_of(asserter: Asserter<'_>, subject: &str) -> Option<Subject> {
    let issuer = match asserter {
        // A public client has no tokens of its own: nothing tells it from another one.
        Asserter::ServiceAccount(client) if subject == client.id.as_str() => {
            return (!client.is_public()).then(|| Subject::Client(client.id.clone()));
        }
        Asserter::ServiceAccount(client) => {
            let is_listed = client.service_account().users.iter().any(|user| user == subject);
            return AccountId::parse(subject).filter(|_| is_listed).map(Subject::Account);
        }
        Asserter::TrustedIssuer(issuer) => &issuer.record,
    };
    match issuer.subject {
        SubjectRule::ClientId => ClientId::parse(subject).map(Subject::Client),
        SubjectRule::MappedClient => issuer.subjects.get(subject).cloned().map(Subject::Client),
        SubjectRule::UserId => AccountId::parse(subject).map(Subject::Account),
        SubjectRule::Username => Some(Subject::Username(subject.to_owned())),
        SubjectRule::Upstream => Some(Subject::Upstream { issuer: issuer.issuer.clone(), subject: subject.to_owned() }),
    }
}
