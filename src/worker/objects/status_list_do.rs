//! The Durable Object of one status list. [`RevokedEntries`] decides.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::oauth::status::revoked::{EncodedList, RevokedEntries};
use crate::records::StorageError;
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::report::Fault;

use super as objects;
use super::records::SqliteRecords;

/// A command of a status list.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListCommand {
    /// Revokes entries, each until the last token with it expires.
    Revoke(Vec<(u32, UnixTime)>),
    /// Reads the encoded list, unless it is the one with this digest.
    Read { known: Option<String> },
}

/// The answer of a status list.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListAnswer {
    /// The entries are revoked.
    Done,
    /// The list is the known one.
    Unchanged,
    /// The list.
    List(EncodedList),
}

/// One status list.
#[durable_object(alarm)]
pub struct StatusListObject {
    state: State,
    env: Env,
    entries: RefCell<RevokedEntries>,
}

impl DurableObject for StatusListObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, entries: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command: ListCommand = objects::command(&mut request).await?;
        let records = SqliteRecords::open(&self.state);
        let outcome = self.run(command, &records, now());
        if records.has_written() {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "status_list");
        objects::reply(outcome.map_err(Fault::from))
    }

    async fn alarm(&self) -> worker::Result<Response> {
        objects::sweep(&self.state).await
    }
}

impl StatusListObject {
    fn run(&self, command: ListCommand, records: &SqliteRecords, now: UnixTime) -> Result<ListAnswer, StorageError> {
        let mut entries = self.entries.borrow_mut();
        match command {
            ListCommand::Revoke(revoked) => {
                entries.revoke(records, revoked, now)?;
                Ok(ListAnswer::Done)
            }
            ListCommand::Read { known } => {
                let news = entries.read(records, known.as_deref(), now)?;
                Ok(news.map_or(ListAnswer::Unchanged, ListAnswer::List))
            }
        }
    }
}
