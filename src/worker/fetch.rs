//! Asking other servers: bounded in time and size, and never led elsewhere by a redirect.

use std::cell::RefCell;
use std::collections::HashMap;

use js_sys::{Object, Reflect};
use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;
use worker::web_sys::Response;

use crate::oauth::Refusal;
use crate::token::{UnixTime, json as strict_json};
use crate::wire::encode_parameters;

use super::body;
use super::clock::now;
use super::report::RequestError;
use super::tasks;

/// How long another server may take, milliseconds.
const PATIENCE: u32 = 10_000;
/// The longest document that is read, bytes.
const MAX_DOCUMENT: usize = 256 * 1024;
/// How long an isolate remembers that a document could not be fetched, seconds: until then it does not try again,
/// however many visitors ask.
const FAILED_FOR: u64 = 5;
/// How many failed addresses an isolate remembers.
const MAX_FAILED: usize = 16;
/// A JWK Set has a media type of its own (RFC 7517 section 8.5.2).
const ACCEPT: &str = "application/json, application/jwk-set+json";

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

/// The document at an address, a JSON object or a JWT.
///
/// # Errors
/// [`Refusal::Upstream`] for every failure.
pub(crate) async fn document(url: &str, authorization: Option<&str>) -> Result<Document, RequestError> {
    let mut headers = vec![("Accept", "application/json, application/jwt")];
    headers.extend(authorization.map(|authorization| ("Authorization", authorization)));
    ask(url, &[("method", "GET".into())], &headers).await
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
    let mut headers = vec![("Accept", ACCEPT)];
    headers.extend(authorization.map(|authorization| ("Authorization", authorization)));
    let outcome = ask(url, &[("method", "GET".into())], &headers).await;
    let outcome = outcome.and_then(|document| Ok(document.object()?));
    if is_public && outcome.is_err() {
        remember_failure(url);
    }
    outcome
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
    Ok(ask(url, &[("method", "POST".into()), ("body", body.into())], &headers).await?.object()?)
}

async fn ask(url: &str, members: &[(&str, JsValue)], headers: &[(&str, &str)]) -> Result<Document, RequestError> {
    // What the platform says may hold the address; the operator knows which provider is configured.
    let failed = |_: JsValue| Refusal::Upstream;
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
    Reflect::set(&init, &"signal".into(), &abort_after(PATIENCE).map_err(failed)?).map_err(failed)?;
    let response = tasks::settled(&global_fetch(url, &init).map_err(failed)?).await.map_err(failed)?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        body::discard(response.body());
        return Err(Refusal::Upstream.into());
    }
    let content_type = response.headers().get("Content-Type").ok().flatten().unwrap_or_default();
    let body = body::read(response.body(), MAX_DOCUMENT).await.map_err(|_| Refusal::Upstream)?;
    Ok(Document { content_type, body })
}
