//! One grant as its storage has it, and a clock that the test moves.

use std::ops::{Deref, DerefMut};

use edgemint::oauth::grant::gate::{ClientFacts, UserFacts};
use edgemint::oauth::grant::{
    Command, Describe, Described, Grant, GrantRefusal, Lifetimes, Next, Outcome, Redeem, RedeemDevice, Refresh, Revoke,
    TokenGrant, step,
};
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::token::UnixTime;

use super::words::{CALLBACK, LIFETIMES, START, VERIFIER, challenge, client, client_facts, device_grant, grant};

pub(crate) struct Held {
    pub(crate) stored: Option<Grant>,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) now: u64,
    /// The facts about the client, and the scope that the user may allow; all rights by default.
    pub(crate) client: ClientFacts,
    pub(crate) user: Option<Scope>,
    pub(crate) user_is_enabled: bool,
    pub(crate) session_ends: Option<UnixTime>,
    pub(crate) has_consented: bool,
}

/// A request that redeems the code; valid by default.
pub(crate) struct Redemption {
    pub(crate) redeem: Redeem,
    pub(crate) session_is_active: bool,
}

/// A request with a refresh token; valid by default.
pub(crate) struct Refreshment {
    pub(crate) refresh: Refresh,
    pub(crate) session_is_active: bool,
}

/// Lets a test write `it.client` for `it.redeem.client`.
impl Deref for Redemption {
    type Target = Redeem;

    fn deref(&self) -> &Redeem {
        &self.redeem
    }
}

impl DerefMut for Redemption {
    fn deref_mut(&mut self) -> &mut Redeem {
        &mut self.redeem
    }
}

/// Lets a test write `it.client` for `it.refresh.client`.
impl Deref for Refreshment {
    type Target = Refresh;

    fn deref(&self) -> &Refresh {
        &self.refresh
    }
}

impl DerefMut for Refreshment {
    fn deref_mut(&mut self) -> &mut Refresh {
        &mut self.refresh
    }
}

impl Held {
    /// A grant whose code has been issued.
    pub(crate) fn issued() -> Self {
        let mut held = Self::empty();
        held.issue(grant()).unwrap();
        held
    }

    /// A grant whose user has allowed a device.
    pub(crate) fn device() -> Self {
        let mut held = Self::empty();
        held.issue(device_grant()).unwrap();
        held
    }

    pub(crate) fn empty() -> Self {
        let (lifetimes, client) = (LIFETIMES, client_facts());
        Self {
            stored: None,
            lifetimes,
            now: START,
            client,
            user: None,
            user_is_enabled: true,
            session_ends: None,
            has_consented: true,
        }
    }

    /// A grant whose code has just been redeemed: refresh token 1 has been issued.
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

    pub(crate) fn redeem(&mut self, change: impl FnOnce(&mut Redemption)) -> Result<TokenGrant, GrantRefusal> {
        let redeem = Redeem {
            client: self.client.clone(),
            redirect_uri: Some(CALLBACK.to_owned()),
            challenge: challenge(VERIFIER),
            resources: Vec::new(),
            refreshable: true,
        };
        let mut request = Redemption { redeem, session_is_active: true };
        change(&mut request);
        let scope = self.user.clone();
        let user = self.user_facts(scope.as_ref(), request.session_is_active);
        self.tokens(Command::Redeem(&request.redeem, user))
    }

    pub(crate) fn redeem_device(&mut self, change: impl FnOnce(&mut RedeemDevice)) -> Result<TokenGrant, GrantRefusal> {
        self.redeem_device_while(true, change)
    }

    pub(crate) fn redeem_device_while(
        &mut self,
        session_is_active: bool,
        change: impl FnOnce(&mut RedeemDevice),
    ) -> Result<TokenGrant, GrantRefusal> {
        let mut request = RedeemDevice { client: self.client.clone(), resources: Vec::new(), refreshable: true };
        change(&mut request);
        let scope = self.user.clone();
        let user = self.user_facts(scope.as_ref(), session_is_active);
        self.tokens(Command::RedeemDevice(&request, user))
    }

    pub(crate) fn refresh(
        &mut self,
        generation: u64,
        change: impl FnOnce(&mut Refreshment),
    ) -> Result<TokenGrant, GrantRefusal> {
        let refresh =
            Refresh { client: self.client.clone(), generation, rotate: true, scope: None, resources: Vec::new() };
        let mut request = Refreshment { refresh, session_is_active: true };
        change(&mut request);
        let scope = self.user.clone();
        let user = self.user_facts(scope.as_ref(), request.session_is_active);
        self.tokens(Command::Refresh(&request.refresh, user))
    }

    /// Introspects the refresh token of that generation.
    pub(crate) fn describe(&self, generation: u64, session_is_active: bool) -> Option<Described> {
        let describe = Describe { client: self.client.clone(), generation };
        let user = self.user_facts(self.user.as_ref(), session_is_active);
        self.stored.as_ref().unwrap().describe(&describe, user, &self.lifetimes, UnixTime(self.now))
    }

    pub(crate) fn revoke(&mut self, by: &str) -> Result<(), GrantRefusal> {
        match self.step(Command::Revoke(&Revoke { client: client(by) }))? {
            Outcome::Ended => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.stored.is_none()
    }

    fn user_facts<'s>(&self, scope: Option<&'s Scope>, session_is_active: bool) -> UserFacts<'s> {
        let (enabled, has_consented, session_ends) = (self.user_is_enabled, self.has_consented, self.session_ends);
        UserFacts { enabled, has_consented, scope, session_is_active, session_ends }
    }

    /// The stored record, to compare.
    pub(crate) fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.stored).unwrap()
    }

    fn tokens(&mut self, command: Command<'_>) -> Result<TokenGrant, GrantRefusal> {
        match self.step(command)? {
            Outcome::Tokens(tokens) => Ok(*tokens),
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

/// The grant as it is read back from storage, not as it was written.
fn through_storage(grant: &Grant) -> Grant {
    serde_json::from_str(&serde_json::to_string(grant).unwrap()).unwrap()
}
