//! Token, introspection and revocation: each parses, loads, decides, commits, replies.

use serde_json::json;

use crate::oauth::bearer::any_audience_policy;
use crate::oauth::exchange::{self, TokenRequest};
use crate::oauth::{introspect, revoke};
use crate::token::{Token, base64url};
use crate::wire::Reply;

use crate::worker::clients::{self, authenticate, is_active, registry};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects::registry_do::{RegistryAnswer, RegistryCommand};
use crate::worker::random::random;
use crate::worker::report::{Fault, Stop};
use crate::worker::ring;

/// `POST /oauth/token` (RFC 6749 section 3.2).
pub(crate) async fn token(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    let client = authenticate(platform, request.authorization()?.as_deref(), &form).await?;
    let asked = TokenRequest::parse(&form)?;
    let jti = base64url::encode(&random::<16>()?);
    let claims = exchange::client_credentials(platform.authority(), &client, &asked, jti, platform.now)?;
    let token = ring::mint(platform, &claims).await?;
    Ok(Reply::json(200, &claims.response(&token)).with("Pragma", "no-cache"))
}

/// `POST /oauth/introspect` (RFC 7662).
pub(crate) async fn introspect(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    authenticate(platform, request.authorization()?.as_deref(), &form).await?;
    let answer = match ours(platform, introspect::token_in_question(&form)?).await? {
        Some(token) if is_active(platform, &token).await? => introspect::active(&token),
        Some(_) | None => introspect::inactive(),
    };
    Ok(Reply::json(200, &answer))
}

/// `POST /oauth/revoke` (RFC 7009). The body is an empty object: two common clients fail on none at all.
pub(crate) async fn revoke(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    let client = authenticate(platform, request.authorization()?.as_deref(), &form).await?;
    if let Some(token) = ours(platform, introspect::token_in_question(&form)?).await? {
        let revocation = revoke::revoke(&client, &token)?;
        let command = RegistryCommand::Revoke { jti: revocation.jti, until: revocation.until };
        match registry(platform, &client.id, &command).await? {
            RegistryAnswer::Done => {}
            _ => return Err(clients::unexpected().into()),
        }
    }
    Ok(Reply::json(200, &json!({})))
}

/// The token, if it is one of ours and its time is not over.
async fn ours(platform: &Platform, text: &str) -> Result<Option<Token>, Fault> {
    match ring::verify(platform, text, any_audience_policy(platform.authority())).await {
        Ok(token) => Ok(Some(token)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(Stop::Failed(fault)) => Err(fault),
    }
}
