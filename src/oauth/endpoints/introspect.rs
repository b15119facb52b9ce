//! Token introspection (RFC 7662).

use serde_json::{Map, Value, json};

use crate::token::{Token, UnixTime};
use crate::wire::Form;

use crate::oauth::grant::Described;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::protected_resource::ProtectedResource;

/// Returns the token of an introspection or revocation request. `token_type_hint` is ignored: the form of a token shows its
/// kind.
///
/// # Errors
/// [`Refusal::MissingParameter`].
pub fn token_in_question(form: &Form) -> Result<&str, Refusal> {
    form.get("token").ok_or(Refusal::MissingParameter)
}

/// Returns whether a client is told about an access token: one that a resource server authenticates as learns about the tokens for its
/// resources alone.
pub fn is_told(catalogue: &Catalogue, asker: &ClientId, token: &Token) -> bool {
    let is_asker = |resource: &&ProtectedResource| resource.introspection_client.as_ref() == Some(asker);
    let mut own = catalogue.resources().iter().filter(is_asker).peekable();
    own.peek().is_none() || own.any(|it| token.claims().audiences().any(|aud| aud == it.identifier.as_str()))
}

/// Returns the response for a token that is not active, for any reason (RFC 7662 section 2.2).
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// Returns the response for an active refresh token, to the client that it was issued to.
pub fn active_refresh_token(
    authority: &Authority,
    account: &AccountId,
    client: &ClientId,
    described: &Described,
) -> Value {
    json!({
        "active": true,
        "client_id": client,
        "sub": account,
        "iss": authority.issuer(),
        "scope": described.scope,
        "iat": described.at,
        "exp": described.ends,
    })
}

/// Returns the description of an active access token for its holder, who presents it to `/oauth/tokeninfo`: its scope, when it expires, and
/// its client. The names are those of introspection.
pub fn token_info(token: &AccessToken, now: UnixTime) -> Value {
    json!({
        "scope": token.scope,
        "exp": token.expires_at,
        "expires_in": token.expires_at.0.saturating_sub(now.0),
        "client_id": token.client,
    })
}

/// Returns the response for an active access token.
///
/// Every confidential client may introspect it, unless [`is_told`] says otherwise: the holder of a signed token can read its claims anyway.
pub fn active(token: &Token) -> Value {
    let told = [
        "scope",
        "client_id",
        "exp",
        "iat",
        "nbf",
        "sub",
        "aud",
        "iss",
        "jti",
        "auth_time",
        "acr",
        "status",
        "act",
        "may_act",
    ];
    let claims = token.claims().members();
    let mut answer: Map<String, Value> =
        told.into_iter().filter_map(|name| Some((name.to_owned(), claims.get(name)?.clone()))).collect();
    answer.insert("active".to_owned(), json!(true));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    Value::Object(answer)
}
