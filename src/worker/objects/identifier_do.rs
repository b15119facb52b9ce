//! The Durable Object of one sign-in name, upstream subject or block of network addresses. Each command is one turn of
//! [`account::identifier`](crate::account::identifier).

use std::cell::Cell;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::account::identifier::{IdentifierRequest, IdentifierTurn};
use crate::worker::clock::now;

use super as objects;
use super::records::SqliteRecords;

/// One sign-in name, upstream subject or block of network addresses.
#[durable_object(alarm)]
pub struct IdentifierObject {
    state: State,
    env: Env,
    /// Whether the alarm that sweeps is known to be set.
    sweeping: Cell<bool>,
}

impl DurableObject for IdentifierObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, sweeping: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let request: IdentifierRequest = objects::command(&mut request).await?;
        let records = SqliteRecords::open(&self.state);
        let outcome = request.run(&IdentifierTurn::new(&records, now()), objects::Encoded);
        if records.has_written() && !self.sweeping.replace(true) {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "identifier");
        outcome.unwrap_or_else(|fault| objects::reply::<()>(Err(fault)))
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.sweeping.set(false);
        objects::sweep(&self.state).await
    }
}
