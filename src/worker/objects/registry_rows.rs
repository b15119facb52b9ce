//! The tables of a registry: the record, the notes about tokens and assertions, the accounts.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use worker::{Env, SqlCursor, SqlStorage, SqlStorageValue};

use crate::oauth::grant::handle::AccountId;
use crate::token::UnixTime;
use crate::worker::env::STORE;
use crate::worker::kv;
use crate::worker::report::Fault;

use super::records::{broken, integer};

/// Copies the record to KV.
pub(super) async fn publish(env: &Env, record: &Record) -> Result<(), Fault> {
    let store = env.kv(STORE).map_err(kv::unavailable)?;
    match &record.sealed {
        Some(sealed) => store.put(&record.name, sealed).map_err(kv::unavailable)?.execute().await,
        None => store.delete(&record.name).await,
    }
    .map_err(kv::unavailable)
}

/// The client's record. Without a sealed text, the client has been removed.
#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) sealed: Option<String>,
    /// When the client was registered: tokens from before belong to another one with the same identifier.
    pub(super) since: u64,
    /// 1 if KV has it.
    pub(super) published: u8,
}

/// The kinds of notes about identifiers. The kind is part of the key.
#[derive(Clone, Copy)]
pub(super) enum Note {
    Revoked,
    Assertion,
    /// The id is the digest of a text, a full stop, and the time of its first use.
    AssertionText,
    /// The id is a moment: tokens that were issued up to then are inactive.
    TokensEnded,
    /// The client is disabled; there is one such note, its id is empty, and it does not expire.
    Disabled,
}

impl Note {
    const fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Assertion => "assertion",
            Self::AssertionText => "assertion_text",
            Self::TokensEnded => "tokens_ended",
            Self::Disabled => "disabled",
        }
    }
}

/// The end of a note that does not expire: the end of the year 9999.
const FOREVER: UnixTime = UnixTime(253_402_300_799);

/// The object's tables.
pub(super) struct Rows {
    sql: SqlStorage,
}

/// Statements that create the tables.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS record (
        one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, sealed TEXT,
        since INTEGER NOT NULL, published INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS note (
        kind TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (kind, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS account (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;";

impl Rows {
    /// The tables in this storage.
    pub(super) fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    /// Runs a statement that writes. The first write creates the tables, so that reading the registry of a client that never
    /// existed leaves nothing behind.
    fn write(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<(), Fault> {
        if self.sql.exec(statement, bindings.clone()).is_err() {
            self.sql.exec(CREATE, None).map_err(broken)?;
            self.sql.exec(statement, bindings).map_err(broken)?;
        }
        Ok(())
    }

    /// Runs a statement that reads; `None` if the tables do not exist.
    fn read(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<Option<SqlCursor>, Fault> {
        match self.sql.exec(statement, bindings) {
            Ok(cursor) => Ok(Some(cursor)),
            Err(cause) => {
                let tables = self.sql.exec("SELECT name FROM sqlite_master WHERE name = 'record'", None);
                match tables.map_err(broken)?.raw().next() {
                    Some(_) => Err(broken(cause)),
                    None => Ok(None),
                }
            }
        }
    }

    /// Reads the rows of a statement.
    fn rows<T: DeserializeOwned>(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<T>, Fault> {
        match self.read(statement, bindings)? {
            Some(cursor) => cursor.to_array().map_err(broken),
            None => Ok(Vec::new()),
        }
    }

    pub(super) fn record(&self) -> Result<Option<Record>, Fault> {
        let rows = self.rows("SELECT name, sealed, since, published FROM record", Vec::new())?;
        Ok(rows.into_iter().next())
    }

    pub(super) fn put(&self, record: Option<&Record>) -> Result<(), Fault> {
        match record {
            None => self.write("DELETE FROM record", Vec::new()),
            Some(Record { name, sealed, since, published }) => self.write(
                "INSERT OR REPLACE INTO record (one, name, sealed, since, published) VALUES (1, ?, ?, ?, ?)",
                vec![name.as_str().into(), sealed.clone().into(), integer(*since), integer((*published).into())],
            ),
        }
    }

    /// Stores a note. Returns whether it is new.
    pub(super) fn note(&self, note: Note, id: &str, until: UnixTime) -> Result<bool, Fault> {
        let is_new = !self.is_noted(note, id)?;
        if is_new {
            let insert = "INSERT INTO note (kind, id, until) VALUES (?, ?, ?)";
            self.write(insert, vec![note.name().into(), id.into(), integer(until.0)])?;
        }
        Ok(is_new)
    }

    pub(super) fn is_noted(&self, note: Note, id: &str) -> Result<bool, Fault> {
        let select = "SELECT until FROM note WHERE kind = ? AND id = ?";
        let found = self.read(select, vec![note.name().into(), id.into()])?;
        Ok(found.is_some_and(|cursor| cursor.raw().next().is_some()))
    }

    /// Returns when an assertion with this digest of its text was first used, if it was.
    pub(super) fn first_text_use(&self, digest: &str) -> Result<Option<UnixTime>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
        }
        // A slash is the character after the full stop. A digest has neither.
        let (from, to) = (format!("{digest}."), format!("{digest}/"));
        let select = "SELECT id FROM note WHERE kind = ? AND id > ? AND id < ?";
        let rows = self.rows::<Row>(select, vec![Note::AssertionText.name().into(), from.into(), to.into()])?;
        let time = |row: Row| row.id.rsplit_once('.')?.1.parse().ok().map(UnixTime);
        Ok(rows.into_iter().next().and_then(time))
    }

    pub(super) fn is_disabled(&self) -> Result<bool, Fault> {
        self.is_noted(Note::Disabled, "")
    }

    pub(super) fn set_disabled(&self, disabled: bool) -> Result<(), Fault> {
        match (self.is_disabled()?, disabled) {
            (false, true) => self.note(Note::Disabled, "", FOREVER).map(|_| ()),
            (true, false) => self.write("DELETE FROM note WHERE kind = ?", vec![Note::Disabled.name().into()]),
            (true, true) | (false, false) => Ok(()),
        }
    }

    /// Returns the moment up to which the client's own tokens were revoked, if they were.
    pub(super) fn tokens_ended(&self) -> Result<Option<UnixTime>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            moment: Option<u64>,
        }
        let select = "SELECT max(CAST(id AS INTEGER)) AS moment FROM note WHERE kind = ?";
        let rows = self.rows::<Row>(select, vec![Note::TokensEnded.name().into()])?;
        Ok(rows.into_iter().next().and_then(|row| row.moment).map(UnixTime))
    }

    /// Revokes the tokens that were issued up to this moment. Returns whether that is new: only the latest moment is kept.
    pub(super) fn end_tokens(&self, moment: UnixTime, until: UnixTime) -> Result<bool, Fault> {
        if self.tokens_ended()?.is_some_and(|ended| moment <= ended) {
            return Ok(false);
        }
        self.write("DELETE FROM note WHERE kind = ?", vec![Note::TokensEnded.name().into()])?;
        self.note(Note::TokensEnded, &moment.0.to_string(), until)
    }

    /// Notes an account. It is never deleted: an account that withdraws and allows again at the same moment is never lost.
    pub(super) fn index(&self, account: &AccountId) -> Result<(), Fault> {
        self.write("INSERT OR IGNORE INTO account (id) VALUES (?)", vec![account.as_str().into()])
    }

    pub(super) fn accounts(&self, after: &str, limit: u64) -> Result<Vec<AccountId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            id: AccountId,
        }
        let select = "SELECT id FROM account WHERE id > ? ORDER BY id LIMIT ?";
        let rows = self.rows::<Row>(select, vec![after.into(), integer(limit)])?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Deletes expired notes.
    pub(super) fn forget(&self, now: UnixTime) -> Result<(), Fault> {
        self.read("DELETE FROM note WHERE until <= ?", vec![integer(now.0)]).map(|_| ())
    }

    /// Returns when the next note expires.
    pub(super) fn next_end(&self) -> Result<Option<UnixTime>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            until: Option<u64>,
        }
        let select = "SELECT min(until) AS until FROM note WHERE kind <> ?";
        let rows = self.rows::<Row>(select, vec![Note::Disabled.name().into()])?;
        Ok(rows.into_iter().next().and_then(|row| row.until).map(UnixTime))
    }

    pub(super) async fn publish_pending(self, env: &Env) -> Result<(), Fault> {
        if let Some(record) = self.record()?.filter(|record| record.published == 0) {
            publish(env, &record).await?;
            self.put(Some(&Record { published: 1, ..record }))?;
        }
        Ok(())
    }
}
