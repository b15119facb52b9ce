//! Revocations and suspensions that status lists must be told. They are stored in the turn that ends or suspends a grant, sent
//! before the object replies, and sent again by its alarm if that failed.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use crate::limits::LISTS_A_TURN;
use crate::oauth::status::revoked::Suspension;
use crate::oauth::status::{ListId, StatusEntry};
use crate::records::{Records, StorageError, Table};
use crate::token::UnixTime;

/// What one status list must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The list.
    pub list: ListId,
    /// The revoked entries, each with the time when the last of its tokens expires.
    pub revoked: Vec<(u32, UnixTime)>,
    /// The entries that are suspended, or not any more.
    pub suspended: Vec<(u32, Suspension)>,
}

/// Stores that the tokens with this entry are revoked; the last of them expires at `until`.
///
/// # Errors
/// [`StorageError`].
pub fn note<R: Records>(records: &R, entry: StatusEntry, until: UnixTime) -> Result<(), StorageError> {
    records.put(Table::Revocation, &id(entry), None, &(entry, until))
}

/// Stores that the tokens with this entry are suspended, or not any more. It replaces an earlier suspension that the list has not
/// confirmed.
///
/// # Errors
/// [`StorageError`].
pub fn note_suspension<R: Records>(
    records: &R,
    entry: StatusEntry,
    suspension: Suspension,
) -> Result<(), StorageError> {
    records.put(Table::Suspension, &id(entry), None, &(entry, suspension))
}

/// Returns whether every status list has confirmed what it must be told.
///
/// # Errors
/// [`StorageError`].
pub fn is_empty<R: Records>(records: &R) -> Result<bool, StorageError> {
    let has_none = |table| Ok::<_, StorageError>(records.page::<IgnoredAny>(table, "", 1)?.is_empty());
    Ok(has_none(Table::Revocation)? && has_none(Table::Suspension)?)
}

/// Returns the notices to send in this turn, one for each status list.
///
/// # Errors
/// [`StorageError`].
pub fn notices<R: Records>(records: &R) -> Result<Vec<Notice>, StorageError> {
    let mut lists: BTreeMap<ListId, Notice> = BTreeMap::new();
    let notice = |list| Notice { list, revoked: Vec::new(), suspended: Vec::new() };
    for (_, (entry, until)) in records.list::<(StatusEntry, UnixTime)>(Table::Revocation)? {
        lists.entry(entry.list).or_insert_with(|| notice(entry.list)).revoked.push((entry.idx, until));
    }
    for (_, (entry, suspension)) in records.list::<(StatusEntry, Suspension)>(Table::Suspension)? {
        lists.entry(entry.list).or_insert_with(|| notice(entry.list)).suspended.push((entry.idx, suspension));
    }
    Ok(lists.into_values().take(LISTS_A_TURN).collect())
}

/// Deletes what a status list has confirmed.
///
/// # Errors
/// [`StorageError`].
pub fn confirmed<R: Records>(records: &R, notice: &Notice) -> Result<(), StorageError> {
    for (idx, _) in &notice.revoked {
        records.delete(Table::Revocation, &id(StatusEntry { list: notice.list, idx: *idx }))?;
    }
    for (idx, sent) in &notice.suspended {
        // A later turn may have stored another suspension of the entry.
        let id = id(StatusEntry { list: notice.list, idx: *idx });
        let stored = records.get::<(StatusEntry, Suspension)>(Table::Suspension, &id)?;
        if stored.is_some_and(|(_, stored)| stored == *sent) {
            records.delete(Table::Suspension, &id)?;
        }
    }
    Ok(())
}

fn id(entry: StatusEntry) -> String {
    format!("{}.{}", entry.list, entry.idx)
}
