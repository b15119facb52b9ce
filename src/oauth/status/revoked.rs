//! The revoked and suspended entries of one status list: stored as records, and kept in memory in the encoded form that is
//! published.
//!
//! An entry stays revoked until the last token with it has expired. Then it is forgotten, since no verifier asks about it. A
//! suspended entry is marked in the same way, but the mark can be taken back, and that changes nothing of a revocation.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::limits::LIST_SIZE;
use crate::records::{Records, StorageError, Table, ends_at};
use crate::token::status::{Status, StatusList};
use crate::token::{UnixTime, base64url};

/// An encoded list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct EncodedList {
    /// The member `lst` of the token.
    pub lst: String,
    /// Names this state of the list.
    pub digest: String,
}

/// Whether an entry is marked because its user or client is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Suspension {
    /// When the last token with the entry expires.
    pub until: UnixTime,
    /// Counts the changes of the entry: an older message that arrives later changes nothing.
    pub version: u64,
    /// Whether the entry is marked.
    pub marked: bool,
}

/// The revoked and suspended entries of one list, as one object remembers them.
#[derive(Default)]
pub struct RevokedEntries {
    /// What is stored; `None` until it is read, and after a failure: then only storage knows what was written.
    memory: Option<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Each entry with the time when it is forgotten.
    revoked: HashMap<u32, UnixTime>,
    suspended: HashMap<u32, Suspension>,
    encoded: Option<EncodedList>,
}

impl RevokedEntries {
    /// Revokes entries, each until the last token with it expires.
    ///
    /// # Errors
    /// [`StorageError`]; then some of them may be revoked.
    pub fn revoke<R: Records>(
        &mut self,
        records: &R,
        entries: impl IntoIterator<Item = (u32, UnixTime)>,
        now: UnixTime,
    ) -> Result<(), StorageError> {
        let mut memory = self.take(records)?;
        for (idx, until) in entries.into_iter().filter(|(idx, until)| *idx < LIST_SIZE && *until > now) {
            if memory.revoke(idx, until) {
                records.put(Table::RevokedEntry, &idx.to_string(), ends_at(until), &until)?;
            }
        }
        self.memory = Some(memory);
        Ok(())
    }

    /// Suspends entries, or ends their suspension.
    ///
    /// # Errors
    /// [`StorageError`]; then some of them may have changed.
    pub fn suspend<R: Records>(
        &mut self,
        records: &R,
        entries: impl IntoIterator<Item = (u32, Suspension)>,
        now: UnixTime,
    ) -> Result<(), StorageError> {
        let mut memory = self.take(records)?;
        for (idx, suspension) in entries.into_iter().filter(|(idx, it)| *idx < LIST_SIZE && it.until > now) {
            if let Some(suspension) = memory.suspend(idx, suspension) {
                let ends = ends_at(suspension.until);
                records.put(Table::SuspendedEntry, &idx.to_string(), ends, &suspension)?;
            }
        }
        self.memory = Some(memory);
        Ok(())
    }

    /// Returns the encoded list, unless it is the one with the digest `known`.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn read<R: Records>(
        &mut self,
        records: &R,
        known: Option<&str>,
        now: UnixTime,
    ) -> Result<Option<EncodedList>, StorageError> {
        let mut memory = self.take(records)?;
        let encoded = memory.encoded(now)?;
        let news = (known != Some(&encoded.digest)).then(|| encoded.clone());
        self.memory = Some(memory);
        Ok(news)
    }

    /// Takes the memory out, so that it is lost if the caller fails.
    fn take<R: Records>(&mut self, records: &R) -> Result<Memory, StorageError> {
        match self.memory.take() {
            Some(memory) => Ok(memory),
            None => Memory::read(records),
        }
    }
}

impl Memory {
    fn read<R: Records>(records: &R) -> Result<Self, StorageError> {
        let rows = records.list::<UnixTime>(Table::RevokedEntry)?;
        let revoked = rows.into_iter().filter_map(|(id, until)| Some((id.parse().ok()?, until))).collect();
        let rows = records.list::<Suspension>(Table::SuspendedEntry)?;
        let suspended = rows.into_iter().filter_map(|(id, suspension)| Some((id.parse().ok()?, suspension))).collect();
        Ok(Self { revoked, suspended, encoded: None })
    }

    /// Returns whether that changes anything.
    fn revoke(&mut self, idx: u32, until: UnixTime) -> bool {
        let known = self.revoked.get(&idx).copied();
        if known.is_some_and(|known| known >= until) {
            return false;
        }
        self.revoked.insert(idx, until);
        if known.is_none() {
            self.encoded = None;
        }
        true
    }

    /// Returns what is to be stored, if that changes anything.
    fn suspend(&mut self, idx: u32, new: Suspension) -> Option<Suspension> {
        let known = self.suspended.get(&idx).copied();
        if known.is_some_and(|known| new.version < known.version) {
            return None;
        }
        // Tokens that an earlier change knew of may live longer.
        let until = known.map_or(new.until, |known| known.until.max(new.until));
        let new = Suspension { until, ..new };
        if known == Some(new) {
            return None;
        }
        self.suspended.insert(idx, new);
        self.encoded = None;
        Some(new)
    }

    fn encoded(&mut self, now: UnixTime) -> Result<&EncodedList, StorageError> {
        let before = self.revoked.len() + self.suspended.len();
        self.revoked.retain(|_, until| *until > now);
        self.suspended.retain(|_, suspension| suspension.until > now);
        if self.revoked.len() + self.suspended.len() < before {
            self.encoded = None;
        }
        let encoded = match self.encoded.take() {
            Some(encoded) => encoded,
            None => {
                let lst = self.list()?.encode();
                let digest = Sha256::digest(&lst);
                EncodedList { digest: base64url::encode(digest.get(..12).unwrap_or_default()), lst }
            }
        };
        Ok(self.encoded.insert(encoded))
    }

    fn list(&self) -> Result<StatusList, StorageError> {
        let mut list = StatusList::new(1, LIST_SIZE as usize).map_err(StorageError::unreadable)?;
        let suspended = self.suspended.iter().filter(|(_, suspension)| suspension.marked).map(|(idx, _)| idx);
        for idx in self.revoked.keys().chain(suspended) {
            list.set(u64::from(*idx), Status::Invalid).map_err(StorageError::unreadable)?;
        }
        Ok(list)
    }
}
