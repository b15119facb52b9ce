//! Creating, replacing and removing clients. The registry's object decides about concurrent changes and copies the record to KV.

use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::endpoints::register::Registration;
use crate::oauth::refusal::MetadataError;
use crate::oauth::vocabulary::client::{ClientRecord, ClientSecret, GrantType};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::worker::compare_and_swap::retry;
use crate::worker::env::Platform;
use crate::worker::kv;
use crate::worker::objects;
use crate::worker::objects::registry_do::{Change, CreateClient, RemoveClient, ReplaceClient};
use crate::worker::random::random;
use crate::worker::report::{Fault, RequestError};
use crate::worker::status;

use super::clients;
use super::grants::{self, EndedGrants};
use super::subjects::{is_of_user, new_client_id};

/// The record of a client, with its secret if the secret has just been set.
pub(crate) struct Registered {
    pub(crate) record: ClientRecord,
    pub(crate) secret: Option<ClientSecret>,
}

/// Creates a client.
///
/// # Errors
/// [`Refusal::ClientRoot`], [`Refusal::ClientExists`], [`MetadataError::ClientIdOfUser`].
pub(crate) async fn create(platform: &Platform, mut registration: Registration) -> Result<Registered, RequestError> {
    let id = match registration.client_id.take() {
        Some(id) if id.is_root() => return Err(Refusal::ClientRoot.into()),
        Some(id) if is_of_user(platform, &id).await? => {
            return Err(Refusal::Metadata(MetadataError::ClientIdOfUser).into());
        }
        Some(id) => id,
        None => new_client_id(platform).await?,
    };
    let secret = registration.new_secret(None, random()?);
    let mut record = registration.into_record(id.clone(), secret.as_ref(), platform.now);
    allocate_status(platform, &mut record).await?;
    let (name, sealed) = seal(platform, &record).await?;
    if !objects::send(platform, &id, &CreateClient { name, sealed, since: platform.now }).await? {
        return Err(Refusal::ClientExists.into());
    }
    clients::forget(&id);
    platform.audit.client(&id).note(EventKind::ClientRegistered);
    Ok(Registered { record, secret })
}

/// Replaces the metadata of a client.
///
/// # Errors
/// [`Refusal::ClientNotFound`], [`MetadataError::ClientIdDiffers`].
pub(crate) async fn replace(
    platform: &Platform,
    id: &ClientId,
    registration: &Registration,
) -> Result<Registered, RequestError> {
    if registration.client_id.as_ref().is_some_and(|sent| sent != id) {
        // Only an existing client can have another identifier.
        clients::existing(platform, id).await?;
        return Err(Refusal::Metadata(MetadataError::ClientIdDiffers).into());
    }
    let registered = retry(async || {
        let (was, old) = clients::existing(platform, id).await?;
        let secret = registration.new_secret(Some(&old), random()?);
        let mut record = registration.replace(&old, secret.as_ref());
        allocate_status(platform, &mut record).await?;
        let (name, sealed) = seal(platform, &record).await?;
        let change = objects::send(platform, id, &ReplaceClient { name, was, sealed }).await?;
        Ok::<_, RequestError>(is_done(change)?.then_some(Registered { record, secret }))
    })
    .await?;
    clients::forget(id);
    platform.audit.client(id).note(EventKind::ClientReplaced);
    Ok(registered)
}

/// Removes a client: ends its grants, withdraws the consents of its users so that a later client with this identifier does not
/// inherit them, and deletes its record, which deactivates its own tokens.
///
/// # Errors
/// [`Refusal::ClientNotFound`].
pub(crate) async fn remove(platform: &Platform, id: &ClientId) -> Result<EndedGrants, RequestError> {
    clients::existing(platform, id).await?;
    let ended = grants::withdraw_consents(platform, id, "").await?;
    remove_record(platform, id).await?;
    platform.audit.client(id).note_count(EventKind::ClientRemoved, ended.ended);
    Ok(ended)
}

async fn remove_record(platform: &Platform, id: &ClientId) -> Result<(), RequestError> {
    let last_token_ends = platform.now.plus(MAX_TOKEN_TTL);
    let entry = retry(async || {
        let (was, record) = clients::existing(platform, id).await?;
        // The status list first: an interruption leaves a client whose tokens are revoked, never a removed client whose
        // tokens are active.
        let own_tokens = record.status.map(|entry| (entry, last_token_ends));
        status::revoke(&platform.env, own_tokens).await?;
        let name = clients::record_name(platform, id);
        let change = objects::send(platform, id, &RemoveClient { name, was }).await?;
        Ok::<_, RequestError>(is_done(change)?.then_some(record.status))
    })
    .await?;
    clients::forget(id);
    if let Some(entry) = entry {
        status::release(platform, entry, last_token_ends).await?;
    }
    Ok(())
}

/// Allocates a status list entry for a client that obtains tokens for itself, if it has none.
async fn allocate_status(platform: &Platform, record: &mut ClientRecord) -> Result<(), Fault> {
    if record.status.is_none() && record.metadata.grant_types.contains(&GrantType::ClientCredentials) {
        record.status = Some(status::take_for_client(platform).await?);
    }
    Ok(())
}

async fn seal(platform: &Platform, record: &ClientRecord) -> Result<(String, String), Fault> {
    let name = clients::record_name(platform, &record.client_id);
    let sealed = kv::seal(platform, &name, record).await?;
    Ok((name, sealed))
}

/// Returns whether the registry changed the record; `false` if another request changed it in between.
fn is_done(change: Change) -> Result<bool, Refusal> {
    match change {
        Change::Done => Ok(true),
        Change::Conflict => Ok(false),
        Change::Missing => Err(Refusal::ClientNotFound),
    }
}
