//! The admin endpoints for a user's passkeys. The router has verified an access token with the admin scope.

use serde_json::{Value, json};

use crate::account::record::PasskeyRecord;
use crate::account::turn::Ended;
use crate::identity::passkey::CredentialId;
use crate::oauth::Refusal;
use crate::wire::Reply;
use crate::worker::endpoints::admin_users::account_id;
use crate::worker::env::Platform;
use crate::worker::report::RequestError;
use crate::worker::services::grants::overview;
use crate::worker::services::passkeys;

/// `GET /admin/users/ID/passkeys`: the oldest first.
pub(crate) async fn list(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let mut passkeys = overview(platform, &account_id(id)?).await?.passkeys;
    passkeys.sort_by(|(one, older), (two, newer)| (older.created, one).cmp(&(newer.created, two)));
    Ok(Reply::json(200, &json!({ "passkeys": passkeys.iter().map(shown).collect::<Vec<_>>() })))
}

/// `DELETE /admin/users/ID/passkeys`: all of them, with the sessions that they opened.
pub(crate) async fn remove_all(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let id = account_id(id)?;
    Ok(removed(passkeys::remove_all(platform, &id).await?))
}

/// `DELETE /admin/users/ID/passkeys/PASSKEY`: one, with the sessions that it opened.
pub(crate) async fn remove(platform: &Platform, id: &str, passkey: &str) -> Result<Reply, RequestError> {
    let id = account_id(id)?;
    let passkey = CredentialId::parse(passkey).ok_or(Refusal::PasskeyNotFound)?;
    Ok(removed(passkeys::remove(platform, &id, &passkey).await?))
}

fn removed(ended: Ended) -> Reply {
    Reply::json(200, &json!({ "removed": ended.passkeys, "sessions_ended": ended.sessions }))
}

fn shown((id, record): &(String, PasskeyRecord)) -> Value {
    let passkey = &record.passkey;
    json!({
        "id": id, "name": record.name, "created_at": record.created, "last_used": record.used_at,
        "backup_eligible": passkey.backup_eligible, "backed_up": passkey.backed_up, "aaguid": passkey.aaguid,
    })
}
