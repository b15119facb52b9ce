//! The Durable Object of one status list. [`RevokedEntries`] decides.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::oauth::status::ListId;
use crate::oauth::status::revoked::{EncodedList, RevokedEntries, Suspension};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env::Platform;
use crate::worker::report::Fault;

use super as objects;
use super::address::StatusLists;
use super::hosted::Hosted;
use super::records::SqliteRecords;
use super::{Runs, object_commands};

/// Revokes entries, each until the last token with it expires.
#[derive(Deserialize, Serialize)]
struct RevokeEntries(Vec<(u32, UnixTime)>);

/// Suspends entries, or ends their suspension.
#[derive(Deserialize, Serialize)]
struct SuspendEntries(Vec<(u32, Suspension)>);

/// Reads the encoded list, unless it is the one with this digest.
#[derive(Deserialize, Serialize)]
struct ReadList {
    known: Option<String>,
}

object_commands! {
    ListRequest in StatusLists {
        "revoke" => RevokeEntries -> (),
        "suspend" => SuspendEntries -> (),
        "read" => ReadList -> Option<EncodedList>,
    }
}

/// Marks entries of a list as revoked, each until the last token with it expires.
pub(crate) async fn revoke(env: &Env, list: ListId, entries: Vec<(u32, UnixTime)>) -> Result<(), Fault> {
    objects::send_unbilled(env, &list, &RevokeEntries(entries)).await
}

/// Suspends entries of a list, or ends their suspension.
pub(crate) async fn suspend(env: &Env, list: ListId, entries: Vec<(u32, Suspension)>) -> Result<(), Fault> {
    objects::send_unbilled(env, &list, &SuspendEntries(entries)).await
}

/// Returns the encoded list; `None` if it is still the one with the digest `known`.
pub(crate) async fn read(
    platform: &Platform,
    list: ListId,
    known: Option<String>,
) -> Result<Option<EncodedList>, Fault> {
    objects::send(platform, &list, &ReadList { known }).await
}

/// One status list.
pub(crate) struct StatusListObject {
    state: State,
    env: Env,
    entries: RefCell<RevokedEntries>,
}

impl Hosted for StatusListObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, entries: RefCell::default() }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: ListRequest = serde_json::from_str(command)?;
        let records = SqliteRecords::open(&self.state);
        let list = List { records: &records, entries: &self.entries, now: now() };
        let reply = request.answer(&list).await;
        if records.has_written() {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "status_list");
        reply
    }

    async fn alarm(&self) -> worker::Result<()> {
        objects::sweep(&self.state).await
    }
}

/// The list in one turn.
struct List<'t> {
    records: &'t SqliteRecords,
    entries: &'t RefCell<RevokedEntries>,
    now: UnixTime,
}

impl Runs<RevokeEntries> for List<'_> {
    async fn run(&self, RevokeEntries(revoked): RevokeEntries) -> Result<(), Fault> {
        Ok(self.entries.borrow_mut().revoke(self.records, revoked, self.now)?)
    }
}

impl Runs<SuspendEntries> for List<'_> {
    async fn run(&self, SuspendEntries(suspended): SuspendEntries) -> Result<(), Fault> {
        Ok(self.entries.borrow_mut().suspend(self.records, suspended, self.now)?)
    }
}

impl Runs<ReadList> for List<'_> {
    async fn run(&self, ReadList { known }: ReadList) -> Result<Option<EncodedList>, Fault> {
        Ok(self.entries.borrow_mut().read(self.records, known.as_deref(), self.now)?)
    }
}
