//! The account itself: its profile and scope, its overview, its removal, and the status lists that it notifies.

use edgemint::account::grants::SuspendClient;
use edgemint::account::outbox;
use edgemint::account::overview::ReadOverview;
use edgemint::account::profile::{RemoveAccount, ReplaceAccount, Replaced};
use edgemint::account::record::AccountRecord;
use edgemint::oauth::admin::user::Change;
use edgemint::oauth::grant::Grant;
use edgemint::oauth::status::revoked::Suspension;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::oauth::vocabulary::status_entry::SuspensionState;
use edgemint::records::{ONLY, Records as _, Table};
use edgemint::token::UnixTime;

use super::super::storage::Fault;
use super::{Known, World, client_id};

impl World {
    pub(super) fn narrow(&mut self, scope: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(stored) = self.storage.peek_one::<AccountRecord>(Table::Account, ONLY) else { return Ok(()) };
        let change = [
            Change::Set(Scope::parse("openid offline_access").unwrap()),
            Change::Set(Scope::parse("openid read").unwrap()),
            Change::Clear,
        ];
        let sealed = format!("sealed {}", self.id()[0]);
        let command =
            ReplaceAccount { was: stored.profile, sealed: sealed.clone(), scope: change[scope].clone(), enabled: None };
        let outdated =
            ReplaceAccount { was: "another".to_owned(), sealed: sealed.clone(), scope: Change::Keep, enabled: None };
        if self.ask(&outdated, None).unwrap() != Replaced::Outdated {
            return Err("an outdated profile is replaced".to_owned());
        }
        match self.ask(&command, fault) {
            Ok(Replaced::Done) => {
                self.account = self.storage.peek_one(Table::Account, ONLY).unwrap();
                if self.account.profile != sealed {
                    return Err("a profile is not stored".to_owned());
                }
                let allowed = |grant: &Grant| match scope {
                    0 => !grant.scope.contains("read"),
                    // `openid` and `offline_access` are always allowed.
                    _ => true,
                };
                match self.storage.peek::<Grant>(Table::Grant).iter().all(|(_, grant)| allowed(grant)) {
                    true => Ok(()),
                    false => Err("a grant exceeds the user's scope".to_owned()),
                }
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(_) => Ok(()),
        }
    }

    /// An operator disables or enables the account, and retries until storage works.
    pub(super) fn enable(&mut self, enabled: bool, fault: Option<Fault>) -> Result<(), String> {
        let Some(stored) = self.storage.peek_one::<AccountRecord>(Table::Account, ONLY) else { return Ok(()) };
        let sealed = format!("sealed {}", self.id()[0]);
        let command = ReplaceAccount { was: stored.profile, sealed, scope: Change::Keep, enabled: Some(enabled) };
        match self.ask(&command, fault) {
            Ok(Replaced::Done) if self.is_disabled() == enabled => Err("enabled is not stored".to_owned()),
            Ok(Replaced::Done) => {
                self.account = self.storage.peek_one(Table::Account, ONLY).unwrap();
                self.is_unsettled = false;
                self.reached.push(if enabled { "the account is enabled" } else { "the account is disabled" });
                match enabled || self.storage.count(Table::Session) == 0 {
                    true => Ok(()),
                    false => Err("a disabled account has a session".to_owned()),
                }
            }
            Ok(other) => Err(format!("{other:?}")),
            Err(_) => {
                self.is_unsettled = true;
                Ok(())
            }
        }
    }

    /// The client is disabled or enabled, and a job tells the account until storage works.
    pub(super) fn suspend_client(
        &mut self,
        client: usize,
        marked: bool,
        late: bool,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let last = self.client_changes[client];
        let late = late && last.version > 0;
        let change = match late {
            true => SuspensionState { version: last.version.saturating_sub(1), marked: !last.marked },
            false => SuspensionState::next(Some(last), marked).unwrap(),
        };
        let outcome = self.ask(&SuspendClient { client: client_id(client), change }, fault);
        if !late || outcome.is_err() {
            self.client_changes[client] = if late { last } else { change };
            if outcome.is_err() {
                // The job repeats it.
                self.ask(&SuspendClient { client: client_id(client), change: self.client_changes[client] }, None)
                    .unwrap();
            }
            self.told_client_at[client] = UnixTime(self.now);
            self.reached.push("a client is disabled or enabled");
        }
        Ok(())
    }

    /// A status list applies a message.
    pub(super) fn apply(&mut self, entry: (u32, u32), new: Suspension) {
        let known = self.suspended.entry(entry).or_insert(new);
        if new.version >= known.version {
            *known = Suspension { until: known.until.max(new.until), ..new };
        }
    }

    pub(super) fn overview(&mut self, browser: Option<usize>, fault: Option<Fault>) -> Result<(), String> {
        let session = browser.map(|browser| self.cookie(browser));
        let is_visible = browser.is_none_or(|browser| self.is_signed_in(browser)) && !self.is_removed;
        match self.ask(&ReadOverview { session }, fault) {
            Ok(overview) if overview.is_some() != is_visible => Err("an overview is shown, or not".to_owned()),
            Ok(Some(overview)) => {
                let shown: usize = overview.connections.iter().map(|connection| connection.grants.len()).sum();
                let is_live = |known: &Known| self.stored(&known.id).is_some_and(|grant| grant.is_redeemed());
                let active = (0..self.grants.len()).filter(|at| self.is_active(*at) && is_live(&self.grants[*at]));
                match active.count() == shown {
                    true => Ok(()),
                    false => Err("the overview does not show the active grants".to_owned()),
                }
            }
            Ok(None) | Err(_) => Ok(()),
        }
    }

    pub(super) fn remove(&mut self, fault: Option<Fault>) -> Result<(), String> {
        match self.ask(&RemoveAccount, fault) {
            Ok(removed) if removed == self.is_removed => Err("an account is removed, or not".to_owned()),
            Ok(_) => {
                self.is_removed = true;
                self.reached.push("the account is removed");
                Ok(())
            }
            Err(_) => {
                // The response is lost, and the caller retries.
                self.is_removed |= self.storage.text(Table::Account, ONLY).is_none();
                Ok(())
            }
        }
    }

    /// Notifies the status lists. `lost`: their confirmations do not arrive.
    pub(super) fn notify(&mut self, lost: bool, fault: Option<Fault>) -> Result<(), String> {
        self.storage.begin(fault);
        if let Ok(notices) = outbox::notices(&self.storage) {
            for notice in notices {
                for (idx, suspension) in &notice.suspended {
                    self.messages.push(((notice.list.0, *idx), *suspension));
                    self.apply((notice.list.0, *idx), *suspension);
                    self.reached.push("a status list is told of a suspension");
                }
                for (idx, until) in &notice.revoked {
                    let told = self.told.entry((notice.list.0, *idx)).or_default();
                    *told = (*told).max(until.0);
                }
                self.reached.push("a status list is told");
                if lost || outbox::confirmed(&self.storage, &notice).is_err() {
                    self.unconfirmed = Some(notice);
                    break;
                }
            }
        }
        self.storage.end();
        if self.is_removed && outbox::is_empty(&self.storage).unwrap() && !self.storage.is_empty().unwrap() {
            return Err("a removed account leaves something".to_owned());
        }
        Ok(())
    }
}
