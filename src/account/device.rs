//! The request of a device, from its device code to the user's decision. One Durable Object each, named after a MAC of its user
//! code ([`device_code`](crate::oauth::grant::device_code)). [`grant::device`](crate::oauth::grant::device) decides.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::account::command::{Command, Devices, commands};
use crate::oauth::grant::device::{
    self, DecideError, DeviceDecision, DeviceRefusal, DeviceRequest, DeviceStage, Poll, Step,
};
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::records::{ONLY, Records, StorageError, Table, ends_at};
use crate::token::UnixTime;

/// One turn of a device's object.
pub struct DeviceTurn<'t, R> {
    /// The object's records.
    pub records: &'t R,
    /// The time.
    pub now: UnixTime,
    /// The time of the last poll. It lives in memory: a poll that has to wait stores nothing, and an object that has forgotten it
    /// answers one poll too early.
    pub polled_at: &'t Cell<Option<UnixTime>>,
}

/// A command of a device's object.
pub trait DeviceCommand: Command<Namespace = Devices> {
    /// Runs the command.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    fn run<R: Records>(self, turn: &DeviceTurn<'_, R>) -> Result<Self::Answer, StorageError>;
}

commands! {
    /// A command that a device's object has received.
    DeviceObjectRequest in Devices, on DeviceTurn {
        "decide" => DecideDevice -> Result<(), DecideError>,
        "poll" => PollDevice -> Result<AccountId, DeviceRefusal>,
        "read" => ReadDevice -> Option<DeviceRequest>,
        "start" => StartDevice -> bool,
    }
}

impl<R: Records> DeviceTurn<'_, R> {
    /// Runs a command.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    pub fn run<C: DeviceCommand>(&self, command: C) -> Result<C::Answer, StorageError> {
        command.run(self)
    }

    fn request(&self) -> Result<Option<DeviceRequest>, StorageError> {
        self.records.get(Table::Device, ONLY)
    }

    fn store(&self, request: &DeviceRequest) -> Result<(), StorageError> {
        self.records.put(Table::Device, ONLY, ends_at(request.ends()), request)
    }

    /// Stores what a step decides, and returns its answer.
    fn finish<T, E>(&self, (next, answer): Step<T, E>) -> Result<Result<T, E>, StorageError> {
        if let Some(next) = next {
            self.store(&next)?;
        }
        Ok(answer)
    }
}

/// Stores a new request. Returns `false` if the user code is in use, and then changes nothing.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub struct StartDevice(pub DeviceRequest);

impl DeviceCommand for StartDevice {
    fn run<R: Records>(self, turn: &DeviceTurn<'_, R>) -> Result<bool, StorageError> {
        // A decided request is in use too, as long as its device may poll.
        if turn.request()?.is_some_and(|request| request.is_active(turn.now)) {
            return Ok(false);
        }
        turn.polled_at.set(None);
        turn.store(&self.0)?;
        Ok(true)
    }
}

/// Decides a poll. Returns the account that allowed the request.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub struct PollDevice(pub Poll);

impl DeviceCommand for PollDevice {
    fn run<R: Records>(self, turn: &DeviceTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        let step = device::poll(turn.request()?, &self.0, turn.polled_at.get(), turn.now);
        if matches!(step.1, Err(DeviceRefusal::Pending | DeviceRefusal::SlowDown)) {
            turn.polled_at.set(Some(turn.now));
        }
        turn.finish(step)
    }
}

/// Reads the request, if it has not expired and was not denied.
#[derive(Deserialize, Serialize)]
pub struct ReadDevice;

impl DeviceCommand for ReadDevice {
    fn run<R: Records>(self, turn: &DeviceTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        let request = turn.request()?.filter(|request| request.is_active(turn.now));
        Ok(request.filter(|request| request.stage != DeviceStage::Denied))
    }
}

/// Stores the decision of a user about the request of this grant.
#[derive(Deserialize, Serialize)]
pub struct DecideDevice {
    /// The grant that the request may become.
    pub grant: GrantId,
    /// The decision.
    pub decision: DeviceDecision,
}

impl DeviceCommand for DecideDevice {
    fn run<R: Records>(self, turn: &DeviceTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        turn.finish(device::decide(turn.request()?, &self.grant, self.decision, turn.now))
    }
}
