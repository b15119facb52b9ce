//! The passkeys of an account: using, adding, renaming and removing them.

use serde::{Deserialize, Serialize};

use crate::account::record::{AccountRecord, PasskeyRecord};
use crate::account::turn::{AccountCommand, Ended, StepUpError, Turn};
use crate::identity::passkey::{AdditionError, Assertion, Counter, PasskeyError, may_add, may_remove};
use crate::oauth::grant::handle::SessionId;
use crate::records::{Records, StorageError, Table, ends_at};
use crate::token::{UnixTime, base64url};

/// A passkey that signed a user in, and the challenge that it answered. The signature has been verified.
#[derive(Clone, Deserialize, Serialize)]
pub struct PasskeyUse {
    /// The passkey's identifier.
    pub id: String,
    /// What its authenticator asserted.
    pub assertion: Assertion,
    /// The challenge.
    pub answered: AnsweredChallenge,
}

/// A passkey challenge that was answered. Each counts once.
#[derive(Clone, Deserialize, Serialize)]
pub struct AnsweredChallenge {
    /// The challenge.
    pub challenge: String,
    /// When it expires.
    pub until: UnixTime,
}

/// Whether a passkey is accepted for a sign-in.
pub(super) enum Use {
    Accepted(Counter),
    CounterWentBack,
    Refused,
}

impl<R: Records> Turn<'_, R> {
    /// Accepts a verified sign-in with a passkey: its challenge counts once, and its counter is compared with the stored
    /// one.
    pub(super) fn use_passkey(&self, used: &PasskeyUse) -> Result<Use, StorageError> {
        let Some(mut record) = self.records.get::<PasskeyRecord>(Table::Passkey, &used.id)? else {
            return Ok(Use::Refused);
        };
        if self.is_spent(&used.answered)? {
            return Ok(Use::Refused);
        }
        let accepted = record.passkey.accept(&used.assertion);
        self.spend(&used.answered)?;
        Ok(match accepted {
            Ok(counter) => {
                record.used_at = Some(self.now);
                self.records.put(Table::Passkey, &used.id, None, &record)?;
                Use::Accepted(counter)
            }
            Err(PasskeyError::Counter) => Use::CounterWentBack,
            Err(_) => Use::Refused,
        })
    }

    /// Removes passkeys, and ends the sessions that they opened, but for one.
    pub(super) fn remove_passkeys(
        &self,
        except: Option<&SessionId>,
        which: impl Fn(&str) -> bool,
    ) -> Result<Ended, StorageError> {
        let sessions = self.end_sessions(|id, session| {
            except.is_none_or(|except| id != except.as_str()) && session.passkey.as_deref().is_some_and(&which)
        })?;
        let mut ended = Ended { sessions, ..Ended::default() };
        for (id, _) in self.records.list::<PasskeyRecord>(Table::Passkey)?.into_iter().filter(|(id, _)| which(id)) {
            self.records.delete(Table::Passkey, &id)?;
            ended.passkeys += 1;
        }
        Ok(ended)
    }

    fn remove_passkey(&self, except: Option<&SessionId>, id: &str) -> Result<Option<Ended>, StorageError> {
        let ended = self.remove_passkeys(except, |own| own == id)?;
        Ok((ended.passkeys > 0).then_some(ended))
    }

    fn is_spent(&self, answered: &AnsweredChallenge) -> Result<bool, StorageError> {
        self.records.contains(Table::SpentChallenge, &base64url::encode(answered.challenge.as_bytes()))
    }

    fn spend(&self, answered: &AnsweredChallenge) -> Result<(), StorageError> {
        let id = base64url::encode(answered.challenge.as_bytes());
        self.records.put(Table::SpentChallenge, &id, ends_at(answered.until), &())
    }
}

/// Adds a verified passkey. Requires a session with a recent sign-in.
#[derive(Deserialize, Serialize)]
pub struct AddPasskey {
    /// The session of the browser that asks.
    pub session: SessionId,
    /// The passkey's identifier.
    pub id: String,
    /// The passkey.
    pub passkey: PasskeyRecord,
    /// The challenge that it answered.
    pub answered: AnsweredChallenge,
}

/// Why a passkey is not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AddPasskeyError {
    /// The challenge has been answered before.
    ChallengeSpent,
    /// The account has this passkey.
    Exists,
    /// The account has as many passkeys as it may have.
    Full,
    /// The session does not allow it.
    StepUp(StepUpError),
}

impl AccountCommand for AddPasskey {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        if let Err(error) = turn.step_up(&self.session)? {
            return Ok(Err(AddPasskeyError::StepUp(error)));
        }
        let held = turn.records.list::<PasskeyRecord>(Table::Passkey)?;
        let exists = held.iter().any(|(own, _)| *own == self.id);
        Ok(match may_add(held.len(), exists, turn.is_spent(&self.answered)?) {
            Ok(()) => {
                // The challenge first: if this is interrupted, it must not add the passkey later.
                turn.spend(&self.answered)?;
                turn.records.put(Table::Passkey, &self.id, None, &self.passkey)?;
                Ok(())
            }
            Err(AdditionError::ChallengeSpent) => Err(AddPasskeyError::ChallengeSpent),
            Err(AdditionError::Exists) => Err(AddPasskeyError::Exists),
            Err(AdditionError::Full) => Err(AddPasskeyError::Full),
        })
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(AddPasskeyError::StepUp(StepUpError::SessionMissing)))
    }
}

/// Reads a passkey, to check a signature with it.
#[derive(Deserialize, Serialize)]
pub struct ReadPasskey {
    /// The passkey's identifier.
    pub id: String,
}

impl AccountCommand for ReadPasskey {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        turn.records.get(Table::Passkey, &self.id)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}

/// Renames a passkey. Returns `false` if the account does not have it.
#[derive(Deserialize, Serialize)]
pub struct RenamePasskey {
    /// The passkey's identifier.
    pub id: String,
    /// The new name.
    pub name: String,
}

impl AccountCommand for RenamePasskey {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<bool, StorageError> {
        let Some(passkey) = turn.records.get::<PasskeyRecord>(Table::Passkey, &self.id)? else {
            return Ok(false);
        };
        turn.records.put(Table::Passkey, &self.id, None, &PasskeyRecord { name: self.name, ..passkey })?;
        Ok(true)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<bool, StorageError> {
        Ok(false)
    }
}

/// Removes a passkey for the user, and ends the sessions that it opened except the one that asks. Requires a recent
/// sign-in. The last passkey stays if the account has no other way to sign in.
#[derive(Deserialize, Serialize)]
pub struct RemoveOwnPasskey {
    /// The session of the browser that asks.
    pub session: SessionId,
    /// The passkey's identifier.
    pub id: String,
    /// Whether the account has no password, so that the last passkey must stay.
    pub is_needed: bool,
}

/// Why a passkey is not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovePasskeyError {
    /// It is the last way to sign in.
    LastWayIn,
    /// The account does not have it.
    Missing,
    /// The session does not allow it.
    StepUp(StepUpError),
}

impl AccountCommand for RemoveOwnPasskey {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        if let Err(error) = turn.step_up(&self.session)? {
            return Ok(Err(RemovePasskeyError::StepUp(error)));
        }
        let held = turn.records.list::<PasskeyRecord>(Table::Passkey)?;
        if held.iter().any(|(own, _)| *own == self.id) && !may_remove(held.len(), self.is_needed) {
            return Ok(Err(RemovePasskeyError::LastWayIn));
        }
        Ok(turn.remove_passkey(Some(&self.session), &self.id)?.ok_or(RemovePasskeyError::Missing))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(Err(RemovePasskeyError::StepUp(StepUpError::SessionMissing)))
    }
}

/// Removes a passkey for an operator, and ends the sessions that it opened. Returns `None` if the account does not have it.
#[derive(Deserialize, Serialize)]
pub struct RemovePasskey {
    /// The passkey's identifier.
    pub id: String,
}

impl AccountCommand for RemovePasskey {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        turn.remove_passkey(None, &self.id)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}

/// Removes all passkeys for an operator, and ends the sessions that they opened. Returns `None` without an account.
#[derive(Deserialize, Serialize)]
pub struct RemovePasskeys;

impl AccountCommand for RemovePasskeys {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<Self::Answer, StorageError> {
        turn.remove_passkeys(None, |_| true).map(Some)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}
