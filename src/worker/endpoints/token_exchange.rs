//! The token endpoint for token exchange (RFC 8693).

use crate::account::exchanges::{ExchangeToken, Exchanged};
use crate::oauth::endpoints::token_endpoint::{AccessTokenClaims, ExchangedToken, of_exchange};
use crate::oauth::endpoints::token_exchange::{
    self, Allowed, Exchange, ExchangeRequest, PresentedToken, SentToken, TokenType, allowed, delegation, rules_of,
};
use crate::oauth::grant::gate::{self, ClientFacts};
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::actor::Delegation;
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::{ClientId, Refusal};
use crate::wire::{Form, Reply};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::clients::{self, Authenticated, authenticate};
use crate::worker::services::tokens::{self, TokenState};
use crate::worker::services::{catalogue, presented_tokens};

use super::identity_assertion;

/// `POST /oauth/token` with another token as the grant.
pub(crate) async fn token(platform: &Platform, request: &Incoming, form: &Form) -> Result<Reply, RequestError> {
    let Authenticated { client, by } = authenticate(platform, request.authorization()?, form).await?;
    let catalogue = catalogue::current(platform).await?;
    let facts = ClientFacts::of(platform.authority(), &catalogue, &client, Some(by));
    gate::admit(GrantType::TokenExchange, &facts).map_err(Refusal::from)?;
    let asked = ExchangeRequest::parse(&client, form)?;
    let rules = rules_of(catalogue.exchange_rules(), &client.id, asked.issued)?;
    if asked.issued == TokenType::IdJag {
        return identity_assertion::issue(platform, facts, &asked, &rules).await;
    }
    let subject =
        presented_tokens::verify(platform, &client.id, &asked.subject).await?.ok_or(Refusal::ExchangeSubject)?;
    let allowed = allowed(&rules, &subject, &asked.targets())?;
    let actor = match &asked.actor {
        Some(sent) => Some(active_actor(platform, &client.id, sent).await?),
        None => None,
    };
    let delegation = delegation(platform.authority(), allowed.mode, &client.id, &subject, actor.as_ref())?;
    platform.audit.exchanged(&subject.token);
    let claims = exchange(platform, &asked, &subject, facts, allowed, delegation).await?;
    let token = ring::mint(platform, claims.algorithm(&client), &claims).await?;
    platform.audit.actor(&claims).minted(&claims, GrantType::TokenExchange, false);
    Ok(claims.response(&token, None, platform.now).with_issued_type(asked.issued.name()).reply())
}

/// Returns the actor token, which must be active and the client's own.
async fn active_actor(
    platform: &Platform,
    client: &ClientId,
    sent: &SentToken,
) -> Result<PresentedToken, RequestError> {
    let actor = presented_tokens::verify(platform, client, sent).await?.ok_or(Refusal::ExchangeActor)?;
    actor.check_actor(client)?;
    match tokens::state(platform, &actor.token).await? {
        TokenState::OfAccount(..) | TokenState::OfClient => Ok(actor),
        TokenState::Inactive => Err(Refusal::ExchangeActor.into()),
    }
}

/// Has the account or the client's registry say that the subject token is active, and decides.
async fn exchange(
    platform: &Platform,
    asked: &ExchangeRequest,
    subject: &PresentedToken,
    client: ClientFacts,
    allowed: Allowed,
    delegation: Delegation,
) -> Result<AccessTokenClaims, RequestError> {
    let (authority, now) = (platform.authority(), platform.now);
    let (jti, exchanged) = match (&subject.token.grant, &subject.token.account) {
        (Some(grant), Some(account)) => {
            platform.audit.user(account).grant(grant);
            let exchanged = of_user(platform, asked, subject, (account, grant), client.clone(), &allowed).await?;
            (TokenId::exchanged(grant, random()?), exchanged)
        }
        (Some(_), None) => return Err(Refusal::ExchangeSubject.into()),
        (None, _) => {
            let TokenState::OfClient = tokens::state(platform, &subject.token).await? else {
                return Err(Refusal::ExchangeSubject.into());
            };
            let exchange = Exchange {
                client: &client,
                user: None,
                of_subject: &subject.token.scope,
                sign_in: None,
                scope: &allowed.scope,
                targets: &allowed.targets,
                requested: asked.scope.as_ref(),
            };
            let permit = token_exchange::permit(&exchange, now).map_err(Refusal::from)?;
            let exchanged = Exchanged { permit, sign_in: None, status: subject.status, ends: subject.token.expires_at };
            (TokenId::about_client(&subject.token.registry, random()?), exchanged)
        }
    };
    let token = ExchangedToken {
        subject: &subject.subject,
        client: &client.id,
        permit: &exchanged.permit,
        status: exchanged.status,
        sign_in: exchanged.sign_in.as_ref(),
        delegation,
        end: token_exchange::end(subject, exchanged.ends, now)?,
    };
    Ok(of_exchange(authority, token, jti, now))
}

/// Has the account of the user decide.
async fn of_user(
    platform: &Platform,
    asked: &ExchangeRequest,
    subject: &PresentedToken,
    (account, grant): (&AccountId, &GrantId),
    client: ClientFacts,
    allowed: &Allowed,
) -> Result<Exchanged, RequestError> {
    if clients::is_disabled(platform, &subject.token.client).await? {
        return Err(Refusal::ExchangeSubject.into());
    }
    let command = ExchangeToken {
        grant: grant.clone(),
        jti: subject.token.jti.clone(),
        audience: subject.token.audience.clone(),
        subject_scope: subject.scope.clone(),
        client,
        scope: allowed.scope.clone(),
        resources: allowed.targets.clone(),
        requested_scope: asked.scope.clone(),
    };
    let answer = objects::send(platform, account, &command).await?;
    Ok(answer.map_err(token_exchange::refusal_of_account)?)
}
