//! Token revocation (RFC 7009).

use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::token_id::TokenId;
use crate::token::UnixTime;

use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::Client;

/// The record of a revoked token: its identifier, not its text, because an ECDSA signature has two valid forms and so a token
/// has two texts.
#[derive(Debug)]
pub struct Revocation {
    /// The `jti` of the token.
    pub jti: TokenId,
    /// When it can be forgotten: the token's expiry.
    pub until: UnixTime,
}

/// Decides the revocation of a valid token; an invalid one needs none (RFC 7009 section 2.2).
///
/// # Errors
/// [`Refusal::TokenOfAnother`]: a client may revoke only its own tokens (RFC 7009 section 2.1).
pub fn revoke(client: &Client, token: &AccessToken) -> Result<Revocation, Refusal> {
    if token.client != client.id {
        return Err(Refusal::TokenOfAnother);
    }
    Ok(Revocation { jti: token.jti.clone(), until: token.expires_at })
}
