//! Sessions: opening, replacing and ending them.

use serde::{Deserialize, Serialize};

use crate::account::passkeys::{PasskeyUse, Use};
use crate::account::record::{AccountRecord, Session};
use crate::account::turn::{AccountCommand, Ended, StepUpError, Turn};
use crate::identity::passkey::Counter;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{Grant, SignIn};
use crate::records::{Records, StorageError, Table, ends_at};

/// Opens a session for a user who has signed in. It replaces another one of the same browser.
#[derive(Deserialize, Serialize)]
pub struct OpenSession {
    /// The new session's identifier.
    pub session: SessionId,
    /// The sign-in.
    pub sign_in: SignIn,
    /// The kind of browser, for display.
    pub agent: String,
    /// The browser's session so far.
    pub replaces: Option<SessionId>,
    /// The passkey that signed the user in, if one did.
    pub passkey: Option<PasskeyUse>,
}

/// The answer to [`OpenSession`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Opened {
    /// The session is open.
    Done,
    /// The session is open, although the passkey's signature counter did not increase: the passkey may be synced.
    CounterRestarted,
    /// Refused: the signature counter of a device-bound passkey did not increase.
    CounterWentBack,
    /// Refused: the passkey was removed, or its challenge has been answered before.
    PasskeyRefused,
    /// Refused: the account is disabled. The caller has checked the credentials.
    Disabled,
    /// There is no account.
    Missing,
}

impl AccountCommand for OpenSession {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Opened, StorageError> {
        let Self { session: id, sign_in, agent, replaces, passkey } = self;
        let opened = match passkey.as_ref().map(|used| turn.use_passkey(used)).transpose()? {
            Some(Use::CounterWentBack) => return Ok(Opened::CounterWentBack),
            Some(Use::Refused) => return Ok(Opened::PasskeyRefused),
            Some(Use::Accepted(Counter::Restarted)) => Opened::CounterRestarted,
            Some(Use::Accepted(Counter::Increased)) | None => Opened::Done,
        };
        // Only after a passkey was accepted: a request without valid credentials must not reveal it.
        if account.disabled {
            return Ok(Opened::Disabled);
        }
        // Each sign-in has a new identifier, against session fixation. The grants that are bound to the old session move.
        let (mut opened_at, mut moving) = (turn.now, Vec::new());
        if let Some(old) = replaces {
            if let Some(session) = turn.session(&old)? {
                opened_at = session.opened_at;
            }
            moving = turn.records.list::<Grant>(Table::Grant)?;
            moving.retain(|(_, grant)| grant.session.as_ref() == Some(&old));
            turn.records.delete(Table::Session, old.as_str())?;
        }
        for (grant_id, grant) in moving {
            let ends = ends_at(grant.ends(turn.lifetimes()));
            turn.records.put(Table::Grant, &grant_id, ends, &Grant { session: Some(id.clone()), ..grant })?;
        }
        let session = Session {
            sign_in: SignIn { at: sign_in.at.min(turn.now), ..sign_in },
            agent,
            opened_at,
            seen_at: turn.now,
            ends: turn.now.plus(turn.authority.session_ttl()),
            passkey: passkey.map(|used| used.id),
        };
        turn.records.put(Table::Session, id.as_str(), Some(session.ends), &session)?;
        Ok(opened)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Opened, StorageError> {
        Ok(Opened::Missing)
    }
}

/// Ends a session and the grants that are bound to it. Returns the number of sessions, `None` without an account.
#[derive(Deserialize, Serialize)]
pub struct EndSession {
    /// The session.
    pub session: SessionId,
}

impl AccountCommand for EndSession {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Option<u64>, StorageError> {
        turn.end_sessions(|id, _| id == self.session.as_str()).map(Some)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }
}

/// Ends all sessions and the grants that are bound to them. Returns the number of sessions, `None` without an account.
#[derive(Deserialize, Serialize)]
pub struct EndSessions;

impl AccountCommand for EndSessions {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Option<u64>, StorageError> {
        turn.end_sessions(|_, _| true).map(Some)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Option<u64>, StorageError> {
        Ok(None)
    }
}

/// Checks that a session's sign-in is recent enough for a change of credentials.
#[derive(Deserialize, Serialize)]
pub struct CheckStepUp {
    /// The session.
    pub session: SessionId,
}

impl AccountCommand for CheckStepUp {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        turn.step_up(&self.session)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(StepUpError::SessionMissing))
    }
}

/// After a change of the password: ends all sessions but one and, as the user chose, removes passkeys and ends grants.
/// The passkey that opened the remaining session stays. Returns the counts, `None` without an account.
#[derive(Deserialize, Serialize)]
pub struct SecureAccount {
    /// The session that stays.
    pub except: Option<SessionId>,
    /// Whether passkeys are removed.
    pub passkeys: bool,
    /// The grants that end besides those that are bound to an ended session.
    pub grants: GrantsToEnd,
}

/// The grants that end with a change of the password, besides those that are bound to an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantsToEnd {
    /// No others.
    None,
    /// Those that outlive sessions (`offline_access`).
    Offline,
    /// All.
    All,
}

impl AccountCommand for SecureAccount {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        let except = self.except.as_ref();
        let grants = match self.grants {
            GrantsToEnd::None => 0,
            GrantsToEnd::Offline => turn.end_grants(|grant| grant.offline)?,
            GrantsToEnd::All => turn.end_grants(|_| true)?,
        };
        let mut ended = Ended::default();
        if self.passkeys {
            let used = except.map(|id| turn.session(id)).transpose()?.flatten().and_then(|session| session.passkey);
            ended = turn.remove_passkeys(except, |id| used.as_deref() != Some(id))?;
        }
        ended.sessions += turn.end_sessions(|id, _| except.is_none_or(|except| id != except.as_str()))?;
        Ok(Some(Ended { grants, ..ended }))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}
