//! Creating, replacing and removing clients. The registry's object decides about concurrent changes and copies the record to KV.

use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::endpoints::register::Registration;
use crate::oauth::refusal::MetadataError;
use crate::oauth::status::revoked::Suspension;
use crate::oauth::vocabulary::client::{ClientRecord, ClientSecret, GrantType};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::status_entry::SuspensionState;
use crate::oauth::{ClientId, Refusal};
use crate::token::base64url;
use crate::worker::compare_and_swap::retry;
use crate::worker::env::Platform;
use crate::worker::jobs::maintenance_do::StartSuspension;
use crate::worker::kv;
use crate::worker::objects::address::Maintenance;
use crate::worker::objects::registry_do::{Change, CreateClient, RemoveClient, ReplaceClient};
use crate::worker::objects::{self, status_list_do};
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

/// Creates a client, disabled if `enabled` says so.
///
/// # Errors
/// [`Refusal::ClientRoot`], [`Refusal::ClientExists`], [`MetadataError::ClientIdOfUser`].
pub(crate) async fn create(
    platform: &Platform,
    mut registration: Registration,
    enabled: bool,
) -> Result<Registered, RequestError> {
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
    record.set_enabled(enabled, platform.now);
    allocate_status(platform, &mut record).await?;
    let (name, sealed) = seal(platform, &record).await?;
    let command = CreateClient { name, sealed, since: platform.now, disabled: record.disabled };
    if !objects::send(platform, &id, &command).await? {
        return Err(Refusal::ClientExists.into());
    }
    clients::forget(&id);
    platform.audit.client(&id).note(EventKind::ClientRegistered);
    if record.disabled {
        platform.audit.note(EventKind::ClientDisabled);
    }
    Ok(Registered { record, secret })
}

/// Replaces the metadata of a client, and disables or enables it if `enabled` says so. Its tokens and the status list entries of its
/// grants follow before the answer, or in the background where there are many. If that fails, the request is to be repeated.
///
/// # Errors
/// [`Refusal::ClientNotFound`], [`MetadataError::ClientIdDiffers`].
pub(crate) async fn replace(
    platform: &Platform,
    id: &ClientId,
    registration: &Registration,
    enabled: Option<bool>,
) -> Result<Registered, RequestError> {
    if registration.client_id.as_ref().is_some_and(|sent| sent != id) {
        // Only an existing client can have another identifier.
        clients::existing(platform, id).await?;
        return Err(Refusal::Metadata(MetadataError::ClientIdDiffers).into());
    }
    let (registered, was_disabled) = retry(async || {
        let (was, old) = clients::existing(platform, id).await?;
        let secret = registration.new_secret(Some(&old), random()?);
        let mut record = registration.replace(&old, secret.as_ref());
        if let Some(enabled) = enabled {
            record.set_enabled(enabled, platform.now);
        }
        allocate_status(platform, &mut record).await?;
        let (name, sealed) = seal(platform, &record).await?;
        let command = ReplaceClient { name, was, sealed, disabled: Some(record.disabled) };
        let change = objects::send(platform, id, &command).await?;
        Ok::<_, RequestError>(is_done(change)?.then_some((Registered { record, secret }, old.disabled)))
    })
    .await?;
    clients::forget(id);
    platform.audit.client(id).note(EventKind::ClientReplaced);
    match (was_disabled, registered.record.disabled) {
        (false, true) => platform.audit.note(EventKind::ClientDisabled),
        (true, false) => platform.audit.note(EventKind::ClientEnabled),
        (false, false) | (true, true) => {}
    }
    // Also where nothing changes: an earlier request may have been interrupted.
    if let (Some(_), Some(suspension)) = (enabled, registered.record.suspension) {
        settle_suspension(platform, &registered.record, suspension).await?;
    }
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

/// Marks the status list entries of a client's own tokens and of its grants, or takes the marks back.
async fn settle_suspension(
    platform: &Platform,
    record: &ClientRecord,
    SuspensionState { version, marked }: SuspensionState,
) -> Result<(), Fault> {
    if let Some(entry) = record.status {
        let until = platform.now.plus(MAX_TOKEN_TTL);
        status_list_do::suspend(&platform.env, entry.list, vec![(entry.idx, Suspension { until, version, marked })])
            .await?;
    }
    let id = base64url::encode(&random::<16>()?);
    let client = record.client_id.clone();
    objects::send(platform, &Maintenance, &StartSuspension { id, client, version, marked }).await
}

/// Allocates a status list entry for a client that obtains tokens for itself, if it has none.
async fn allocate_status(platform: &Platform, record: &mut ClientRecord) -> Result<(), Fault> {
    let obtains = |grant_type| record.metadata.grant_types.contains(&grant_type);
    if record.status.is_none() && (obtains(GrantType::ClientCredentials) || obtains(GrantType::JwtBearer)) {
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
