//! A grant: what one account allowed one client, from the code to the last refresh. One state machine, pure:
//! [`step`] takes the stored grant, a command and the time, and says what to store and what to answer.
//!
//! Whoever calls it stores what it says before anybody hears the answer; then each code and each refresh token counts
//! once, whatever arrives at the same moment:
//!
//! - A **code** is redeemed once. The second time is refused (RFC 6749 section 4.1.2). Within the replay window, and
//!   with the right verifier, that is a client that asked twice, and nothing else happens; later it ends the grant.
//!   Whoever does not have the verifier can neither spend the code nor end the grant.
//! - A **refresh token** has a generation. The current one is exchanged for the next. The one before it gets *the same*
//!   successor within the replay window: clients do ask twice, and lose answers. Later it is reuse, and ends this grant
//!   and no other (RFC 9700 section 4.14.2).

pub mod consent;
pub mod handle;
mod refusal;
pub mod rights;

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

pub use self::refusal::GrantRefusal;
pub use crate::oauth::vocabulary::lifetimes::Lifetimes;
pub use crate::oauth::vocabulary::sign_in::{Acr, SignIn};

use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::rights::Rights;
use crate::oauth::vocabulary::claims::UserClaim;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::pkce::Challenge;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::scope::Scope;
use crate::oauth::vocabulary::status_entry::StatusEntry;

/// A grant as it is stored. What has ended is not stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Grant {
    /// Who may act on it.
    pub client: ClientId,
    /// What was allowed.
    pub scope: Scope,
    /// Where it may be used.
    pub resources: Vec<Resource>,
    /// The session in which it was allowed.
    pub session: SessionId,
    /// Whether it was allowed to outlive that session (`offline_access`, OpenID Connect Core section 11). It does so as
    /// long as its client may have that scope; see [`Grant::outlives_session`].
    pub offline: bool,
    /// How its person had signed in.
    pub sign_in: SignIn,
    /// What the code's verifier must hash to; kept to recognise who asks again.
    pub challenge: Challenge,
    /// When it was allowed.
    pub issued_at: UnixTime,
    /// Where the status of its access tokens stands; grants from before there were status lists have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// The claims about the user that the client asked for in the ID token (`claims`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<UserClaim>,
    /// When the last of its access tokens expires, as their lifetime was when they were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_end: Option<UnixTime>,
    /// How far it has come.
    pub stage: Stage,
}

/// How far a grant has come.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A code is out.
    Code {
        /// Where it was sent.
        redirect_uri: String,
        /// What the ID token repeats.
        nonce: Option<String>,
    },
    /// The code has been redeemed.
    Live {
        /// The current refresh token; 0 for none.
        generation: u64,
        /// When that one was made.
        turned_at: UnixTime,
        /// When it was last exchanged, for another or for itself.
        used_at: UnixTime,
        /// When the code was redeemed.
        redeemed_at: UnixTime,
    },
}

/// What is to happen to a grant.
#[derive(Debug)]
pub enum Command<'c> {
    /// Store a new grant with its code. The same twice is the same code: a form that was sent twice.
    Issue(Box<Grant>),
    /// Exchange the code (RFC 6749 section 4.1.3).
    Redeem {
        /// Who asks.
        client: &'c ClientId,
        /// Where it says that the code was sent; it may leave that out (OAuth 2.1).
        redirect_uri: Option<&'c str>,
        /// What its verifier hashes to.
        challenge: &'c Challenge,
        /// Only these resources, for this token (RFC 8707 section 2.2).
        resources: &'c [Resource],
        /// May it have a refresh token?
        refreshable: bool,
        /// What the client and the user may have now.
        rights: Rights<'c>,
        /// Does the session still stand?
        session_stands: bool,
    },
    /// Exchange a refresh token (RFC 6749 section 6).
    Refresh {
        /// Who asks.
        client: &'c ClientId,
        /// The generation that it has.
        generation: u64,
        /// Is each token used once? For public clients; the others prove who they are (RFC 9700 section 2.2.2).
        rotate: bool,
        /// Only this much of the scope.
        scope: Option<&'c Scope>,
        /// Only these resources.
        resources: &'c [Resource],
        /// What the client and the user may have now.
        rights: Rights<'c>,
        /// Does the session still stand?
        session_stands: bool,
    },
    /// End it, as its client asks (RFC 7009).
    Revoke {
        /// Who asks.
        client: &'c ClientId,
    },
}

/// What to store. It must be stored before the answer leaves.
#[derive(Debug)]
pub enum Next {
    /// Nothing changes.
    Keep,
    /// This.
    Put(Box<Grant>),
    /// Nothing any more: the grant has ended.
    End,
}

/// What to answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The code is out.
    Issued,
    /// Tokens may be made.
    Entitled(Entitlement),
    /// It has ended, or had.
    Ended,
}

/// What tokens may be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Entitlement {
    /// The scope of the access token.
    pub scope: Scope,
    /// Its audience.
    pub resources: Vec<Resource>,
    /// The generation of the refresh token that goes with it; 0 for none.
    pub generation: u64,
    /// From when the tokens are: a repeated answer has the same time.
    pub at: UnixTime,
    /// How the person had signed in.
    pub sign_in: SignIn,
    /// In which session.
    pub session: SessionId,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The claims about the user that the client asked for in the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token_claims: Vec<UserClaim>,
    /// Where the status of the access token stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusEntry>,
    /// Is it an answer that has been given before?
    pub repeated: bool,
}

/// What a refresh token stands for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Described {
    /// The scope of the grant.
    pub scope: Scope,
    /// When the token was made.
    pub at: UnixTime,
    /// Until when it can be exchanged.
    pub ends: UnixTime,
}

/// What a step decides.
#[derive(Debug)]
pub struct Step {
    /// What to store.
    pub next: Next,
    /// What to answer, once it is stored.
    pub outcome: Result<Outcome, GrantRefusal>,
}

impl Step {
    fn keep(outcome: Result<Outcome, GrantRefusal>) -> Self {
        Self { next: Next::Keep, outcome }
    }

    fn end(outcome: Result<Outcome, GrantRefusal>) -> Self {
        Self { next: Next::End, outcome }
    }
}

/// Decides. `grant` is what is stored, if anything.
pub fn step(grant: Option<Grant>, command: Command<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    match (command, grant) {
        (Command::Issue(new), None) => Step { next: Next::Put(new), outcome: Ok(Outcome::Issued) },
        (Command::Issue(new), Some(old)) => issue_again(&new, &old, lifetimes, now),
        (Command::Revoke { .. }, None) => Step::keep(Ok(Outcome::Ended)),
        (Command::Redeem { .. } | Command::Refresh { .. }, None) => Step::keep(Err(GrantRefusal::GrantUnknown)),
        (
            Command::Redeem { client, .. } | Command::Refresh { client, .. } | Command::Revoke { client },
            Some(Grant { client: owner, .. }),
        ) if *client != owner => Step::keep(Err(GrantRefusal::GrantOfAnother)),
        (Command::Revoke { .. }, Some(_)) => Step::end(Ok(Outcome::Ended)),
        (
            Command::Redeem { redirect_uri, challenge, resources, refreshable, rights, session_stands, .. },
            Some(grant),
        ) => {
            let request = Redemption { redirect_uri, challenge, resources, refreshable, rights, session_stands };
            redeem(grant, &request, lifetimes, now)
        }
        (Command::Refresh { generation, rotate, scope, resources, rights, session_stands, .. }, Some(grant)) => {
            let request = RefreshRequest { generation, rotate, scope, resources, rights, session_stands };
            refresh(grant, &request, lifetimes, now)
        }
    }
}

struct Redemption<'c> {
    redirect_uri: Option<&'c str>,
    challenge: &'c Challenge,
    resources: &'c [Resource],
    refreshable: bool,
    rights: Rights<'c>,
    session_stands: bool,
}

struct RefreshRequest<'c> {
    generation: u64,
    rotate: bool,
    scope: Option<&'c Scope>,
    resources: &'c [Resource],
    rights: Rights<'c>,
    session_stands: bool,
}

/// The same form again: the same code, as long as it is out.
fn issue_again(new: &Grant, old: &Grant, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let same = new.client == old.client && new.challenge.equals(&old.challenge) && new.stage == old.stage;
    Step::keep(if same && old.stands(lifetimes, now) { Ok(Outcome::Issued) } else { Err(GrantRefusal::CodeSpent) })
}

fn redeem(mut grant: Grant, request: &Redemption<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let knows_the_verifier = grant.challenge.equals(request.challenge);
    let stands = grant.stands(lifetimes, now) && (grant.offline || request.session_stands);
    match &mut grant.stage {
        _ if !knows_the_verifier => Step::keep(Err(GrantRefusal::CodeVerifier)),
        Stage::Live { redeemed_at, .. } if lifetimes.is_replay(*redeemed_at, now) => {
            Step::keep(Err(GrantRefusal::CodeSpent))
        }
        Stage::Live { .. } => Step::end(Err(GrantRefusal::CodeReused)),
        Stage::Code { .. } if !stands => Step::end(Err(GrantRefusal::GrantExpired)),
        Stage::Code { redirect_uri, .. } if request.redirect_uri.is_some_and(|asked| asked != redirect_uri) => {
            Step::keep(Err(GrantRefusal::CodeRedirect))
        }
        Stage::Code { nonce, .. } => {
            let nonce = nonce.take();
            let left = match grant.left(&request.rights, request.session_stands, None, request.resources) {
                Ok(left) => left,
                Err(refusal) => return refused(refusal, &request.rights),
            };
            let generation = u64::from(request.refreshable);
            grant.stage = Stage::Live { generation, turned_at: now, used_at: now, redeemed_at: now };
            grant.gives_token(lifetimes, now);
            let entitlement = Entitlement { nonce, ..grant.entitlement(left, generation, now) };
            Step { next: Next::Put(Box::new(grant)), outcome: Ok(Outcome::Entitled(entitlement)) }
        }
    }
}

fn refresh(mut grant: Grant, request: &RefreshRequest<'_>, lifetimes: &Lifetimes, now: UnixTime) -> Step {
    let stands = grant.stands(lifetimes, now) && (grant.offline || request.session_stands);
    let Stage::Live { generation, turned_at, redeemed_at, .. } = grant.stage else {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    };
    if !stands {
        return Step::end(Err(GrantRefusal::GrantExpired));
    }
    // Nobody has been given a later one than the current.
    if request.generation > generation || request.generation == 0 {
        return Step::keep(Err(GrantRefusal::GrantUnknown));
    }
    let current = request.generation == generation;
    let just_turned = is_before(request.generation, generation) && lifetimes.is_replay(turned_at, now);
    if !current && !just_turned {
        return Step::end(Err(GrantRefusal::RefreshReused));
    }
    // A refusal from here on spends nothing.
    let left = match grant.left(&request.rights, request.session_stands, request.scope, request.resources) {
        Ok(left) => left,
        Err(refusal) => return refused(refusal, &request.rights),
    };
    let (next_generation, made_at, at) = match (current, request.rotate) {
        (true, true) => (generation.saturating_add(1), now, now),
        (true, false) => (generation, turned_at, now),
        (false, _) => (generation, turned_at, turned_at),
    };
    let entitlement = Entitlement { repeated: !current, ..grant.entitlement(left, next_generation, at) };
    let outcome = Ok(Outcome::Entitled(entitlement));
    if !current {
        return Step::keep(outcome);
    }
    grant.stage = Stage::Live { generation: next_generation, turned_at: made_at, used_at: now, redeemed_at };
    grant.gives_token(lifetimes, now);
    Step { next: Next::Put(Box::new(grant)), outcome }
}

/// Refuses a request and spends nothing. A grant of which nothing is left ends, unless the rights come from a copy.
fn refused(refusal: GrantRefusal, rights: &Rights<'_>) -> Step {
    let ends = refusal == GrantRefusal::RightsLost && rights.client.exact;
    if ends { Step::end(Err(refusal)) } else { Step::keep(Err(refusal)) }
}

fn within(asked: &[Resource], granted: &[Resource]) -> bool {
    asked.iter().all(|resource| granted.contains(resource))
}

/// Is it the generation before the current one? There is none before the first.
fn is_before(asked: u64, current: u64) -> bool {
    asked > 0 && asked.checked_add(1) == Some(current)
}

impl Grant {
    /// Until when it stands, if nobody uses it again; its session may end it earlier.
    pub fn ends(&self, lifetimes: &Lifetimes) -> UnixTime {
        match self.stage {
            Stage::Code { .. } => self.issued_at.plus(lifetimes.code),
            Stage::Live { generation: 0, redeemed_at, .. } => redeemed_at.plus(lifetimes.access),
            Stage::Live { used_at, .. } => {
                self.issued_at.plus(lifetimes.refresh).min(used_at.plus(lifetimes.refresh_idle))
            }
        }
    }

    /// Is its time not over?
    pub fn stands(&self, lifetimes: &Lifetimes, now: UnixTime) -> bool {
        now < self.ends(lifetimes)
    }

    /// Returns whether the grant is active without its session: `offline_access` was granted, and has not been lost.
    pub fn outlives_session(&self, rights: &Rights<'_>) -> bool {
        self.offline && rights.allows_offline_access()
    }

    /// Returns the scope and the resources that may still be had of this grant.
    ///
    /// # Errors
    /// [`GrantRefusal::RightsLost`] if no resource is left, nothing of a scope that was granted, or neither the session
    /// nor the right to outlive it.
    fn remaining(&self, rights: &Rights<'_>, session_stands: bool) -> Result<(Scope, Vec<Resource>), GrantRefusal> {
        let (scope, resources) = (rights.scope(&self.scope), rights.resources(&self.resources));
        let nothing = resources.is_empty()
            || (scope.is_empty() && !self.scope.is_empty())
            || !(session_stands || self.outlives_session(rights));
        if nothing { Err(GrantRefusal::RightsLost) } else { Ok((scope, resources)) }
    }

    /// Returns the scope and the resources of the tokens that a request gets: those that it names, or all that remain.
    ///
    /// # Errors
    /// [`GrantRefusal::RightsLost`], [`GrantRefusal::Scope`], [`GrantRefusal::Resource`]: what [`refused`] takes.
    fn left(
        &self,
        rights: &Rights<'_>,
        session_stands: bool,
        scope: Option<&Scope>,
        resources: &[Resource],
    ) -> Result<(Scope, Vec<Resource>), GrantRefusal> {
        let (own_scope, own_resources) = self.remaining(rights, session_stands)?;
        let left = match scope {
            None => own_scope,
            Some(asked) => {
                let left = asked.within(&own_scope);
                if !self.scope.covers(asked) || (left.is_empty() && !asked.is_empty()) {
                    return Err(GrantRefusal::Scope);
                }
                left
            }
        };
        if !within(resources, &own_resources) {
            return Err(GrantRefusal::Resource);
        }
        Ok((left, if resources.is_empty() { own_resources } else { resources.to_vec() }))
    }

    /// What its refresh token of that generation stands for; `None` if that one cannot be exchanged any more.
    pub fn describe(
        &self,
        asked: u64,
        rights: &Rights<'_>,
        session_stands: bool,
        lifetimes: &Lifetimes,
        now: UnixTime,
    ) -> Option<Described> {
        let Stage::Live { generation, turned_at, .. } = self.stage else {
            return None;
        };
        let current = asked == generation && asked > 0;
        let just_turned = is_before(asked, generation) && lifetimes.is_replay(turned_at, now);
        let (scope, _) = self.remaining(rights, session_stands).ok()?;
        (current || just_turned).then(|| Described { scope, at: turned_at, ends: self.ends(lifetimes) })
    }

    /// When the last access token that it can have given by now expires; `None` if it has given none.
    pub fn last_token_ends(&self, lifetimes: &Lifetimes) -> Option<UnixTime> {
        match self.stage {
            Stage::Code { .. } => None,
            Stage::Live { used_at, .. } => self.tokens_end.max(Some(used_at.plus(lifetimes.access))),
        }
    }

    /// It gives an access token now.
    fn gives_token(&mut self, lifetimes: &Lifetimes, now: UnixTime) {
        self.tokens_end = self.tokens_end.max(Some(now.plus(lifetimes.access)));
    }

    /// When it was last used: allowed, redeemed or refreshed.
    pub fn last_used(&self) -> UnixTime {
        match self.stage {
            Stage::Code { .. } => self.issued_at,
            Stage::Live { used_at, .. } => used_at,
        }
    }

    fn entitlement(&self, left: (Scope, Vec<Resource>), generation: u64, at: UnixTime) -> Entitlement {
        let (scope, resources) = left;
        Entitlement {
            scope,
            resources,
            generation,
            at,
            sign_in: self.sign_in.clone(),
            session: self.session.clone(),
            nonce: None,
            id_token_claims: self.id_token_claims.clone(),
            status: self.status,
            repeated: false,
        }
    }
}
