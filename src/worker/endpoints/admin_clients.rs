//! The admin endpoints for clients. Whoever gets here has shown a token with the admin scope.

use serde_json::json;

use crate::account::grants::WithdrawConsent;
use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::endpoints::register::{Registration, client_information};
use crate::oauth::refusal::MetadataError;
use crate::oauth::vocabulary::client::{ClientRecord, ClientSecret};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::wire::Reply;

use crate::worker::clients::{self, RACES, registry};
use crate::worker::endpoints::admin_users::end_all_of;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::kv::{self, Kind};
use crate::worker::objects;
use crate::worker::objects::registry_do::{Change, CreateClient, RemoveClient, ReplaceClient};
use crate::worker::random::random;
use crate::worker::report::{Fault, Stop};
use crate::worker::status;
use crate::worker::subjects::{is_of_user, new_client_id};

/// How many clients a page of the list has.
const PAGE: u64 = 100;

/// `POST /admin/clients` (RFC 7591 section 3.1).
pub(crate) async fn create_client(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let mut registration = parse(platform, request).await?;
    let id = match registration.client_id.take() {
        Some(id) if id.is_root() => return Err(Refusal::ClientRoot.into()),
        Some(id) if is_of_user(platform, &id).await? => {
            return Err(Refusal::Metadata(MetadataError::ClientIdOfUser).into());
        }
        Some(id) => id,
        None => new_client_id(platform).await?,
    };
    let secret = match registration.secret.take() {
        None if registration.needs_secret() => Some(ClientSecret::from_random(random()?)),
        brought => brought,
    };
    let mut record = registration.into_record(id.clone(), secret.as_ref(), platform.now);
    clients::give_status(platform, &mut record).await?;
    let (name, sealed) = seal(platform, &record).await?;
    if !registry(platform, &id, &CreateClient { name, sealed, since: platform.now }).await? {
        return Err(Refusal::ClientExists.into());
    }
    clients::forget(&id);
    platform.audit.client(&id).note(EventKind::ClientRegistered);
    let location = platform.authority().endpoint(&format!("/admin/clients/{}", path_segment(id.as_str())));
    Ok(Reply::json(201, &client_information(&record, secret.as_ref())).with("Location", location))
}

/// `GET /admin/clients`: a page of records, and where the next one begins.
pub(crate) async fn list_clients(platform: &Platform, request: &Incoming) -> Result<Reply, Stop> {
    let query = request.query_form()?;
    let cursor = query.get("cursor").map(str::to_owned);
    let (ids, next) = kv::list(platform, Kind::Client, cursor, PAGE).await?;
    let mut clients = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| ClientId::parse(id)) {
        if let Some(record) = clients::record(platform, &id).await? {
            clients.push(client_information(&record, None));
        }
    }
    let page = match next {
        Some(next) => json!({ "clients": clients, "cursor": next }),
        None => json!({ "clients": clients }),
    };
    Ok(Reply::json(200, &page))
}

/// `GET /admin/clients/ID` (RFC 7592 section 2.1).
pub(crate) async fn read_client(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    let (_, record) = existing(platform, id).await?;
    Ok(Reply::json(200, &client_information(&record, None)))
}

/// `PUT /admin/clients/ID` (RFC 7592 section 2.2): the metadata that is sent replaces what there was.
/// The secret stays, unless the body brings another or the client needs one and has none.
pub(crate) async fn replace_client(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, Stop> {
    let mut registration = parse(platform, request).await?;
    let id = clients::id_of_segment(id)?;
    if registration.client_id.take().is_some_and(|sent| sent != id) {
        // What is not there cannot differ.
        clients::registered(platform, &id).await?.ok_or(Refusal::ClientNotFound)?;
        return Err(Refusal::Metadata(MetadataError::ClientIdDiffers).into());
    }
    let brought = registration.secret.take();
    for _ in 0..RACES {
        let (was, old) = clients::registered(platform, &id).await?.ok_or(Refusal::ClientNotFound)?;
        let made = match &brought {
            None if registration.needs_secret() && old.secret.is_none() => Some(ClientSecret::from_random(random()?)),
            _ => None,
        };
        let secret = brought.as_ref().or(made.as_ref());
        let mut record = registration.replace(&old, secret);
        clients::give_status(platform, &mut record).await?;
        let (name, sealed) = seal(platform, &record).await?;
        if !is_done(registry(platform, &id, &ReplaceClient { name, was, sealed }).await?)? {
            continue;
        }
        clients::forget(&id);
        platform.audit.client(&id).note(EventKind::ClientReplaced);
        return Ok(Reply::json(200, &client_information(&record, secret)));
    }
    Err(objects::unexpected().into())
}

/// `DELETE /admin/clients/ID` (RFC 7592 section 2.3). Its own tokens are not active any more; its grants end, and what
/// people allowed it is forgotten, so that nobody who comes by the same name inherits it.
pub(crate) async fn remove_client(platform: &Platform, id: &str) -> Result<Reply, Stop> {
    let id = clients::id_of_segment(id)?;
    clients::registered(platform, &id).await?.ok_or(Refusal::ClientNotFound)?;
    let withdraw = WithdrawConsent { client: id.clone() };
    let (ended, next) = end_all_of(platform, &id, &withdraw, "").await?;
    forget_client(platform, &id).await?;
    platform.audit.client(&id).note_count(EventKind::ClientRemoved, ended);
    // Very many accounts are more than one request can ask: whoever called goes on at the client's grants.
    Ok(match next {
        Some(next) => Reply::json(200, &json!({ "ended": ended, "cursor": next })),
        None => Reply::empty(204),
    })
}

async fn forget_client(platform: &Platform, id: &ClientId) -> Result<(), Stop> {
    let last_token_ends = platform.now.plus(MAX_TOKEN_TTL);
    for _ in 0..RACES {
        let (was, record) = clients::registered(platform, id).await?.ok_or(Refusal::ClientNotFound)?;
        // The status lists first: a crash in between leaves a client whose tokens do not count, never the other way round.
        let own_tokens = record.status.map(|entry| (entry, last_token_ends));
        status::revoke(&platform.env, platform.authority(), own_tokens).await?;
        let name = kv::name(platform, Kind::Client, id.as_str());
        if !is_done(registry(platform, id, &RemoveClient { name, was }).await?)? {
            continue;
        }
        clients::forget(id);
        if let Some(entry) = record.status {
            status::release(platform, entry, last_token_ends).await?;
        }
        return Ok(());
    }
    Err(objects::unexpected().into())
}

async fn parse(platform: &Platform, request: &Incoming) -> Result<Registration, Stop> {
    let body = request.json_object().await?;
    let registration = Registration::parse(&body).map_err(Refusal::from)?;
    let signs = |algorithm| platform.authority().algorithms().contains(&algorithm);
    if registration.id_token_algorithm().is_some_and(|algorithm| !signs(algorithm)) {
        return Err(Refusal::Metadata(MetadataError::IdTokenAlg).into());
    }
    if registration.access_token_algorithm().is_some_and(|algorithm| !signs(algorithm)) {
        return Err(Refusal::Metadata(MetadataError::AccessTokenAlg).into());
    }
    Ok(registration)
}

async fn seal(platform: &Platform, record: &ClientRecord) -> Result<(String, String), Fault> {
    let name = kv::name(platform, Kind::Client, record.client_id.as_str());
    let sealed = kv::seal(platform, &name, record).await?;
    Ok((name, sealed))
}

/// The client of that path, as its registry has it.
async fn existing(platform: &Platform, segment: &str) -> Result<(ClientId, ClientRecord), Stop> {
    let id = clients::id_of_segment(segment)?;
    let (_, record) = clients::registered(platform, &id).await?.ok_or(Refusal::ClientNotFound)?;
    Ok((id, record))
}

/// Returns whether the registry changed the record; `false` if another request changed it in between.
fn is_done(change: Change) -> Result<bool, Refusal> {
    match change {
        Change::Done => Ok(true),
        Change::Conflict => Ok(false),
        Change::Missing => Err(Refusal::ClientNotFound),
    }
}

fn path_segment(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text))
}
