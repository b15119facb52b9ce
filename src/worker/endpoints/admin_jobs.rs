//! The admin endpoints for long work: sealing everything anew, ending many grants, ending a client's own tokens.
//! Whoever gets here has shown a token with the admin scope.

use serde_json::json;

use crate::account::profile::ReadAccount;
use crate::oauth::Refusal;
use crate::oauth::admin::bulk::{BulkRevocation, GrantFilter};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::base64url;
use crate::wire::Reply;
use crate::worker::account;
use crate::worker::clients::{self, id_of_segment, registry};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::jobs::maintenance_do::{self, ReadReseal, ReadRevocation, StartReseal, StartRevocation};
use crate::worker::jobs::{Job, Work, reseal, revoke};
use crate::worker::objects::keyring_do::Restored;
use crate::worker::objects::registry_do::ReadClient;
use crate::worker::random::random;
use crate::worker::report::Stop;
use crate::worker::ring;

/// `GET /admin/key-encryption`: which keys there are, and how far sealing everything anew has come.
pub(crate) async fn key_encryption(platform: &Platform) -> Result<Reply, Stop> {
    let job = maintenance_do::ask(platform, &ReadReseal).await?;
    Ok(Reply::json(200, &reseal::shown(platform, job.as_ref())))
}

/// `POST /admin/key-encryption/reseal`: seals everything anew, or goes on with it.
pub(crate) async fn reseal(platform: &Platform) -> Result<Reply, Stop> {
    let job = maintenance_do::ask(platform, &StartReseal).await?;
    platform.audit.note(EventKind::ResealStarted);
    let location = platform.authority().endpoint("/admin/key-encryption");
    Ok(Reply::json(202, &reseal::shown(platform, job.as_ref())).with("Location", location))
}

/// `POST /admin/revocations`: ends all grants that the body describes. What is more than can be done at once goes on by
/// itself.
pub(crate) async fn revoke(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let body = request.json_object().await?;
    let what = BulkRevocation::parse(&body, platform.now).map_err(Refusal::Bulk)?;
    if let Some(user) = &what.user {
        account::ask(platform, user, &ReadAccount).await?.ok_or(Refusal::UserNotFound)?;
    }
    start(platform, what, false).await
}

/// `POST /admin/restored`: all state was restored from a backup. Revokes every signing key, since any of them may have been revoked
/// after the backup, and ends all grants and sessions: their ends, and which refresh tokens were used, are among what was lost.
pub(crate) async fn restored(platform: &Platform) -> Result<Reply, Stop> {
    // The keys first: then no token counts that was issued before.
    let changed = ring::ask(platform, &Restored { asked_at: platform.now }).await;
    platform.audit.note(EventKind::Restored);
    changed?;
    // What is issued in this second is meant too.
    let before = Some(platform.now.plus(1));
    let what = BulkRevocation { user: None, grants: GrantFilter { before, ..GrantFilter::default() } };
    start(platform, what, true).await
}

async fn start(platform: &Platform, what: BulkRevocation, restored: bool) -> Result<Reply, Stop> {
    let id = base64url::encode(&random::<16>()?);
    platform.audit.revocation(&id).note(EventKind::BulkRevocationStarted);
    let command = StartRevocation { id: id.clone(), what, restored };
    let job = maintenance_do::ask(platform, &command).await?;
    let (status, shown) = shown(job.as_ref())?;
    let location = platform.authority().endpoint(&format!("/admin/revocations/{id}"));
    Ok(Reply { status, ..shown }.with("Location", location))
}

/// `GET /admin/revocations/ID`.
pub(crate) async fn revocation(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    // What is no identifier of a revocation might be that of other work.
    if base64url::decode(id.as_bytes()).is_none_or(|bytes| bytes.len() != 16) {
        return Err(Refusal::RevocationNotFound.into());
    }
    let job = maintenance_do::ask(platform, &ReadRevocation { id: id.to_owned() }).await?;
    Ok(shown(job.as_ref())?.1)
}

/// `DELETE /admin/clients/ID/tokens`: the client's own tokens that there are. Grants are another thing.
pub(crate) async fn end_tokens(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    let client = id_of_segment(id)?;
    let is_there = registry(platform, &client, &ReadClient).await?.is_some();
    if !is_there && !client.is_root() {
        return Err(Refusal::ClientNotFound.into());
    }
    clients::end_tokens(platform, &client, platform.now).await?;
    platform.audit.client(&client).note(EventKind::ClientTokensEnded);
    Ok(Reply::json(200, &json!({ "issued_until": platform.now })))
}

/// The reply, and the status of the one who began it: 202 if it goes on.
fn shown(job: Option<&Job>) -> Result<(u16, Reply), Stop> {
    match job {
        Some(job @ Job { work: Work::Revoke(revoke), .. }) => {
            let status = if job.finished_at.is_some() { 200 } else { 202 };
            Ok((status, Reply::json(200, &revoke::shown(revoke, job))))
        }
        Some(_) | None => Err(Refusal::RevocationNotFound.into()),
    }
}
