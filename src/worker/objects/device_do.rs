//! The Durable Object of one device code. Each command is one turn of [`account::device`](crate::account::device). An unknown user
//! code leads to an object without records, which is read and stores nothing.

use std::cell::Cell;
use std::time::Duration;

use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::account::device::{DeviceObjectRequest, DeviceTurn};
use crate::limits::DEVICE_CODE_TTL;
use crate::token::UnixTime;
use crate::worker::clock::now;

use super as objects;
use super::hosted::Hosted;
use super::records::SqliteRecords;

/// One device code.
pub(crate) struct DeviceObject {
    state: State,
    env: Env,
    /// The time of the last poll.
    polled_at: Cell<Option<UnixTime>>,
}

impl Hosted for DeviceObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, polled_at: Cell::new(None) }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: DeviceObjectRequest = serde_json::from_str(command)?;
        let starts = matches!(request, DeviceObjectRequest::StartDevice(_));
        let records = SqliteRecords::open(&self.state);
        let turn = DeviceTurn { records: &records, now: now(), polled_at: &self.polled_at };
        let outcome = request.run(&turn, objects::Encoded);
        if starts && records.has_written() {
            // Stored together with the record, which ends a minute after its code.
            self.state.storage().set_alarm(Duration::from_secs(DEVICE_CODE_TTL + 61)).await?;
        }
        records.tell_costs(&self.env, "device");
        outcome.unwrap_or_else(|fault| objects::reply::<()>(Err(fault)))
    }

    async fn alarm(&self) -> worker::Result<()> {
        objects::sweep(&self.state).await
    }
}
