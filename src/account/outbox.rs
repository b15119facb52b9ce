//! Revocations that status lists must be told. They are stored in the turn that ends a grant, sent before the object
//! replies, and sent again by its alarm if that failed.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::limits::LISTS_A_TURN;
use crate::oauth::status::{ListId, StatusEntry};
use crate::records::{Records, StorageError, Table};
use crate::token::UnixTime;

/// The revocations for one status list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The list.
    pub list: ListId,
    /// The entries, each with the time when the last of its tokens expires.
    pub entries: Vec<(u32, UnixTime)>,
    /// The identifiers of the records.
    ids: Vec<String>,
}

/// Stores that the tokens with this entry are revoked; the last of them expires at `until`.
///
/// # Errors
/// [`StorageError`].
pub fn note<R: Records>(records: &R, entry: StatusEntry, until: UnixTime) -> Result<(), StorageError> {
    let id = format!("{}.{}", entry.list, entry.idx);
    records.put(Table::Revocation, &id, None, &(entry, until))
}

/// Returns whether every status list has confirmed its revocations.
///
/// # Errors
/// [`StorageError`].
pub fn is_empty<R: Records>(records: &R) -> Result<bool, StorageError> {
    Ok(records.page::<IgnoredAny>(Table::Revocation, "", 1)?.is_empty())
}

/// Returns the notices to send in this turn, one for each status list.
///
/// # Errors
/// [`StorageError`].
pub fn notices<R: Records>(records: &R) -> Result<Vec<Notice>, StorageError> {
    let mut lists: BTreeMap<ListId, Notice> = BTreeMap::new();
    for (id, (entry, until)) in records.list::<(StatusEntry, UnixTime)>(Table::Revocation)? {
        let list = entry.list;
        let notice = lists.entry(list).or_insert_with(|| Notice { list, entries: Vec::new(), ids: Vec::new() });
        notice.entries.push((entry.idx, until));
        notice.ids.push(id);
    }
    Ok(lists.into_values().take(LISTS_A_TURN).collect())
}

/// Deletes the revocations that a status list has confirmed.
///
/// # Errors
/// [`StorageError`].
pub fn confirmed<R: Records>(records: &R, notice: &Notice) -> Result<(), StorageError> {
    for id in &notice.ids {
        records.delete(Table::Revocation, id)?;
    }
    Ok(())
}
