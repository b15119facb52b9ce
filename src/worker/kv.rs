//! Sealed records in KV. Write access to the store suffices to delete a record, but not to read or forge one: each is sealed
//! under its own name, which contains its kind and the issuer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::KvStore;

use crate::names;
use crate::oauth::Refusal;

use super::crypto::Opened;
use super::env::{Platform, STORE};
use super::report::{Fault, FaultKind, RequestError};

/// The kinds of record. The kind is part of the name and so of the seal: a record of one kind is never read as one of another.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// The catalogue; there is one, its id is empty.
    Catalogue,
    /// A registered client; the id is its `client_id`.
    Client,
    /// The keyring; there is one, its id is empty.
    Keyring,
    /// A trusted issuer; the id is derived from its issuer identifier.
    TrustedIssuer,
    /// An entry of the list of users; the id is the account's. Never read for a decision.
    User,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Client => "client",
            Self::Keyring => "keyring",
            Self::TrustedIssuer => "trusted_issuer",
            Self::User => "user",
        }
    }
}

/// The result of reading a name.
pub(crate) enum Found<T> {
    Nothing,
    /// The record does not open or is not of this kind.
    Unreadable(FaultKind),
    Record(T),
}

impl<T> From<Result<T, FaultKind>> for Found<T> {
    fn from(opened: Result<T, FaultKind>) -> Self {
        opened.map_or_else(Self::Unreadable, Self::Record)
    }
}

/// Returns the name of a record. It contains the issuer: a Worker with another issuer starts without records.
pub(crate) fn name(platform: &Platform, kind: Kind, id: &str) -> String {
    names::record(kind.name(), platform.authority().issuer(), id)
}

/// Seals a record under its name.
pub(crate) async fn seal<T: Serialize>(platform: &Platform, name: &str, record: &T) -> Result<String, Fault> {
    let text =
        serde_json::to_string(record).map_err(|error| Fault::new(FaultKind::RecordUnreadable, &error.classify()))?;
    platform.config.sealing_key.seal(name, &text).await
}

/// Opens a record. The inner error says why it cannot be read.
pub(crate) async fn open<T: DeserializeOwned>(
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

/// Returns whether the current key opens a record.
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
        Some(sealed) => Ok(open(platform, name, &sealed).await?.into()),
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

/// Returns a page of the ids of a kind, and the cursor of the next page.
pub(crate) async fn list(
    platform: &Platform,
    kind: Kind,
    cursor: Option<String>,
    limit: u64,
) -> Result<(Vec<String>, Option<String>), RequestError> {
    let prefix = name(platform, kind, "");
    let store = store(platform)?;
    let list = store.list().prefix(prefix.clone()).limit(limit);
    let page = match cursor {
        None => list.execute().await.map_err(unavailable)?,
        Some(cursor) => match list.cursor(cursor).execute().await {
            Ok(page) => page,
            // KV reports an unknown cursor and its own failures with the same error: a listing without cursor tells them apart.
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

/// The fault of a failing store. The cause has no record name.
pub(crate) fn unavailable(cause: impl std::fmt::Debug) -> Fault {
    Fault::new(FaultKind::StoreUnavailable, &cause)
}
