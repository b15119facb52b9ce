//! Requests to other servers: bounded in time and size, and never redirected.
//!
//! An address that the operator configured (the upstream provider) is fetched as it is. An address that another party names is a
//! [`RemoteUrl`], and [`remote`] is the only function that fetches it.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Object, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;
use worker::web_sys::Response;

use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::oauth::{Authority, Refusal};
use crate::token::{UnixTime, json as strict_json};
use crate::wire::encode_parameters;

use super::body;
use super::clock::now;
use super::report::RequestError;
use super::tasks;

/// The limits for the servers that the operator configured.
const CONFIGURED: Limits = Limits { patience: 10_000, bytes: 256 * 1024 };
/// How long an isolate remembers that a document could not be fetched, seconds: until then it does not try again,
/// however many visitors ask.
const FAILED_FOR: u64 = 5;
/// How many failed addresses an isolate remembers.
const MAX_FAILED: usize = 16;
/// A JWK Set has a media type of its own (RFC 7517 section 8.5.2).
pub(crate) const ACCEPT_KEYS: &str = "application/json, application/jwk-set+json";

thread_local! {
    /// Addresses that failed, each with the time until which it is not fetched again.
    static FAILED: RefCell<HashMap<String, UnixTime>> = RefCell::default();
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch, catch)]
    fn global_fetch(url: &str, init: &JsValue) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(js_namespace = AbortSignal, js_name = timeout, catch)]
    fn abort_after(milliseconds: u32) -> Result<JsValue, JsValue>;
}

/// How much of another server's response is awaited and read.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// The time until the end of the body, milliseconds.
    pub(crate) patience: u32,
    /// The length of the body, bytes.
    pub(crate) bytes: usize,
}

/// No document was received: no response in time, another status than 200, or too long a body.
pub(crate) struct FetchFailed;

/// What another server answered.
pub(crate) struct Document {
    content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Document {
    /// Is it of this media type?
    pub(crate) fn is(&self, media_type: &str) -> bool {
        let own = self.content_type.split(';').next().unwrap_or_default();
        own.trim().eq_ignore_ascii_case(media_type)
    }

    /// The JSON object that it is.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        strict_json::parse_object(&self.body).ok_or(Refusal::Upstream)
    }
}

/// Returns the document at an address that a client or an operator named, without credentials.
///
/// # Errors
/// Also if this server must not fetch the address. The cause is not told: it would describe this server's network.
pub(crate) async fn remote(
    authority: &Authority,
    url: &RemoteUrl,
    accept: &str,
    limits: Limits,
) -> Result<Document, FetchFailed> {
    if !url.may_be_fetched_by(authority) {
        return Err(FetchFailed);
    }
    ask(url.as_str(), &[("method", "GET".into())], &[("Accept", accept)], limits).await
}

/// The document at an address, a JSON object or a JWT.
///
/// # Errors
/// [`Refusal::Upstream`] for every failure.
pub(crate) async fn document(url: &str, authorization: Option<&str>) -> Result<Document, RequestError> {
    let mut headers = vec![("Accept", "application/json, application/jwt")];
    headers.extend(authorization.map(|authorization| ("Authorization", authorization)));
    let document = ask(url, &[("method", "GET".into())], &headers, CONFIGURED).await;
    Ok(document.map_err(upstream)?)
}

/// Returns the JSON object at an address. For a public document, one without `authorization`, a failure is remembered
/// for [`FAILED_FOR`] seconds: any visitor can have it fetched.
///
/// # Errors
/// [`Refusal::Upstream`] for every failure.
pub(crate) async fn json(url: &str, authorization: Option<&str>) -> Result<Map<String, Value>, RequestError> {
    let is_public = authorization.is_none();
    if is_public && has_failed(url) {
        return Err(Refusal::Upstream.into());
    }
    let mut headers = vec![("Accept", ACCEPT_KEYS)];
    headers.extend(authorization.map(|authorization| ("Authorization", authorization)));
    let outcome = ask(url, &[("method", "GET".into())], &headers, CONFIGURED).await;
    let outcome = outcome.map_err(upstream).and_then(|document| document.object());
    if is_public && outcome.is_err() {
        remember_failure(url);
    }
    Ok(outcome?)
}

fn has_failed(url: &str) -> bool {
    FAILED.with_borrow(|failed| failed.get(url).is_some_and(|until| now() < *until))
}

/// Notes that the document at an address is of no use for now.
pub(crate) fn remember_failure(url: &str) {
    FAILED.with_borrow_mut(|failed| {
        if failed.len() >= MAX_FAILED {
            failed.clear();
        }
        failed.insert(url.to_owned(), now().plus(FAILED_FOR));
    });
}

/// Posts a form, and reads the JSON object that comes back.
///
/// # Errors
/// [`Refusal::Upstream`] for every failure.
pub(crate) async fn post_form(
    url: &str,
    authorization: Option<&str>,
    form: &[(&str, &str)],
) -> Result<Map<String, Value>, RequestError> {
    let body = encode_parameters(form.iter().copied());
    let mut headers = vec![("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(authorization.map(|authorization| ("Authorization", authorization)));
    let answer = ask(url, &[("method", "POST".into()), ("body", body.into())], &headers, CONFIGURED).await;
    Ok(answer.map_err(upstream)?.object()?)
}

/// The refusal for a failure of the upstream provider.
fn upstream(_: FetchFailed) -> Refusal {
    Refusal::Upstream
}

async fn ask(
    url: &str,
    members: &[(&str, JsValue)],
    headers: &[(&str, &str)],
    limits: Limits,
) -> Result<Document, FetchFailed> {
    // The platform's message may contain the address.
    let failed = |_: JsValue| FetchFailed;
    let init = Object::new();
    for (name, value) in members {
        Reflect::set(&init, &JsValue::from_str(name), value).map_err(failed)?;
    }
    let header_object = Object::new();
    for (name, value) in headers {
        Reflect::set(&header_object, &JsValue::from_str(name), &JsValue::from_str(value)).map_err(failed)?;
    }
    Reflect::set(&init, &"headers".into(), &header_object).map_err(failed)?;
    Reflect::set(&init, &"redirect".into(), &"manual".into()).map_err(failed)?;
    Reflect::set(&init, &"signal".into(), &abort_after(limits.patience).map_err(failed)?).map_err(failed)?;
    let response = tasks::settled(&global_fetch(url, &init).map_err(failed)?).await.map_err(failed)?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        body::discard(response.body());
        return Err(FetchFailed);
    }
    let content_type = response.headers().get("Content-Type").ok().flatten().unwrap_or_default();
    let body = body::read(response.body(), limits.bytes).await.map_err(|_| FetchFailed)?;
    Ok(Document { content_type, body })
}
