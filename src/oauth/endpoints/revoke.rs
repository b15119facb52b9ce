//! Token revocation (RFC 7009).

use crate::token::{Token, UnixTime};

use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::Client;

/// What must be remembered of a revoked token: its identifier, never its text, because an ECDSA signature
/// has two valid forms and so a token has two texts.
#[derive(Debug)]
pub struct Revocation {
    /// The identifier of the token.
    pub jti: String,
    /// Until when to remember it: the token's own end.
    pub until: UnixTime,
}

/// Decides about a token that is valid; one that is not needs no revoking (RFC 7009 section 2.2).
///
/// # Errors
/// [`Refusal::TokenOfAnother`]: a client may end only its own tokens (RFC 7009 section 2.1).
pub fn revoke(client: &Client, token: &Token) -> Result<Revocation, Refusal> {
    let claims = token.claims();
    if claims.text("client_id") != Some(client.id.as_str()) {
        return Err(Refusal::TokenOfAnother);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Claims::time is within the calendar.
    let until = UnixTime(claims.time("exp").unwrap_or_default().ceil() as u64);
    Ok(Revocation { jti: claims.text("jti").unwrap_or_default().to_owned(), until })
}
