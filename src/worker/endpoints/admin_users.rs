//! The admin endpoints for users, their sessions and grants, and for the grants of a client. The router has verified an access
//! token with the admin scope.

use serde_json::{Value, json};

use crate::account::grants::EndGrants;
use crate::account::identifier::ReadIdentifier;
use crate::account::new_user::NewUser;
use crate::account::overview::{Overview, SessionView};
use crate::account::record::AccountRecord;
use crate::account::sessions::EndSessions;
use crate::oauth::Refusal;
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::admin::user::UserDescription;
use crate::oauth::endpoints::id_token::Profile;
use crate::oauth::grant::Grant;
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::kv::{self, Kind};
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::report::RequestError;
use crate::worker::services::clients::id_of_segment;
use crate::worker::services::endings::{self, Ending};
use crate::worker::services::grants::{self, AccountPage, EndedGrants, overview};
use crate::worker::services::users::{self, ReplacedUser};

/// How many users a page of the list has.
const PAGE: u64 = 50;

/// `POST /admin/users`.
pub(crate) async fn create(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let user = NewUser::described(description(request).await?, None, platform.now)?;
    let (id, record, profile) = users::create(platform, user).await?;
    platform.audit.user(&id).note(EventKind::UserCreated);
    if record.disabled {
        platform.audit.note(EventKind::UserDisabled);
    }
    let location = platform.authority().endpoint(&format!("/admin/users/{id}"));
    Ok(Reply::json(201, &shown(&id, &record, &profile)).with("Location", location))
}

/// `GET /admin/users`: a page of users and where the next one begins, or with `username` the one of this name.
pub(crate) async fn list(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    if let Some(username) = query.get("username") {
        let username = username.to_ascii_lowercase();
        let users = match objects::send(platform, &Name::Username(&username), &ReadIdentifier).await? {
            Some(entry) => match read_shown(platform, &entry.account).await {
                Ok(user) => vec![user],
                // A name whose account is still being made, or never was.
                Err(RequestError::Refused(Refusal::UserNotFound)) => Vec::new(),
                Err(stop) => return Err(stop),
            },
            None => Vec::new(),
        };
        return Ok(Reply::json(200, &json!({ "users": users })));
    }
    let (ids, next) = kv::list(platform, Kind::User, query.get("cursor").map(str::to_owned), PAGE).await?;
    let mut users = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| AccountId::parse(id)) {
        match read_shown(platform, &id).await {
            Ok(user) => users.push(user),
            // The list is a copy, and may be a minute behind.
            Err(RequestError::Refused(Refusal::UserNotFound)) => {}
            Err(stop) => return Err(stop),
        }
    }
    let page = match next {
        Some(next) => json!({ "users": users, "cursor": next }),
        None => json!({ "users": users }),
    };
    Ok(Reply::json(200, &page))
}

/// `GET /admin/users/ID`.
pub(crate) async fn read(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    Ok(Reply::json(200, &read_shown(platform, &account_id(id)?).await?))
}

/// `PUT /admin/users/ID`: replaces the user; `password`, `scope`, `upstream` and `enabled` are kept unless they are sent.
/// A new password and `enabled: false` end all sessions, `end_grants` all grants.
pub(crate) async fn replace(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let id = account_id(id)?;
    let description = description(request).await?;
    let ends_grants = description.end_grants;
    let (_, current) = users::read(platform, &id).await?;
    let user = NewUser::described(description, Some(&current), platform.now)?;
    let resets_password = user.password.is_some();
    let ReplacedUser { record, profile, was_disabled } = users::replace(platform, &id, user).await?;
    platform.audit.user(&id).note(EventKind::UserReplaced);
    match (was_disabled, record.disabled) {
        (false, true) => platform.audit.note(EventKind::UserDisabled),
        (true, false) => platform.audit.note(EventKind::UserEnabled),
        (false, false) | (true, true) => {}
    }
    let mut shown = shown(&id, &record, &profile);
    if resets_password {
        platform.audit.note(EventKind::PasswordReset);
    }
    if let Some(ended) = users::end_after_replacing(platform, &id, resets_password, ends_grants).await? {
        platform.audit.ended(ended);
        let counts = [("sessions_ended", resets_password, ended.sessions), ("grants_ended", ends_grants, ended.grants)];
        if let Some(members) = shown.as_object_mut() {
            members.extend(
                counts.iter().filter(|count| count.1).map(|(name, _, count)| ((*name).to_owned(), json!(count))),
            );
        }
    }
    Ok(Reply::json(200, &shown))
}

/// `DELETE /admin/users/ID`: with sessions, grants and passkeys, at once.
pub(crate) async fn remove(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let id = account_id(id)?;
    users::remove(platform, &id).await?;
    platform.audit.user(&id).note(EventKind::UserRemoved);
    Ok(Reply::empty(204))
}

/// `GET /admin/users/ID/sessions`.
pub(crate) async fn sessions(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let overview = overview(platform, &account_id(id)?).await?;
    let session = |view: &SessionView| {
        json!({
            "id": view.id, "browser": view.session.agent, "opened_at": view.session.opened_at,
            "seen_at": view.session.seen_at, "ends_at": view.session.ends, "amr": view.session.sign_in.amr,
        })
    };
    Ok(Reply::json(200, &json!({ "sessions": overview.sessions.iter().map(session).collect::<Vec<_>>() })))
}

/// `DELETE /admin/users/ID/sessions`: all of them, and the grants that were to last as long.
pub(crate) async fn end_sessions(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    ended(platform, &account_id(id)?, &EndSessions).await
}

/// `GET /admin/users/ID/grants`.
pub(crate) async fn grants(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let id = account_id(id)?;
    let overview = overview(platform, &id).await?;
    Ok(Reply::json(200, &json!({ "grants": described(&id, &overview, platform, |_| true) })))
}

/// `DELETE /admin/users/ID/grants`: all of them.
pub(crate) async fn end_grants(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    ended(platform, &account_id(id)?, &EndGrants { which: GrantFilter::default(), job: None }).await
}

/// `DELETE /admin/users/ID/grants/GRANT`.
pub(crate) async fn end_grant(platform: &Platform, id: &str, grant: &str) -> Result<Reply, RequestError> {
    let (id, grant) = (account_id(id)?, GrantId::parse(grant).ok_or(Refusal::GrantNotFound)?);
    if !grants::end_one(platform, &id, &grant).await? {
        return Err(Refusal::GrantNotFound.into());
    }
    Ok(Reply::empty(204))
}

/// `GET /admin/clients/ID/grants`: those of a page of accounts, and where the next one begins.
pub(crate) async fn client_grants(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    let client = id_of_segment(id)?;
    let cursor = query.get("cursor").unwrap_or_default();
    let AccountPage { accounts, next } = grants::accounts_of_client(platform, &client, cursor).await?;
    let mut grants = Vec::new();
    for account in &accounts {
        match overview(platform, account).await {
            Ok(overview) => {
                grants.extend(described(account, &overview, platform, |grant| grant.client == client));
            }
            Err(RequestError::Refused(Refusal::UserNotFound)) => {}
            Err(stop) => return Err(stop),
        }
    }
    let page = match next {
        Some(next) => json!({ "grants": grants, "cursor": next }),
        None => json!({ "grants": grants }),
    };
    Ok(Reply::json(200, &page))
}

/// `DELETE /admin/clients/ID/grants`: all of them. With `cursor` it continues where a reply with `cursor` stopped. It also ends
/// what an interrupted removal of the client left, consents included.
pub(crate) async fn end_client_grants(
    platform: &Platform,
    request: &Incoming,
    id: &str,
) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    let client = id_of_segment(id)?;
    let cursor = query.get("cursor").unwrap_or_default();
    let EndedGrants { ended, next } = grants::end_all_of_client(platform, &client, cursor).await?;
    platform.audit.client(&client).note_count(EventKind::GrantsEnded, ended);
    let answer = match next {
        Some(next) => json!({ "ended": ended, "cursor": next }),
        None => json!({ "ended": ended }),
    };
    Ok(Reply::json(200, &answer))
}

async fn ended<C: Ending>(platform: &Platform, id: &AccountId, command: &C) -> Result<Reply, RequestError> {
    let count = endings::end(platform, id, command).await?;
    Ok(Reply::json(200, &json!({ "ended": count })))
}

fn described(id: &AccountId, overview: &Overview, platform: &Platform, which: impl Fn(&Grant) -> bool) -> Vec<Value> {
    let all = overview.connections.iter().flat_map(|connection| &connection.grants);
    all.filter(|(_, grant)| which(grant))
        .map(|(grant_id, grant)| {
            json!({
                "id": grant_id, "user": id, "client_id": grant.client, "scope": grant.scope,
                "resources": grant.resources, "offline": grant.offline, "issued_at": grant.issued_at,
                "last_used": grant.last_used(), "ends_at": grant.ends(platform.authority().lifetimes()),
            })
        })
        .collect()
}

async fn description(request: &Incoming) -> Result<UserDescription, RequestError> {
    let body = request.json_object().await?;
    Ok(UserDescription::parse(&body).map_err(Refusal::User)?)
}

async fn read_shown(platform: &Platform, id: &AccountId) -> Result<Value, RequestError> {
    let (record, profile) = users::read(platform, id).await?;
    Ok(shown(id, &record, &profile))
}

/// A user as an operator sees it. Never the password.
fn shown(id: &AccountId, record: &AccountRecord, profile: &Profile) -> Value {
    let mut user = json!({
        "id": id, "username": profile.shown_username(), "upstream": profile.upstream, "name": profile.name, "email": profile.email,
        "email_verified": profile.email_verified, "groups": profile.groups, "scope": record.scope,
        "created_at": record.created, "updated_at": profile.updated_at, "enabled": !record.disabled,
    });
    if let Some(members) = user.as_object_mut() {
        members.retain(|name, value| !value.is_null() && (name != "groups" || *value != json!([])));
    }
    user
}

pub(super) fn account_id(segment: &str) -> Result<AccountId, Refusal> {
    AccountId::parse(segment).ok_or(Refusal::UserNotFound)
}
