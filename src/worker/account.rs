//! Asking accounts, and what of their records is sealed.

use crate::oauth::handle::AccountId;
use crate::oauth::id_token::Profile;

use super::env::{ACCOUNT, Platform};
use super::kv::{self, Found};
use super::objects;
use super::objects::account_commands::{AccountAnswer, AccountCommand};
use super::objects::account_records::AccountRecord;
use super::report::Fault;

/// Asks an account.
pub(crate) async fn ask(
    platform: &Platform,
    account: &AccountId,
    command: &AccountCommand,
) -> Result<AccountAnswer, Fault> {
    let name = format!("{}|{account}", platform.authority().issuer());
    objects::call(platform, ACCOUNT, &name, command).await
}

/// Seals a profile for its account.
pub(crate) async fn seal_profile(platform: &Platform, account: &AccountId, profile: &Profile) -> Result<String, Fault> {
    kv::seal(platform, &profile_name(platform, account), profile).await
}

/// Opens an account's profile.
pub(crate) async fn profile(
    platform: &Platform,
    account: &AccountId,
    record: &AccountRecord,
) -> Result<Profile, Fault> {
    let name = profile_name(platform, account);
    match kv::open(platform, &name, &record.profile).await? {
        Found::Record(profile) => Ok(profile),
        Found::Unreadable(kind) => Err(Fault::new(kind, &name)),
        Found::Nothing => Err(objects::unexpected()),
    }
}

/// Under which name an account's profile is sealed.
pub(crate) fn profile_name(platform: &Platform, account: &AccountId) -> String {
    format!("profile|{}|{account}", platform.authority().issuer())
}
