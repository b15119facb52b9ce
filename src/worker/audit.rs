//! The audit trail of one request: what it is about, and its events.
//!
//! An event is one line of the log at once. For the store it waits in the isolate's buffer, which `event_delivery` empties after
//! the response.

use std::cell::{Cell, RefCell};

use worker::console_log;

use crate::account::turn::Ended;
use crate::identity::passkey::PasskeyError;
use crate::keyring::KeyId;
use crate::oauth::admin::event::{About, Event};
use crate::oauth::admin::event_buffer::{EventBuffer, Failure};
use crate::oauth::endpoints::token_endpoint::AccessTokenClaims;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::exchange_rule::ExchangeRuleId;
use crate::oauth::vocabulary::protected_resource::ResourceId;
use crate::oauth::vocabulary::trusted_issuer::TrustedIssuerId;
use crate::oauth::{ClientId, Refusal};
use crate::token::UnixTime;

use super::report;

thread_local! {
    static BUFFER: RefCell<EventBuffer> = const { RefCell::new(EventBuffer::new()) };
}

/// Calls `work` with the buffer of this isolate.
pub(crate) fn with_buffer<T>(work: impl FnOnce(&mut EventBuffer) -> T) -> T {
    BUFFER.with_borrow_mut(work)
}

/// The trail of one request. It contains only identifiers that were found to exist.
pub(crate) struct Audit {
    now: UnixTime,
    keeps: bool,
    endpoint: Cell<&'static str>,
    by_operator: Cell<bool>,
    about: RefCell<About>,
}

impl Audit {
    /// Starts the trail of a request. `keeps`: whether events are stored.
    pub(crate) fn new(now: UnixTime, keeps: bool) -> Self {
        let (endpoint, by_operator) = (Cell::new(""), Cell::new(false));
        Self { now, keeps, endpoint, by_operator, about: RefCell::default() }
    }

    /// Sets the endpoint of the request.
    pub(crate) fn at(&self, endpoint: &'static str, by_operator: bool) -> &Self {
        self.endpoint.set(endpoint);
        self.by_operator.set(by_operator);
        self
    }

    /// Adds a client that exists.
    pub(crate) fn client(&self, id: &ClientId) -> &Self {
        self.about.borrow_mut().client = Some(id.clone());
        self
    }

    /// Removes the client: the following events are about others too.
    pub(crate) fn without_client(&self) {
        self.about.borrow_mut().client = None;
    }

    /// Adds an account that exists.
    pub(crate) fn user(&self, id: &AccountId) -> &Self {
        self.about.borrow_mut().user = Some(id.clone());
        self
    }

    /// Adds a grant of this server.
    pub(crate) fn grant(&self, id: &GrantId) -> &Self {
        self.about.borrow_mut().grant = Some(id.clone());
        self
    }

    /// Adds a signing key.
    pub(crate) fn key(&self, kid: &KeyId) -> &Self {
        self.about.borrow_mut().kid = Some(kid.clone());
        self
    }

    /// Adds a token that was minted or verified here.
    pub(crate) fn jti(&self, jti: &TokenId) -> &Self {
        self.about.borrow_mut().jti = Some(jti.as_str().to_owned());
        self
    }

    /// Adds the token that a client exchanges.
    pub(crate) fn exchanged(&self, token: &AccessToken) -> &Self {
        let mut about = self.about.borrow_mut();
        about.subject_jti = Some(token.jti.as_str().to_owned());
        about.subject_client = token.grant.is_none().then(|| token.registry.clone());
        drop(about);
        self
    }

    /// Adds the party that acts in a token that was minted.
    pub(crate) fn actor(&self, claims: &AccessTokenClaims) -> &Self {
        self.about.borrow_mut().actor = claims.actor().map(|actor| actor.subject().to_owned());
        self
    }

    /// Adds an exchange rule.
    pub(crate) fn exchange_rule(&self, id: &ExchangeRuleId) -> &Self {
        self.about.borrow_mut().exchange_rule = Some(id.clone());
        self
    }

    /// Adds a bulk revocation.
    pub(crate) fn revocation(&self, id: &str) -> &Self {
        self.about.borrow_mut().revocation = Some(id.to_owned());
        self
    }

    /// Adds a registered resource.
    pub(crate) fn resource(&self, id: &ResourceId) -> &Self {
        self.about.borrow_mut().resource = Some(id.clone());
        self
    }

    /// Adds a trusted issuer that exists.
    pub(crate) fn trusted_issuer(&self, id: &TrustedIssuerId) -> &Self {
        self.about.borrow_mut().trusted_issuer = Some(id.clone());
        self
    }

    /// Sets the holder of this access token as the operator who acts.
    pub(crate) fn by(&self, token: &AccessToken) -> &Self {
        let mut about = self.about.borrow_mut();
        about.by = Some(token.client.clone());
        about.by_user.clone_from(&token.account);
        drop(about);
        self
    }

    /// Records an event.
    pub(crate) fn note(&self, event: EventKind) {
        self.leave(event, None, None);
    }

    /// Records an event with a count.
    pub(crate) fn note_count(&self, event: EventKind, count: u64) {
        self.leave(event, None, Some(count));
    }

    /// Records an event with a reason or method.
    pub(crate) fn note_way(&self, event: EventKind, way: &'static str) {
        self.leave(event, Some(way), None);
    }

    /// Records that an access token was minted, or returned again to a client that repeated its request.
    pub(crate) fn minted(&self, claims: &AccessTokenClaims, way: GrantType, repeated: bool) {
        let event = if repeated { EventKind::RefreshRepeated } else { EventKind::TokenIssued };
        self.jti(claims.jti()).note_way(event, way.name());
    }

    /// Records what a change of credentials ended: one event for each kind with a count above zero.
    pub(crate) fn ended(&self, ended: Ended) {
        for (event, count) in [
            (EventKind::PasskeyRemoved, ended.passkeys),
            (EventKind::SessionsEnded, ended.sessions),
            (EventKind::GrantsEnded, ended.grants),
        ] {
            if count > 0 {
                self.note_count(event, count);
            }
        }
    }

    /// Records a refusal: as an event if its row says so, otherwise as a line of the log.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        match refusal.event(self.by_operator.get()) {
            Some(event) => self.note_way(event, refusal.kind()),
            None => report::refused(self.endpoint.get(), refusal),
        }
    }

    /// Logs why a passkey was refused, which the user is not told.
    pub(crate) fn passkey_refused(&self, error: PasskeyError) {
        report::passkey_refused(self.endpoint.get(), error);
    }

    fn leave(&self, event: EventKind, reason: Option<&'static str>, count: Option<u64>) {
        let (severity, endpoint) = (event.severity(), self.endpoint.get());
        let about = &*self.about.borrow();
        let line = Event { event, severity, time: self.now, endpoint, reason, count, about }.to_line();
        console_log!("{line}");
        if !self.keeps {
            return;
        }
        with_buffer(|buffer| match event {
            // Anyone can cause these without end: they must not displace other events.
            EventKind::ClientAuthenticationFailed => {
                let client = about.client.clone();
                buffer.count_failure(Failure { time: self.now, endpoint, reason, client });
            }
            _ => buffer.push(self.now, line),
        });
    }
}
