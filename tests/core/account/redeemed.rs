//! An account with a grant whose tokens are exchanged: it decides, and stores nothing.

use edgemint::account::record::AccountRecord;
use edgemint::account::turn::AccountCommand;
use edgemint::oauth::grant::handle::GrantId;
use edgemint::oauth::grant::{Grant, Stage};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::records::{ONLY, Records as _, Table};
use edgemint::token::UnixTime;

use super::storage::Storage;
use super::wire::ask;
use crate::grant::words::{START, grant};

/// The time of the commands.
pub(super) const NOW: u64 = START + 60;

/// The account, at rest between two commands.
pub(super) struct Account {
    pub(super) storage: Storage,
    authority: Authority,
}

impl Account {
    /// An account with a grant of `app` that was redeemed at [`START`].
    pub(super) fn new() -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        let account = Self { storage: Storage::default(), authority: Authority::parse(settings).unwrap() };
        account.put(|_| {});
        let at = UnixTime(START);
        let stage = Stage::Live { generation: 1, turned_at: at, used_at: at, redeemed_at: at };
        account.put_grant(|grant| grant.stage = stage);
        account
    }

    pub(super) fn put(&self, change: impl FnOnce(&mut AccountRecord)) {
        let new =
            AccountRecord { profile: "sealed".to_owned(), scope: None, created: UnixTime(START), disabled: false };
        let mut record = self.storage.peek_one(Table::Account, ONLY).unwrap_or(new);
        change(&mut record);
        self.storage.put(Table::Account, ONLY, None, &record).unwrap();
    }

    pub(super) fn put_grant(&self, change: impl FnOnce(&mut Grant)) {
        let mut stored = self.storage.peek_one(Table::Grant, id().as_str()).unwrap_or_else(grant);
        change(&mut stored);
        self.storage.put(Table::Grant, id().as_str(), None, &stored).unwrap();
    }

    pub(super) fn ask<C: AccountCommand>(&self, command: &C) -> C::Answer {
        ask(&self.storage, &self.authority, NOW, command).0.unwrap()
    }
}

/// The identifier of the grant.
pub(super) fn id() -> GrantId {
    GrantId::from_bytes([9; 16])
}
