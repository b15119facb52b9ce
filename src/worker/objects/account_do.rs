//! The Durable Object of one account: its record, sessions, consents, grants and passkeys. One object for each account, so
//! that capacity grows with users, and everything of a user is listed or ended in one call.
//!
//! Each command is one turn: the body is read first, then [`account`](crate::account) reads, decides and writes without
//! another wait. The reply leaves when the writes are durable (the platform's output gate). Profiles and passwords arrive
//! sealed and stay so; this object has no key.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::account::commands::AccountRequest;
use crate::account::turn::Turn;
use crate::oauth::Authority;
use crate::records::{ONLY, Records as _, Table};
use crate::worker::clock::now;
use crate::worker::env;

use super as objects;
use super::hosted::Hosted;
use super::records::SqliteRecords;
use super::{outbox, thrown};

/// One account.
pub(crate) struct AccountObject {
    state: State,
    env: Env,
    /// Whether the alarm that sweeps is known to be set.
    sweeping: Cell<bool>,
    /// Whether a status list has still to confirm a revocation.
    unconfirmed: Cell<bool>,
}

impl Hosted for AccountObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, sweeping: Cell::new(false), unconfirmed: Cell::new(false) }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: AccountRequest = serde_json::from_str(command)?;
        let removes = matches!(request, AccountRequest::RemoveAccount(_));
        let records = SqliteRecords::open(&self.state);
        let run = |authority: Rc<Authority>| {
            let turn = Turn::new(&records, &authority, now());
            let outcome = request.run(&turn, objects::Encoded);
            if turn.has_revoked() {
                self.unconfirmed.set(true);
            }
            outcome
        };
        let outcome = env::authority(&self.env).and_then(run);
        if self.unconfirmed.get() {
            // Stored together with the revocation, so that a crash from here on loses nothing.
            self.state.storage().set_alarm(outbox::RETRY_AFTER).await?;
            if let Some(wait) = self.notify_status_lists().await {
                self.state.storage().set_alarm(wait).await?;
            }
        }
        if removes && outcome.is_ok() {
            self.clear_if_confirmed().await?;
        } else if records.has_written() && !self.sweeping.replace(true) {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "account");
        outcome.unwrap_or_else(|fault| objects::reply::<()>(Err(fault)))
    }

    async fn alarm(&self) -> worker::Result<()> {
        self.sweeping.set(false);
        if let Some(wait) = self.notify_status_lists().await {
            self.state.storage().set_alarm(wait).await?;
            return Ok(());
        }
        let records = SqliteRecords::open(&self.state);
        if !records.contains(Table::Account, ONLY).map_err(thrown)? {
            self.clear_if_confirmed().await?;
            return Ok(());
        }
        if let Some(next) = records.sweep(now()).map_err(thrown)? {
            objects::sweep_at(&self.state, next).await?;
        }
        Ok(())
    }
}

impl AccountObject {
    /// Notifies the status lists of revocations. Returns when to go on, unless all have confirmed.
    async fn notify_status_lists(&self) -> Option<Duration> {
        let wait = outbox::notify(&self.state, &self.env).await;
        self.unconfirmed.set(wait.is_some());
        wait
    }

    /// Clears the storage of a removed account, once the status lists have confirmed its revocations.
    async fn clear_if_confirmed(&self) -> worker::Result<()> {
        // Storage may know of revocations that this object's memory does not.
        if outbox::is_empty(&SqliteRecords::open(&self.state)) {
            self.state.storage().delete_alarm().await?;
            self.state.storage().delete_all().await?;
        }
        Ok(())
    }
}
