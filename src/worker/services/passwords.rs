//! The stored passwords of accounts: hashed, sealed, and stored with the name that leads to the account.

use crate::account::identifier::{ReadIdentifier, SetPassword};
use crate::identity::password::{self, Password, PasswordHash};
use crate::names;
use crate::oauth::grant::handle::AccountId;
use crate::worker::env::Platform;
use crate::worker::kv;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::random::random;
use crate::worker::report::Fault;

/// Stores a new password of an account; with `was`, only in the place of that sealed one. Returns whether it was stored: not
/// if the name does not lead to the account any more, or the password has just been changed.
pub(crate) async fn set(
    platform: &Platform,
    account: &AccountId,
    name: &Name<'_>,
    was: Option<String>,
    password: &Password,
) -> Result<bool, Fault> {
    let password = seal(platform, account, password).await?;
    objects::send(platform, name, &SetPassword { account: account.clone(), was, password }).await
}

/// Replaces the stored hash `was` of the password that a user has just signed in with by one with the current parameters.
///
/// A failure does not fail the sign-in: the stored hash stays, and the next sign-in tries again. A password that could
/// not be set now, such as one that is too short, keeps its hash.
pub(crate) async fn rehash(platform: &Platform, account: &AccountId, username: &str, was: String, password: &str) {
    if let Ok(password) = Password::given(password) {
        // A fault was logged where it was built.
        let _ = set(platform, account, &Name::Username(username), Some(was), &password).await;
    }
}

/// Returns the same password, sealed by the current key: a copy must not keep a key in use that is about to be removed.
pub(crate) async fn copy(platform: &Platform, account: &AccountId, sealed: &str) -> Result<String, Fault> {
    let hash = open(platform, account, sealed).await?;
    kv::seal(platform, &name(platform, account), &hash).await
}

/// Returns the sealed password that is stored with a name, if the name is the account's.
pub(crate) async fn of(platform: &Platform, account: &AccountId, username: &str) -> Result<Option<String>, Fault> {
    let entry = objects::send(platform, &Name::Username(username), &ReadIdentifier).await?;
    Ok(entry.filter(|entry| entry.account == *account).and_then(|entry| entry.password))
}

/// Hashes and seals a password.
pub(crate) async fn seal(platform: &Platform, account: &AccountId, password: &Password) -> Result<String, Fault> {
    kv::seal(platform, &name(platform, account), &password::hash(password, random()?)).await
}

/// Opens a sealed password.
pub(crate) async fn open(platform: &Platform, account: &AccountId, sealed: &str) -> Result<PasswordHash, Fault> {
    let name = name(platform, account);
    kv::open(platform, &name, sealed).await?.map_err(|kind| Fault::new(kind, &name))
}

/// The name that an account's password is sealed for.
pub(crate) fn name(platform: &Platform, account: &AccountId) -> String {
    names::password(platform.authority().issuer(), account)
}
