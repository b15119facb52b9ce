//! One grant, held as storage holds it, and a clock that is turned by hand.

use edgemint::oauth::ClientId;
use edgemint::oauth::grant::rights::{ClientRights, Rights};
use edgemint::oauth::grant::{Command, Entitlement, Grant, GrantRefusal, Lifetimes, Next, Outcome, step};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::token::UnixTime;

use super::words::{API, CALLBACK, FILES, LIFETIMES, START, VERIFIER, challenge, client, grant, resources, scope};

pub(crate) struct Held {
    pub(crate) stored: Option<Grant>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) now: u64,
    /// What the client and the user may have; everything, for a test to take away.
    pub(crate) client: ClientRights,
    pub(crate) user: Option<Scope>,
}

/// A token request with a code; right in all, for a test to spoil.
pub(crate) struct Redemption {
    pub(crate) client: ClientId,
    pub(crate) redirect_uri: Option<&'static str>,
    pub(crate) challenge: Challenge,
    pub(crate) resources: Vec<Resource>,
    pub(crate) refreshable: bool,
    pub(crate) session_stands: bool,
}

/// A token request with a refresh token; right in all, for a test to spoil.
pub(crate) struct Refreshment {
    pub(crate) client: ClientId,
    pub(crate) rotate: bool,
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) session_stands: bool,
}

impl Held {
    /// Its code is out.
    pub(crate) fn issued() -> Self {
        let mut held = Self::empty();
        held.issue(grant()).unwrap();
        held
    }

    fn empty() -> Self {
        let own = scope("read write offline_access");
        let client = ClientRights { scope: own, resources: resources(&[API, FILES]), exact: true };
        Self { stored: None, lifetimes: LIFETIMES, now: START, client, user: None }
    }

    /// Its code has been redeemed a moment ago; refresh token 1 is out.
    pub(crate) fn live() -> Self {
        Self::live_with(|_| {})
    }

    pub(crate) fn live_with(change: impl FnOnce(&mut Grant)) -> Self {
        let mut held = Self::empty();
        let mut grant = grant();
        change(&mut grant);
        held.issue(grant).unwrap();
        held.redeem(|_| {}).unwrap();
        held
    }

    pub(crate) fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now += seconds;
        self
    }

    pub(crate) fn issue(&mut self, grant: Grant) -> Result<(), GrantRefusal> {
        match self.step(Command::Issue(Box::new(grant)))? {
            Outcome::Issued => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn redeem(&mut self, change: impl FnOnce(&mut Redemption)) -> Result<Entitlement, GrantRefusal> {
        let mut request = Redemption {
            client: client("app"),
            redirect_uri: Some(CALLBACK),
            challenge: challenge(VERIFIER),
            resources: Vec::new(),
            refreshable: true,
            session_stands: true,
        };
        change(&mut request);
        let Redemption { redirect_uri, refreshable, session_stands, .. } = request;
        let (client, challenge, resources) = (&request.client, &request.challenge, &request.resources);
        let (own, user) = (self.client.clone(), self.user.clone());
        let rights = Rights { client: &own, user: user.as_ref() };
        self.entitled(Command::Redeem {
            client,
            redirect_uri,
            challenge,
            resources,
            refreshable,
            rights,
            session_stands,
        })
    }

    pub(crate) fn refresh(
        &mut self,
        generation: u64,
        change: impl FnOnce(&mut Refreshment),
    ) -> Result<Entitlement, GrantRefusal> {
        let mut request = Refreshment {
            client: client("app"),
            rotate: true,
            scope: None,
            resources: Vec::new(),
            session_stands: true,
        };
        change(&mut request);
        let Refreshment { rotate, session_stands, .. } = request;
        let (client, scope, resources) = (&request.client, request.scope.as_ref(), &request.resources);
        let (own, user) = (self.client.clone(), self.user.clone());
        let rights = Rights { client: &own, user: user.as_ref() };
        self.entitled(Command::Refresh { client, generation, rotate, scope, resources, rights, session_stands })
    }

    pub(crate) fn revoke(&mut self, by: &str) -> Result<(), GrantRefusal> {
        match self.step(Command::Revoke { client: &client(by) })? {
            Outcome::Ended => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.stored.is_none()
    }

    /// All that is stored, to compare.
    pub(crate) fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.stored).unwrap()
    }

    fn entitled(&mut self, command: Command<'_>) -> Result<Entitlement, GrantRefusal> {
        match self.step(command)? {
            Outcome::Entitled(entitlement) => Ok(entitlement),
            other => panic!("{other:?}"),
        }
    }

    fn step(&mut self, command: Command<'_>) -> Result<Outcome, GrantRefusal> {
        let step = step(self.stored.clone(), command, &self.lifetimes, UnixTime(self.now));
        match step.next {
            Next::Keep => {}
            Next::Put(grant) => self.stored = Some(through_storage(&grant)),
            Next::End => self.stored = None,
        }
        step.outcome
    }
}

/// A grant is what is read back, not what was written.
fn through_storage(grant: &Grant) -> Grant {
    serde_json::from_str(&serde_json::to_string(grant).unwrap()).unwrap()
}
