//! Sealed records in KV. Whoever can write to the store can lose a record, but neither read nor forge one:
//! each is sealed under its own name, which holds its kind and the issuer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::KvStore;

use crate::names;
use crate::oauth::Refusal;

use super::crypto::Opened;
use super::env::{Platform, STORE};
use super::report::{Fault, FaultKind, Stop};

/// What kinds of record there are. The kind is in the name and so under the seal:
/// a record of one kind can never be taken for one of another.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A registered client; the id is its `client_id`.
    Client,
    /// The keyring; there is one, its id is empty.
    Keyring,
    /// What the list of users shows of one; the id is the account's. Never read for a decision.
    User,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Keyring => "keyring",
            Self::User => "user",
        }
    }
}

/// What was found under a name.
pub(crate) enum Found<T> {
    Nothing,
    /// There is a record, but it does not open or is not of this kind.
    Unreadable(FaultKind),
    Record(T),
}

/// The name of a record. Everything belongs to one issuer: a Worker that is given another name starts anew.
/// No issuer has a `|`, so no two issuers share a name.
pub(crate) fn name(platform: &Platform, kind: Kind, id: &str) -> String {
    names::record(kind.name(), platform.authority().issuer(), id)
}

/// Seals a record under its name.
pub(crate) async fn seal<T: Serialize>(platform: &Platform, name: &str, record: &T) -> Result<String, Fault> {
    let text =
        serde_json::to_string(record).map_err(|error| Fault::new(FaultKind::RecordUnreadable, &error.classify()))?;
    platform.config.sealing_key.seal(name, &text).await
}

/// Opens a record.
pub(crate) async fn open<T: DeserializeOwned>(
    platform: &Platform,
    name: &str,
    sealed: &str,
) -> Result<Found<T>, Fault> {
    Ok(match unseal(platform, name, sealed).await? {
        Ok(record) => Found::Record(record),
        Err(kind) => Found::Unreadable(kind),
    })
}

/// Opens a record. The inner error says why its text cannot be read.
pub(crate) async fn unseal<T: DeserializeOwned>(
    platform: &Platform,
    name: &str,
    sealed: &str,
) -> Result<Result<T, FaultKind>, Fault> {
    Ok(match platform.config.sealing_key.open(name, sealed).await? {
        None => Err(FaultKind::KeyEncryptionKeyMismatch),
        Some(Opened::Current(text) | Opened::Previous(text)) => {
            serde_json::from_str(&text).map_err(|_| FaultKind::RecordUnreadable)
        }
    })
}

/// Does the key that seals now open it?
pub(crate) async fn is_of_current_key(platform: &Platform, name: &str, sealed: &str) -> Result<bool, Fault> {
    Ok(matches!(platform.config.sealing_key.open(name, sealed).await?, Some(Opened::Current(_))))
}

/// Reads a record as it is stored.
pub(crate) async fn read_sealed(platform: &Platform, name: &str) -> Result<Option<String>, Fault> {
    platform.costs.kv_read();
    store(platform)?.get(name).text().await.map_err(unavailable)
}

/// Reads and opens a record.
pub(crate) async fn read<T: DeserializeOwned>(platform: &Platform, name: &str) -> Result<Found<T>, Fault> {
    match read_sealed(platform, name).await? {
        None => Ok(Found::Nothing),
        Some(sealed) => open(platform, name, &sealed).await,
    }
}

/// Seals and writes a record that has no other writer at the same time.
pub(crate) async fn write<T: Serialize>(platform: &Platform, name: &str, record: &T) -> Result<(), Fault> {
    write_sealed(platform, name, &seal(platform, name, record).await?).await
}

/// Writes a record that is sealed.
pub(crate) async fn write_sealed(platform: &Platform, name: &str, sealed: &str) -> Result<(), Fault> {
    store(platform)?.put(name, sealed).map_err(unavailable)?.execute().await.map_err(unavailable)
}

/// Deletes a record.
pub(crate) async fn delete(platform: &Platform, name: &str) -> Result<(), Fault> {
    store(platform)?.delete(name).await.map_err(unavailable)
}

/// The ids of the records of a kind, a page at a time, and where the next page begins.
pub(crate) async fn list(
    platform: &Platform,
    kind: Kind,
    cursor: Option<String>,
    limit: u64,
) -> Result<(Vec<String>, Option<String>), Stop> {
    let prefix = name(platform, kind, "");
    let store = store(platform)?;
    let list = store.list().prefix(prefix.clone()).limit(limit);
    let page = match cursor {
        None => list.execute().await.map_err(unavailable)?,
        Some(cursor) => match list.cursor(cursor).execute().await {
            Ok(page) => page,
            // KV fails in one way for a cursor that it did not make and for trouble of its own: see whether it works.
            Err(_) => {
                store.list().limit(1).execute().await.map_err(unavailable)?;
                return Err(Refusal::CursorMalformed.into());
            }
        },
    };
    let ids = page.keys.iter().filter_map(|key| key.name.strip_prefix(&prefix)).map(str::to_owned).collect();
    Ok((ids, page.cursor.filter(|_| !page.list_complete)))
}

fn store(platform: &Platform) -> Result<KvStore, Fault> {
    platform.env.kv(STORE).map_err(unavailable)
}

/// What a failing store said, without the name of the record that it was asked for.
pub(crate) fn unavailable(cause: impl std::fmt::Debug) -> Fault {
    Fault::new(FaultKind::StoreUnavailable, &cause)
}
