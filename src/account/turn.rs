//! One turn of an account's object: the records that it reads and writes, and what commands share.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::account::command::{Accounts, Command};
use crate::account::outbox;
use crate::account::record::{AccountRecord, Session};
use crate::oauth::Authority;
use crate::oauth::endpoints::step_up::is_recent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, Lifetimes};
use crate::oauth::status::revoked::Suspension;
use crate::oauth::vocabulary::status_entry::SuspensionState;
use crate::records::{ONLY, Records, StorageError, Table, ends_at};
use crate::token::UnixTime;

/// How long the count of a job's grants is kept, seconds: longer than any job runs.
pub(super) const JOB_COUNT_TTL: u64 = 30 * 24 * 3600;

/// A command of an account's object.
pub trait AccountCommand: Command<Namespace = Accounts> {
    /// Runs in an account. `account` is its record.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError>;

    /// Runs where there is no account: never created, or removed.
    ///
    /// # Errors
    /// [`StorageError`].
    fn without_account<R: Records>(self, turn: &Turn<'_, R>) -> Result<Self::Answer, StorageError>;
}

/// One turn of an account's object.
pub struct Turn<'t, R> {
    /// The object's records.
    pub records: &'t R,
    /// The settings.
    pub authority: &'t Authority,
    /// The time.
    pub now: UnixTime,
    has_revoked: Cell<bool>,
    /// Whether the account is disabled: then it has no active session.
    is_disabled: Cell<bool>,
}

/// Why a session does not allow a change of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepUpError {
    /// The session is not active, or there is no account.
    SessionMissing,
    /// The sign-in is too old.
    SignInTooOld,
}

/// How much a change of credentials has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Ended {
    /// The number of sessions.
    pub sessions: u64,
    /// The number of passkeys.
    pub passkeys: u64,
    /// The number of grants.
    pub grants: u64,
}

impl<'t, R: Records> Turn<'t, R> {
    /// Begins a turn.
    pub const fn new(records: &'t R, authority: &'t Authority, now: UnixTime) -> Self {
        Self { records, authority, now, has_revoked: Cell::new(false), is_disabled: Cell::new(false) }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    // Each command is compiled apart: an isolate compiles what it runs.
    #[inline(never)]
    pub fn run<C: AccountCommand>(&self, command: C) -> Result<C::Answer, StorageError> {
        match self.records.get::<AccountRecord>(Table::Account, ONLY)? {
            Some(account) => {
                self.is_disabled.set(account.disabled);
                command.run(self, account)
            }
            None => command.without_account(self),
        }
    }

    /// Returns whether this turn has stored a revocation or a suspension for a status list, or may have.
    pub fn has_revoked(&self) -> bool {
        self.has_revoked.get()
    }

    pub(super) fn lifetimes(&self) -> &Lifetimes {
        self.authority.lifetimes()
    }

    /// Returns an active session.
    pub(super) fn session(&self, id: &SessionId) -> Result<Option<Session>, StorageError> {
        if self.is_disabled.get() {
            return Ok(None);
        }
        let session: Option<Session> = self.records.get(Table::Session, id.as_str())?;
        Ok(session.filter(|session| self.now < session.ends))
    }

    /// Stores that a session is in use, at most once an hour.
    pub(super) fn touch(&self, id: &SessionId, session: &Session) -> Result<(), StorageError> {
        if self.now < session.seen_at.plus(3600) {
            return Ok(());
        }
        let seen = Session { seen_at: self.now, ..session.clone() };
        self.records.put(Table::Session, id.as_str(), Some(seen.ends), &seen)
    }

    /// Checks that a session is active and its sign-in recent enough for a change of credentials.
    pub(super) fn step_up(&self, session: &SessionId) -> Result<Result<(), StepUpError>, StorageError> {
        Ok(match self.session(session)? {
            None => Err(StepUpError::SessionMissing),
            Some(session) if !is_recent(&session.sign_in, self.now) => Err(StepUpError::SignInTooOld),
            Some(_) => Ok(()),
        })
    }

    /// Ends sessions and the grants that are bound to them. Returns the number of sessions.
    pub(super) fn end_sessions(&self, which: impl Fn(&str, &Session) -> bool) -> Result<u64, StorageError> {
        let mut ended = 0;
        for (id, session) in self.records.list::<Session>(Table::Session)? {
            if which(&id, &session) {
                // The grants first: without its session, nothing would find them if this is interrupted.
                self.end_grants(|grant| grant.needed_session().is_some_and(|session| session.as_str() == id))?;
                self.records.delete(Table::Session, &id)?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    /// Ends grants. Returns their number.
    pub(super) fn end_grants(&self, which: impl Fn(&Grant) -> bool) -> Result<u64, StorageError> {
        let mut ended = 0;
        for (id, grant) in self.records.list::<Grant>(Table::Grant)?.into_iter().filter(|(_, grant)| which(grant)) {
            self.end_grant(&id, &grant)?;
            ended += 1;
        }
        Ok(ended)
    }

    /// Does a part of a job, which returns a number of grants. Returns that number together with those of earlier turns for the job.
    pub(super) fn count_for(
        &self,
        job: Option<&str>,
        work: impl FnOnce() -> Result<u64, StorageError>,
    ) -> Result<u64, StorageError> {
        let Some(job) = job else {
            return work();
        };
        let before = self.records.get::<u64>(Table::EndedFor, job)?.unwrap_or_default();
        let total = before.saturating_add(work()?);
        if total != before {
            self.records.put(Table::EndedFor, job, Some(self.now.plus(JOB_COUNT_TTL)), &total)?;
        }
        Ok(total)
    }

    /// Stores for the status lists of these grants whether they are suspended: where the account or the client is disabled. Repeating
    /// it completes what an interruption left.
    pub(super) fn settle_suspensions(
        &self,
        account: &AccountRecord,
        which: impl Fn(&Grant) -> bool,
    ) -> Result<(), StorageError> {
        let mut disabled = Vec::new();
        for (client, suspension) in self.records.list::<SuspensionState>(Table::SuspendedClient)? {
            if suspension.marked {
                disabled.push(client);
            }
        }
        for (id, grant) in self.records.list::<Grant>(Table::Grant)?.into_iter().filter(|(_, grant)| which(grant)) {
            let last_token_ends = grant.last_token_ends(self.lifetimes()).filter(|ends| self.now < *ends);
            let (Some(entry), Some(until)) = (grant.status, last_token_ends) else {
                continue;
            };
            let marked = account.disabled || disabled.iter().any(|client| client == grant.client.as_str());
            let Some(suspension) = SuspensionState::next(grant.suspension, marked) else {
                continue;
            };
            if grant.suspension != Some(suspension) {
                let ends = ends_at(grant.ends(self.lifetimes()));
                let grant = Grant { suspension: Some(suspension), ..grant };
                self.records.put(Table::Grant, &id, ends, &grant)?;
            }
            // Also where storage fails: the suspension may have been stored all the same.
            self.has_revoked.set(true);
            let SuspensionState { version, marked } = suspension;
            outbox::note_suspension(self.records, entry, Suspension { until, version, marked })?;
        }
        Ok(())
    }

    /// Ends a grant, and stores for its status list that its tokens are revoked until the last of them expires.
    pub(super) fn end_grant(&self, id: &str, grant: &Grant) -> Result<(), StorageError> {
        let last_token_ends = grant.last_token_ends(self.lifetimes()).filter(|ends| self.now < *ends);
        if let (Some(entry), Some(ends)) = (grant.status, last_token_ends) {
            // Also where storage fails: the revocation may have been stored all the same.
            self.has_revoked.set(true);
            outbox::note(self.records, entry, ends)?;
        }
        self.records.delete(Table::Grant, id)?;
        Ok(())
    }
}
