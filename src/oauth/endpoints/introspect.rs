//! Token introspection (RFC 7662).

use serde_json::{Map, Value, json};

use crate::token::Token;
use crate::wire::Form;

use crate::oauth::grant::Described;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::ClientId;

/// The token that a request to introspect or revoke is about. `token_type_hint` is not needed: each kind of token
/// shows what it is.
///
/// # Errors
/// [`Refusal::MissingParameter`].
pub fn token_in_question(form: &Form) -> Result<&str, Refusal> {
    form.get("token").ok_or(Refusal::MissingParameter)
}

/// The answer about a token that is not valid here and now, for whatever reason (RFC 7662 section 2.2).
pub fn inactive() -> Value {
    json!({ "active": false })
}

/// The answer about a refresh token that can be exchanged, to the client that it was issued to.
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

/// The answer about a token that is.
///
/// Any client that authenticates with a secret or a key may ask: whoever holds a signed token can read its claims anyway.
pub fn active(token: &Token) -> Value {
    let told = ["scope", "client_id", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "status"];
    let claims = token.claims().members();
    let mut answer: Map<String, Value> =
        told.into_iter().filter_map(|name| Some((name.to_owned(), claims.get(name)?.clone()))).collect();
    answer.insert("active".to_owned(), json!(true));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    Value::Object(answer)
}
