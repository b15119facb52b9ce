//! Passkeys, their counters, and the challenges that they answer.

use edgemint::account::passkeys::{
    AddPasskey, AddPasskeyError, AnsweredChallenge, PasskeyUse, RemoveOwnPasskey, RemovePasskeyError,
};
use edgemint::account::record::PasskeyRecord;
use edgemint::account::sessions::CheckStepUp;
use edgemint::identity::passkey::StoredPasskey;
use edgemint::oauth::endpoints::step_up::MAX_SIGN_IN_AGE;
use edgemint::oauth::grant::handle::SessionId;
use edgemint::records::Table;
use edgemint::token::UnixTime;
use serde_json::json;

use super::super::storage::Fault;
use super::{PASSKEYS, World};

impl World {
    /// One of several open challenges. The Worker accepts no expired one.
    pub(super) fn challenge(&mut self, number: usize) -> AnsweredChallenge {
        let expires = self.answered.get(&number).copied().filter(|expires| self.now < *expires);
        let expires = expires.unwrap_or_else(|| {
            self.challenges += 1;
            self.now + 600
        });
        self.answered.insert(number, expires);
        AnsweredChallenge { challenge: format!("{number} {expires}"), until: UnixTime(expires) }
    }

    /// A challenge has been accepted: it must not be accepted again.
    pub(super) fn spend(&mut self, challenge: String, by: &str) -> Result<(), String> {
        let key = usize::MAX - usize::try_from(fingerprint(&challenge)).unwrap();
        match self.answered.insert(key, u64::MAX) {
            None => Ok(()),
            Some(_) => Err(format!("{by} with a challenge that was accepted before")),
        }
    }

    pub(super) fn may_change_credentials(&self, browser: usize) -> bool {
        let session = self.cookies[browser].as_ref().and_then(|id| self.session(id));
        let session = session.filter(|_| !self.is_disabled());
        session.is_some_and(|session| self.now < session.ends.0 && self.now <= session.sign_in.at.0 + MAX_SIGN_IN_AGE)
    }

    pub(super) fn add_passkey(
        &mut self,
        browser: usize,
        passkey: usize,
        challenge: usize,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let answered = self.challenge(challenge);
        let before = self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some();
        let is_allowed = self.may_change_credentials(browser);
        let command = AddPasskey {
            session: self.cookie(browser),
            id: passkey_id(passkey),
            passkey: new_passkey(passkey, self.now),
            answered,
        };
        let answer = self.ask(&command, fault);
        let is_added = !before && self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some();
        if is_added {
            if !is_allowed {
                return Err("a passkey is added without a recent sign-in".to_owned());
            }
            self.counters.insert(passkey, 0);
            self.spend(command.answered.challenge, "a passkey is added")?;
        }
        match answer {
            Ok(Ok(())) if !is_added => Err("a passkey is not stored".to_owned()),
            Ok(Err(AddPasskeyError::StepUp(_))) if is_allowed && !self.is_removed => {
                Err("a recent sign-in is refused".to_owned())
            }
            Ok(Err(_)) if is_added => Err("a passkey is added and refused".to_owned()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(super) fn remove_own(
        &mut self,
        browser: usize,
        passkey: usize,
        is_needed: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let session = self.cookie(browser);
        let before = self.storage.count(Table::Passkey);
        let is_allowed = self.may_change_credentials(browser);
        let checked = self.ask(&CheckStepUp { session: session.clone() }, None).unwrap();
        if !self.is_removed && checked.is_ok() != is_allowed {
            return Err("the step-up check disagrees".to_owned());
        }
        let command = RemoveOwnPasskey { session: session.clone(), id: passkey_id(passkey), is_needed };
        let answer = self.ask(&command, fault);
        let after = self.storage.count(Table::Passkey);
        if after < before && !is_allowed {
            return Err("a passkey is removed without a recent sign-in".to_owned());
        }
        if after == 0 && before > 0 && is_needed {
            return Err("the last passkey is removed".to_owned());
        }
        match answer {
            Ok(Ok(_)) => self.expect_without_passkey(passkey, Some(&session)),
            Ok(Err(RemovePasskeyError::LastWayIn)) if !is_needed || before != 1 => {
                Err("a passkey is refused as the last one".to_owned())
            }
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }

    pub(super) fn expect_without_passkey(&self, passkey: usize, except: Option<&SessionId>) -> Result<(), String> {
        if self.storage.text(Table::Passkey, &passkey_id(passkey)).is_some() {
            return Err("a passkey is not removed".to_owned());
        }
        let id = passkey_id(passkey);
        self.expect_sessions(|session_id, session| {
            session.passkey.as_ref() != Some(&id) || except.is_some_and(|except| except.as_str() == session_id)
        })
    }
}

pub(crate) fn new_passkey(passkey: usize, now: u64) -> PasskeyRecord {
    let stored: StoredPasskey = serde_json::from_value(json!({
        "id": "AAECAwQFBgcICQoLDA0ODw", "public_key": "pQECAyYgASFYIA", "sign_count": 0,
        "backup_eligible": is_synced(passkey), "backed_up": is_synced(passkey), "transports": [],
        "aaguid": "00000000-0000-0000-0000-000000000000",
    }))
    .unwrap();
    PasskeyRecord { name: "Passkey".to_owned(), created: UnixTime(now), used_at: None, passkey: stored }
}

pub(super) fn passkey_challenge(used: &PasskeyUse) -> String {
    used.answered.challenge.clone()
}

/// A number for a challenge: histories have few.
fn fingerprint(challenge: &str) -> u64 {
    challenge.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(131).wrapping_add(u64::from(byte))) % (1 << 40)
}

/// The last passkey is synced to other devices.
pub(crate) const fn is_synced(passkey: usize) -> bool {
    passkey == PASSKEYS - 1
}

pub(super) fn passkey_id(passkey: usize) -> String {
    format!("passkey-{passkey}-0123456789")
}
