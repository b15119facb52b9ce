//! The token endpoint for the JWT bearer grant (RFC 7523 section 2.1).

use crate::account::asserted_grants::GrantAsserted;
use crate::oauth::Refusal;
use crate::oauth::endpoints::jwt_bearer::{self, AssertionRequest, Subject};
use crate::oauth::endpoints::token_endpoint::{
    AccessTokenClaims, OwnToken, granted_resources, of_assertion, of_client_itself,
};
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::gate::{self, ClientFacts, Requested};
use crate::oauth::grant::handle::GrantId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::client::GrantType;
use crate::wire::{Form, Reply};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::random::random;
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
    let id = jwt_bearer::client_of(owner.asserter(), &accepted.subject, by, asked.client_id.as_ref())?;
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
    asked.scope = jwt_bearer::requested_scope(asked.scope, accepted.scope.take())?;
    let claims = match &accepted.subject {
        Subject::Client(_) => {
            let requested = Requested { scope: asked.scope.as_ref(), resources: &asked.resources };
            let granted = jwt_bearer::granted_scope(owner.asserter(), &accepted.subject);
            let own = OwnToken { client: &facts, granted, requested, status: client.status };
            let jti = TokenId::from_random(random()?);
            let claims = of_client_itself(platform.authority(), GrantType::JwtBearer, own, jti, platform.now)?;
            assertions::consume(platform, &owner, accepted.used, &client.id, None).await?;
            claims
        }
        Subject::Account(_) | Subject::Username(_) | Subject::Upstream { .. } => {
            of_user(platform, asked, &owner, accepted, facts).await?
        }
    };
    let token = ring::mint(platform, claims.algorithm(&client), &claims).await?;
    platform.audit.minted(&claims, GrantType::JwtBearer, false);
    Ok(claims.response(&token, None, platform.now).reply())
}

/// Has the account of the user decide, which stores the grant of the token.
async fn of_user(
    platform: &Platform,
    asked: AssertionRequest,
    owner: &Owner,
    accepted: jwt_bearer::Accepted,
    client: ClientFacts,
) -> Result<AccessTokenClaims, RequestError> {
    let authority = platform.authority();
    let resources = granted_resources(authority, &client, &asked.resources)?.to_vec();
    let account = assertions::account_of(platform, &accepted.subject).await?.ok_or(Refusal::AssertionSubject)?;
    let scope = jwt_bearer::granted_scope(owner.asserter(), &accepted.subject).clone();
    assertions::consume(platform, owner, accepted.used, &client.id, Some(&account)).await?;
    let (grant, taken) = (GrantId::from_bytes(random()?), status::take(platform).await?);
    let (id, status) = (client.id.clone(), taken.entry());
    let command = GrantAsserted {
        grant: grant.clone(),
        scope,
        resources,
        requested_scope: asked.scope,
        requested_resources: asked.resources,
        status,
        client,
    };
    match objects::send(platform, &account, &command).await? {
        Ok(permit) => {
            platform.audit.user(&account).grant(&grant);
            Ok(of_assertion(authority, (&account, &grant), &id, &permit, status, random()?, platform.now))
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
