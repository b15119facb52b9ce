//! Runs commands as objects do: the command and its response travel as JSON.

use std::cell::Cell;

use edgemint::account::command::{Command, Reply, Sent};
use edgemint::account::commands::AccountRequest;
use edgemint::account::device::{DeviceCommand, DeviceObjectRequest, DeviceTurn};
use edgemint::account::identifier::{IdentifierCommand, IdentifierRequest, IdentifierTurn};
use edgemint::account::turn::{AccountCommand, Turn};
use edgemint::oauth::Authority;
use edgemint::records::StorageError;
use edgemint::token::UnixTime;
use serde::Serialize;

use super::storage::Storage;

struct Json;

impl Reply for Json {
    type Reply = Result<String, StorageError>;

    fn reply<A: Serialize>(self, answer: Result<A, StorageError>) -> Self::Reply {
        answer.map(|answer| serde_json::to_string(&answer).unwrap())
    }
}

fn sent<C: Command>(command: &C) -> String {
    serde_json::to_string(&Sent(command)).unwrap()
}

/// Runs a command of an account. Also returns whether the turn stored a revocation.
pub(crate) fn ask<C: AccountCommand>(
    storage: &Storage,
    authority: &Authority,
    now: u64,
    command: &C,
) -> (Result<C::Answer, StorageError>, bool) {
    let request: AccountRequest = serde_json::from_str(&sent(command)).unwrap();
    let turn = Turn::new(storage, authority, UnixTime(now));
    let answer = request.run(&turn, Json);
    (answer.map(|text| serde_json::from_str(&text).unwrap()), turn.has_revoked())
}

/// Runs a command of a name.
pub(crate) fn ask_name<C: IdentifierCommand>(
    storage: &Storage,
    now: u64,
    command: &C,
) -> Result<C::Answer, StorageError> {
    let request: IdentifierRequest = serde_json::from_str(&sent(command)).unwrap();
    let answer = request.run(&IdentifierTurn::new(storage, UnixTime(now)), Json);
    answer.map(|text| serde_json::from_str(&text).unwrap())
}

/// Runs a command of a device.
pub(crate) fn ask_device<C: DeviceCommand>(
    storage: &Storage,
    now: u64,
    polled_at: &Cell<Option<UnixTime>>,
    command: &C,
) -> Result<C::Answer, StorageError> {
    let request: DeviceObjectRequest = serde_json::from_str(&sent(command)).unwrap();
    let answer = request.run(&DeviceTurn { records: storage, now: UnixTime(now), polled_at }, Json);
    answer.map(|text| serde_json::from_str(&text).unwrap())
}
