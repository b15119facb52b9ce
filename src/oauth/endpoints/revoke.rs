//! Token revocation (RFC 7009).

use crate::token::{Token, UnixTime};

use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::Client;

/// The record of a revoked token: its identifier, not its text, because an ECDSA signature has two valid forms and so a token
/// has two texts.
#[derive(Debug)]
pub struct Revocation {
    /// The `jti` of the token.
    pub jti: String,
    /// When it can be forgotten: the token's expiry.
    pub until: UnixTime,
}

/// Decides the revocation of a valid token; an invalid one needs none (RFC 7009 section 2.2).
///
/// # Errors
/// [`Refusal::TokenOfAnother`]: a client may revoke only its own tokens (RFC 7009 section 2.1).
pub fn revoke(client: &Client, token: &Token) -> Result<Revocation, Refusal> {
    let claims = token.claims();
    if claims.text("client_id") != Some(client.id.as_str()) {
        return Err(Refusal::TokenOfAnother);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Claims::time is within the calendar.
    let until = UnixTime(claims.time("exp").unwrap_or_default().ceil() as u64);
    Ok(Revocation { jti: claims.text("jti").unwrap_or_default().to_owned(), until })
}
