//! Allocates the entries of the status lists. One Durable Object for each issuer: it allocates batches, so that one call serves many
//! grants, and none waits for it. Each command is one turn without an `await` between reading and writing.

use serde::{Deserialize, Serialize};
use worker::worker_sys::DurableObjectState;
use worker::{Env, State};

use crate::oauth::grant::Lifetimes;
use crate::oauth::status::{Allocation, Bearers, ListId, StatusEntry, next_list, rested};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env;
use crate::worker::random::random;
use crate::worker::report::Fault;

use super as objects;
use super::address::StatusDirectory;
use super::hosted::Hosted;
use super::records::SqliteRecords;
use super::{Runs, object_commands};
use crate::records::{Records as _, Table};

/// Allocates entries for grants, at most `count`.
#[derive(Deserialize, Serialize)]
pub(crate) struct AllocateBatch {
    pub(crate) count: u32,
}

/// Allocates an entry for a service client.
#[derive(Deserialize, Serialize)]
pub(crate) struct AllocateForClient;

/// Releases the entry of a removed service client, whose last token expires at `last_token_ends`.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReleaseEntry {
    pub(crate) entry: StatusEntry,
    pub(crate) last_token_ends: UnixTime,
}

/// Returns the number of lists. They are numbered 0, 1, 2 and so on.
#[derive(Deserialize, Serialize)]
pub(crate) struct CountLists;

object_commands! {
    DirectoryRequest in StatusDirectory {
        "batch" => AllocateBatch -> Vec<StatusEntry>,
        "client" => AllocateForClient -> StatusEntry,
        "release" => ReleaseEntry -> (),
        "count" => CountLists -> u32,
    }
}

/// The directory of one issuer.
pub(crate) struct StatusDirectoryObject {
    state: State,
    env: Env,
}

impl Hosted for StatusDirectoryObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: DirectoryRequest = serde_json::from_str(command)?;
        let records = SqliteRecords::open(&self.state);
        let reply = match env::authority(&self.env) {
            Ok(authority) => {
                let directory = Directory { records: &records, lifetimes: *authority.lifetimes(), now: now() };
                request.answer(&directory).await
            }
            Err(fault) => objects::reply::<()>(Err(fault)),
        };
        records.tell_costs(&self.env, "status_directory");
        reply
    }
}

/// The list from which entries are allocated, for each kind of bearer.
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

impl Runs<AllocateBatch> for Directory<'_> {
    async fn run(&self, AllocateBatch { count }: AllocateBatch) -> Result<Vec<StatusEntry>, Fault> {
        self.allocate(Bearers::Grants, count)
    }
}

impl Runs<AllocateForClient> for Directory<'_> {
    async fn run(&self, _: AllocateForClient) -> Result<StatusEntry, Fault> {
        match self.take_free()? {
            Some(entry) => Ok(entry),
            None => self
                .allocate(Bearers::Clients, 1)?
                .into_iter()
                .next()
                .ok_or_else(|| objects::unavailable("an empty batch of entries")),
        }
    }
}

impl Runs<ReleaseEntry> for Directory<'_> {
    async fn run(&self, ReleaseEntry { entry, last_token_ends }: ReleaseEntry) -> Result<(), Fault> {
        let id = format!("{}.{}", entry.list, entry.idx);
        Ok(self.records.put(Table::FreeEntry, &id, None, &(entry, rested(last_token_ends)))?)
    }
}

impl Runs<CountLists> for Directory<'_> {
    async fn run(&self, _: CountLists) -> Result<u32, Fault> {
        Ok(self.open()?.count)
    }
}

impl Directory<'_> {
    fn open(&self) -> Result<Open, Fault> {
        Ok(self.records.get(Table::OpenLists, OPEN)?.unwrap_or_default())
    }

    /// Allocates entries of the list that is open for these bearers; of another one once it is full.
    fn allocate(&self, bearers: Bearers, count: u32) -> Result<Vec<StatusEntry>, Fault> {
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

    /// Opens the first list that may be reused, or a new one.
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

    /// Takes an entry that a removed client released, if one may be reused.
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

/// How many released entries are read in search of a reusable one: a new one costs no more than reading on.
const LOOK_AT: u64 = 100;
