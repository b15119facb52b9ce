//! Our own protected resources: the sample, and the door to the admin endpoints.
//! Both check validity by `token::verify`, then legality: scope, and revocation at the client's registry.

use crate::oauth::Refusal;
use crate::oauth::bearer::{self, check_admin, check_sample, presented_token};
use crate::token::Token;
use crate::wire::Reply;

use crate::worker::clients::is_active;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::Stop;
use crate::worker::ring;

/// `GET /api/whoami`: the claims of the token that was presented.
pub(crate) async fn whoami(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let token = present(platform, request).await?;
    check_sample(platform.authority(), &token)?;
    Ok(Reply::json(200, token.claims().members()))
}

/// Lets administrators pass.
pub(crate) async fn admin(platform: &Platform, request: &Incoming) -> Result<(), Stop> {
    let token = present(platform, request).await?;
    Ok(check_admin(&token)?)
}

/// The refusal of one of our resources.
pub(crate) fn refuse(platform: &Platform, refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::BearerInvalid
        | Refusal::BearerMissing
        | Refusal::BearerScope { .. }
        | Refusal::BearerSampleScope
        | Refusal::BearerInQuery => bearer::refuse(platform.authority(), refusal),
        _ => refusal.reply(),
    }
}

async fn present(platform: &Platform, request: &Incoming) -> Result<Token, Stop> {
    let authorization = request.authorization()?;
    let text = presented_token(authorization.as_deref(), &request.query)?;
    let token = ring::verify(platform, text, bearer::policy(platform.authority())).await?;
    if is_active(platform, &token).await? { Ok(token) } else { Err(Refusal::BearerInvalid.into()) }
}
