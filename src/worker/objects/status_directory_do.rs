//! Which entries of which status lists have been handed out. One Durable Object an issuer: it hands out batches, so that it is asked
//! once for many grants, and never while one waits. Each command is one turn without a wait in it.

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::oauth::grant::Lifetimes;
use crate::oauth::status::{Allocation, Bearers, ListId, StatusEntry, next_list, rested};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env;
use crate::worker::random::random;
use crate::worker::report::Fault;

use super as objects;
use super::records::SqliteRecords;
use crate::records::{Records as _, Table};

/// What can be asked of the directory.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectoryCommand {
    /// Entries for grants, at most that many.
    Batch { count: u32 },
    /// An entry for a service client.
    Client,
    /// The entry of a service client that is no more; its last token expires then.
    Release { entry: StatusEntry, last_token_ends: UnixTime },
    /// How many lists there are: they are called 0, 1, 2 and so on.
    Count,
}

/// What comes back.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DirectoryAnswer {
    /// Entries that nobody else has.
    Entries(Vec<StatusEntry>),
    /// How many lists there are.
    Count(u32),
    /// It is done.
    Done,
}

/// The directory of one issuer.
#[durable_object(fetch)]
pub struct StatusDirectoryObject {
    state: State,
    env: Env,
}

impl DurableObject for StatusDirectoryObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command: DirectoryCommand = objects::command(&mut request).await?;
        let records = SqliteRecords::open(&self.state);
        let directory = |lifetimes| Directory { records: &records, lifetimes, now: now() };
        let outcome = env::authority(&self.env).and_then(|authority| directory(*authority.lifetimes()).run(command));
        records.tell_costs(&self.env, "status_directory");
        objects::reply(outcome)
    }
}

/// Which list is handed out at present, for each kind of bearer.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
struct Open {
    grants: Option<ListId>,
    clients: Option<ListId>,
    count: u32,
}

const OPEN: &str = "";

struct Directory<'t> {
    records: &'t SqliteRecords,
    lifetimes: Lifetimes,
    now: UnixTime,
}

impl Directory<'_> {
    fn run(&self, command: DirectoryCommand) -> Result<DirectoryAnswer, Fault> {
        match command {
            DirectoryCommand::Batch { count } => Ok(DirectoryAnswer::Entries(self.hand_out(Bearers::Grants, count)?)),
            DirectoryCommand::Client => Ok(DirectoryAnswer::Entries(match self.take_free()? {
                Some(entry) => vec![entry],
                None => self.hand_out(Bearers::Clients, 1)?,
            })),
            DirectoryCommand::Release { entry, last_token_ends } => {
                let id = format!("{}.{}", entry.list, entry.idx);
                self.records.put(Table::FreeEntry, &id, None, &(entry, rested(last_token_ends)))?;
                Ok(DirectoryAnswer::Done)
            }
            DirectoryCommand::Count => Ok(DirectoryAnswer::Count(self.open()?.count)),
        }
    }

    fn open(&self) -> Result<Open, Fault> {
        Ok(self.records.get(Table::OpenLists, OPEN)?.unwrap_or_default())
    }

    /// Entries of the list that is open for these bearers; of another one once it is full.
    fn hand_out(&self, bearers: Bearers, count: u32) -> Result<Vec<StatusEntry>, Fault> {
        let open = self.open()?;
        let current = match bearers {
            Bearers::Grants => open.grants,
            Bearers::Clients => open.clients,
        };
        let allocation = match current {
            Some(list) => self.records.get::<Allocation>(Table::StatusList, &list.key())?.map(|found| (list, found)),
            None => None,
        };
        let (list, mut allocation) = match allocation.filter(|(_, allocation)| !allocation.is_full()) {
            Some(current) => current,
            None => self.open_another(bearers, open)?,
        };
        let entries = allocation.hand_out(list, count, self.now);
        self.records.put(Table::StatusList, &list.key(), None, &allocation)?;
        Ok(entries)
    }

    /// The first list that may be opened anew, or a new one.
    fn open_another(&self, bearers: Bearers, mut open: Open) -> Result<(ListId, Allocation), Fault> {
        let lists = self.records.list::<Allocation>(Table::StatusList)?;
        let lists = lists.iter().filter_map(|(key, allocation)| Some((ListId::from_key(key)?, allocation)));
        let list = next_list(lists, open.count, &self.lifetimes, self.now);
        open.count = open.count.max(list.0.saturating_add(1));
        match bearers {
            Bearers::Grants => open.grants = Some(list),
            Bearers::Clients => open.clients = Some(list),
        }
        self.records.put(Table::OpenLists, OPEN, None, &open)?;
        Ok((list, Allocation::new(bearers, random()?)))
    }

    /// An entry that a removed client has left, if one has rested.
    fn take_free(&self) -> Result<Option<StatusEntry>, Fault> {
        for (id, (entry, from)) in self.records.page::<(StatusEntry, UnixTime)>(Table::FreeEntry, "", LOOK_AT)? {
            if self.now >= from {
                self.records.delete(Table::FreeEntry, &id)?;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

/// How many free entries are looked at for one that has rested: a new one costs no more than looking on.
const LOOK_AT: u64 = 100;
