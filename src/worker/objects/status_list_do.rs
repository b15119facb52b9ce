//! What has been revoked in one status list. One Durable Object a list; who reads it is told whether anything has changed.
//!
//! An entry stays revoked until the last token that bears it has expired, and is then forgotten: nobody can ask about it any more.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::oauth::status::LIST_SIZE;
use crate::token::status::{Status, StatusList};
use crate::token::{UnixTime, base64url};
use crate::worker::clock::now;
use crate::worker::report::{Fault, FaultKind};

use super as objects;
use super::records::SqliteRecords;
use crate::records::{Records as _, Table, ends_at};

/// What can be asked of a list.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListCommand {
    /// From now on these entries are revoked, until the last token that bears each expires.
    Revoke(Vec<(u32, UnixTime)>),
    /// The encoded list, unless it is the one of this digest.
    Read { known: Option<String> },
}

/// What comes back.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListAnswer {
    /// It is done.
    Done,
    /// The list is the one that is known.
    Unchanged,
    /// The encoded list, and what names this state of it.
    List { lst: String, digest: String },
}

/// One list.
#[durable_object(alarm)]
pub struct StatusListObject {
    state: State,
    env: Env,
    /// What is stored, once it has been read.
    memory: RefCell<Option<Memory>>,
}

impl DurableObject for StatusListObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, memory: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command: ListCommand = objects::command(&mut request).await?;
        let records = SqliteRecords::open(&self.state);
        let outcome = self.run(command, &records, now());
        if outcome.is_err() {
            // Whatever was half done: storage knows.
            self.memory.take();
        }
        if records.has_written() {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "status_list");
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        objects::sweep(&self.state).await
    }
}

impl StatusListObject {
    fn run(&self, command: ListCommand, records: &SqliteRecords, now: UnixTime) -> Result<ListAnswer, Fault> {
        let mut memory = self.memory.borrow_mut();
        if memory.is_none() {
            *memory = Some(Memory::read(records)?);
        }
        let memory = memory.as_mut().ok_or_else(objects::unexpected)?;
        match command {
            ListCommand::Revoke(entries) => {
                for (idx, until) in entries.into_iter().filter(|(idx, until)| *idx < LIST_SIZE && *until > now) {
                    if memory.revoke(idx, until) {
                        records.put(Table::RevokedEntry, &idx.to_string(), ends_at(until), &until)?;
                    }
                }
                Ok(ListAnswer::Done)
            }
            ListCommand::Read { known } => {
                let (lst, digest) = memory.encoded(now)?;
                Ok(if known.as_ref() == Some(digest) {
                    ListAnswer::Unchanged
                } else {
                    ListAnswer::List { lst: lst.clone(), digest: digest.clone() }
                })
            }
        }
    }
}

/// The revoked entries, until when each is, and the list that they make.
struct Memory {
    revoked: HashMap<u32, UnixTime>,
    encoded: Option<(String, String)>,
}

impl Memory {
    fn read(records: &SqliteRecords) -> Result<Self, Fault> {
        let rows = records.list::<UnixTime>(Table::RevokedEntry)?;
        let revoked = rows.into_iter().filter_map(|(id, until)| Some((id.parse().ok()?, until))).collect();
        Ok(Self { revoked, encoded: None })
    }

    /// Says whether that changes anything.
    fn revoke(&mut self, idx: u32, until: UnixTime) -> bool {
        let known = self.revoked.get(&idx).copied();
        if known.is_some_and(|known| known >= until) {
            return false;
        }
        self.revoked.insert(idx, until);
        if known.is_none() {
            self.encoded = None;
        }
        true
    }

    fn encoded(&mut self, now: UnixTime) -> Result<&(String, String), Fault> {
        let before = self.revoked.len();
        self.revoked.retain(|_, until| *until > now);
        if self.revoked.len() < before {
            self.encoded = None;
        }
        let encoded = match self.encoded.take() {
            Some(encoded) => encoded,
            None => {
                let lst = self.list()?.encode();
                let digest = Sha256::digest(&lst);
                (lst, base64url::encode(digest.get(..12).unwrap_or_default()))
            }
        };
        Ok(self.encoded.insert(encoded))
    }

    fn list(&self) -> Result<StatusList, Fault> {
        let broken = |error| Fault::new(FaultKind::RecordUnreadable, &error);
        let mut list = StatusList::new(1, LIST_SIZE as usize).map_err(broken)?;
        for idx in self.revoked.keys() {
            list.set(u64::from(*idx), Status::Invalid).map_err(broken)?;
        }
        Ok(list)
    }
}
