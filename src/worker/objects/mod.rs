//! Calling our Durable Objects: a command goes in, an answer or the word of a fault comes out.

pub(crate) mod account_do;
pub(crate) mod events_do;
pub(crate) mod identifier_do;
pub(crate) mod keyring_do;
mod outbox;
pub(crate) mod records;
pub(crate) mod registry_do;
pub(crate) mod status_directory_do;
pub(crate) mod status_list_do;

use std::time::Duration;

use js_sys::Promise;
use js_sys::futures::JsFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::{Env, Request, Response, State, web_sys};

use crate::account::command::Reply;
use crate::records::{Records as _, StorageError};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env::Platform;
use crate::worker::report::{Fault, FaultKind};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome<A> {
    Answer(A),
    Fault(String),
}

/// Sends a command to the object of that name.
pub(crate) async fn call<C: Serialize, A: DeserializeOwned>(
    platform: &Platform,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<A, Fault> {
    platform.costs.object_call();
    ask(&platform.env, binding, name, command).await
}

/// The same where no request pays for it: from another object, or in the background.
pub(crate) async fn ask<C: Serialize, A: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<A, Fault> {
    let body = serde_json::to_string(command).map_err(unavailable)?;
    let stub = env.durable_object(binding).and_then(|namespace| namespace.get_by_name(name)).map_err(unavailable)?;
    let body = exchange(&stub.into_rpc(), &body).await.map_err(|cause| unavailable(worker::Error::from(cause)))?;
    match serde_json::from_str(&body).map_err(unavailable)? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Fault(word) => {
            Err(Fault::reported(&word).unwrap_or_else(|| unavailable("an answer of another version")))
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// An object, as whoever calls it holds it.
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
}

/// Text in, text out. The `worker` crate would read the answer chunk by chunk, each of which is a turn of the event loop:
/// that costs as much as all the object does.
async fn exchange(object: &Stub, body: &str) -> Result<String, JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    // The host means nothing: objects are reached by binding alone.
    let response = JsFuture::from(object.fetch("https://object/", &init)?).await?;
    let text = JsFuture::from(response.unchecked_into::<web_sys::Response>().text()?).await?;
    Ok(text.as_string().unwrap_or_default())
}

/// Has the object's alarm sweep what has ended, in an hour at the latest: an alarm costs a write, and nothing waits for it.
pub(crate) async fn sweep_later(state: &State) -> worker::Result<()> {
    let storage = state.storage();
    let latest = now().plus(SWEEP_EVERY);
    let set_for = storage.get_alarm().await?.and_then(|ms| u64::try_from(ms / 1000).ok());
    if set_for.is_none_or(|at| at > latest.0) {
        storage.set_alarm(Duration::from_secs(SWEEP_EVERY)).await?;
    }
    Ok(())
}

/// The same for an object in which nothing has been written since: when the next record has ended. A grant lasts for months, and so
/// would an hourly alarm.
pub(crate) async fn sweep_at(state: &State, next: UnixTime) -> worker::Result<()> {
    let wait = next.0.saturating_sub(now().0).max(SWEEP_EVERY);
    state.storage().set_alarm(Duration::from_secs(wait)).await
}

/// How often an object is swept at the most, seconds.
const SWEEP_EVERY: u64 = 3600;

/// Forgets what has ended; what is left will be looked at again.
pub(crate) async fn sweep(state: &State) -> worker::Result<Response> {
    let records = records::SqliteRecords::open(state);
    let thrown = |error| worker::Error::RustError(Fault::from(error).kind().name().to_owned());
    if let Some(next) = records.sweep(now()).map_err(thrown)? {
        sweep_at(state, next).await?;
    } else if records.is_empty().map_err(thrown)? {
        // Nothing that anybody could ask for.
        state.storage().delete_all().await?;
    }
    Response::empty()
}

/// Reads a command, before anything else happens in the object.
pub(crate) async fn command<C: DeserializeOwned>(request: &mut Request) -> worker::Result<C> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

/// The object's reply.
pub(crate) fn reply<A: Serialize>(outcome: Result<A, Fault>) -> worker::Result<Response> {
    Response::from_json(&match outcome {
        Ok(answer) => Outcome::Answer(answer),
        Err(fault) => Outcome::Fault(fault.kind().name().to_owned()),
    })
}

/// An object that answers what it was not asked.
pub(crate) fn unexpected() -> Fault {
    unavailable("an answer to another question")
}

/// An object that does not answer, or is not there.
pub(crate) fn unavailable(cause: impl std::fmt::Debug) -> Fault {
    Fault::new(FaultKind::ObjectUnavailable, &cause)
}

/// Encodes the answer of a command as the object's reply. A storage failure is logged here.
pub(crate) struct Encoded;

impl Reply for Encoded {
    type Reply = Result<worker::Result<Response>, Fault>;

    fn reply<A: Serialize>(self, answer: Result<A, StorageError>) -> Self::Reply {
        Ok(reply(Ok(answer?)))
    }
}
