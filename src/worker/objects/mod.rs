//! Calling the Durable Objects of this Worker: a command goes in, its answer or the word of a fault comes out.
//! [`send`] is the only way to an object.

pub(crate) mod account_do;
pub(crate) mod address;
pub(crate) mod catalogue_do;
pub(crate) mod device_do;
pub(crate) mod events_do;
pub(crate) mod hosted;
pub(crate) mod identifier_do;
pub(crate) mod keyring_do;
mod outbox;
pub(crate) mod records;
pub(crate) mod registry_do;
mod registry_rows;
pub(crate) mod status_directory_do;
pub(crate) mod status_list_do;

use std::time::Duration;

use js_sys::Promise;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::{Env, State};

use crate::account::command::{Command, Reply, Sent};
use crate::records::{Records as _, StorageError};
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::env::{self, Platform};
use crate::worker::report::{Fault, FaultKind};
use crate::worker::tasks;

use address::{Address, Namespace};

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome<A> {
    Answer(A),
    Fault(String),
}

/// A command that can be sent to an object.
pub(crate) trait ObjectCommand {
    /// The namespace of the objects that run it.
    type Namespace: Namespace;
    /// The answer.
    type Answer: DeserializeOwned;

    /// Encodes the command as it is sent.
    fn encode(&self) -> serde_json::Result<String>;
}

impl<C: Command> ObjectCommand for C
where
    C::Namespace: Namespace,
{
    type Namespace = C::Namespace;
    type Answer = C::Answer;

    fn encode(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Sent(self))
    }
}

/// An object that runs a command.
pub(crate) trait Runs<C: Command> {
    /// Runs the command.
    async fn run(&self, command: C) -> Result<C::Answer, Fault>;
}

/// Declares the commands of a namespace whose objects wait for something while they run: the rows of [`command_table`]. The
/// object implements [`Runs`] for each command.
macro_rules! object_commands {
    ($request:ident in $namespace:ty { $($name:literal => $command:ident -> $answer:ty,)+ }) => {
        $crate::account::command::command_table! {
            /// A received command.
            $request in $namespace { $($name => $command -> $answer,)+ }
        }

        impl $request {
            /// Runs the command, and encodes its answer.
            async fn answer<O>(self, object: &O) -> worker::Result<String>
            where
                $( O: $crate::worker::objects::Runs<$command>, )+
            {
                match self {
                    $( Self::$command(command) => {
                        // Each command is compiled apart, as each endpoint is.
                        let run: ::futures_util::future::LocalBoxFuture<'_, _> = Box::pin(object.run(command));
                        $crate::worker::objects::reply(run.await)
                    } )+
                }
            }
        }
    };
}
pub(crate) use object_commands;

/// Sends a command to an object, and returns its answer.
pub(crate) async fn send<C: ObjectCommand>(
    platform: &Platform,
    object: &impl Address<Namespace = C::Namespace>,
    command: &C,
) -> Result<C::Answer, Fault> {
    platform.costs.object_call();
    let name = object.object_name(platform.authority().issuer());
    decode(&transfer(&platform.env, C::Namespace::BINDING, name, command.encode()).await?)
}

/// Sends a command outside of a request: from another object, or in the background.
pub(crate) async fn send_unbilled<C: ObjectCommand>(
    env: &Env,
    object: &impl Address<Namespace = C::Namespace>,
    command: &C,
) -> Result<C::Answer, Fault> {
    let name = object.object_name(env::authority(env)?.issuer());
    decode(&transfer(env, C::Namespace::BINDING, name, command.encode()).await?)
}

/// Sends an encoded command, and returns the encoded outcome. Apart from [`send`], which is compiled for each command: this is
/// compiled once.
async fn transfer(
    env: &Env,
    binding: &str,
    name: String,
    command: serde_json::Result<String>,
) -> Result<String, Fault> {
    let command = command.map_err(unavailable)?;
    let answer = tasks::settled(&call_object(env.as_ref(), binding, &name, &command)).await;
    Ok(answer.map_err(|cause| unavailable(worker::Error::from(cause)))?.as_string().unwrap_or_default())
}

fn decode<A: DeserializeOwned>(outcome: &str) -> Result<A, Fault> {
    match serde_json::from_str(outcome).map_err(unavailable)? {
        Outcome::Answer(answer) => Ok(answer),
        Outcome::Fault(word) => Err(fault_of(&word)),
    }
}

fn fault_of(word: &str) -> Fault {
    Fault::reported(word).unwrap_or_else(|| unavailable("an answer of another version"))
}

#[wasm_bindgen(module = "edgemint-host")]
extern "C" {
    /// Sends text and returns a promise of the text of the response.
    #[wasm_bindgen(js_name = callObject)]
    fn call_object(env: &JsValue, binding: &str, name: &str, command: &str) -> Promise;
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
pub(crate) async fn sweep(state: &State) -> worker::Result<()> {
    let records = records::SqliteRecords::open(state);
    if let Some(next) = records.sweep(now()).map_err(thrown)? {
        sweep_at(state, next).await?;
    } else if records.is_empty().map_err(thrown)? {
        // Nothing is left to read.
        state.storage().delete_all().await?;
    }
    Ok(())
}

/// Encodes an answer or a fault as the object replies it.
#[inline(never)]
pub(crate) fn reply<A: Serialize>(outcome: Result<A, Fault>) -> worker::Result<String> {
    Ok(serde_json::to_string(&match outcome {
        Ok(answer) => Outcome::Answer(answer),
        Err(fault) => Outcome::Fault(fault.kind().name().to_owned()),
    })?)
}

/// The error that an alarm throws for a fault, so that the platform repeats it.
pub(crate) fn thrown(fault: impl Into<Fault>) -> worker::Error {
    worker::Error::RustError(fault.into().kind().name().to_owned())
}

/// The fault of an object that does not respond, or not as it should.
pub(crate) fn unavailable(cause: impl std::fmt::Debug) -> Fault {
    Fault::new(FaultKind::ObjectUnavailable, &cause)
}

/// Encodes the answer of a command as the object's reply. A storage failure is logged here.
pub(crate) struct Encoded;

impl Reply for Encoded {
    type Reply = Result<worker::Result<String>, Fault>;

    fn reply<A: Serialize>(self, answer: Result<A, StorageError>) -> Self::Reply {
        Ok(reply(Ok(answer?)))
    }
}
