//! Sign-in names and upstream subjects: releasing one, and whether one leads to an account.

use crate::account::identifier::{ReadIdentifier, ReleaseName};
use crate::identity::profile::Username;
use crate::oauth::grant::handle::AccountId;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::report::Fault;

/// Releases a name, if it refers to the account.
pub(crate) async fn release(platform: &Platform, name: &Name<'_>, account: &AccountId) -> Result<(), Fault> {
    objects::send(platform, name, &ReleaseName { account: account.clone() }).await
}

/// Returns whether a local user name refers to the account.
pub(crate) async fn leads_to(platform: &Platform, username: &str, account: &AccountId) -> Result<bool, Fault> {
    // Local names are stored in their parsed form.
    if Username::parse(username).map_or(true, |name| name.as_str() != username) {
        return Ok(false);
    }
    let entry = objects::send(platform, &Name::Username(username), &ReadIdentifier).await?;
    Ok(entry.is_some_and(|entry| entry.account == *account))
}
