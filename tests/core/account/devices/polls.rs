//! Polls of devices, and the redemption that follows.

use edgemint::account::device::PollDevice;
use edgemint::account::device_grants::RedeemDeviceCode;
use edgemint::oauth::ClientId;
use edgemint::oauth::grant::device::{DeviceRefusal, Poll};
use edgemint::oauth::grant::gate::{ClientFacts, Rules};
use edgemint::oauth::grant::{GrantRefusal, RedeemDevice};
use edgemint::oauth::vocabulary::client::{AuthMethod, GrantType};
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::Table;
use edgemint::token::UnixTime;

use super::super::storage::Fault;
use super::{ACCOUNTS, API, World, account_id, client_id};

impl World {
    /// As the Worker does it: the device, then the account that it names.
    pub(super) fn poll(
        &mut self,
        device: usize,
        client: Option<usize>,
        calls: u32,
        fault: Option<Fault>,
    ) -> Result<(), String> {
        let Some(at) = self.devices.len().checked_sub(1 + device) else { return Ok(()) };
        let (code, request) = (self.devices[at].code, self.devices[at].request.clone());
        let client = client.map_or_else(|| request.client.clone(), client_id);
        let (is_own, now) = (client == request.client, UnixTime(self.now));
        let rows = self.objects[code].text(Table::Device, "");
        let poll = Poll { grant: request.grant.clone(), client: client.clone() };
        let answer = self.object(code, &PollDevice(poll), fault.filter(|fault| fault.at % 2 == 0));
        let device = &self.devices[at];
        let has_written = self.objects[code].text(Table::Device, "") != rows;
        if has_written && answer != Some(Err(DeviceRefusal::SlowDown)) && answer.is_some() {
            return Err("a poll writes".to_owned());
        }
        let account = match answer {
            None => return Ok(()),
            Some(_)
                if !is_own
                    && answer != Some(Err(DeviceRefusal::OfAnother))
                    && answer != Some(Err(DeviceRefusal::Expired)) =>
            {
                return Err(format!("another client learns {answer:?}"));
            }
            Some(Ok(_)) if !request.is_active(now) => return Err("an expired device code counts".to_owned()),
            Some(Ok(_)) if device.denied => return Err("a denied device gets an account".to_owned()),
            Some(Ok(account)) => account,
            Some(Err(DeviceRefusal::Denied)) if device.confirmed.is_some() => {
                return Err("an allowed device is told that it was denied".to_owned());
            }
            Some(Err(DeviceRefusal::Pending | DeviceRefusal::SlowDown))
                if device.confirmed.is_some() || device.denied =>
            {
                return Err("a decided device has to wait".to_owned());
            }
            Some(Err(refusal)) => {
                let is_waiting = matches!(refusal, DeviceRefusal::Pending | DeviceRefusal::SlowDown);
                if refusal == DeviceRefusal::SlowDown {
                    self.reached.push("a client is slowed down");
                    // Its polls are longer apart than any interval.
                    if self.last_poll[code].is_none_or(|before| self.now >= before + 60) {
                        return Err("a patient client is slowed down".to_owned());
                    }
                }
                if is_waiting {
                    self.last_poll[code] = Some(self.now);
                }
                return Ok(());
            }
        };
        let Some(number) = (0..ACCOUNTS).find(|number| account_id(*number) == account) else {
            return Err("an unknown account".to_owned());
        };
        if !device.allowed_by[number] {
            return Err("an account that has not allowed the device".to_owned());
        }
        if calls == 0 {
            self.reached.push("the Worker dies between device and account");
            return Ok(());
        }
        self.redeem(at, number, client, fault.filter(|fault| fault.at % 2 == 1))
    }

    fn redeem(&mut self, at: usize, account: usize, client: ClientId, fault: Option<Fault>) -> Result<(), String> {
        let client = ClientFacts {
            id: client,
            enabled: true,
            registered_method: Some(AuthMethod::None),
            authenticated_by: Some(AuthMethod::None),
            grant_types: vec![GrantType::DeviceCode],
            scope: Scope::parse("openid read offline_access").unwrap(),
            resources: vec![Resource::parse(API).unwrap()],
            rules: Rules::default(),
            exact: true,
        };
        let grant = self.devices[at].request.grant.clone();
        let redeem = RedeemDevice { client, resources: Vec::new(), refreshable: true };
        let is_disabled = self.account(account).disabled;
        let was_live = self.is_live(account, &grant);
        let answer = self.ask(account, &RedeemDeviceCode { grant: grant.clone(), redeem, profile: false }, fault);
        let is_live = self.is_live(account, &grant);
        let device = &mut self.devices[at];
        match answer {
            Some(Ok(tokens)) => {
                device.redeemed += 1;
                self.reached.push("a device gets tokens");
                if is_disabled {
                    return Err("a disabled user's device gets tokens".to_owned());
                }
                if device.redeemed > 1 || device.maybe_redeemed {
                    return Err("a device code is redeemed twice".to_owned());
                }
                if !is_live || tokens.tokens.generation != 1 || tokens.tokens.repeated {
                    return Err("the tokens are not those of a new grant".to_owned());
                }
                Ok(())
            }
            Some(Err(GrantRefusal::CodeSpent)) if !was_live => Err("a device code is spent without a grant".to_owned()),
            Some(Err(GrantRefusal::CodeSpent)) => {
                self.reached.push("a device code is refused the second time");
                if is_live { Ok(()) } else { Err("a second poll ends the grant".to_owned()) }
            }
            Some(Err(GrantRefusal::UserDisabled)) => {
                self.reached.push("the user is disabled in between");
                if is_disabled && !was_live { Ok(()) } else { Err("an enabled user is taken for disabled".to_owned()) }
            }
            Some(Err(_)) if was_live => Err("a live grant is refused in another way".to_owned()),
            Some(Err(_)) => Ok(()),
            None => {
                device.maybe_redeemed |= !was_live && is_live;
                if device.maybe_redeemed {
                    self.reached.push("the response with the tokens is lost");
                }
                Ok(())
            }
        }
    }
}
