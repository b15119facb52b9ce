//! The state of access tokens: active, or revoked.

use crate::account::grants::{RevokeToken, TokenStatus};
use crate::account::record::AccountRecord;
use crate::oauth::Client;
use crate::oauth::endpoints::revoke::{self, Revocation};
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::registry_do::{ClientTokenStatus, ReadTokenStatus, RevokeClientToken};
use crate::worker::report::{Fault, RequestError};

use super::clients;

/// The state of a verified token.
pub(crate) enum TokenState {
    /// Active, and of a grant of this account.
    OfAccount(AccountId, AccountRecord),
    /// Active, and the client's own.
    OfClient,
    /// Revoked.
    Inactive,
}

/// Returns whether a verified token is active, and its account. Exact: one call to the account of its grant, or to its client's
/// registry. Only whether the client that it was issued to is disabled, where another object was asked, comes from a copy of its
/// record.
pub(crate) async fn state(platform: &Platform, token: &AccessToken) -> Result<TokenState, Fault> {
    let AccessToken { client, account, registry, jti, grant, audience, issued_at, .. } = token;
    let jti = jti.clone();
    // The token belongs to the grant of another client, or to another client: removing this one ends neither.
    if jti.is_exchanged() && !clients::is_enabled(platform, client).await? {
        return Ok(TokenState::Inactive);
    }
    if let Some(grant) = grant {
        let Some(account) = account else {
            return Ok(TokenState::Inactive);
        };
        let command = TokenStatus { grant: grant.clone(), jti, audience: audience.clone() };
        let Some(record) = objects::send(platform, account, &command).await? else {
            return Ok(TokenState::Inactive);
        };
        let is_disabled = clients::is_disabled(platform, client).await?;
        return Ok(if is_disabled { TokenState::Inactive } else { TokenState::OfAccount(account.clone(), record) });
    }
    let ClientTokenStatus { registered, revoked } =
        objects::send(platform, registry, &ReadTokenStatus { jti, issued_at: *issued_at }).await?;
    let is_active = (registered || registry.is_root()) && !revoked;
    Ok(if is_active { TokenState::OfClient } else { TokenState::Inactive })
}

/// Revokes one access token.
///
/// # Errors
/// Those of [`revoke::revoke`].
pub(crate) async fn revoke(platform: &Platform, client: &Client, token: AccessToken) -> Result<(), RequestError> {
    let revocation = revoke::revoke(client, &token)?;
    Ok(end(platform, revocation, token).await?)
}

/// Revokes one access token at the request of its holder.
pub(crate) async fn revoke_by_possession(platform: &Platform, token: AccessToken) -> Result<(), Fault> {
    platform.audit.client(&token.client);
    end(platform, revoke::by_holder(&token), token).await
}

async fn end(platform: &Platform, revocation: Revocation, token: AccessToken) -> Result<(), Fault> {
    platform.audit.jti(&revocation.jti);
    if let Some(grant) = token.grant {
        let Some(account) = token.account else {
            return Ok(());
        };
        platform.audit.grant(&grant).user(&account);
        let command = RevokeToken { jti: revocation.jti, until: revocation.until };
        objects::send(platform, &account, &command).await?;
    } else {
        let command = RevokeClientToken { jti: revocation.jti, until: revocation.until };
        objects::send(platform, &token.registry, &command).await?;
    }
    platform.audit.note_way(EventKind::TokenRevoked, "access_token");
    Ok(())
}
