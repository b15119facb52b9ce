//! From the platform's request to plain values, and from a plain reply to the platform's response.
//!
//! It goes to the web types directly: the request and response types of the `worker` crate copy every header
//! of every request, which costs more than all our checks.

use std::cell::RefCell;

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::web_sys;

use crate::oauth::Refusal;
use crate::token::json;
use crate::wire::{self, Form, MAX_AUTHORIZATION, MAX_BODY, Reply};

use super::body::{self, BodyError};
use super::report::{Fault, FaultKind, RequestError};
use super::tasks;

/// A request.
pub(crate) struct Incoming {
    request: web_sys::Request,
    /// The form in the body, once it has been read ahead and until [`Incoming::form`] takes it.
    read_ahead: RefCell<Option<Result<Form, Refusal>>>,
    /// The body, if JavaScript has read it and until [`Incoming::body`] takes it.
    body: RefCell<Option<Vec<u8>>>,
    authorization: Option<String>,
    content_type: Option<String>,
    content_length: Option<String>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

impl Incoming {
    /// Reads a request. `head` has five lines: the method, the URL, and the headers `Authorization`, `Content-Type` and
    /// `Content-Length`, each a NUL if the request does not have it. What follows them is the form in the body, if it has been read.
    pub(crate) fn new(request: web_sys::Request, head: &str, body: Option<Vec<u8>>) -> Self {
        let mut lines = head.splitn(6, '\n');
        let mut line = || lines.next().unwrap_or_default();
        let (method, url) = (line().to_owned(), line());
        let mut header = || Some(line()).filter(|value| *value != "\0").map(str::to_owned);
        let (authorization, content_type, content_length) = (header(), header(), header());
        let body = lines.next().map(|form| form.as_bytes().to_vec()).or(body);
        let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
        let target = after_scheme.find('/').and_then(|start| after_scheme.get(start..)).unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let (read_ahead, body) = (RefCell::default(), RefCell::new(body));
        Self { request, read_ahead, body, authorization, content_type, content_length, method, path, query }
    }

    /// The `Authorization` header.
    pub(crate) fn authorization(&self) -> Result<Option<&str>, Refusal> {
        let header = self.authorization.as_deref();
        if header.is_some_and(|text| text.len() > MAX_AUTHORIZATION) {
            return Err(Refusal::AuthorizationTooLong);
        }
        Ok(header)
    }

    /// A header; `None` if it is not there.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// Where the platform locates the client's address (`request.cf`): a text of it, such as `country` or `city`; `None` if it
    /// is not known.
    pub(crate) fn located(&self, name: &str) -> Option<String> {
        let cf = Reflect::get(self.request.as_ref(), &"cf".into()).ok().filter(JsValue::is_object)?;
        Reflect::get(&cf, &name.into()).ok()?.as_string().filter(|text| !text.is_empty() && text.len() <= 200)
    }

    /// Is there a form in the body?
    pub(crate) fn is_form(&self) -> bool {
        wire::is_form(self.content_type.as_deref())
    }

    /// Reads the parameters of the query.
    ///
    /// # Errors
    /// A malformed encoding, a repeated parameter, or too many of them.
    pub(crate) fn query_form(&self) -> Result<Form, Refusal> {
        Form::parse(&self.query).map_err(Refusal::from)
    }

    /// Reads the form in the body. Such an endpoint takes no parameters from the query (RFC 6749 sections 2.3.1 and 3.2).
    pub(crate) async fn form(&self) -> Result<Form, RequestError> {
        match self.read_ahead.take() {
            Some(read) => Ok(read?),
            None => Ok(self.read_form().await?),
        }
    }

    /// Reads the form in the body of a request with or without a content type, and with any query; `None` if it says another type.
    pub(crate) async fn form_without_type(&self) -> Result<Option<Form>, Refusal> {
        if self.content_type.is_some() && !self.is_form() {
            return Ok(None);
        }
        let body = self.body().await?;
        Form::parse(&body).map(Some).map_err(Refusal::from)
    }

    /// Reads the form before its endpoint does, so that [`Incoming::peek`] can look at it.
    pub(crate) async fn read_ahead(&self) {
        let read = self.read_form().await;
        self.read_ahead.replace(Some(read));
    }

    /// Looks at the parameters of the request: those of the form that was read ahead, or else of the query.
    pub(crate) fn peek<T>(&self, look: impl FnOnce(&Form) -> Option<T>) -> Option<T> {
        match &*self.read_ahead.borrow() {
            Some(read) => look(read.as_ref().ok()?),
            None => look(&self.query_form().ok()?),
        }
    }

    async fn read_form(&self) -> Result<Form, Refusal> {
        if !self.query.is_empty() {
            return Err(Refusal::ParametersInQuery);
        }
        if !self.is_form() {
            return Err(Refusal::NotAForm);
        }
        let body = self.body().await?;
        Form::parse(&body).map_err(Refusal::from)
    }

    /// The JSON object in the body.
    pub(crate) async fn json_object(&self) -> Result<serde_json::Map<String, serde_json::Value>, RequestError> {
        if !wire::is_json(self.content_type.as_deref()) {
            return Err(Refusal::NotJson.into());
        }
        let body = self.body().await?;
        Ok(json::parse_object(body.as_bytes()).ok_or(Refusal::NotJson)?)
    }

    /// The body as text, at most [`MAX_BODY`] bytes. One that announces its length is read at once, which is faster.
    async fn body(&self) -> Result<String, Refusal> {
        let length = self.content_length.as_deref().and_then(wire::decimal::<usize>);
        let bytes = match (self.body.take(), length) {
            (Some(bytes), _) => bytes,
            (None, Some(length)) if length > MAX_BODY => return Err(Refusal::BodyTooLarge),
            (None, Some(_)) => {
                // Not `text()`, which replaces bytes that are not UTF-8.
                let promise = self.request.array_buffer().map_err(|_| Refusal::MalformedBody)?;
                let bytes = tasks::settled(&promise).await.map_err(|_| Refusal::MalformedBody)?;
                let bytes = Uint8Array::new(&bytes);
                // Before it is copied: memory of the module is never returned.
                if bytes.length() as usize > MAX_BODY {
                    return Err(Refusal::BodyTooLarge);
                }
                bytes.to_vec()
            }
            (None, None) => body::read(self.request.body(), MAX_BODY).await?,
        };
        // HTTP holds a sender to its announcement; a caller through a service binding need not keep it.
        if bytes.len() > MAX_BODY {
            return Err(Refusal::BodyTooLarge);
        }
        String::from_utf8(bytes).map_err(|_| Refusal::MalformedBody)
    }
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::Broken => Self::MalformedBody,
        }
    }
}

#[wasm_bindgen(module = "edgemint-host")]
extern "C" {
    /// Makes a `Response`. `head` has a line `Name:value` for each header.
    #[wasm_bindgen(catch)]
    fn respond(status: u16, head: &str, body: Option<&str>) -> Result<JsValue, JsValue>;
}

/// Turns a reply into a response. A body is left out for HEAD.
pub(crate) fn response(reply: &Reply, head: bool) -> JsValue {
    made(reply, head).unwrap_or_else(|cause| {
        let fault = Fault::new(FaultKind::ResponseInvalid, &cause);
        made(&fault.reply(), head).unwrap_or_else(tasks::failure)
    })
}

fn made(reply: &Reply, head: bool) -> Result<JsValue, &'static str> {
    // Each header is a line for JavaScript, so a line feed would begin another one.
    if reply.headers.iter().any(|(_, value)| value.contains(['\n', '\r', '\0'])) {
        return Err("a header has a control character");
    }
    let mut lines = String::from("X-Content-Type-Options:nosniff");
    for (name, value) in &reply.headers {
        lines.extend(["\n", name, ":", value]);
    }
    respond(reply.status, &lines, reply.body.as_deref().filter(|_| !head)).map_err(|_| "the platform refuses it")
}
