//! The records of a Durable Object in its SQLite storage: one table, with the kind of record in the key. The object's alarm
//! sweeps what has expired.

use std::cell::Cell;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::{Env, SqlCursor, SqlStorage, SqlStorageValue, State};

use crate::records::{Records, StorageError, StorageErrorKind, Table, read, write};
use crate::token::UnixTime;
use crate::worker::report::{self, Fault, FaultKind};

// The two statements of almost every turn. Through the `worker` crate each would cost a list of bindings and a walk over the
// row's columns.
#[wasm_bindgen(module = "edgemint-host")]
extern "C" {
    #[wasm_bindgen(js_name = getRecord, catch)]
    fn get_record(sql: &JsValue, kind: &str, id: &str) -> Result<Option<String>, JsValue>;

    #[wasm_bindgen(js_name = putRecord, catch)]
    fn put_record(sql: &JsValue, kind: &str, id: &str, ends: Option<f64>, state: &str) -> Result<(), JsValue>;

    /// Returns the rows that the last of these read or wrote.
    fn rows() -> u32;
}

/// The records of one object, during one turn. Counts the rows that the turn reads and writes.
pub(crate) struct SqliteRecords {
    sql: SqlStorage,
    rows_read: Cell<usize>,
    rows_written: Cell<usize>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    state: String,
}

impl SqliteRecords {
    /// Opens the records of an object. The first write creates the table, so that calling an object without records
    /// stores nothing.
    pub(crate) fn open(state: &State) -> Self {
        Self { sql: state.storage().sql(), rows_read: Cell::new(0), rows_written: Cell::new(0) }
    }

    /// Returns whether this turn has changed anything.
    pub(crate) fn has_written(&self) -> bool {
        self.rows_written.get() > 0
    }

    /// Logs the turn's costs, if the operator asked for that.
    pub(crate) fn tell_costs(&self, env: &Env, object: &str) {
        report::object_costs(env, object, self.rows_read.get(), self.rows_written.get());
    }

    fn select(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<Row>, StorageError> {
        let cursor = match self.sql.exec(query, bindings) {
            Ok(cursor) => cursor,
            // An object without a table has no records.
            Err(cause) => {
                return if self.has_table()? { Err(StorageError::unavailable(cause)) } else { Ok(Vec::new()) };
            }
        };
        let rows = cursor.to_array().map_err(StorageError::unavailable)?;
        self.count(&cursor);
        Ok(rows)
    }

    /// Returns the state of a record as it is stored.
    fn state(&self, table: Table, id: &str) -> Result<Option<String>, StorageError> {
        match get_record(self.sql.as_ref(), table.name(), id) {
            Ok(state) => {
                self.rows_read.set(self.rows_read.get() + rows() as usize);
                Ok(state)
            }
            // An object without a table has no records.
            Err(_) if !self.has_table()? => Ok(None),
            Err(cause) => Err(StorageError::unavailable(worker::Error::from(cause))),
        }
    }

    fn has_table(&self) -> Result<bool, StorageError> {
        let tables = self.sql.exec("SELECT name FROM sqlite_master WHERE name = 'record'", None);
        Ok(tables.map_err(StorageError::unavailable)?.raw().next().is_some())
    }

    fn exec(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<(), StorageError> {
        let cursor = self.sql.exec(statement, bindings).map_err(StorageError::unavailable)?;
        self.count(&cursor);
        Ok(())
    }

    fn count(&self, cursor: &SqlCursor) {
        self.rows_read.set(self.rows_read.get() + cursor.rows_read());
        self.rows_written.set(self.rows_written.get() + cursor.rows_written());
    }
}

impl Records for SqliteRecords {
    fn get<T: DeserializeOwned>(&self, table: Table, id: &str) -> Result<Option<T>, StorageError> {
        self.state(table, id)?.map(|state| read(&state)).transpose()
    }

    fn contains(&self, table: Table, id: &str) -> Result<bool, StorageError> {
        Ok(self.state(table, id)?.is_some())
    }

    fn page<T: DeserializeOwned>(
        &self,
        table: Table,
        after: &str,
        limit: u64,
    ) -> Result<Vec<(String, T)>, StorageError> {
        let rows = self.select(
            "SELECT id, state FROM record WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
            vec![table.name().into(), after.into(), integer(limit)],
        )?;
        rows.into_iter().map(|row| Ok((row.id, read(&row.state)?))).collect()
    }

    fn put<T: Serialize>(
        &self,
        table: Table,
        id: &str,
        ends: Option<UnixTime>,
        record: &T,
    ) -> Result<(), StorageError> {
        let state = write(record)?;
        // Exact: a float holds integers up to 2^53.
        #[allow(clippy::cast_precision_loss)]
        let ends = ends.map(|ends| ends.0 as f64);
        let put = || put_record(self.sql.as_ref(), table.name(), id, ends, &state);
        if put().is_err() {
            // The first write of an object's life.
            self.exec(CREATE, Vec::new())?;
            put().map_err(|cause| StorageError::unavailable(worker::Error::from(cause)))?;
        }
        self.rows_written.set(self.rows_written.get() + rows() as usize);
        Ok(())
    }

    fn delete(&self, table: Table, id: &str) -> Result<bool, StorageError> {
        let exists = self.contains(table, id)?;
        if exists {
            self.exec("DELETE FROM record WHERE kind = ? AND id = ?", vec![table.name().into(), id.into()])?;
        }
        Ok(exists)
    }

    fn keep_only(&self, table: Table) -> Result<(), StorageError> {
        self.exec("DELETE FROM record WHERE kind <> ?", vec![table.name().into()])
    }

    fn sweep(&self, now: UnixTime) -> Result<Option<UnixTime>, StorageError> {
        if !self.has_table()? {
            return Ok(None);
        }
        self.exec("DELETE FROM record WHERE ends <= ?", vec![integer(now.0)])?;
        let next =
            "SELECT '' AS id, CAST(min(ends) AS TEXT) AS state FROM record WHERE ends IS NOT NULL HAVING count(*) > 0";
        let next = self.select(next, Vec::new())?;
        Ok(next.first().and_then(|row| row.state.parse().ok()).map(UnixTime))
    }

    fn is_empty(&self) -> Result<bool, StorageError> {
        Ok(self.select("SELECT id, '' AS state FROM record LIMIT 1", Vec::new())?.is_empty())
    }
}

const CREATE: &str = "CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id TEXT NOT NULL, ends INTEGER, state TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID";

impl From<StorageError> for Fault {
    /// Logs the failure.
    fn from(error: StorageError) -> Self {
        let kind = match error.kind {
            StorageErrorKind::Unavailable => FaultKind::ObjectUnavailable,
            StorageErrorKind::Unreadable => FaultKind::RecordUnreadable,
        };
        Self::new(kind, &format_args!("{}", error.cause))
    }
}

/// Returns a number in the type that SQLite takes.
pub(super) fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// The fault of an object whose storage failed.
pub(crate) fn broken(cause: worker::Error) -> Fault {
    Fault::new(FaultKind::ObjectUnavailable, &cause)
}
