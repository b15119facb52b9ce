//! The admin endpoints for trusted issuers. The router has verified an access token with the admin scope.

use serde_json::json;

use crate::oauth::Refusal;
use crate::oauth::admin::trusted_issuer::{parse, shown};
use crate::oauth::vocabulary::trusted_issuer::{TrustedIssuerId, TrustedIssuerRecord};
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::kv::{self, Kind};
use crate::worker::report::RequestError;
use crate::worker::services::trusted_issuers;

/// How many trusted issuers a page of the list has.
const PAGE: u64 = 100;

/// `POST /admin/trusted-issuers`.
pub(crate) async fn create(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let record = record_of(platform, request).await?;
    let id = trusted_issuers::create(platform, &record).await?;
    let location = platform.authority().endpoint(&format!("/admin/trusted-issuers/{id}"));
    Ok(Reply::json(201, &shown(&record)).with("Location", location))
}

/// `GET /admin/trusted-issuers`: a page of records, and where the next one begins.
pub(crate) async fn list(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let cursor = request.query_form()?.get("cursor").map(str::to_owned);
    let (ids, next) = kv::list(platform, Kind::TrustedIssuer, cursor, PAGE).await?;
    let mut issuers = Vec::with_capacity(ids.len());
    for id in ids.iter().filter_map(|id| TrustedIssuerId::parse(id)) {
        issuers.extend(trusted_issuers::record(platform, &id).await?.as_ref().map(shown));
    }
    let page = match next {
        Some(next) => json!({ "trusted_issuers": issuers, "cursor": next }),
        None => json!({ "trusted_issuers": issuers }),
    };
    Ok(Reply::json(200, &page))
}

/// `GET /admin/trusted-issuers/ID`.
pub(crate) async fn read(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    let (_, record) = trusted_issuers::existing(platform, &id_of_segment(id)?).await?;
    Ok(Reply::json(200, &shown(&record)))
}

/// `PUT /admin/trusted-issuers/ID`: replaces every member but `issuer`.
pub(crate) async fn replace(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    let new = record_of(platform, request).await?;
    let record = trusted_issuers::replace(platform, &id_of_segment(id)?, new).await?;
    Ok(Reply::json(200, &shown(&record)))
}

/// `DELETE /admin/trusted-issuers/ID`. Tokens that were issued for its assertions stay active until they expire.
pub(crate) async fn remove(platform: &Platform, id: &str) -> Result<Reply, RequestError> {
    trusted_issuers::remove(platform, &id_of_segment(id)?).await?;
    Ok(Reply::empty(204))
}

async fn record_of(platform: &Platform, request: &Incoming) -> Result<TrustedIssuerRecord, RequestError> {
    let record = parse(platform.authority(), &request.json_object().await?, platform.now);
    Ok(record.map_err(Refusal::TrustedIssuer)?)
}

fn id_of_segment(segment: &str) -> Result<TrustedIssuerId, Refusal> {
    TrustedIssuerId::parse(segment).ok_or(Refusal::TrustedIssuerNotFound)
}
