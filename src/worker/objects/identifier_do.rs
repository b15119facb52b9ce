//! The Durable Object of one sign-in name, upstream subject or block of network addresses. Each command is one turn of
//! [`account::identifier`](crate::account::identifier).

use std::cell::Cell;

use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::account::identifier::{IdentifierRequest, IdentifierTurn};
use crate::worker::clock::now;

use super as objects;
use super::hosted::Hosted;
use super::records::SqliteRecords;

/// One sign-in name, upstream subject or block of network addresses.
pub(crate) struct IdentifierObject {
    state: State,
    env: Env,
    /// Whether the alarm that sweeps is known to be set.
    sweeping: Cell<bool>,
}

impl Hosted for IdentifierObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, sweeping: Cell::new(false) }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: IdentifierRequest = serde_json::from_str(command)?;
        let records = SqliteRecords::open(&self.state);
        let outcome = request.run(&IdentifierTurn::new(&records, now()), objects::Encoded);
        if records.has_written() && !self.sweeping.replace(true) {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "identifier");
        outcome.unwrap_or_else(|fault| objects::reply::<()>(Err(fault)))
    }

    async fn alarm(&self) -> worker::Result<()> {
        self.sweeping.set(false);
        objects::sweep(&self.state).await
    }
}
