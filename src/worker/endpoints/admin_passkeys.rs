//! The admin endpoints for a user's passkeys. The router has verified an access token with the admin scope.

use serde_json::{Value, json};

use crate::identity::passkey::CredentialId;
use crate::oauth::Refusal;
use crate::wire::Reply;
use crate::worker::account;
use crate::worker::endpoints::admin_users::{account_id, overview};
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::account_commands::{AccountAnswer, AccountCommand, Ended};
use crate::worker::objects::account_records::PasskeyRecord;
use crate::worker::report::Stop;

/// `GET /admin/users/ID/passkeys`: the oldest first.
pub(crate) async fn list(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    let mut passkeys = overview(platform, &account_id(id)?).await?.passkeys;
    passkeys.sort_by(|(one, older), (two, newer)| (older.created, one).cmp(&(newer.created, two)));
    Ok(Reply::json(200, &json!({ "passkeys": passkeys.iter().map(shown).collect::<Vec<_>>() })))
}

/// `DELETE /admin/users/ID/passkeys`: all of them, with the sessions that they opened.
pub(crate) async fn remove_all(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    let id = account_id(id)?;
    match account::ask(platform, &id, &AccountCommand::RemovePasskeys).await? {
        AccountAnswer::EndedAll(ended) => {
            platform.audit.user(&id).ended(ended);
            Ok(removed(ended))
        }
        AccountAnswer::Missing => Err(Refusal::UserNotFound.into()),
        _ => Err(objects::unexpected().into()),
    }
}

/// `DELETE /admin/users/ID/passkeys/PASSKEY`: one, with the sessions that it opened.
pub(crate) async fn remove(platform: &Platform, id: &str, passkey: &str) -> Result<Reply, Stop> {
    let id = account_id(id)?;
    let passkey = CredentialId::parse(passkey).ok_or(Refusal::PasskeyNotFound)?.to_text();
    match account::ask(platform, &id, &AccountCommand::RemovePasskey { id: passkey }).await? {
        AccountAnswer::EndedAll(ended) => {
            platform.audit.user(&id).ended(ended);
            Ok(removed(ended))
        }
        AccountAnswer::Missing => Err(Refusal::PasskeyNotFound.into()),
        _ => Err(objects::unexpected().into()),
    }
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
