//! The admin endpoints for clients. The router has verified an access token with the admin scope.

use serde_json::{Value, json};

use crate::oauth::endpoints::register::{self, Registration, client_information};
use crate::oauth::vocabulary::client::{ClientRecord, ClientSecret};
use crate::oauth::{ClientId, Refusal};
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::kv::{self, Kind};
use crate::worker::report::RequestError;
use crate::worker::services::clients;
use crate::worker::services::registration::{self, Registered};

/// How many clients a page of the list has.
const PAGE: u64 = 100;

/// `POST /admin/clients` (RFC 7591 section 3.1).
pub(crate) async fn create_client(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let (registration, enabled) = parse(platform, request).await?;
    let enabled = enabled.unwrap_or(true);
    let Registered { record, secret } = registration::create(platform, registration, enabled).await?;
    let path = format!("/admin/clients/{}", path_segment(record.client_id.as_str()));
    let location = platform.authority().endpoint(&path);
    Ok(Reply::json(201, &shown(&record, secret.as_ref())).with("Location", location))
}

/// `GET /admin/clients`: a page of records, and where the next one begins.
pub(crate) async fn list_clients(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    let cursor = query.get("cursor").map(str::to_owned);
    let (ids, next) = kv::list(platform, Kind::Client, cursor, PAGE).await?;
    let mut clients = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| ClientId::parse(id)) {
        if let Some(record) = clients::record(platform, &id).await? {
            clients.push(shown(&record, None));
        }
    }
    let page = match next {
        Some(next) => json!({ "clients": clients, "cursor": next }),
        None => json!({ "clients": clients }),
    };
    Ok(Reply::json(200, &page))
}

/// `GET /admin/clients/ID` (RFC 7592 section 2.1).
pub(crate) async fn read_client(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let (_, record) = clients::existing(platform, &clients::id_of_segment(id)?).await?;
    Ok(Reply::json(200, &shown(&record, None)))
}

/// `PUT /admin/clients/ID` (RFC 7592 section 2.2): replaces the metadata. The secret stays, unless the body has another or the
/// client needs one and has none; so does `enabled`, unless the body has it.
pub(crate) async fn replace_client(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let (registration, enabled) = parse(platform, request).await?;
    let id = clients::id_of_segment(id)?;
    let Registered { record, secret } = registration::replace(platform, &id, &registration, enabled).await?;
    Ok(Reply::json(200, &shown(&record, secret.as_ref())))
}

/// `DELETE /admin/clients/ID` (RFC 7592 section 2.3). Where a client has grants in more accounts than one request can cover,
/// the reply has a cursor with which `DELETE /admin/clients/ID/grants` continues.
pub(crate) async fn remove_client(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let ended = registration::remove(platform, &clients::id_of_segment(id)?).await?;
    Ok(match ended.next {
        Some(next) => Reply::json(200, &json!({ "ended": ended.ended, "cursor": next })),
        None => Reply::empty(204),
    })
}

/// A client as an operator sees it: the client information response with the members of operators.
fn shown(record: &ClientRecord, secret: Option<&ClientSecret>) -> Value {
    let mut client = client_information(record, secret);
    if let Some(members) = client.as_object_mut() {
        members.insert("enabled".to_owned(), json!(!record.disabled));
    }
    client
}

/// Returns the registration, and the member `enabled`.
async fn parse(platform: &Platform, request: &Incoming) -> Result<(Registration, Option<bool>), RequestError> {
    let body = request.json_object().await?;
    let registration = Registration::parse(&body)
        .and_then(|registration| registration.with_service_account(&body))
        .and_then(|registration| registration.with_flags(&body));
    let registration = registration.map_err(Refusal::from)?;
    let enabled = register::enabled(&body).map_err(Refusal::from)?;
    registration.check_support(platform.authority()).map_err(Refusal::from)?;
    Ok((registration, enabled))
}

fn path_segment(text: &str) -> String {
    String::from(js_sys::encode_uri_component(text))
}
