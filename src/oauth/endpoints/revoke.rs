//! Token revocation (RFC 7009).

use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::token_id::TokenId;
use crate::token::UnixTime;

use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::authority::Authority;
use crate::oauth::vocabulary::client::Client;
use crate::oauth::vocabulary::compatibility::Item;
use crate::wire::Form;

/// The record of a revoked token: its identifier, not its text, because an ECDSA signature has two valid forms and so a token
/// has two texts.
#[derive(Debug)]
pub struct Revocation {
    /// The `jti` of the token.
    pub jti: TokenId,
    /// When it can be forgotten: the token's expiry.
    pub until: UnixTime,
}

/// Returns the token of a request that revokes by possession: some libraries do not authenticate, and send the token in the query and again
/// in the body, without a content type. `None` for any other request: then its client has to authenticate.
///
/// The request has no other parameter. Which token it revokes is beyond doubt, and its holder could use it.
pub fn by_possession<'f>(authority: &Authority, query: &Form, body: &'f Form) -> Option<&'f str> {
    let only = |form: &'f Form| {
        let mut all = form.named();
        all.next().filter(|(name, token)| *name == "token" && !token.is_empty()).filter(|_| all.next().is_none())
    };
    let (_, token) = only(body)?;
    let is_repeated = query.get("token") == Some(token) && query.named().count() == 1;
    (is_repeated && authority.compatibility().permits(Item::RevocationByPossession)).then_some(token)
}

/// Returns the revocation of a token at the request of its holder.
pub fn by_holder(token: &AccessToken) -> Revocation {
    Revocation { jti: token.jti.clone(), until: token.expires_at }
}

/// Decides the revocation of a valid token; an invalid one needs none (RFC 7009 section 2.2).
///
/// # Errors
/// [`Refusal::TokenOfAnother`]: a client may revoke only its own tokens (RFC 7009 section 2.1).
pub fn revoke(client: &Client, token: &AccessToken) -> Result<Revocation, Refusal> {
    if token.client != client.id {
        return Err(Refusal::TokenOfAnother);
    }
    Ok(by_holder(token))
}
