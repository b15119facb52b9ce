//! Introspection and revocation: both are about a token that somebody holds.

use serde_json::json;

use crate::account::grants::{DescribeRefreshToken, RevokeGrant, RevokeToken};
use crate::oauth::endpoints::bearer::any_audience_policy;
use crate::oauth::endpoints::introspect;
use crate::oauth::endpoints::revoke;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::{Handle, Kind, is_handle};
use crate::oauth::grant::rights::ClientRights;
use crate::oauth::grant::{Describe, Revoke};
use crate::oauth::vocabulary::client::{ClientId, GrantType};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{Client, Refusal};
use crate::token::Token;
use crate::wire::Reply;
use crate::worker::account;
use crate::worker::clients::{Standing, authenticate, authenticate_confidential, registry, standing};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects::registry_do::RevokeClientToken;
use crate::worker::report::{Fault, Stop};
use crate::worker::ring;

/// `POST /oauth/introspect` (RFC 7662).
pub(crate) async fn introspect(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    let client = authenticate_confidential(platform, request.authorization()?.as_deref(), &form).await?;
    let text = introspect::token_in_question(&form)?;
    let answer = if is_handle(text) {
        match platform.config.handles.read(Kind::Refresh, text) {
            Some(handle) => refresh_token(platform, &client, &handle).await?,
            None => introspect::inactive(),
        }
    } else {
        match ours(platform, text).await? {
            Some((token, access)) => match standing(platform, &access).await? {
                Standing::OfAccount(..) | Standing::OfClient => introspect::active(&token),
                Standing::Ended => introspect::inactive(),
            },
            None => introspect::inactive(),
        }
    };
    Ok(Reply::json(200, &answer))
}

/// `POST /oauth/revoke` (RFC 7009). The body is an empty object: two common clients fail on an empty body.
pub(crate) async fn revoke(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    let client = authenticate(platform, request.authorization()?.as_deref(), &form).await?;
    let text = introspect::token_in_question(&form)?;
    if is_handle(text) {
        // Codes and sessions cannot be revoked here.
        if let Some(handle) = platform.config.handles.read(Kind::Refresh, text) {
            end_grant(platform, &client.id, &handle).await?;
        }
    } else if let Some((_, access)) = ours(platform, text).await? {
        end_token(platform, &client, access).await?;
    }
    Ok(Reply::json(200, &json!({})))
}

/// Revokes a grant with all its tokens (RFC 7009 section 2.1).
async fn end_grant(platform: &Platform, client: &ClientId, handle: &Handle) -> Result<(), Stop> {
    let grant = handle.grant().ok_or(Refusal::HandleForged)?;
    platform.audit.user(&handle.account).grant(&grant);
    let command = RevokeGrant { grant, revoke: Revoke { client: client.clone() } };
    account::ask(platform, &handle.account, &command).await?.map_err(|_| Refusal::TokenOfAnother)?;
    platform.audit.note_way(EventKind::TokenRevoked, "refresh_token");
    Ok(())
}

/// Revokes one access token.
async fn end_token(platform: &Platform, client: &Client, token: AccessToken) -> Result<(), Stop> {
    let revocation = revoke::revoke(client, &token)?;
    platform.audit.jti(&revocation.jti);
    if let Some(grant) = token.grant {
        let Some(account) = token.account else {
            return Ok(());
        };
        platform.audit.grant(&grant).user(&account);
        let command = RevokeToken { jti: revocation.jti, until: revocation.until };
        account::ask(platform, &account, &command).await?;
        platform.audit.note_way(EventKind::TokenRevoked, "access_token");
        return Ok(());
    }
    let command = RevokeClientToken { jti: revocation.jti, until: revocation.until };
    registry(platform, &client.id, &command).await?;
    platform.audit.note_way(EventKind::TokenRevoked, "access_token");
    Ok(())
}

/// Describes a refresh token to the client that it was issued to.
async fn refresh_token(platform: &Platform, client: &Client, handle: &Handle) -> Result<serde_json::Value, Stop> {
    let Some(grant) = handle.grant() else {
        return Ok(introspect::inactive());
    };
    if !client.may_use(GrantType::RefreshToken) {
        // The token endpoint refuses it.
        return Ok(introspect::inactive());
    }
    let rights = ClientRights::of(platform.authority(), client);
    let describe = Describe { client: client.id.clone(), generation: handle.generation, rights };
    let command = DescribeRefreshToken { grant, describe };
    Ok(match account::ask(platform, &handle.account, &command).await? {
        Some(described) => {
            introspect::active_refresh_token(platform.authority(), &handle.account, &client.id, &described)
        }
        None => introspect::inactive(),
    })
}

/// Returns the token if it is an access token of this server and has not expired.
async fn ours(platform: &Platform, text: &str) -> Result<Option<(Token, AccessToken)>, Fault> {
    match ring::verify(platform, text, any_audience_policy(platform.authority())).await {
        Ok(token) => Ok(AccessToken::read(&token).map(|access| (token, access))),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Failed(fault)) => Err(fault),
    }
}
