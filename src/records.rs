//! The typed records of one Durable Object, as pure code sees them: [`Records`] is synchronous, so that a turn that reads,
//! decides and writes has no wait in between, and runs natively over storage that fails on purpose.
//!
//! SQLite implements it in the Worker. The kind of a record is part of its key, so that a record of one kind is never read
//! as one of another.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::token::UnixTime;

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// An account's own record; there is one, its id is empty.
    Account,
    /// Sign-in attempts; the id names the group that is counted together.
    Attempts,
    /// The sealed catalogue of an issuer; there is one, its id is empty.
    Catalogue,
    /// A user's consent to a client; the id is the client's.
    Consent,
    /// The request of a device; there is one, its id is empty.
    Device,
    /// The number of grants that a job has ended, or has taken a resource from; the id is the job's.
    EndedFor,
    /// A status list entry that a removed client has returned.
    FreeEntry,
    /// A grant.
    Grant,
    /// The account that a sign-in name leads to; there is one, its id is empty.
    Identifier,
    /// A long-running job.
    Job,
    /// The status lists whose entries are being allocated; there is one, its id is empty.
    OpenLists,
    /// A passkey; the id is the credential's.
    Passkey,
    /// A revocation that its status list has not confirmed yet; the id is the entry.
    Revocation,
    /// A revoked entry of a status list; the id is its index.
    RevokedEntry,
    /// An access token that was revoked without its grant; the id is its `jti`.
    RevokedToken,
    /// A session.
    Session,
    /// A passkey challenge that has been answered.
    SpentChallenge,
    /// A consent form that has been submitted, or the text of an assertion that has been used; the id is that of its grant.
    SpentForm,
    /// A proof of work that has been used; the id is its challenge's.
    SpentProof,
    /// How much of a status list has been allocated; the id is its number.
    StatusList,
    /// A client that is or was disabled, whose grants the account has suspended or not; the id is the client's.
    SuspendedClient,
    /// A suspended entry of a status list; the id is its index.
    SuspendedEntry,
    /// A suspension that its status list has not confirmed yet; the id is the entry.
    Suspension,
    /// The tries to enter the user code of a device; there is one, its id is empty.
    UserCodeTries,
}

impl Table {
    /// The name of the kind in storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Attempts => "attempts",
            Self::Catalogue => "catalogue",
            Self::Consent => "consent",
            Self::Device => "device",
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
            Self::SuspendedClient => "suspended_client",
            Self::SuspendedEntry => "suspended_entry",
            Self::Suspension => "suspension",
            Self::UserCodeTries => "user_code_tries",
        }
    }
}

/// The id of a record that is the only one of its kind in an object.
pub const ONLY: &str = "";

/// Why storage failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// Storage did not answer.
    Unavailable,
    /// A record is not what this version writes.
    Unreadable,
}

/// A storage failure. A write that failed may have been stored or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// The kind of failure.
    pub kind: StorageErrorKind,
    /// The platform's text, for the log. It contains no stored value.
    pub cause: String,
}

impl StorageError {
    /// Storage did not answer.
    pub fn unavailable(cause: impl fmt::Debug) -> Self {
        Self { kind: StorageErrorKind::Unavailable, cause: format!("{cause:?}") }
    }

    /// A record is not what this version writes.
    pub fn unreadable(cause: impl fmt::Debug) -> Self {
        Self { kind: StorageErrorKind::Unreadable, cause: format!("{cause:?}") }
    }
}

/// The records of one object, during one turn.
///
/// # Errors
/// Every method fails with [`StorageError`] if storage does.
#[allow(clippy::missing_errors_doc)]
pub trait Records {
    /// Returns a record.
    fn get<T: DeserializeOwned>(&self, table: Table, id: &str) -> Result<Option<T>, StorageError>;

    /// Returns whether a record exists.
    fn contains(&self, table: Table, id: &str) -> Result<bool, StorageError>;

    /// Returns at most `limit` records of a kind, in the order of their ids: those with ids after `after`.
    fn page<T: DeserializeOwned>(
        &self,
        table: Table,
        after: &str,
        limit: u64,
    ) -> Result<Vec<(String, T)>, StorageError>;

    /// Stores a record and replaces one with the same id. It may be swept from `ends` on.
    fn put<T: Serialize>(&self, table: Table, id: &str, ends: Option<UnixTime>, record: &T)
    -> Result<(), StorageError>;

    /// Deletes a record. Returns whether it existed.
    fn delete(&self, table: Table, id: &str) -> Result<bool, StorageError>;

    /// Deletes all records except those of one kind.
    fn keep_only(&self, table: Table) -> Result<(), StorageError>;

    /// Deletes the records that have expired. Returns when the next of the others expires, if any does.
    fn sweep(&self, now: UnixTime) -> Result<Option<UnixTime>, StorageError>;

    /// Returns whether there is no record at all.
    fn is_empty(&self) -> Result<bool, StorageError>;

    /// Returns all records of a kind, in the order of their ids.
    fn list<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<(String, T)>, StorageError> {
        self.page(table, "", ALL)
    }
}

/// More records than an object can hold.
const ALL: u64 = 1 << 40;

/// When a record that expires at `end` may be swept: a minute later, since clocks differ.
pub fn ends_at(end: UnixTime) -> Option<UnixTime> {
    Some(end.plus(60))
}

/// Reads a stored record.
///
/// # Errors
/// [`StorageErrorKind::Unreadable`]; the text of the record is not part of the error.
pub fn read<T: DeserializeOwned>(state: &str) -> Result<T, StorageError> {
    serde_json::from_str(state).map_err(|error| StorageError::unreadable(error.classify()))
}

/// Writes a record as it is stored.
///
/// # Errors
/// [`StorageErrorKind::Unreadable`] if the value has no JSON form.
pub fn write<T: Serialize>(record: &T) -> Result<String, StorageError> {
    serde_json::to_string(record).map_err(|error| StorageError::unreadable(error.classify()))
}
