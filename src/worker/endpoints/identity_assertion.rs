//! The token endpoint for identity assertions (draft-ietf-oauth-identity-assertion-authz-grant-06 section 4.3), which another
//! authorization server accepts.

use crate::account::identity_assertions::{AssertIdentity, SubjectToken};
use crate::oauth::Refusal;
use crate::oauth::endpoints::identity_assertion::{self, IdJag};
use crate::oauth::endpoints::token_endpoint::TokenResponse;
use crate::oauth::endpoints::token_exchange::{ExchangeRequest, SentToken, TokenType};
use crate::oauth::grant::gate::ClientFacts;
use crate::oauth::grant::handle::{AccountId, GrantId, Kind};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::vocabulary::client::{ClientId, GrantType};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::exchange_rule::ExchangeRule;
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::presented_tokens;

/// `POST /oauth/token` by which a client exchanges its ID token or its refresh token for an identity assertion. `rules` are those about the
/// client and identity assertions.
pub(super) async fn issue(
    platform: &Platform,
    client: ClientFacts,
    asked: &ExchangeRequest,
    rules: &[&ExchangeRule],
) -> Result<Reply, RequestError> {
    let target = identity_assertion::target(rules, &asked.audiences, &asked.resources)?;
    if asked.actor.is_some() {
        return Err(Refusal::ExchangeModeActor.into());
    }
    platform.audit.exchange_rule(&target.rule.id());
    let subject = subject(platform, &client.id, &asked.subject).await?.ok_or(Refusal::ExchangeSubject)?;
    let (account, grant, subject) = subject;
    platform.audit.user(&account).grant(&grant);
    let command = AssertIdentity {
        grant,
        subject,
        client,
        scope: target.rule.scope.clone(),
        targets: target.all(),
        requested_scope: asked.scope.clone(),
    };
    let identity = objects::send(platform, &account, &command).await?;
    let identity = identity.map_err(identity_assertion::refusal_of_account)?;
    let (permitted, jti) = ((&identity.permit, &identity.sign_in), TokenId::from_random(random()?));
    let claims = IdJag::new(platform.authority(), &account, &target, permitted, jti, identity.ends, platform.now)?;
    let assertion = ring::mint_identity_assertion(platform, &claims).await?;
    platform.audit.jti(claims.jti()).note_way(EventKind::TokenIssued, GrantType::TokenExchange.name());
    Ok(TokenResponse::of_assertion(&assertion, asked.issued.name(), claims.scope(), claims.lifetime()).reply())
}

/// Verifies the subject token. `None` if this server did not issue it to this client.
async fn subject(
    platform: &Platform,
    client: &ClientId,
    sent: &SentToken,
) -> Result<Option<(AccountId, GrantId, SubjectToken)>, RequestError> {
    if sent.kind == TokenType::RefreshToken {
        let handle = platform.config.handles.read(Kind::Refresh, &sent.text);
        return Ok(handle.and_then(|handle| {
            let (grant, generation) = (handle.grant()?, handle.generation);
            Some((handle.account, grant, SubjectToken::RefreshToken { generation }))
        }));
    }
    let Some(subject) = presented_tokens::verify(platform, client, sent).await? else {
        return Ok(None);
    };
    platform.audit.exchanged(&subject.token);
    let token = subject.token;
    let subject = SubjectToken::IdToken { jti: token.jti, ends: token.expires_at };
    Ok(token.account.zip(token.grant).map(|(account, grant)| (account, grant, subject)))
}
