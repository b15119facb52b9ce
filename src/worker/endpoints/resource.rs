//! Our own protected resources: the sample, and the door to the admin endpoints.
//! Both check validity by `token::verify`, then legality: scope, and revocation at the client's registry.

use crate::oauth::Refusal;
use crate::oauth::endpoints::bearer::{self, check_admin, check_openid, check_sample, presented_token};
use crate::oauth::endpoints::id_token::user_claims;
use crate::oauth::grant::access_token::AccessToken;
use crate::token::Token;
use crate::wire::Reply;

use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::profiles;
use crate::worker::services::tokens::{self, TokenState};

/// `GET /api/whoami`: the claims of the token that was presented.
pub(crate) async fn whoami(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let Presented { token, access, .. } = present(platform, request).await?;
    check_sample(platform.authority(), &access)?;
    Ok(Reply::json(200, token.claims().members()))
}

/// Lets administrators pass.
pub(crate) async fn admin(platform: &Platform, request: &Incoming) -> Result<(), RequestError> {
    let Presented { token, access, .. } = present(platform, request).await?;
    platform.audit.by(&access);
    // The operator of an imported old issuer could issue tokens with its key for as long as the key verifies here.
    if !ring::is_our_own(platform, &token).await? {
        return Err(Refusal::BearerInvalid.into());
    }
    Ok(check_admin(&access)?)
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

/// `GET|POST /oauth/userinfo` (OpenID Connect Core section 5.3): what the token's scope lets be told of its person.
/// In a POST the token may be in the body (RFC 6750 section 2.2).
pub(crate) async fn userinfo(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let form = match (request.authorization()?, request.method.as_str()) {
        // Without a form there is no token, which is what it is then told.
        (None, "POST") if request.is_form() => Some(request.form().await?),
        _ => None,
    };
    let in_body = form.as_ref().and_then(|form| form.get("access_token"));
    let Presented { access, state, .. } = match in_body {
        Some(text) => check(platform, text).await?,
        None => present(platform, request).await?,
    };
    check_openid(&access)?;
    let TokenState::OfAccount(account, record) = state else {
        return Err(Refusal::BearerInvalid.into());
    };
    let profile = profiles::open(platform, &account, &record).await?;
    Ok(Reply::json(200, &user_claims(&account, &profile, &access.scope)))
}

/// A presented token that is active.
struct Presented {
    token: Token,
    access: AccessToken,
    state: TokenState,
}

async fn present(platform: &Platform, request: &Incoming) -> Result<Presented, RequestError> {
    let authorization = request.authorization()?;
    check(platform, presented_token(authorization, &request.query)?).await
}

async fn check(platform: &Platform, text: &str) -> Result<Presented, RequestError> {
    let token = ring::verify(platform, text, bearer::policy(platform.authority())).await?;
    let access = AccessToken::read(&token).ok_or(Refusal::BearerInvalid)?;
    match tokens::state(platform, &access).await? {
        TokenState::Inactive => Err(Refusal::BearerInvalid.into()),
        state => Ok(Presented { token, access, state }),
    }
}
