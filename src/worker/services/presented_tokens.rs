//! The tokens that a client presents for exchange (RFC 8693 section 2.1).

use crate::oauth::ClientId;
use crate::oauth::endpoints::token_exchange::{PresentedToken, SentToken};
use crate::worker::env::Platform;
use crate::worker::report::RequestError;
use crate::worker::ring;

/// Verifies a token of the request. `None` if it is not acceptable. Only keys of this server's own count: what another issuer signed must
/// not become a token that this server signs.
pub(crate) async fn verify(
    platform: &Platform,
    client: &ClientId,
    sent: &SentToken,
) -> Result<Option<PresentedToken>, RequestError> {
    let authority = platform.authority();
    let token = match ring::verify(platform, &sent.text, sent.kind.policy(authority)).await {
        Ok(token) => token,
        Err(RequestError::Refused(_)) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let is_own = ring::is_our_own(platform, &token).await?;
    Ok(PresentedToken::read(authority, client, sent.kind, &token).filter(|_| is_own))
}
