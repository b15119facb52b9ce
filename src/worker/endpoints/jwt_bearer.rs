//! The token endpoint for the JWT bearer grant (RFC 7523 section 2.1).

use crate::account::asserted_grants::{Asserted, GrantAsserted};
use crate::oauth::endpoints::jwt_bearer::{self, AssertionRequest, Once, Subject};
use crate::oauth::endpoints::token_endpoint::{
    AccessTokenClaims, OwnToken, granted_resources, of_assertion, of_client_itself,
};
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::gate::{self, ClientFacts, Requested};
use crate::oauth::grant::handle::GrantId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::{Client, Refusal};
use crate::wire::{Form, Reply};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::assertions::{self, Owner};
use crate::worker::services::{catalogue, clients};
use crate::worker::status;

/// `POST /oauth/token` with an assertion as the grant. Client authentication is optional, and must succeed where it is sent.
pub(crate) async fn token(platform: &Platform, request: &Incoming, form: &Form) -> Result<Reply, RequestError> {
    let mut asked = AssertionRequest::parse(form)?;
    let authenticated = clients::authenticate_if_sent(platform, request.authorization()?, form).await?;
    let (owner, mut accepted) = assertions::verify(platform, &asked).await?;
    let by = authenticated.as_ref().map(|authenticated| &authenticated.client.id);
    let id = jwt_bearer::client_of(owner.asserter(), &accepted, by, asked.client_id.as_ref())?;
    let by = authenticated.as_ref().map(|authenticated| authenticated.by);
    let client = match (&owner, authenticated) {
        (Owner::ServiceAccount(client), _) => client.clone(),
        (Owner::TrustedIssuer(..), Some(authenticated)) => authenticated.client,
        (Owner::TrustedIssuer(..), None) => clients::find(platform, &id).await?.ok_or(Refusal::AssertionClient)?,
    };
    platform.audit.client(&client.id);
    let catalogue = catalogue::current(platform).await?;
    let facts = ClientFacts::of(platform.authority(), &catalogue, &client, by);
    gate::admit(GrantType::JwtBearer, &facts).map_err(Refusal::from)?;
    let is_asserted_scope = asked.scope.is_none();
    asked.scope = jwt_bearer::requested_scope(asked.scope, accepted.scope.take())?;
    if let Some(delegated) = &accepted.delegated {
        asked.resources = delegated.requested_resources(asked.resources)?;
    }
    let once = accepted.once.clone();
    let refusal = |error| match error {
        RequestError::Refused(refusal) if is_asserted_scope => jwt_bearer::refusal_of_scope(refusal, &once).into(),
        error => error,
    };
    let (claims, repeated) = issue(platform, asked, &owner, accepted, &client, facts).await.map_err(refusal)?;
    let token = ring::mint(platform, claims.algorithm(&client), &claims).await?;
    platform.audit.minted(&claims, GrantType::JwtBearer, repeated);
    Ok(claims.response(&token, None, platform.now).reply())
}

/// Decides, and consumes the assertion. Returns the claims of the token, and whether they are those of an earlier response.
async fn issue(
    platform: &Platform,
    asked: AssertionRequest,
    owner: &Owner,
    accepted: jwt_bearer::Accepted,
    client: &Client,
    facts: ClientFacts,
) -> Result<(AccessTokenClaims, bool), RequestError> {
    match &accepted.subject {
        Subject::Client(_) => {
            let requested = Requested { scope: asked.scope.as_ref(), resources: &asked.resources };
            let granted = jwt_bearer::granted_scope(owner.asserter(), &accepted.subject);
            let own = OwnToken { client: &facts, granted, requested, status: client.status };
            let (jti, _) = assertions::identifiers(platform, &accepted.once)?;
            let claims = |at| {
                let jti = TokenId::from_random(jti);
                of_client_itself(platform.authority(), GrantType::JwtBearer, own, jti, at)
            };
            // A refused request consumes nothing.
            claims(platform.now)?;
            let first = assertions::consume(platform, owner, &accepted.once, &client.id, None).await?;
            Ok((claims(first.at)?, first.repeated))
        }
        Subject::Account(_) | Subject::Username(_) | Subject::Upstream { .. } => {
            of_user(platform, asked, owner, accepted, facts).await
        }
    }
}

/// Has the account of the user decide, which stores the grant of the token.
async fn of_user(
    platform: &Platform,
    asked: AssertionRequest,
    owner: &Owner,
    accepted: jwt_bearer::Accepted,
    client: ClientFacts,
) -> Result<(AccessTokenClaims, bool), RequestError> {
    let authority = platform.authority();
    let resources = granted_resources(authority, &client, &asked.resources)?.to_vec();
    let account = assertions::account_of(platform, &accepted.subject).await?.ok_or(Refusal::AssertionSubject)?;
    let scope = jwt_bearer::granted_scope(owner.asserter(), &accepted.subject).clone();
    let first = assertions::consume(platform, owner, &accepted.once, &client.id, Some(&account)).await?;
    let (identifier, suffix) = assertions::identifiers(platform, &accepted.once)?;
    let (grant, taken) = (GrantId::from_bytes(identifier), status::take(platform).await?);
    let (id, status) = (client.id.clone(), taken.entry());
    let command = GrantAsserted {
        grant: grant.clone(),
        scope,
        resources,
        requested_scope: asked.scope,
        requested_resources: asked.resources,
        status,
        first_use: matches!(accepted.once, Once::ByText(_)).then_some(first.at),
        client,
    };
    match objects::send(platform, &account, &command).await? {
        Ok(Asserted { permit, status: stored }) => {
            platform.audit.user(&account).grant(&grant);
            if stored.is_some_and(|stored| stored != status) {
                taken.give_back();
            }
            let (holder, status) = ((&account, &grant), stored.unwrap_or(status));
            Ok((of_assertion(authority, holder, &id, &permit, status, suffix, first.at), first.repeated))
        }
        Err(refusal) => {
            taken.give_back();
            if refusal != GrantRefusal::GrantUnknown {
                platform.audit.user(&account);
            }
            Err(jwt_bearer::refusal_of_account(refusal).into())
        }
    }
}
