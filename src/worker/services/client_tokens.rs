//! Ending the tokens that clients obtained for themselves.

use crate::keyring::MAX_TOKEN_TTL;
use crate::keyring::schedule::CLOCK_SKEW;
use crate::oauth::ClientId;
use crate::token::UnixTime;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::registry_do::RevokeClientTokens;
use crate::worker::report::Fault;
use crate::worker::status;

use super::clients;

/// Revokes a client's own tokens that were issued up to and including `until`: times in tokens are whole seconds, and one
/// token too many is better than one too few.
///
/// A status list entry cannot tell earlier tokens from later ones: the client's entry is revoked and later tokens get another,
/// unless all affected tokens have expired.
pub(crate) async fn end(platform: &Platform, id: &ClientId, until: UnixTime) -> Result<(), Fault> {
    objects::send(platform, id, &RevokeClientTokens { until }).await?;
    let last_token_ends = until.plus(MAX_TOKEN_TTL + CLOCK_SKEW);
    if platform.now < last_token_ends { replace_status_entry(platform, id).await } else { Ok(()) }
}

/// Revokes the client's status list entry and allocates another. In this order: an interruption leaves no revoked token active,
/// and repeating the request completes it.
async fn replace_status_entry(platform: &Platform, id: &ClientId) -> Result<(), Fault> {
    let last_token_ends = platform.now.plus(MAX_TOKEN_TTL);
    let released = clients::change(platform, id, async |record| {
        let Some(entry) = record.status else {
            return Ok(None);
        };
        status::revoke(&platform.env, [(entry, last_token_ends)]).await?;
        record.status = Some(status::take_for_client(platform).await?);
        Ok(Some(entry))
    })
    .await?;
    match released {
        Some(entry) => status::release(platform, entry, last_token_ends).await,
        None => Ok(()),
    }
}
