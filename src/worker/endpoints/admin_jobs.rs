//! The admin endpoints for long work: re-encrypting every record, ending many grants, ending a client's own tokens. The router
//! has verified an access token with the admin scope.

use serde_json::json;

use crate::account::profile::ReadAccount;
use crate::oauth::Refusal;
use crate::oauth::admin::bulk::{BulkRevocation, GrantFilter};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::resource::Resource;
use crate::token::base64url;
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::jobs::maintenance_do::{
    ReadReseal, ReadRevocation, StartReseal, StartResourceRemoval, StartRevocation,
};
use crate::worker::jobs::{Job, Work, reseal, revoke};
use crate::worker::objects;
use crate::worker::objects::address::Maintenance;
use crate::worker::objects::keyring_do::Restored;
use crate::worker::objects::registry_do::ReadClient;
use crate::worker::random::random;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::client_tokens;
use crate::worker::services::clients::id_of_segment;

/// `GET /admin/key-encryption`: the key-encryption keys, and the progress of the re-encryption.
pub(crate) async fn key_encryption(platform: &Platform) -> Result<Reply, RequestError> {
    let job = objects::send(platform, &Maintenance, &ReadReseal).await?;
    Ok(Reply::json(200, &reseal::shown(platform, job.as_ref())))
}

/// `POST /admin/key-encryption/reseal`: starts or continues the re-encryption of every record.
pub(crate) async fn reseal(platform: &Platform) -> Result<Reply, RequestError> {
    let job = objects::send(platform, &Maintenance, &StartReseal).await?;
    platform.audit.note(EventKind::ResealStarted);
    let location = platform.authority().endpoint("/admin/key-encryption");
    Ok(Reply::json(202, &reseal::shown(platform, job.as_ref())).with("Location", location))
}

/// `POST /admin/revocations`: ends all grants that the body describes. A large revocation continues in the
/// background.
pub(crate) async fn revoke(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let body = request.json_object().await?;
    let what = BulkRevocation::parse(&body, platform.now).map_err(Refusal::Bulk)?;
    if let Some(user) = &what.user {
        objects::send(platform, user, &ReadAccount).await?.ok_or(Refusal::UserNotFound)?;
    }
    start(platform, what, false).await
}

/// `POST /admin/restored`: all state was restored from a backup. Revokes every signing key, since any of them may have been revoked
/// after the backup, and ends all grants and sessions: their ends, and which refresh tokens were used, are among what was lost.
pub(crate) async fn restored(platform: &Platform) -> Result<Reply, RequestError> {
    // The keys first: then no token counts that was issued before.
    let changed = ring::ask(platform, &Restored { asked_at: platform.now }).await;
    platform.audit.note(EventKind::Restored);
    changed?;
    // Grants that were issued in this second are included.
    let before = Some(platform.now.plus(1));
    let what = BulkRevocation { user: None, grants: GrantFilter { before, ..GrantFilter::default() } };
    start(platform, what, true).await
}

async fn start(platform: &Platform, what: BulkRevocation, restored: bool) -> Result<Reply, RequestError> {
    let id = base64url::encode(&random::<16>()?);
    platform.audit.revocation(&id).note(EventKind::BulkRevocationStarted);
    let command = StartRevocation { id: id.clone(), what, restored };
    let job = objects::send(platform, &Maintenance, &command).await?;
    let (status, shown) = shown(job.as_ref())?;
    Ok(Reply { status, ..shown }.with("Location", location(platform, &id)))
}

/// Starts to take a resource that was removed from clients, grants and consents. The reply is 202, and leads to the progress.
pub(crate) async fn remove_resource(platform: &Platform, resource: &Resource) -> Result<Reply, RequestError> {
    let id = base64url::encode(&random::<16>()?);
    platform.audit.revocation(&id).note(EventKind::BulkRevocationStarted);
    let command = StartResourceRemoval { id: id.clone(), resource: resource.clone() };
    let job = objects::send(platform, &Maintenance, &command).await?;
    let (_, shown) = shown(job.as_ref())?;
    Ok(Reply { status: 202, ..shown }.with("Location", location(platform, &id)))
}

fn location(platform: &Platform, id: &str) -> String {
    platform.authority().endpoint(&format!("/admin/revocations/{id}"))
}

/// `GET /admin/revocations/ID`.
pub(crate) async fn revocation(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    // Other work has identifiers of another form.
    if base64url::decode(id.as_bytes()).is_none_or(|bytes| bytes.len() != 16) {
        return Err(Refusal::RevocationNotFound.into());
    }
    let job = objects::send(platform, &Maintenance, &ReadRevocation { id: id.to_owned() }).await?;
    Ok(shown(job.as_ref())?.1)
}

/// `DELETE /admin/clients/ID/tokens`: ends the client's own tokens, not its grants.
pub(crate) async fn end_tokens(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let client = id_of_segment(id)?;
    let is_there = objects::send(platform, &client, &ReadClient).await?.is_some();
    if !is_there && !client.is_root() {
        return Err(Refusal::ClientNotFound.into());
    }
    client_tokens::end(platform, &client, platform.now).await?;
    platform.audit.client(&client).note(EventKind::ClientTokensEnded);
    Ok(Reply::json(200, &json!({ "issued_until": platform.now })))
}

/// Returns the status of the request that started the job (202 if it continues), and the reply.
fn shown(job: Option<&Job>) -> Result<(u16, Reply), RequestError> {
    match job {
        Some(job @ Job { work: Work::Revoke(revoke), .. }) => {
            let status = if job.finished_at.is_some() { 200 } else { 202 };
            Ok((status, Reply::json(200, &revoke::shown(revoke, job))))
        }
        Some(_) | None => Err(Refusal::RevocationNotFound.into()),
    }
}
