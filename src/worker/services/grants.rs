//! The grants of accounts and of clients: finding and ending them.

use crate::account::grants::{EndGrant, EndGrants, RevokeGrant, WithdrawConsent};
use crate::account::overview::{Overview, ReadOverview};
use crate::limits::ACCOUNTS_A_REQUEST;
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::grant::Revoke;
use crate::oauth::grant::handle::{AccountId, GrantId, Handle};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::registry_do::{ListAccounts, ReadClient};
use crate::worker::report::{Fault, RequestError};

use super::endings::Ending;

/// How many accounts a page of a client's grants covers.
const PAGE: u64 = 50;

/// A page of accounts that may have a grant for a client.
pub(crate) struct AccountPage {
    pub(crate) accounts: Vec<AccountId>,
    /// The cursor of the next page, if this one is full.
    pub(crate) next: Option<String>,
}

/// How many grants were ended.
pub(crate) struct EndedGrants {
    pub(crate) ended: u64,
    /// The cursor at which the next request continues, if one request cannot cover all accounts.
    pub(crate) next: Option<String>,
}

/// Returns the accounts that may have a grant for a client, those after `cursor`.
pub(crate) async fn accounts_of_client(
    platform: &Platform,
    client: &ClientId,
    cursor: &str,
) -> Result<AccountPage, Fault> {
    let command = ListAccounts { after: cursor.to_owned(), limit: PAGE };
    let accounts = objects::send(platform, client, &command).await?;
    let next = accounts.last().filter(|_| accounts.len() as u64 == PAGE).map(ToString::to_string);
    Ok(AccountPage { accounts, next })
}

/// Returns everything that an account holds.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn overview(platform: &Platform, account: &AccountId) -> Result<Overview, RequestError> {
    let overview = objects::send(platform, account, &ReadOverview { session: None }).await?;
    Ok(*overview.ok_or(Refusal::UserNotFound)?)
}

/// Ends the grants for a client. For a client that was removed, also the consents that an interrupted removal left.
pub(crate) async fn end_all_of_client(
    platform: &Platform,
    client: &ClientId,
    cursor: &str,
) -> Result<EndedGrants, Fault> {
    if objects::send(platform, client, &ReadClient).await?.is_some() {
        let command = EndGrants { which: GrantFilter::of_client(client.clone()), job: None };
        end_in_accounts_of(platform, client, &command, cursor).await
    } else {
        withdraw_consents(platform, client, cursor).await
    }
}

/// Ends the grants for a client, and withdraws the consents.
pub(crate) async fn withdraw_consents(
    platform: &Platform,
    client: &ClientId,
    cursor: &str,
) -> Result<EndedGrants, Fault> {
    end_in_accounts_of(platform, client, &WithdrawConsent { client: client.clone() }, cursor).await
}

/// Runs a command in every account that may have a grant for a client.
async fn end_in_accounts_of<C: Ending>(
    platform: &Platform,
    client: &ClientId,
    command: &C,
    cursor: &str,
) -> Result<EndedGrants, Fault> {
    let (mut cursor, mut ended, mut covered) = (cursor.to_owned(), 0, 0);
    loop {
        let AccountPage { accounts, next } = accounts_of_client(platform, client, &cursor).await?;
        for account in &accounts {
            ended += objects::send(platform, account, command).await?.unwrap_or_default();
        }
        covered += PAGE;
        match next {
            Some(next) if covered < ACCOUNTS_A_REQUEST => cursor = next,
            next => return Ok(EndedGrants { ended, next }),
        }
    }
}

/// Ends one grant, and records the event. Returns whether the grant was active.
pub(crate) async fn end_one(platform: &Platform, account: &AccountId, grant: &GrantId) -> Result<bool, Fault> {
    let is_ended = objects::send(platform, account, &EndGrant { grant: grant.clone() }).await?;
    if is_ended {
        platform.audit.user(account).grant(grant).note(EventKind::GrantEnded);
    }
    Ok(is_ended)
}

/// Revokes the grant of a refresh token at the request of the token's holder, with all its tokens.
pub(crate) async fn revoke_by_possession(platform: &Platform, handle: &Handle) -> Result<(), RequestError> {
    let grant = handle.grant().ok_or(Refusal::HandleForged)?;
    if objects::send(platform, &handle.account, &EndGrant { grant: grant.clone() }).await? {
        platform.audit.user(&handle.account).grant(&grant).note_way(EventKind::TokenRevoked, "refresh_token");
    }
    Ok(())
}

/// Revokes the grant of a refresh token with all its tokens (RFC 7009 section 2.1).
///
/// # Errors
/// [`Refusal::TokenOfAnother`].
pub(crate) async fn revoke(platform: &Platform, client: &ClientId, handle: &Handle) -> Result<(), RequestError> {
    let grant = handle.grant().ok_or(Refusal::HandleForged)?;
    platform.audit.user(&handle.account).grant(&grant);
    let command = RevokeGrant { grant, revoke: Revoke { client: client.clone() } };
    objects::send(platform, &handle.account, &command).await?.map_err(|_| Refusal::TokenOfAnother)?;
    platform.audit.note_way(EventKind::TokenRevoked, "refresh_token");
    Ok(())
}
