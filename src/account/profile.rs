//! The account's own record: creating, reading, replacing and removing it.

use serde::{Deserialize, Serialize};

use crate::account::record::AccountRecord;
use crate::account::turn::{AccountCommand, Turn};
use crate::oauth::admin::user::Change;
use crate::oauth::vocabulary::scope::{Scope, permitted_scope};
use crate::records::{ONLY, Records, StorageError, Table};

/// Creates the account. Returns `false` if it exists.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub struct CreateAccount(pub AccountRecord);

impl AccountCommand for CreateAccount {
    fn run<R: Records>(self, _: &Turn<'_, R>, _: AccountRecord) -> Result<bool, StorageError> {
        Ok(false)
    }

    fn without_account<R: Records>(self, turn: &Turn<'_, R>) -> Result<bool, StorageError> {
        turn.records.put(Table::Account, ONLY, None, &self.0)?;
        Ok(true)
    }
}

/// Reads the record.
#[derive(Deserialize, Serialize)]
pub struct ReadAccount;

impl AccountCommand for ReadAccount {
    fn run<R: Records>(self, _: &Turn<'_, R>, account: AccountRecord) -> Result<Self::Answer, StorageError> {
        Ok(Some(account))
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Self::Answer, StorageError> {
        Ok(None)
    }
}

/// The outcome of a compare-and-swap of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replaced {
    /// The new profile is stored.
    Done,
    /// The profile is not the one that was read: nothing was changed.
    Outdated,
    /// There is no account.
    Missing,
}

/// Replaces the profile and changes the scope, if the profile is still the one that was read. Grants that the user may
/// not allow any more end. Disabling ends all sessions; the other grants stay, and their status list entries are marked until the
/// account is enabled.
#[derive(Deserialize, Serialize)]
pub struct ReplaceAccount {
    /// The sealed profile that was read.
    pub was: String,
    /// The new one.
    pub sealed: String,
    /// The change of the scope.
    pub scope: Change<Scope>,
    /// Whether the account is enabled; `None` to keep that.
    pub enabled: Option<bool>,
}

impl AccountCommand for ReplaceAccount {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Replaced, StorageError> {
        if account.profile != self.was {
            return Ok(Replaced::Outdated);
        }
        let disabled = self.enabled.map_or(account.disabled, |enabled| !enabled);
        let account = AccountRecord { profile: self.sealed, scope: self.scope.of(account.scope), disabled, ..account };
        turn.records.put(Table::Account, ONLY, None, &account)?;
        turn.end_grants(|grant| permitted_scope(&grant.scope, account.scope.as_ref()) != grant.scope)?;
        if disabled {
            turn.end_sessions(|_, _| true)?;
        }
        if disabled || self.enabled.is_some() {
            turn.settle_suspensions(&account, |_| true)?;
        }
        Ok(Replaced::Done)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Replaced, StorageError> {
        Ok(Replaced::Missing)
    }
}

/// Replaces the profile alone, if it is still the one that was read.
#[derive(Deserialize, Serialize)]
pub struct SetProfile {
    /// The sealed profile that was read.
    pub was: String,
    /// The new one.
    pub sealed: String,
}

impl AccountCommand for SetProfile {
    fn run<R: Records>(self, turn: &Turn<'_, R>, account: AccountRecord) -> Result<Replaced, StorageError> {
        if account.profile != self.was {
            return Ok(Replaced::Outdated);
        }
        turn.records.put(Table::Account, ONLY, None, &AccountRecord { profile: self.sealed, ..account })?;
        Ok(Replaced::Done)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<Replaced, StorageError> {
        Ok(Replaced::Missing)
    }
}

/// Removes the account with everything that belongs to it, except the revocations that status lists must still be told.
/// Returns `false` if there is no account.
#[derive(Deserialize, Serialize)]
pub struct RemoveAccount;

impl AccountCommand for RemoveAccount {
    fn run<R: Records>(self, turn: &Turn<'_, R>, _: AccountRecord) -> Result<bool, StorageError> {
        turn.end_grants(|_| true)?;
        turn.records.keep_only(Table::Revocation)?;
        Ok(true)
    }

    fn without_account<R: Records>(self, _: &Turn<'_, R>) -> Result<bool, StorageError> {
        Ok(false)
    }
}
