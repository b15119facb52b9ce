//! The audit events of one hour. One Durable Object for each issuer and hour: no object is written for ever, nothing is sharded by
//! hand, and deleting an hour empties an object.
//!
//! A batch of events is one row, since the platform bills rows written; its text is the index for searches.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use worker::worker_sys::DurableObjectState;
use worker::{Env, SqlCursor, SqlStorage, SqlStorageValue, State};

use crate::oauth::admin::event_query::{Filter, Keeping, Position, keeping};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env;
use crate::worker::report::{self, Fault, FaultKind};

use super::address::EventHours;
use super::hosted::Hosted;
use super::records::{broken, integer};
use super::registry_do::at;
use super::{Runs, object_commands, thrown};

/// How many batches one call searches.
const LOOKED_THROUGH: u64 = 1000;
/// How many batches one call reads.
const READ: usize = 100;

/// Stores a batch: each row is a JSON array of events. The same key twice is the same batch.
#[derive(Deserialize, Serialize)]
pub(crate) struct AppendBatch {
    pub(crate) key: String,
    pub(crate) rows: Vec<String>,
}

/// Returns the newest events before a position that match the filter.
#[derive(Deserialize, Serialize)]
pub(crate) struct ReadEvents {
    pub(crate) before: Option<Position>,
    pub(crate) filter: Filter,
    pub(crate) limit: u64,
}

/// Some events of an hour.
#[derive(Deserialize, Serialize)]
pub(crate) struct EventPage {
    /// The events, the newest first.
    pub(crate) events: Vec<Map<String, Value>>,
    /// The position at which the next page of this hour begins.
    pub(crate) next: Option<Position>,
}

object_commands! {
    EventsRequest in EventHours {
        "append" => AppendBatch -> (),
        "page" => ReadEvents -> EventPage,
    }
}

impl Runs<AppendBatch> for Batches {
    async fn run(&self, AppendBatch { key, rows }: AppendBatch) -> Result<(), Fault> {
        self.append(&key, &rows)
    }
}

impl Runs<ReadEvents> for Batches {
    async fn run(&self, ReadEvents { before, filter, limit }: ReadEvents) -> Result<EventPage, Fault> {
        self.page(before, &filter, limit)
    }
}

/// The events of one hour.
pub(crate) struct EventsObject {
    state: State,
    env: Env,
    /// Whether the alarm that deletes the hour is known to be set.
    ends: Cell<bool>,
}

impl Hosted for EventsObject {
    fn open(state: DurableObjectState, env: Env) -> Self {
        Self { state: State::from(state), env, ends: Cell::new(false) }
    }

    async fn answer(&self, command: &str) -> worker::Result<String> {
        let request: EventsRequest = serde_json::from_str(command)?;
        let batches = Batches::open(&self.state);
        let reply = request.answer(&batches).await;
        if batches.written.get() > 0 && !self.ends.replace(true) {
            self.wake_up(now()).await?;
        }
        report::object_costs(&self.env, "events", batches.read.get(), batches.written.get());
        reply
    }

    async fn alarm(&self) -> worker::Result<()> {
        let last = Batches::open(&self.state).last().map_err(thrown)?;
        let retention = env::authority(&self.env).map_err(thrown)?.event_retention();
        match last.map(|last| keeping(last, retention, now())) {
            Some(Keeping::Until(time)) => self.state.storage().set_alarm(at(time)).await?,
            Some(Keeping::Forget) | None => self.state.storage().delete_all().await?,
        }
        Ok(())
    }
}

impl EventsObject {
    /// Sets the alarm that decides how long the hour is kept.
    async fn wake_up(&self, now: UnixTime) -> worker::Result<()> {
        let storage = self.state.storage();
        if storage.get_alarm().await?.is_none() {
            storage.set_alarm(at(now.plus(crate::oauth::admin::event_query::DAY))).await?;
        }
        Ok(())
    }
}

/// The object's table during one turn. Counts the rows read and written.
struct Batches {
    sql: SqlStorage,
    read: Cell<usize>,
    written: Cell<usize>,
}

#[derive(Deserialize)]
struct Row {
    key: String,
    #[serde(default)]
    events: String,
}

const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS batch (key TEXT NOT NULL PRIMARY KEY, events TEXT NOT NULL) WITHOUT ROWID";
/// Later than every key.
const END: &str = "~";

impl Batches {
    /// Opens the table. The first write creates it: reading an hour without events leaves nothing behind.
    fn open(state: &State) -> Self {
        Self { sql: state.storage().sql(), read: Cell::new(0), written: Cell::new(0) }
    }

    fn append(&self, key: &str, rows: &[String]) -> Result<(), Fault> {
        for (index, row) in rows.iter().enumerate() {
            let binding = || vec![format!("{key}.{index:03}").into(), row.as_str().into()];
            let insert = "INSERT OR IGNORE INTO batch (key, events) VALUES (?, ?)";
            let cursor = match self.sql.exec(insert, binding()) {
                Ok(cursor) => cursor,
                // The first write of the hour.
                Err(_) => {
                    self.sql.exec(CREATE, None).map_err(broken)?;
                    self.sql.exec(insert, binding()).map_err(broken)?
                }
            };
            self.count(&cursor);
        }
        Ok(())
    }

    fn page(&self, before: Option<Position>, filter: &Filter, limit: u64) -> Result<EventPage, Fault> {
        let mut events = Vec::new();
        let top = before.as_ref().map_or(END, |position| position.key.as_str());
        let needles: Vec<_> = filter.needles().collect();
        let found = " AND instr(events, ?) > 0".repeat(needles.len());
        let query = format!(
            "SELECT key, events FROM (SELECT key, events FROM batch WHERE key <= ? ORDER BY key DESC LIMIT ?)
             WHERE true{found} ORDER BY key DESC"
        );
        let mut bindings = vec![top.into(), integer(LOOKED_THROUGH)];
        bindings.extend(needles.into_iter().map(SqlStorageValue::from));
        let Some(cursor) = self.select(&query, bindings)? else {
            return Ok(EventPage { events, next: None });
        };
        for (read, row) in cursor.next::<Row>().enumerate() {
            let Row { key, events: text } = row.map_err(broken)?;
            if read == READ {
                self.count(&cursor);
                return Ok(EventPage { events, next: Some(all_of(key)) });
            }
            let batch: Vec<Map<String, Value>> = serde_json::from_str(&text)
                .map_err(|error| Fault::new(FaultKind::RecordUnreadable, &error.classify()))?;
            let left = before.as_ref().filter(|position| position.key == key);
            let left = left.and_then(|position| usize::try_from(position.left).ok()).unwrap_or(usize::MAX);
            let found = batch.into_iter().take(left).enumerate().filter(|(_, event)| filter.matches(event));
            for (index, event) in found.collect::<Vec<_>>().into_iter().rev() {
                events.push(event);
                if events.len() as u64 >= limit {
                    self.count(&cursor);
                    let next = Some(Position { key, left: index as u64 });
                    return Ok(EventPage { events, next });
                }
            }
        }
        self.count(&cursor);
        let next = "SELECT key FROM batch WHERE key <= ? ORDER BY key DESC LIMIT 1 OFFSET ?";
        let next = self.key(next, vec![top.into(), integer(LOOKED_THROUGH)])?;
        Ok(EventPage { events, next: next.map(all_of) })
    }

    /// Returns the time of the newest batch.
    fn last(&self) -> Result<Option<UnixTime>, Fault> {
        let key = self.key("SELECT key FROM batch ORDER BY key DESC LIMIT 1", Vec::new())?;
        Ok(key.and_then(|key| key.split('.').next()?.parse().ok()).map(UnixTime))
    }

    fn key(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Option<String>, Fault> {
        let Some(cursor) = self.select(query, bindings)? else {
            return Ok(None);
        };
        let rows = cursor.to_array::<Row>().map_err(broken)?;
        self.count(&cursor);
        Ok(rows.into_iter().next().map(|row| row.key))
    }

    /// An hour without a table has no events.
    fn select(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Option<SqlCursor>, Fault> {
        match self.sql.exec(query, bindings) {
            Ok(cursor) => Ok(Some(cursor)),
            Err(cause) => {
                let tables = self.sql.exec("SELECT name FROM sqlite_master WHERE name = 'batch'", None);
                match tables.map_err(broken)?.raw().next() {
                    Some(_) => Err(broken(cause)),
                    None => Ok(None),
                }
            }
        }
    }

    fn count(&self, cursor: &SqlCursor) {
        self.read.set(self.read.get() + cursor.rows_read());
        self.written.set(self.written.get() + cursor.rows_written());
    }
}

/// The position before all events of a batch.
fn all_of(key: String) -> Position {
    Position { key, left: u64::from(u32::MAX) }
}
