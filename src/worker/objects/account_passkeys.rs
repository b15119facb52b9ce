//! The passkeys of an account, and what a change of its credentials ends: the part of an account's turn that reads and
//! writes passkeys and sessions. `identity` and `oauth` decide.

use crate::identity::passkey::{AdditionError, Counter, PasskeyError, may_add, may_remove};
use crate::oauth::endpoints::step_up::is_recent;
use crate::oauth::grant::handle::SessionId;
use crate::token::base64url;
use crate::worker::report::Fault;

use super::account_commands::{AccountAnswer, AnsweredChallenge, Ended, GrantsToEnd, Used};
use super::account_do::Account;
use super::account_records::{PasskeyRecord, Session};
use crate::records::{Records as _, Table, ends_at};

impl Account<'_> {
    /// Requires a session with a recent sign-in. Gives what is wrong, if anything.
    pub(super) fn step_up(&self, session: &SessionId) -> Result<Option<AccountAnswer>, Fault> {
        Ok(match self.session(session)? {
            None => Some(AccountAnswer::Missing),
            Some(session) if !is_recent(&session.sign_in, self.now) => Some(AccountAnswer::SignInTooOld),
            Some(_) => None,
        })
    }

    /// Accepts a verified sign-in by a passkey: its challenge counts once, and its counter is judged by the newest
    /// record. An error is the answer to give.
    pub(super) fn use_passkey(&self, used: &Used) -> Result<Result<Counter, AccountAnswer>, Fault> {
        let Some(mut record) = self.records.get::<PasskeyRecord>(Table::Passkey, &used.id)? else {
            return Ok(Err(AccountAnswer::Refused));
        };
        if self.is_spent(&used.answered)? {
            return Ok(Err(AccountAnswer::Refused));
        }
        let accepted = record.passkey.accept(&used.assertion);
        self.spend(&used.answered)?;
        match accepted {
            Ok(counter) => {
                record.used_at = Some(self.now);
                self.records.put(Table::Passkey, &used.id, None, &record)?;
                Ok(Ok(counter))
            }
            Err(PasskeyError::Counter) => Ok(Err(AccountAnswer::CounterWentBack)),
            Err(_) => Ok(Err(AccountAnswer::Refused)),
        }
    }

    /// Adds a verified passkey.
    pub(super) fn add_passkey(
        &self,
        session: &SessionId,
        id: &str,
        passkey: &PasskeyRecord,
        answered: &AnsweredChallenge,
    ) -> Result<AccountAnswer, Fault> {
        if let Some(refused) = self.step_up(session)? {
            return Ok(refused);
        }
        let held = self.records.list::<PasskeyRecord>(Table::Passkey)?;
        let exists = held.iter().any(|(own, _)| own == id);
        Ok(match may_add(held.len(), exists, self.is_spent(answered)?) {
            Ok(()) => {
                self.records.put(Table::Passkey, id, None, passkey)?;
                self.spend(answered)?;
                AccountAnswer::Done
            }
            Err(AdditionError::Full) => AccountAnswer::Full,
            Err(AdditionError::Exists) => AccountAnswer::Exists,
            Err(AdditionError::ChallengeSpent) => AccountAnswer::Refused,
        })
    }

    /// Removes a passkey, as its person asks. `is_needed`: without it the account could not be signed in to, unless it
    /// has another one.
    pub(super) fn remove_own_passkey(
        &self,
        session: &SessionId,
        id: &str,
        is_needed: bool,
    ) -> Result<AccountAnswer, Fault> {
        if let Some(refused) = self.step_up(session)? {
            return Ok(refused);
        }
        let held = self.records.list::<PasskeyRecord>(Table::Passkey)?;
        if held.iter().any(|(own, _)| own == id) && !may_remove(held.len(), is_needed) {
            return Ok(AccountAnswer::Refused);
        }
        self.remove_passkey(Some(session), id)
    }

    /// Removes a passkey, and ends the sessions that it opened, but for one.
    pub(super) fn remove_passkey(&self, except: Option<&SessionId>, id: &str) -> Result<AccountAnswer, Fault> {
        let ended = self.remove_passkeys(except, |own| own == id)?;
        Ok(if ended.passkeys == 0 { AccountAnswer::Missing } else { AccountAnswer::EndedAll(ended) })
    }

    /// Removes passkeys, and ends the sessions that they opened, but for one.
    pub(super) fn remove_passkeys(
        &self,
        except: Option<&SessionId>,
        which: impl Fn(&str) -> bool,
    ) -> Result<Ended, Fault> {
        let mut ended = Ended::default();
        for (id, _) in self.records.list::<PasskeyRecord>(Table::Passkey)?.into_iter().filter(|(id, _)| which(id)) {
            self.records.delete(Table::Passkey, &id)?;
            ended.passkeys += 1;
        }
        ended.sessions = self.end_sessions(|id, session| {
            except.is_none_or(|except| id != except.as_str()) && session.passkey.as_deref().is_some_and(&which)
        })?;
        Ok(ended)
    }

    /// Ends what a changed password must not leave behind: all sessions but one, and what was chosen beside them. The
    /// passkey that opened the remaining session stays.
    pub(super) fn secure(
        &self,
        except: Option<&SessionId>,
        passkeys: bool,
        grants: GrantsToEnd,
    ) -> Result<AccountAnswer, Fault> {
        let mut ended = Ended {
            grants: match grants {
                GrantsToEnd::None => 0,
                GrantsToEnd::Offline => self.end_grants(|grant| grant.offline)?,
                GrantsToEnd::All => self.end_grants(|_| true)?,
            },
            ..Ended::default()
        };
        if passkeys {
            let used = except.map(|id| self.session(id)).transpose()?.flatten().and_then(|session| session.passkey);
            let removed = self.remove_passkeys(except, |id| used.as_deref() != Some(id))?;
            ended = Ended { grants: ended.grants, ..removed };
        }
        ended.sessions += self.end_sessions(|id, _| except.is_none_or(|except| id != except.as_str()))?;
        Ok(AccountAnswer::EndedAll(ended))
    }

    /// Ends sessions, and the grants that were to last as long. Gives how many sessions.
    pub(super) fn end_sessions(&self, which: impl Fn(&str, &Session) -> bool) -> Result<u64, Fault> {
        let mut ended = 0;
        for (id, session) in self.records.list::<Session>(Table::Session)? {
            if which(&id, &session) {
                self.records.delete(Table::Session, &id)?;
                self.end_grants(|grant| !grant.offline && grant.session.as_str() == id)?;
                ended += 1;
            }
        }
        Ok(ended)
    }

    fn is_spent(&self, answered: &AnsweredChallenge) -> Result<bool, Fault> {
        Ok(self.records.contains(Table::SpentChallenge, &base64url::encode(answered.challenge.as_bytes()))?)
    }

    fn spend(&self, answered: &AnsweredChallenge) -> Result<(), Fault> {
        let id = base64url::encode(answered.challenge.as_bytes());
        Ok(self.records.put(Table::SpentChallenge, &id, ends_at(answered.until), &())?)
    }
}
