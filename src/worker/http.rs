//! From the platform's request to plain values, and from a plain reply to the platform's response.
//!
//! It goes to the web types directly: the request and response types of the `worker` crate copy every header
//! of every request, which costs more than all our checks.

use js_sys::futures::JsFuture;
use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::web_sys::{self, ReadableStreamDefaultReader};

use crate::oauth::Refusal;
use crate::token::json;
use crate::wire::{self, Form, MAX_AUTHORIZATION, MAX_BODY, Reply};

use super::report::Stop;

/// A request, of which the body is still to be read.
pub(crate) struct Incoming {
    request: web_sys::Request,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

impl Incoming {
    pub(crate) fn new(request: web_sys::Request) -> Self {
        let url = request.url();
        let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let target = after_scheme.find('/').and_then(|start| after_scheme.get(start..)).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (request.method(), path.to_owned(), query.to_owned());
        Self { request, method, path, query }
    }

    /// The `Authorization` header.
    pub(crate) fn authorization(&self) -> Result<Option<String>, Refusal> {
        let header = self.header("Authorization");
        if header.as_ref().is_some_and(|text| text.len() > MAX_AUTHORIZATION) {
            return Err(Refusal::AuthorizationTooLong);
        }
        Ok(header)
    }

    /// A header; `None` if it is not there.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// Is there a form in the body?
    pub(crate) fn is_form(&self) -> bool {
        wire::is_form(self.header("Content-Type").as_deref())
    }

    /// The form in the body. Such an endpoint takes nothing from the query (RFC 6749 sections 2.3.1 and 3.2).
    pub(crate) async fn form(&self) -> Result<Form, Stop> {
        if !self.query.is_empty() {
            return Err(Refusal::ParametersInQuery.into());
        }
        if !self.is_form() {
            return Err(Refusal::NotAForm.into());
        }
        let body = self.body().await?;
        Ok(Form::parse(&body).map_err(Refusal::from)?)
    }

    /// The JSON object in the body.
    pub(crate) async fn json_object(&self) -> Result<serde_json::Map<String, serde_json::Value>, Stop> {
        if !wire::is_json(self.header("Content-Type").as_deref()) {
            return Err(Refusal::NotJson.into());
        }
        let body = self.body().await?;
        Ok(json::parse_object(body.as_bytes()).ok_or(Refusal::NotJson)?)
    }

    /// The body as text, at most [`MAX_BODY`] bytes: with a length that says so it is read at once,
    /// without one piece by piece.
    async fn body(&self) -> Result<String, Refusal> {
        let length = self.header("Content-Length").and_then(|length| length.parse::<usize>().ok());
        match length {
            Some(length) if length > MAX_BODY => Err(Refusal::BodyTooLarge),
            Some(_) => {
                // Not `text()`, which reads what is no UTF-8 as something else.
                let promise = self.request.array_buffer().map_err(|_| Refusal::MalformedBody)?;
                let bytes = JsFuture::from(promise).await.map_err(|_| Refusal::MalformedBody)?;
                String::from_utf8(Uint8Array::new(&bytes).to_vec()).map_err(|_| Refusal::MalformedBody)
            }
            None => self.streamed_body().await,
        }
    }

    async fn streamed_body(&self) -> Result<String, Refusal> {
        let malformed = |_: JsValue| Refusal::MalformedBody;
        let Some(stream) = self.request.body() else {
            return Ok(String::new());
        };
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        let mut body = Vec::new();
        loop {
            let step = JsFuture::from(reader.read()).await.map_err(malformed)?;
            if Reflect::get(&step, &"done".into()).map_err(malformed)?.is_truthy() {
                return String::from_utf8(body).map_err(|_| Refusal::MalformedBody);
            }
            let chunk = Uint8Array::new(&Reflect::get(&step, &"value".into()).map_err(malformed)?);
            if body.len() + chunk.length() as usize > MAX_BODY {
                // Not awaited: nobody needs to know when the sender has noticed.
                let _ = reader.cancel();
                return Err(Refusal::BodyTooLarge);
            }
            body.extend_from_slice(&chunk.to_vec());
        }
    }
}

/// Turns a reply into a response. A body is left out for HEAD.
pub(crate) fn response(reply: &Reply, head: bool) -> worker::Result<web_sys::Response> {
    let headers = Object::new();
    // An object has one value a name: cookies are added to the headers that are made of it.
    let (cookies, others): (Vec<_>, Vec<_>) = reply.headers.iter().partition(|(name, _)| *name == "Set-Cookie");
    for (name, value) in others {
        Reflect::set(&headers, &JsValue::from_str(name), &JsValue::from_str(value))?;
    }
    Reflect::set(&headers, &"X-Content-Type-Options".into(), &"nosniff".into())?;
    let init = web_sys::ResponseInit::new();
    init.set_status(reply.status);
    init.set_headers(&headers);
    let body = reply.body.as_deref().filter(|_| !head);
    let response = web_sys::Response::new_with_opt_str_and_init(body, &init)?;
    for (name, value) in cookies {
        response.headers().append(name, value)?;
    }
    Ok(response)
}
