//! The typed records of a Durable Object: one table in its SQLite storage, with the kind of record in the key, so that
//! a record of one kind can never be taken for one of another. Whatever ends is swept away by the object's alarm.

use std::cell::Cell;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use worker::{Env, SqlCursor, SqlStorage, SqlStorageValue, State};

use crate::token::UnixTime;
use crate::worker::report::{self, Fault, FaultKind};

/// What kinds of record there are.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    /// An account's own record; there is one, its id is empty.
    Account,
    /// What a person allowed a client; the id is the client's.
    Consent,
    /// How many grants were ended for a job; the id is the job's.
    EndedFor,
    /// An entry of a status list that a removed client has left.
    FreeEntry,
    /// A grant.
    Grant,
    /// What leads from a sign-in name to an account; there is one, its id is empty.
    Identifier,
    /// Long work; see `jobs`.
    Job,
    /// Which status lists are being handed out; there is one, its id is empty.
    OpenLists,
    /// A passkey; the id is the credential's.
    Passkey,
    /// A revocation that a status list has still to be told; the id is the entry.
    Revocation,
    /// A revoked entry of a status list; the id is its index.
    RevokedEntry,
    /// An access token of a grant that was revoked by itself; the id is its `jti`.
    RevokedToken,
    /// A session.
    Session,
    /// A passkey challenge that has been answered.
    SpentChallenge,
    /// A consent form that has been sent; the id is that of the grant that it stands for.
    SpentForm,
    /// A proof of work that has been used; the id is its challenge's.
    SpentProof,
    /// How far a status list has been handed out; the id is its number.
    StatusList,
    /// Attempts to sign in; the id says whose.
    Attempts,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Attempts => "attempts",
            Self::Consent => "consent",
            Self::EndedFor => "ended_for",
            Self::FreeEntry => "free_entry",
            Self::Grant => "grant",
            Self::Identifier => "identifier",
            Self::Job => "job",
            Self::OpenLists => "open_lists",
            Self::Passkey => "passkey",
            Self::Revocation => "revocation",
            Self::RevokedEntry => "revoked_entry",
            Self::RevokedToken => "revoked_token",
            Self::Session => "session",
            Self::SpentChallenge => "spent_challenge",
            Self::SpentForm => "spent_form",
            Self::SpentProof => "spent_proof",
            Self::StatusList => "status_list",
        }
    }
}

/// The records of one object, during one turn. Counts what it costs.
pub(crate) struct Records {
    sql: SqlStorage,
    rows_read: Cell<usize>,
    rows_written: Cell<usize>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    state: String,
}

impl Records {
    /// The records of an object. The table is made by the first write, so that asking an object that never was leaves
    /// nothing behind.
    pub(crate) fn open(state: &State) -> Self {
        Self { sql: state.storage().sql(), rows_read: Cell::new(0), rows_written: Cell::new(0) }
    }

    /// A record.
    pub(crate) fn get<T: DeserializeOwned>(&self, table: Table, id: &str) -> Result<Option<T>, Fault> {
        let rows = self
            .select("SELECT id, state FROM record WHERE kind = ? AND id = ?", vec![table.name().into(), id.into()])?;
        rows.into_iter().next().map(|row| read(&row.state)).transpose()
    }

    /// Is there such a record?
    pub(crate) fn contains(&self, table: Table, id: &str) -> Result<bool, Fault> {
        let rows = self.select(
            "SELECT id, '' AS state FROM record WHERE kind = ? AND id = ?",
            vec![table.name().into(), id.into()],
        )?;
        Ok(!rows.is_empty())
    }

    /// All records of a kind, in the order of their ids.
    pub(crate) fn list<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<(String, T)>, Fault> {
        self.page(table, "", ALL)
    }

    /// Some records of a kind: those after an id, in order.
    pub(crate) fn page<T: DeserializeOwned>(
        &self,
        table: Table,
        after: &str,
        limit: u64,
    ) -> Result<Vec<(String, T)>, Fault> {
        let rows = self.select(
            "SELECT id, state FROM record WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
            vec![table.name().into(), after.into(), integer(limit)],
        )?;
        rows.into_iter().map(|row| Ok((row.id, read(&row.state)?))).collect()
    }

    /// Stores a record, in the place of one that had the id. `ends` is when it may be swept away.
    pub(crate) fn put<T: Serialize>(
        &self,
        table: Table,
        id: &str,
        ends: Option<UnixTime>,
        record: &T,
    ) -> Result<(), Fault> {
        let state = serde_json::to_string(record)
            .map_err(|error| Fault::new(FaultKind::RecordUnreadable, &error.classify()))?;
        let ends = ends.map_or(SqlStorageValue::Null, |ends| integer(ends.0));
        let row = || vec![table.name().into(), id.into(), ends.clone(), state.as_str().into()];
        let insert = "INSERT OR REPLACE INTO record (kind, id, ends, state) VALUES (?, ?, ?, ?)";
        match self.sql.exec(insert, row()) {
            Ok(cursor) => self.count(&cursor),
            // The first write of an object's life.
            Err(_) => {
                self.exec(CREATE, Vec::new())?;
                self.exec(insert, row())?;
            }
        }
        Ok(())
    }

    /// Deletes a record. Says whether it was there.
    pub(crate) fn delete(&self, table: Table, id: &str) -> Result<bool, Fault> {
        let there = self.contains(table, id)?;
        if there {
            self.exec("DELETE FROM record WHERE kind = ? AND id = ?", vec![table.name().into(), id.into()])?;
        }
        Ok(there)
    }

    /// Forgets all records but those of one kind.
    pub(crate) fn keep_only(&self, table: Table) -> Result<(), Fault> {
        self.exec("DELETE FROM record WHERE kind <> ?", vec![table.name().into()])
    }

    /// Forgets what has ended. Says when the next of what is left will, if any.
    pub(crate) fn sweep(&self, now: UnixTime) -> Result<Option<UnixTime>, Fault> {
        if !self.is_there()? {
            return Ok(None);
        }
        self.exec("DELETE FROM record WHERE ends <= ?", vec![integer(now.0)])?;
        let next =
            "SELECT '' AS id, CAST(min(ends) AS TEXT) AS state FROM record WHERE ends IS NOT NULL HAVING count(*) > 0";
        let next = self.select(next, Vec::new())?;
        Ok(next.first().and_then(|row| row.state.parse().ok()).map(UnixTime))
    }

    /// Is there no record at all?
    pub(crate) fn is_empty(&self) -> Result<bool, Fault> {
        Ok(self.select("SELECT id, '' AS state FROM record LIMIT 1", Vec::new())?.is_empty())
    }

    /// Has this turn changed anything?
    pub(crate) fn has_written(&self) -> bool {
        self.rows_written.get() > 0
    }

    /// Writes the turn's costs to the log, if the operator asked for that.
    pub(crate) fn tell_costs(&self, env: &Env, object: &str) {
        report::object_costs(env, object, self.rows_read.get(), self.rows_written.get());
    }

    fn select(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<Row>, Fault> {
        let cursor = match self.sql.exec(query, bindings) {
            Ok(cursor) => cursor,
            // An object without a table has no records.
            Err(cause) => return if self.is_there()? { Err(broken(cause)) } else { Ok(Vec::new()) },
        };
        let rows = cursor.to_array().map_err(broken)?;
        self.count(&cursor);
        Ok(rows)
    }

    fn is_there(&self) -> Result<bool, Fault> {
        let tables = self.sql.exec("SELECT name FROM sqlite_master WHERE name = 'record'", None).map_err(broken)?;
        Ok(tables.raw().next().is_some())
    }

    fn exec(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<(), Fault> {
        let cursor = self.sql.exec(statement, bindings).map_err(broken)?;
        self.count(&cursor);
        Ok(())
    }

    fn count(&self, cursor: &SqlCursor) {
        self.rows_read.set(self.rows_read.get() + cursor.rows_read());
        self.rows_written.set(self.rows_written.get() + cursor.rows_written());
    }
}

/// More records than an object can hold.
const ALL: u64 = 1 << 40;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id TEXT NOT NULL, ends INTEGER, state TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID";

/// When a record may be swept away: a minute after its end, whatever the clocks.
pub(crate) fn ends_at(end: UnixTime) -> Option<UnixTime> {
    Some(end.plus(60))
}

fn read<T: DeserializeOwned>(state: &str) -> Result<T, Fault> {
    serde_json::from_str(state).map_err(|error| Fault::new(FaultKind::RecordUnreadable, &error.classify()))
}

/// A number as SQLite takes it.
pub(super) fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// What a failing object's storage said.
pub(super) fn broken(cause: worker::Error) -> Fault {
    Fault::new(FaultKind::ObjectUnavailable, &cause)
}
