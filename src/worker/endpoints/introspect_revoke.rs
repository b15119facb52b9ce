//! Introspection and revocation of tokens.

use serde_json::json;

use crate::account::grants::DescribeRefreshToken;
use crate::oauth::Refusal;
use crate::oauth::endpoints::bearer::any_audience_policy;
use crate::oauth::endpoints::{introspect, revoke};
use crate::oauth::grant::Describe;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::gate::{self, ClientFacts};
use crate::oauth::grant::handle::{Handle, Kind, is_handle};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::compatibility::Item;
use crate::token::Token;
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::report::{Fault, RequestError};
use crate::worker::ring;
use crate::worker::services::clients::{Authenticated, authenticate, authenticate_confidential};
use crate::worker::services::tokens::{self, TokenState};
use crate::worker::services::{catalogue, grants};

/// `POST /oauth/introspect` (RFC 7662).
pub(crate) async fn introspect(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let authenticated = authenticate_confidential(platform, request.authorization()?, &form).await?;
    let text = introspect::token_in_question(&form)?;
    let answer = if is_handle(text) {
        match platform.config.handles.read(Kind::Refresh, text) {
            Some(handle) => refresh_token(platform, &authenticated, &handle).await?,
            None => introspect::inactive(),
        }
    } else {
        let catalogue = catalogue::current(platform).await?;
        let ours = ours(platform, text).await?;
        match ours.filter(|(token, _)| introspect::is_told(&catalogue, &authenticated.client.id, token)) {
            Some((token, access)) => match tokens::state(platform, &access).await? {
                TokenState::OfAccount(..) | TokenState::OfClient => introspect::active(&token),
                TokenState::Inactive => introspect::inactive(),
            },
            None => introspect::inactive(),
        }
    };
    Ok(Reply::json(200, &answer))
}

/// `POST /oauth/revoke` (RFC 7009). The body is an empty object: two common clients fail on an empty body.
pub(crate) async fn revoke(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    if !request.query.is_empty() && request.authorization()?.is_none() && by_possession(platform, request).await? {
        return Ok(Reply::json(200, &json!({})));
    }
    let form = request.form().await?;
    let Authenticated { client, .. } = authenticate(platform, request.authorization()?, &form).await?;
    let text = introspect::token_in_question(&form)?;
    if is_handle(text) {
        // Codes and sessions cannot be revoked here.
        if let Some(handle) = platform.config.handles.read(Kind::Refresh, text) {
            grants::revoke(platform, &client.id, &handle).await?;
        }
    } else if let Some((_, access)) = ours(platform, text).await? {
        tokens::revoke(platform, &client, access).await?;
    }
    Ok(Reply::json(200, &json!({})))
}

/// Revokes the token of a request that has no client authentication and repeats the token in query and body. Returns `false` for any
/// other request.
async fn by_possession(platform: &Platform, request: &Incoming) -> Result<bool, RequestError> {
    if !platform.authority().compatibility().permits(Item::RevocationByPossession) {
        return Ok(false);
    }
    let (query, body) = (request.query_form()?, request.form_without_type().await?);
    let Some(text) = body.as_ref().and_then(|body| revoke::by_possession(platform.authority(), &query, body)) else {
        return Ok(false);
    };
    if is_handle(text) {
        if let Some(handle) = platform.config.handles.read(Kind::Refresh, text) {
            grants::revoke_by_possession(platform, &handle).await?;
        }
    } else if let Some((_, access)) = ours(platform, text).await? {
        tokens::revoke_by_possession(platform, access).await?;
    }
    Ok(true)
}

/// `GET /oauth/tokeninfo?access_token=`: describes an access token to its holder. Other parameters, such as `fields`, are ignored.
pub(crate) async fn token_info(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    let text = query.get("access_token").ok_or(Refusal::MissingParameter)?;
    let (_, access) = ours(platform, text).await?.ok_or(Refusal::BearerInvalid)?;
    match tokens::state(platform, &access).await? {
        TokenState::OfAccount(..) | TokenState::OfClient => {
            Ok(Reply::json(200, &introspect::token_info(&access, platform.now)))
        }
        TokenState::Inactive => Err(Refusal::BearerInvalid.into()),
    }
}

/// Describes a refresh token to the client that it was issued to.
async fn refresh_token(
    platform: &Platform,
    authenticated: &Authenticated,
    handle: &Handle,
) -> Result<serde_json::Value, RequestError> {
    let Some(grant) = handle.grant() else {
        return Ok(introspect::inactive());
    };
    let Authenticated { client, by } = authenticated;
    let catalogue = catalogue::current(platform).await?;
    let facts = ClientFacts::of(platform.authority(), &catalogue, client, Some(*by));
    if gate::admit(GrantType::RefreshToken, &facts).is_err() {
        // The token endpoint refuses it.
        return Ok(introspect::inactive());
    }
    let describe = Describe { client: facts, generation: handle.generation };
    let command = DescribeRefreshToken { grant, describe };
    Ok(match objects::send(platform, &handle.account, &command).await? {
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
        Err(RequestError::Refused(_)) => Ok(None),
        Err(RequestError::Failed(fault)) => Err(fault),
    }
}
