//! The token endpoint.

use std::rc::Rc;

use crate::oauth::endpoints::id_token;
use crate::oauth::endpoints::token_endpoint::{self, TokenRequest};
use crate::oauth::grant::handle::{AccountId, GrantId, Handle, Kind};
use crate::oauth::grant::rights::ClientRights;
use crate::oauth::grant::{self, GrantRefusal, TokenGrant};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::scope::OPENID;
use crate::oauth::{Client, Refusal};
use crate::token::base64url;
use crate::wire::Reply;
use crate::worker::account;
use crate::worker::clients::{self, authenticate};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::objects::account_commands::{AccountAnswer, AccountCommand};
use crate::worker::objects::account_records::AccountRecord;
use crate::worker::random::random;
use crate::worker::report::Stop;
use crate::worker::ring;

/// `POST /oauth/token` (RFC 6749 section 3.2).
pub(crate) async fn token(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let form = request.form().await?;
    let client = authenticate(platform, request.authorization()?.as_deref(), &form).await?;
    match TokenRequest::parse(platform.authority(), &platform.config.handles, &client, &form)? {
        TokenRequest::ClientCredentials { scope, resources } => {
            let (authority, now) = (platform.authority(), platform.now);
            let jti = base64url::encode(&random::<16>()?);
            let claims = token_endpoint::client_credentials(authority, &client, scope.as_ref(), resources, jti, now)?;
            let token = ring::mint(platform, client.access_token_algorithm(), &claims).await?;
            platform.audit.minted(&claims, GrantType::ClientCredentials, false);
            Ok(reply(&claims.response(&token, None, None, now)))
        }
        TokenRequest::Redeem { account, grant, redeem } => {
            let profile = client.has_profile_in_id_tokens();
            let command = AccountCommand::Redeem { grant: grant.clone(), redeem, profile };
            tokens(platform, &account, grant, client, command).await
        }
        TokenRequest::Refresh { account, grant, refresh } => {
            let profile = client.has_profile_in_id_tokens();
            let command = AccountCommand::Refresh { grant: grant.clone(), refresh, profile };
            tokens(platform, &account, grant, client, command).await
        }
    }
}

/// Runs the command in the account, which stores the result, and issues the tokens.
async fn tokens(
    platform: &Platform,
    account: &AccountId,
    grant: GrantId,
    mut client: Rc<Client>,
    mut command: AccountCommand,
) -> Result<Reply, Stop> {
    platform.audit.user(account).grant(&grant);
    let mut answer = account::ask(platform, account, &command).await?;
    if let AccountAnswer::Grant(Err(GrantRefusal::RightsLost)) = answer {
        // A copy of the client's record lacks the rights; the grant is revoked only if the record itself does.
        client = clients::find_exact(platform, &client.id).await?.ok_or(Refusal::ClientUnknown)?;
        if let AccountCommand::Redeem { redeem: grant::Redeem { rights, .. }, .. }
        | AccountCommand::Refresh { refresh: grant::Refresh { rights, .. }, .. } = &mut command
        {
            *rights = ClientRights { exact: true, ..ClientRights::of(platform.authority(), &client) };
        }
        answer = account::ask(platform, account, &command).await?;
    }
    let (tokens, record) = match answer {
        AccountAnswer::Tokens { tokens, account } => (tokens, account),
        AccountAnswer::Grant(Err(refusal)) => return Err(Refusal::Grant(refusal).into()),
        _ => return Err(objects::unexpected().into()),
    };
    let (authority, key) = (platform.authority(), &platform.config.handles);
    let claims = token_endpoint::of_grant(authority, key, account, &grant, &client, &tokens);
    let claims = if client.is_public() { claims } else { claims.with_own_identifier(random()?) };
    let access_token = ring::mint(platform, client.access_token_algorithm(), &claims).await?;
    let is_refresh = matches!(command, AccountCommand::Refresh { .. });
    let way = if is_refresh { GrantType::RefreshToken } else { GrantType::AuthorizationCode };
    platform.audit.minted(&claims, way, tokens.repeated);
    let id_token = match tokens.scope.contains(OPENID) {
        true => Some(id_token(platform, account, &client, &tokens, record.as_ref(), &access_token).await?),
        false => None,
    };
    let refresh_token = (tokens.generation > 0).then(|| {
        let handle = Handle { account: account.clone(), record: grant.to_string(), generation: tokens.generation };
        key.write(Kind::Refresh, &handle)
    });
    Ok(reply(&claims.response(&access_token, refresh_token, id_token, platform.now)))
}

async fn id_token(
    platform: &Platform,
    account: &AccountId,
    client: &Client,
    tokens: &TokenGrant,
    record: Option<&AccountRecord>,
    access_token: &str,
) -> Result<String, Stop> {
    let authority = platform.authority();
    let profile = match record {
        Some(record) => Some(account::profile(platform, account, record).await?),
        None => None,
    };
    let algorithm = client.id_token_algorithm().unwrap_or_else(|| authority.id_token_algorithm());
    let claims = id_token::of_grant(authority, account, client, tokens, profile.as_ref(), access_token, algorithm);
    Ok(ring::mint_id_token(platform, algorithm, &claims).await?)
}

fn reply(response: &token_endpoint::TokenResponse<'_>) -> Reply {
    Reply::json(200, response).with("Pragma", "no-cache")
}
