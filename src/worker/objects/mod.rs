//! Calling the Durable Objects of this Worker: a command goes in, its answer or the word of a fault comes out.

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

use crate::account::command::{Named, Reply, Sent};
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

/// A command of a Durable Object, with its answer: a wrong answer does not compile.
pub(crate) trait ObjectCommand: Named {
    /// The binding of the object's namespace.
    const BINDING: &'static str;
    /// The answer.
    type Answer: Serialize + DeserializeOwned;
}

/// An object that runs a command.
pub(crate) trait Runs<C: ObjectCommand> {
    /// Runs the command.
    async fn run(&self, command: C) -> Result<C::Answer, Fault>;
}

/// Declares the commands of an object: the enum that a received command is parsed into, and a row for each command with its
/// name on the wire and its answer. The object implements [`Runs`] for each.
macro_rules! object_commands {
    ($request:ident at $binding:path { $($name:literal => $command:ident -> $answer:ty,)+ }) => {
        /// A received command.
        #[derive(serde::Deserialize)]
        enum $request {
            $(
                #[serde(rename = $name)]
                $command($command),
            )+
        }

        $(
            impl $crate::account::command::Named for $command {
                const NAME: &'static str = $name;
            }

            impl $crate::worker::objects::ObjectCommand for $command {
                const BINDING: &'static str = $binding;
                type Answer = $answer;
            }
        )+

        impl $request {
            /// Runs the command, and encodes its answer.
            async fn answer<O>(self, object: &O) -> worker::Result<worker::Response>
            where
                $( O: $crate::worker::objects::Runs<$command>, )+
            {
                match self {
                    $( Self::$command(command) => $crate::worker::objects::reply(object.run(command).await), )+
                }
            }
        }
    };
}
pub(crate) use object_commands;

/// Sends a command to the object of that name.
pub(crate) async fn send<C: ObjectCommand>(platform: &Platform, name: &str, command: &C) -> Result<C::Answer, Fault> {
    call(platform, C::BINDING, name, &Sent(command)).await
}

/// Sends a command outside of a request: from another object, or in the background.
pub(crate) async fn send_unbilled<C: ObjectCommand>(env: &Env, name: &str, command: &C) -> Result<C::Answer, Fault> {
    ask(env, C::BINDING, name, &Sent(command)).await
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

/// Sends a command outside of a request: from another object, or in the background.
pub(crate) async fn ask<C: Serialize, A: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    command: &C,
) -> Result<A, Fault> {
    let response = transfer(env, binding, name, serde_json::to_string(command)).await?;
    match serde_json::from_str(&response).map_err(unavailable)? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Fault(word) => Err(fault_of(&word)),
    }
}

/// Sends an encoded command, and returns the encoded outcome. Apart from [`ask`], which is compiled for each command: this is
/// compiled once.
async fn transfer(env: &Env, binding: &str, name: &str, command: serde_json::Result<String>) -> Result<String, Fault> {
    let command = command.map_err(unavailable)?;
    let stub = env.durable_object(binding).and_then(|namespace| namespace.get_by_name(name)).map_err(unavailable)?;
    exchange(&stub.into_rpc(), &command).await.map_err(|cause| unavailable(worker::Error::from(cause)))
}

fn fault_of(word: &str) -> Fault {
    Fault::reported(word).unwrap_or_else(|| unavailable("an answer of another version"))
}

#[wasm_bindgen]
extern "C" {
    /// The stub of an object.
    type Stub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &Stub, url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
}

/// Sends text and returns the text of the response. The `worker` crate reads a response in chunks, each a turn of the event loop, which
/// costs as much as all work of the object.
async fn exchange(object: &Stub, body: &str) -> Result<String, JsValue> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&body.into());
    // The host has no meaning: the binding selects the object.
    let response = JsFuture::from(object.fetch("https://object/", &init)?).await?;
    let text = JsFuture::from(response.unchecked_into::<web_sys::Response>().text()?).await?;
    Ok(text.as_string().unwrap_or_default())
}

/// Sets the alarm that deletes expired records, within an hour: an alarm costs a write, and nothing waits for it.
pub(crate) async fn sweep_later(state: &State) -> worker::Result<()> {
    let storage = state.storage();
    let latest = now().plus(SWEEP_EVERY);
    let set_for = storage.get_alarm().await?.and_then(|ms| u64::try_from(ms / 1000).ok());
    if set_for.is_none_or(|at| at > latest.0) {
        storage.set_alarm(Duration::from_secs(SWEEP_EVERY)).await?;
    }
    Ok(())
}

/// Sets the alarm of an object without new records to the end of the next record: a grant lasts for months, and an hourly alarm would
/// cost a write each hour.
pub(crate) async fn sweep_at(state: &State, next: UnixTime) -> worker::Result<()> {
    let wait = next.0.saturating_sub(now().0).max(SWEEP_EVERY);
    state.storage().set_alarm(Duration::from_secs(wait)).await
}

/// The shortest time between two sweeps of an object, seconds.
const SWEEP_EVERY: u64 = 3600;

/// Deletes expired records, and sets the alarm for the next.
pub(crate) async fn sweep(state: &State) -> worker::Result<Response> {
    let records = records::SqliteRecords::open(state);
    if let Some(next) = records.sweep(now()).map_err(thrown)? {
        sweep_at(state, next).await?;
    } else if records.is_empty().map_err(thrown)? {
        // Nothing is left to read.
        state.storage().delete_all().await?;
    }
    Response::empty()
}

/// Reads a command. Nothing else may happen in the object before.
pub(crate) async fn command<C: DeserializeOwned>(request: &mut Request) -> worker::Result<C> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

/// Encodes an answer or a fault as the object's response.
pub(crate) fn reply<A: Serialize>(outcome: Result<A, Fault>) -> worker::Result<Response> {
    respond(serde_json::to_string(&match outcome {
        Ok(answer) => Outcome::Answer(answer),
        Err(fault) => Outcome::Fault(fault.kind().name().to_owned()),
    }))
}

/// Apart from [`reply`], as `transfer` is from `ask`.
fn respond(outcome: serde_json::Result<String>) -> worker::Result<Response> {
    Response::ok(outcome?)
}

/// The error that an alarm throws for a fault, so that the platform repeats it.
pub(crate) fn thrown(fault: impl Into<Fault>) -> worker::Error {
    worker::Error::RustError(fault.into().kind().name().to_owned())
}

/// The fault of an unexpected answer.
pub(crate) fn unexpected() -> Fault {
    unavailable("an answer to another question")
}

/// The fault of an object that does not respond.
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
