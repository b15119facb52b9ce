//! Sign-ins and sessions.

use edgemint::account::passkeys::PasskeyUse;
use edgemint::account::record::Session;
use edgemint::account::sessions::{EndSession, GrantsToEnd, OpenSession, Opened, SecureAccount};
use edgemint::identity::passkey::Assertion;
use edgemint::oauth::grant::handle::SessionId;
use edgemint::oauth::grant::{Grant, SignIn};
use edgemint::records::Table;
use edgemint::token::UnixTime;
use serde_json::Value;

use super::super::storage::Fault;
use super::World;
use super::passkeys::{is_synced, passkey_challenge, passkey_id};

impl World {
    pub(super) fn sign_in(
        &mut self,
        browser: usize,
        passkey: Option<(usize, u32, usize)>,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let session = SessionId::from_bytes(self.id());
        let old = self.cookies[browser].clone();
        let used = passkey.map(|(passkey, ahead, challenge)| {
            let stored = self.storage.peek_one::<Value>(Table::Passkey, &passkey_id(passkey));
            let count = stored.map_or(0, |record| record["passkey"]["sign_count"].as_u64().unwrap());
            // Also the last count again, and smaller ones.
            let sign_count = u32::try_from(count).unwrap().saturating_add(ahead).saturating_sub(2);
            let assertion = Assertion {
                sign_count,
                backup_eligible: is_synced(passkey),
                backed_up: is_synced(passkey),
                user_verified: true,
            };
            (passkey, count, PasskeyUse { id: passkey_id(passkey), assertion, answered: self.challenge(challenge) })
        });
        let command = OpenSession {
            session: session.clone(),
            sign_in: SignIn { at: UnixTime(self.now), amr: vec!["pwd".to_owned()], acr: None },
            agent: "Firefox".to_owned(),
            replaces: old.clone(),
            passkey: used.as_ref().map(|(_, _, used)| used.clone()),
        };
        let held = self.storage.peek::<Grant>(Table::Grant);
        let answer = self.ask(&command, fault);
        let opened = self.session(&session).is_some();
        if opened && old.as_ref().is_some_and(|old| self.session(old).is_some()) {
            return Err("a session and the one that replaced it are both stored".to_owned());
        }
        if opened && let Some((passkey, count, used)) = used {
            if used.assertion.sign_count != 0 && u64::from(used.assertion.sign_count) <= count && !is_synced(passkey) {
                return Err(format!("a counter of {} opens a session after {count}", used.assertion.sign_count));
            }
            self.spend(passkey_challenge(&used), "a sign-in")?;
        }
        match (&answer, &command.passkey) {
            (Ok(Opened::Done | Opened::CounterRestarted), Some(_)) => self.reached.push("a passkey signs in"),
            (Ok(Opened::CounterWentBack), _) => self.reached.push("a counter goes back"),
            (Ok(Opened::PasskeyRefused), Some(used)) if self.storage.text(Table::Passkey, &used.id).is_some() => {
                self.reached.push("a challenge is answered again");
            }
            _ => {}
        }
        match answer {
            Ok(Opened::Done | Opened::CounterRestarted) if self.is_disabled() => {
                return Err("a disabled account opens a session".to_owned());
            }
            Ok(Opened::Done | Opened::CounterRestarted) => {
                if old.is_some() {
                    self.reached.push("a session is replaced");
                }
                if !opened {
                    return Err("the session that was answered is not stored".to_owned());
                }
                for (id, grant) in held {
                    let moves = old.is_some() && grant.session == old;
                    let now = self.storage.peek_one::<Grant>(Table::Grant, &id).ok_or("a sign-in ended a grant")?;
                    if now.session != if moves { Some(session.clone()) } else { grant.session } {
                        return Err("a grant is bound to the wrong session".to_owned());
                    }
                }
                self.cookies[browser] = Some(session);
            }
            Ok(Opened::CounterWentBack | Opened::PasskeyRefused | Opened::Disabled | Opened::Missing) if opened => {
                return Err("a refused sign-in opens a session".to_owned());
            }
            Ok(Opened::Disabled) if !self.is_disabled() => return Err("an enabled account is disabled".to_owned()),
            Ok(Opened::CounterWentBack | Opened::PasskeyRefused | Opened::Disabled | Opened::Missing) | Err(_) => {}
        }
        Ok(())
    }

    pub(super) fn end_session(&mut self, browser: usize, fault: Option<Fault>) -> Result<(), String> {
        let session = self.cookie(browser);
        let before = self.session(&session).is_some();
        match self.ask(&EndSession { session: session.clone() }, fault) {
            Ok(Some(_)) => {
                self.expect_sessions(|id, _| id != session.as_str())?;
                if before { self.expect_unbound(&session) } else { Ok(()) }
            }
            Ok(None) => Ok(()),
            // The session is stored until it has ended completely, so that ending it can be retried.
            Err(_) if before && self.session(&session).is_none() => self.expect_unbound(&session),
            Err(_) => Ok(()),
        }
    }

    pub(super) fn secure(
        &mut self,
        browser: Option<usize>,
        passkeys: bool,
        grants: GrantsToEnd,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let except = browser.map(|browser| self.cookie(browser));
        let used = except.as_ref().and_then(|id| self.session(id));
        let used = used.filter(|session| self.now < session.ends.0 && !self.is_disabled());
        let used = used.and_then(|session| session.passkey);
        match self.ask(&SecureAccount { except: except.clone(), passkeys, grants }, fault) {
            Ok(Some(_)) => {
                self.expect_sessions(|id, _| except.as_ref().is_some_and(|except| except.as_str() == id))?;
                let left = self.storage.peek::<Value>(Table::Passkey);
                if passkeys && left.iter().any(|(id, _)| Some(id) != used.as_ref()) {
                    return Err("a passkey is left".to_owned());
                }
                let left = self.storage.peek::<Grant>(Table::Grant);
                let stays = |grant: &Grant| match grants {
                    GrantsToEnd::None => true,
                    GrantsToEnd::Offline => !grant.offline,
                    GrantsToEnd::All => false,
                };
                match left.iter().all(|(_, grant)| stays(grant)) {
                    true => Ok(()),
                    false => Err("a grant is left".to_owned()),
                }
            }
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Only sessions that `stays` accepts are stored, and no grant is bound to any other.
    pub(super) fn expect_sessions(&self, stays: impl Fn(&str, &Session) -> bool) -> Result<(), String> {
        let sessions = self.storage.peek::<Session>(Table::Session);
        if let Some((id, _)) = sessions.iter().find(|(id, session)| !stays(id, session)) {
            return Err(format!("session {id} is not ended"));
        }
        Ok(())
    }

    /// No grant is bound to this session.
    pub(super) fn expect_unbound(&self, session: &SessionId) -> Result<(), String> {
        let grants = self.storage.peek::<Grant>(Table::Grant);
        match grants.iter().any(|(_, grant)| !grant.offline && grant.session.as_ref() == Some(session)) {
            true => Err("a grant outlives its session".to_owned()),
            false => Ok(()),
        }
    }
}
