//! The public documents: metadata, the key set, health.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::keyring::JWKS_MAX_AGE;
use crate::limits::STATUS_TTL;
use crate::oauth::Refusal;
use crate::oauth::endpoints::discovery;
use crate::oauth::status::ListId;
use crate::token::status::STATUS_LIST_MEDIA_TYPE;
use crate::token::{Algorithm, base64url};
use crate::wire::Reply;

use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::{Fault, RequestError};
use crate::worker::ring;
use crate::worker::status;

/// How long metadata may be cached, seconds.
const METADATA_MAX_AGE: u64 = 3600;

/// RFC 8414, and OpenID Connect Discovery 1.0.
pub(crate) fn server_metadata(platform: &Platform, request: &Incoming) -> Reply {
    cached_json(&discovery::server_metadata(platform.authority()), METADATA_MAX_AGE, request)
}

/// RFC 9728.
pub(crate) fn resource_metadata(platform: &Platform, request: &Incoming) -> Reply {
    cached_json(&discovery::resource_metadata(platform.authority()), METADATA_MAX_AGE, request)
}

/// RFC 7517 section 5. How long it may be cached is part of the keys' schedule.
pub(crate) async fn jwks(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let view = ring::view(platform).await?;
    let reply = cached_json(&view.ring().jwks(platform.now), JWKS_MAX_AGE, request);
    Ok(if reply.status == 200 { reply.with("Content-Type", "application/jwk-set+json") } else { reply })
}

/// `GET /oauth/certs`: the RS256 keys of the key set as X.509 certificates, by `kid`, for libraries that read no other form. The key set of
/// RFC 7517 has all keys.
pub(crate) async fn certificates(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let view = ring::view(platform).await?;
    let mut certificates = Map::new();
    for key in view.ring().published(platform.now).filter(|key| key.algorithm() == Some(Algorithm::Rs256)) {
        if let Some(pem) = ring::certificate(platform, &view, key).await? {
            certificates.insert(key.kid.to_string(), json!(pem));
        }
    }
    Ok(cached_json(&Value::Object(certificates), JWKS_MAX_AGE, request))
}

/// A status list token (draft-ietf-oauth-status-list section 8). It contains how long it may be used (`ttl`). Caches
/// have to revalidate it, since otherwise verifiers would see revocations later than documented.
pub(crate) async fn status_list(platform: &Platform, request: &Incoming, id: &str) -> Result<Reply, RequestError> {
    // What the list said at an earlier time (section 8.4) is not kept.
    if request.query_form()?.get("time").is_some() {
        return Err(Refusal::StatusTime.into());
    }
    let id = ListId::parse(id).ok_or(Refusal::NotFound)?;
    let list = status::list(platform, id).await?.ok_or(Refusal::NotFound)?;
    let reply = match is_known(&list.tag, request) {
        true => Reply::empty(304),
        false => Reply::text(200, STATUS_LIST_MEDIA_TYPE, list.text.clone()),
    };
    Ok(reply.with("ETag", list.tag.clone()).with("Cache-Control", "public, no-cache"))
}

/// Where all status lists are (draft-ietf-oauth-status-list section 9).
pub(crate) async fn status_lists(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let count = status::count(platform).await?;
    let uris: Vec<_> = (0..count).map(|number| ListId(number).uri(platform.authority())).collect();
    Ok(cached(Reply::json(200, &json!({ "status_lists": uris })), STATUS_TTL, request))
}

/// The answer to a preflight (Fetch standard). Every request header is allowed: tracing libraries add their own
/// (`traceparent`, `baggage`), and no header carries a credential that the page does not have itself. `*` covers all names
/// but `Authorization`; those that clients of ours send are named for browsers that take `*` literally.
pub(crate) fn preflight(allow: &'static str) -> Reply {
    Reply::empty(204)
        .with("Access-Control-Allow-Methods", allow)
        .with("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, MCP-Protocol-Version, *")
        .with("Access-Control-Max-Age", "86400")
        .with("Cache-Control", "public, max-age=86400")
}

/// Can tokens be signed?
pub(crate) async fn health(platform: &Platform) -> Reply {
    match ring::ready(platform).await {
        Ok(()) => Reply::json(200, &json!({ "status": "ok" })),
        Err(fault) => unhealthy(fault),
    }
}

/// The word of the fault.
pub(crate) fn unhealthy(fault: Fault) -> Reply {
    let body = json!({ "status": "unavailable", "reason": fault.kind().name() });
    Reply::json(503, &body).with("Retry-After", "5")
}

fn cached_json(document: &Value, max_age: u64, request: &Incoming) -> Reply {
    cached(Reply::json(200, document), max_age, request)
}

/// A document that caches may keep, and ask again for by its entity tag (RFC 9110 section 13.1.2).
pub(crate) fn cached(reply: Reply, max_age: u64, request: &Incoming) -> Reply {
    let digest = Sha256::digest(reply.body.as_deref().unwrap_or_default());
    let tag = format!("\"{}\"", base64url::encode(digest.get(..16).unwrap_or_default()));
    let reply = if is_known(&tag, request) { Reply::empty(304) } else { reply };
    reply.with("ETag", tag).with("Cache-Control", format!("public, max-age={max_age}"))
}

/// Does the asker have what this tag names? Weak comparison (RFC 9110 section 8.8.3.2).
fn is_known(tag: &str, request: &Incoming) -> bool {
    let known = request.header("If-None-Match");
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.iter().flat_map(|tags| tags.split(',')).map(opaque).any(|other| other == opaque(tag) || other == "*")
}
