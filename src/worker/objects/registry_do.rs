//! What must be exact about one client: its record, which of its tokens are revoked, which assertions it has used up.
//! One Durable Object a client, so that capacity grows with clients and none waits for another.
//!
//! `Revoke`, `Spend` and `Status` are one turn each: the body is read first, then storage is read and written without
//! another wait in between. Changes of the record also go to KV, where every isolate reads them: they run one after
//! another, are taken back if KV fails, and are finished by the alarm if the object dies in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, ScheduledTime, SqlStorage, State, durable_object};

use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::grant::handle::AccountId;
use crate::token::UnixTime;

use super as objects;
use super::records::{broken, integer};
use crate::worker::clock::now;
use crate::worker::env::STORE;
use crate::worker::kv;
use crate::worker::report::Fault;

/// What can be asked of a client's registry. `name` is the record's name in KV, `sealed` its sealed text.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistryCommand {
    /// Stores the record of a client that is not there.
    Create { name: String, sealed: String, since: UnixTime },
    /// Replaces the record of one that is, if that still is what it `was`.
    Replace { name: String, was: String, sealed: String },
    /// Forgets the client, if its record still is what it `was`; its tokens are not active any more.
    Remove { name: String, was: String },
    /// The sealed record.
    Read,
    /// May a token with this identifier, issued then, still be used?
    Status { jti: String, issued_at: UnixTime },
    /// From now on a token with this identifier is not active.
    Revoke { jti: String, until: UnixTime },
    /// From now on no token of the client's own that was issued until then is active.
    EndTokens { until: UnixTime },
    /// Uses up an assertion.
    Spend { jti: String, until: UnixTime },
    /// From now on this account may have something for the client. Said before it has.
    Index { account: AccountId },
    /// Accounts that may have something for the client: those after one, in order.
    Accounts { after: String, limit: u64 },
}

/// What comes back.
#[derive(Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RegistryAnswer {
    /// It is done.
    Done,
    /// There is a client already, or the assertion has been used before, or the record is another one.
    Exists,
    /// There is no such client.
    Missing,
    /// The sealed record.
    Record(String),
    /// Some accounts.
    Accounts(Vec<AccountId>),
    /// Whether the client is registered (and was when the token was issued), and whether the token is revoked.
    Status { registered: bool, revoked: bool },
}

/// The registry of one client.
#[durable_object(alarm)]
pub struct RegistryObject {
    state: State,
    env: Env,
}

impl DurableObject for RegistryObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command = objects::command(&mut request).await?;
        objects::reply(self.run(command).await)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let (state, env) = (self.rows()?, self.env.clone());
        let outcome = self.state.block_concurrency_while(async move { Ok(state.publish_pending(&env).await) });
        // A fault is thrown, so that the platform calls the alarm again.
        outcome.await?.map_err(|fault| worker::Error::RustError(fault.kind().name().to_owned()))?;
        let rows = self.rows()?;
        rows.forget(now()).map_err(|fault| worker::Error::RustError(fault.kind().name().to_owned()))?;
        if let Some(next) = rows.next_end().map_err(|fault| worker::Error::RustError(fault.kind().name().to_owned()))? {
            self.state.storage().set_alarm(at(next)).await?;
        }
        Response::empty()
    }
}

impl RegistryObject {
    async fn run(&self, command: RegistryCommand) -> Result<RegistryAnswer, Fault> {
        let rows = self.rows().map_err(broken)?;
        match command {
            RegistryCommand::Read => Ok(match rows.record()? {
                Some(Record { sealed: Some(sealed), .. }) => RegistryAnswer::Record(sealed),
                Some(_) | None => RegistryAnswer::Missing,
            }),
            RegistryCommand::Status { jti, issued_at } => {
                let registered =
                    rows.record()?.is_some_and(|record| record.sealed.is_some() && record.since <= issued_at.0);
                let ended = rows.tokens_ended()?.is_some_and(|moment| issued_at <= moment);
                Ok(RegistryAnswer::Status { registered, revoked: ended || rows.is_noted(Note::Revoked, &jti)? })
            }
            RegistryCommand::EndTokens { until: moment } => {
                // Longer than any token lives; then nobody asks any more.
                let until = moment.plus(MAX_TOKEN_TTL + 60);
                if rows.end_tokens(moment, until)? {
                    self.wake_at(until).await?;
                }
                Ok(RegistryAnswer::Done)
            }
            RegistryCommand::Revoke { jti, until } => {
                rows.note(Note::Revoked, &jti, until)?;
                self.wake_at(until).await?;
                Ok(RegistryAnswer::Done)
            }
            RegistryCommand::Spend { jti, until } => {
                let fresh = rows.note(Note::Assertion, &jti, until)?;
                self.wake_at(until).await?;
                Ok(if fresh { RegistryAnswer::Done } else { RegistryAnswer::Exists })
            }
            RegistryCommand::Index { account } => {
                rows.index(&account)?;
                Ok(RegistryAnswer::Done)
            }
            RegistryCommand::Accounts { after, limit } => Ok(RegistryAnswer::Accounts(rows.accounts(&after, limit)?)),
            RegistryCommand::Create { name, sealed, since } => {
                self.change(name, Some(sealed), move |old| match old {
                    Some(_) => Err(RegistryAnswer::Exists),
                    None => Ok(since.0),
                })
                .await
            }
            RegistryCommand::Replace { name, was, sealed } => {
                self.change(name, Some(sealed), move |old| since_before(old, &was)).await
            }
            RegistryCommand::Remove { name, was } => self.change(name, None, move |old| since_before(old, &was)).await,
        }
    }

    /// Changes the record here and in KV. `decide` sees the client that there is, and says since when there will be one.
    async fn change(
        &self,
        name: String,
        sealed: Option<String>,
        decide: impl FnOnce(Option<&Record>) -> Result<u64, RegistryAnswer> + 'static,
    ) -> Result<RegistryAnswer, Fault> {
        self.state.storage().set_alarm(RETRY).await.map_err(broken)?;
        let (rows, env) = (self.rows().map_err(broken)?, self.env.clone());
        let change = async move {
            let old = rows.record()?;
            let since = match decide(old.as_ref().filter(|old| old.sealed.is_some())) {
                Ok(since) => since,
                Err(answer) => return Ok(answer),
            };
            let new = Record { name, sealed, since, published: 0 };
            rows.put(Some(&new))?;
            if let Err(fault) = publish(&env, &new).await {
                rows.put(old.as_ref())?;
                return Err(fault);
            }
            rows.put(Some(&Record { published: 1, ..new }))?;
            Ok(RegistryAnswer::Done)
        };
        self.state.block_concurrency_while(async move { Ok(change.await) }).await.map_err(broken)?
    }

    fn rows(&self) -> worker::Result<Rows> {
        Rows::open(self.state.storage().sql())
    }

    /// Sees to it that an alarm comes by then, to forget what has ended.
    async fn wake_at(&self, time: UnixTime) -> Result<(), Fault> {
        let storage = self.state.storage();
        if storage.get_alarm().await.map_err(broken)?.is_none() {
            storage.set_alarm(at(time)).await.map_err(broken)?;
        }
        Ok(())
    }
}

/// Whoever changes a client needs one that is there, leaves it as old as it is, and says what the record was that the change is made from:
/// so that nobody else's change is lost by it.
fn since_before(old: Option<&Record>, was: &str) -> Result<u64, RegistryAnswer> {
    match old {
        None => Err(RegistryAnswer::Missing),
        Some(old) if old.sealed.as_deref() != Some(was) => Err(RegistryAnswer::Exists),
        Some(old) => Ok(old.since),
    }
}

const RETRY: Duration = Duration::from_secs(10);

/// Makes KV say what the record says.
async fn publish(env: &Env, record: &Record) -> Result<(), Fault> {
    let store = env.kv(STORE).map_err(kv::unavailable)?;
    match &record.sealed {
        Some(sealed) => store.put(&record.name, sealed).map_err(kv::unavailable)?.execute().await,
        None => store.delete(&record.name).await,
    }
    .map_err(kv::unavailable)
}

/// The client's record. Without a sealed text, the client has been removed.
#[derive(Deserialize)]
struct Record {
    name: String,
    sealed: Option<String>,
    /// When the client was registered: tokens from before belong to another one with the same identifier.
    since: u64,
    /// 1 if KV has it.
    published: u8,
}

/// What is remembered about identifiers until they cannot matter any more. The kind is part of the key.
#[derive(Clone, Copy)]
enum Note {
    Revoked,
    Assertion,
    /// The id is a moment: tokens that were issued until then are not active.
    TokensEnded,
}

impl Note {
    const fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Assertion => "assertion",
            Self::TokensEnded => "tokens_ended",
        }
    }
}

/// The object's tables.
struct Rows {
    sql: SqlStorage,
}

impl Rows {
    fn open(sql: SqlStorage) -> worker::Result<Self> {
        sql.exec(
            "CREATE TABLE IF NOT EXISTS record (
                one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, sealed TEXT,
                since INTEGER NOT NULL, published INTEGER NOT NULL);
             CREATE TABLE IF NOT EXISTS note (
                kind TEXT NOT NULL, id TEXT NOT NULL, until INTEGER NOT NULL,
                PRIMARY KEY (kind, id)) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS account (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;",
            None,
        )?;
        Ok(Self { sql })
    }

    fn record(&self) -> Result<Option<Record>, Fault> {
        let rows = self.sql.exec("SELECT name, sealed, since, published FROM record", None).map_err(broken)?;
        Ok(rows.to_array::<Record>().map_err(broken)?.into_iter().next())
    }

    fn put(&self, record: Option<&Record>) -> Result<(), Fault> {
        let done = match record {
            None => self.sql.exec("DELETE FROM record", None),
            Some(Record { name, sealed, since, published }) => self.sql.exec(
                "INSERT OR REPLACE INTO record (one, name, sealed, since, published) VALUES (1, ?, ?, ?, ?)",
                vec![name.as_str().into(), sealed.clone().into(), integer(*since), integer((*published).into())],
            ),
        };
        done.map(|_| ()).map_err(broken)
    }

    /// Remembers an identifier. Says whether it was new.
    fn note(&self, note: Note, id: &str, until: UnixTime) -> Result<bool, Fault> {
        let fresh = !self.is_noted(note, id)?;
        if fresh {
            self.sql
                .exec(
                    "INSERT INTO note (kind, id, until) VALUES (?, ?, ?)",
                    vec![note.name().into(), id.into(), integer(until.0)],
                )
                .map_err(broken)?;
        }
        Ok(fresh)
    }

    fn is_noted(&self, note: Note, id: &str) -> Result<bool, Fault> {
        let found = self
            .sql
            .exec("SELECT until FROM note WHERE kind = ? AND id = ?", vec![note.name().into(), id.into()])
            .map_err(broken)?;
        Ok(found.raw().next().is_some())
    }

    /// Until when tokens have been ended, if they have.
    fn tokens_ended(&self) -> Result<Option<UnixTime>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            moment: Option<u64>,
        }
        let select = "SELECT max(CAST(id AS INTEGER)) AS moment FROM note WHERE kind = ?";
        let rows = self.sql.exec(select, vec![Note::TokensEnded.name().into()]).map_err(broken)?;
        let rows = rows.to_array::<Row>().map_err(broken)?;
        Ok(rows.into_iter().next().and_then(|row| row.moment).map(UnixTime))
    }

    /// Ends the tokens that were issued until this moment. Says whether that is news: the latest moment counts, and is
    /// the only one that is kept.
    fn end_tokens(&self, moment: UnixTime, until: UnixTime) -> Result<bool, Fault> {
        if self.tokens_ended()?.is_some_and(|ended| moment <= ended) {
            return Ok(false);
        }
        let delete = "DELETE FROM note WHERE kind = ?";
        self.sql.exec(delete, vec![Note::TokensEnded.name().into()]).map_err(broken)?;
        self.note(Note::TokensEnded, &moment.0.to_string(), until)
    }

    /// Notes an account. It stays: an account that withdraws and allows again at the same moment is never lost.
    fn index(&self, account: &AccountId) -> Result<(), Fault> {
        let insert = "INSERT OR IGNORE INTO account (id) VALUES (?)";
        self.sql.exec(insert, vec![account.as_str().into()]).map(|_| ()).map_err(broken)
    }

    fn accounts(&self, after: &str, limit: u64) -> Result<Vec<AccountId>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            id: AccountId,
        }
        let select = "SELECT id FROM account WHERE id > ? ORDER BY id LIMIT ?";
        let rows = self.sql.exec(select, vec![after.into(), integer(limit)]).map_err(broken)?;
        Ok(rows.to_array::<Row>().map_err(broken)?.into_iter().map(|row| row.id).collect())
    }

    fn forget(&self, now: UnixTime) -> Result<(), Fault> {
        self.sql.exec("DELETE FROM note WHERE until <= ?", vec![integer(now.0)]).map(|_| ()).map_err(broken)
    }

    /// When the next note ends.
    fn next_end(&self) -> Result<Option<UnixTime>, Fault> {
        #[derive(Deserialize)]
        struct Row {
            until: Option<u64>,
        }
        let rows = self.sql.exec("SELECT min(until) AS until FROM note", None).map_err(broken)?;
        let rows = rows.to_array::<Row>().map_err(broken)?;
        Ok(rows.into_iter().next().and_then(|row| row.until).map(UnixTime))
    }

    async fn publish_pending(self, env: &Env) -> Result<(), Fault> {
        if let Some(record) = self.record()?.filter(|record| record.published == 0) {
            publish(env, &record).await?;
            self.put(Some(&Record { published: 1, ..record }))?;
        }
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss)] // A time in milliseconds is exact in a double.
pub(super) fn at(time: UnixTime) -> ScheduledTime {
    // A second later, so that what ends then has ended.
    ScheduledTime::new(js_sys::Date::new(&(time.plus(1).0 as f64 * 1000.0).into()))
}
