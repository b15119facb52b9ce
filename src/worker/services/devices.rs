//! The requests of devices: storing one under a free user code, finding one by its user code, polling, deciding.

use crate::account::device::{DecideDevice, PollDevice, ReadDevice, StartDevice};
use crate::oauth::Refusal;
use crate::oauth::endpoints::device::DeviceAuthorization;
use crate::oauth::grant::device::{DecideError, DeviceDecision, DeviceOrigin, DeviceRequest, Poll};
use crate::oauth::grant::device_code::{DeviceCode, UserCode};
use crate::oauth::grant::handle::{AccountId, DeviceId, GrantId};
use crate::oauth::vocabulary::client::Client;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::{Fault, FaultKind, RequestError};

/// How many user codes are tried for one request. One in use among 2³⁴ is rare; several in a row are a fault.
const MOST_CODES: usize = 5;

/// A request that was found by its user code.
pub(crate) struct FoundDevice {
    pub(crate) device: DeviceId,
    pub(crate) request: DeviceRequest,
}

/// Stores a request under a user code that is free. Returns both codes.
pub(crate) async fn start(
    platform: &Platform,
    authorization: &DeviceAuthorization,
    origin: DeviceOrigin,
) -> Result<(DeviceCode, UserCode), Fault> {
    let grant = GrantId::from_bytes(random()?);
    let command = StartDevice(authorization.stored(grant.clone(), origin, platform.now));
    for _ in 0..MOST_CODES {
        let user_code = UserCode::from_random(random()?);
        let device = user_code.device(&platform.config.handles);
        if objects::send(platform, &device, &command).await? {
            return Ok((DeviceCode { device, grant }, user_code));
        }
    }
    Err(Fault::new(FaultKind::Contended, &"every user code is in use"))
}

/// Returns the request that waits with this user code, if one does.
pub(crate) async fn find(platform: &Platform, user_code: &UserCode) -> Result<Option<FoundDevice>, Fault> {
    for device in user_code.devices(&platform.config.handles) {
        if let Some(request) = objects::send(platform, &device, &ReadDevice).await? {
            return Ok(Some(FoundDevice { device, request }));
        }
    }
    Ok(None)
}

/// Stores the decision of a user.
pub(crate) async fn decide(
    platform: &Platform,
    found: &FoundDevice,
    decision: DeviceDecision,
) -> Result<Result<(), DecideError>, Fault> {
    let command = DecideDevice { grant: found.request.grant.clone(), decision };
    objects::send(platform, &found.device, &command).await
}

/// Polls for a client. Returns the account whose grant the device code redeems.
///
/// # Errors
/// [`Refusal::Device`].
pub(crate) async fn poll(platform: &Platform, code: &DeviceCode, client: &Client) -> Result<AccountId, RequestError> {
    let command = PollDevice(Poll { grant: code.grant.clone(), client: client.id.clone() });
    Ok(objects::send(platform, &code.device, &command).await?.map_err(Refusal::Device)?)
}
