//! The token endpoint.

use std::rc::Rc;

use crate::account::device_grants::RedeemDeviceCode;
use crate::account::grants::{RedeemCode, RefreshGrant, Tokens};
use crate::account::record::AccountRecord;
use crate::account::turn::AccountCommand;
use crate::oauth::endpoints::id_token;
use crate::oauth::endpoints::token_endpoint::{self, TokenRequest};
use crate::oauth::grant::gate::ClientFacts;
use crate::oauth::grant::handle::{AccountId, GrantId, Handle, Kind};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{GrantRefusal, TokenGrant};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::scope::OPENID;
use crate::oauth::{Client, Refusal};
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::random::random_identifier;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::clients::{self, Authenticated, authenticate};
use crate::worker::services::{catalogue, devices, profiles};

use super::{jwt_bearer, token_exchange};

/// `POST /oauth/token` (RFC 6749 section 3.2).
pub(crate) async fn token(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let asks_for = |grant_type: GrantType| form.get("grant_type") == Some(grant_type.name());
    if asks_for(GrantType::JwtBearer) {
        return jwt_bearer::token(platform, request, &form).await;
    }
    if asks_for(GrantType::TokenExchange) {
        return token_exchange::token(platform, request, &form).await;
    }
    let Authenticated { client, by } = authenticate(platform, request.authorization()?, &form).await?;
    let catalogue = catalogue::current(platform).await?;
    match TokenRequest::parse(platform.authority(), &catalogue, &platform.config.handles, &client, by, &form)? {
        TokenRequest::ClientCredentials { client: facts, scope, resources } => {
            let (authority, now) = (platform.authority(), platform.now);
            let jti = TokenId::from_random(random_identifier()?);
            let (scope, status) = (scope.as_ref(), client.status);
            let claims = token_endpoint::client_credentials(authority, &facts, scope, &resources, status, jti, now)?;
            let token = ring::mint(platform, claims.algorithm(&client), &claims).await?;
            platform.audit.minted(&claims, GrantType::ClientCredentials, false);
            Ok(claims.response(&token, None, now).reply())
        }
        TokenRequest::Redeem { account, grant, redeem } => {
            let profile = client.has_profile_in_id_tokens();
            let command = RedeemCode { grant: grant.clone(), redeem, profile };
            tokens(platform, &account, grant, client, command).await
        }
        TokenRequest::RedeemDevice { code, redeem } => {
            let account = devices::poll(platform, &code, &client).await?;
            let profile = client.has_profile_in_id_tokens();
            let command = RedeemDeviceCode { grant: code.grant.clone(), redeem, profile };
            tokens(platform, &account, code.grant, client, command).await
        }
        TokenRequest::Refresh { account, grant, refresh } => {
            let profile = client.has_profile_in_id_tokens();
            let command = RefreshGrant { grant: grant.clone(), refresh, profile };
            tokens(platform, &account, grant, client, command).await
        }
    }
}

/// A command that yields tokens.
trait YieldsTokens: AccountCommand<Answer = Result<Tokens, GrantRefusal>> {
    /// The grant type, for the audit event.
    const GRANT_TYPE: GrantType;

    /// Returns the facts about the client.
    fn client(&mut self) -> &mut ClientFacts;
}

impl YieldsTokens for RedeemCode {
    const GRANT_TYPE: GrantType = GrantType::AuthorizationCode;

    fn client(&mut self) -> &mut ClientFacts {
        &mut self.redeem.client
    }
}

impl YieldsTokens for RedeemDeviceCode {
    const GRANT_TYPE: GrantType = GrantType::DeviceCode;

    fn client(&mut self) -> &mut ClientFacts {
        &mut self.redeem.client
    }
}

impl YieldsTokens for RefreshGrant {
    const GRANT_TYPE: GrantType = GrantType::RefreshToken;

    fn client(&mut self) -> &mut ClientFacts {
        &mut self.refresh.client
    }
}

/// Runs the command in the account, which stores the result, and issues the tokens.
async fn tokens<C: YieldsTokens>(
    platform: &Platform,
    account: &AccountId,
    grant: GrantId,
    mut client: Rc<Client>,
    mut command: C,
) -> Result<Reply, RequestError> {
    platform.audit.user(account).grant(&grant);
    let mut answer = objects::send(platform, account, &command).await?;
    if let Err(GrantRefusal::RightsLost) = answer {
        // A copy of the client's record lacks the rights; the grant is revoked only if the record itself does.
        client = clients::find_exact(platform, &client.id).await?.ok_or(Refusal::ClientUnknown)?;
        let by = command.client().authenticated_by;
        let catalogue = catalogue::exact(platform).await?;
        *command.client() =
            ClientFacts { exact: true, ..ClientFacts::of(platform.authority(), &catalogue, &client, by) };
        answer = objects::send(platform, account, &command).await?;
    }
    let Tokens { tokens, account: record } = answer.map_err(Refusal::Grant)?;
    let (authority, key) = (platform.authority(), &platform.config.handles);
    let claims = token_endpoint::of_grant(authority, key, account, &grant, &client, &tokens);
    let claims = if client.is_public() { claims } else { claims.with_own_identifier(random_identifier()?) };
    let access_token = ring::mint(platform, claims.algorithm(&client), &claims).await?;
    platform.audit.minted(&claims, C::GRANT_TYPE, tokens.repeated);
    let id_token = match tokens.permit.scope().contains(OPENID) {
        true => {
            Some(id_token(platform, account, &client, &tokens, record.as_ref(), (&access_token, claims.jti())).await?)
        }
        false => None,
    };
    let response = claims.response(&access_token, id_token, platform.now);
    if tokens.generation == 0 {
        return Ok(response.reply());
    }
    let handle = Handle { account: account.clone(), record: grant.to_string(), generation: tokens.generation };
    Ok(response.with_refresh_token(key.write(Kind::Refresh, &handle), tokens.expiry, platform.now).reply())
}

async fn id_token(
    platform: &Platform,
    account: &AccountId,
    client: &Client,
    tokens: &TokenGrant,
    record: Option<&AccountRecord>,
    access_token: (&str, &TokenId),
) -> Result<String, RequestError> {
    let authority = platform.authority();
    let profile = match record {
        Some(record) => Some(profiles::open(platform, account, record).await?),
        None => None,
    };
    let algorithm = client.id_token_algorithm().unwrap_or_else(|| authority.id_token_algorithm());
    let claims = id_token::of_grant(authority, account, client, tokens, profile.as_ref(), access_token, algorithm);
    Ok(ring::mint_id_token(platform, algorithm, &claims).await?)
}
