//! Identifiers that become the `sub` of tokens: of accounts, and of clients for their own tokens. No identifier may be both, or
//! a resource server would take the one for the other (RFC 9700 section 4.15).

use serde::de::IgnoredAny;

use crate::account::profile::ReadAccount;
use crate::oauth::ClientId;
use crate::oauth::grant::handle::AccountId;
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::Fault;

use super::clients;

/// Returns a random identifier for an account, one that no client has.
pub(crate) async fn new_account_id(platform: &Platform) -> Result<AccountId, Fault> {
    loop {
        let account = AccountId::from_bytes(random()?);
        let is_taken = match ClientId::parse(account.as_str()) {
            Some(client) => clients::record(platform, &client).await?.is_some(),
            None => false,
        };
        if !is_taken {
            return Ok(account);
        }
    }
}

/// Returns a random identifier for a client, one that no user has. It is looked up in KV alone: to ask an account's object for
/// each would leave an empty object behind.
pub(crate) async fn new_client_id(platform: &Platform) -> Result<ClientId, Fault> {
    loop {
        let id = ClientId::from_random(random()?);
        let is_taken = match AccountId::parse(id.as_str()) {
            Some(account) => is_listed(platform, &account).await?,
            None => false,
        };
        if !is_taken {
            return Ok(id);
        }
    }
}

/// Is this the identifier of a user? Exact: KV may not list a new account yet, the account itself knows.
pub(crate) async fn is_of_user(platform: &Platform, id: &ClientId) -> Result<bool, Fault> {
    let Some(account) = AccountId::parse(id.as_str()) else {
        return Ok(false);
    };
    if is_listed(platform, &account).await? {
        return Ok(true);
    }
    Ok(objects::send(platform, &account, &ReadAccount).await?.is_some())
}

/// Does the list of users have the account? Perhaps one whose creation or removal was interrupted; its identifier is not
/// worth having either.
async fn is_listed(platform: &Platform, account: &AccountId) -> Result<bool, Fault> {
    let name = kv::name(platform, Kind::User, account.as_str());
    Ok(!matches!(kv::read::<IgnoredAny>(platform, &name).await?, Found::Nothing))
}
