//! Histories of two devices, the two accounts whose users decide about them, and clients that poll: codes that collide, users who
//! decide at the same time, clients that take another's code, time that passes, and storage that fails.
//!
//! The Worker's part between the objects is here as it is there: a crash may come between any two of its calls.

mod polls;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use edgemint::account::device::{DecideDevice, ReadDevice, StartDevice};
use edgemint::account::device_grants::{AllowDevice, TryError, TryUserCode};
use edgemint::account::grants::{AllowError, EndGrants};
use edgemint::account::profile::CreateAccount;
use edgemint::account::record::AccountRecord;
use edgemint::account::sessions::{EndSession, OpenSession, Opened};
use edgemint::account::turn::AccountCommand;
use edgemint::oauth::ClientId;
use edgemint::oauth::admin::bulk::GrantFilter;
use edgemint::oauth::grant::device::{
    DecideError, DeviceDecision, DeviceOrigin, DeviceRequest, DeviceStage, FIRST_INTERVAL,
};
use edgemint::oauth::grant::gate::Rules;
use edgemint::oauth::grant::handle::{AccountId, GrantId, SessionId};
use edgemint::oauth::grant::{Grant, SignIn, Stage};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::{Records as _, Table};
use edgemint::token::UnixTime;

use super::random::{Random, play_all};
use super::storage::{Fault, Storage};
use super::wire::{ask, ask_device};

const START: u64 = 1_800_000_000;
const API: &str = "https://api.example";
const ACCOUNTS: usize = 2;
const CLIENTS: usize = 2;
/// User codes, and so objects: few, so that codes collide.
const CODES: usize = 2;

#[derive(Clone, Copy, Debug)]
struct Turn {
    act: Act,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// A client starts a device, which gets this user code if it is free.
    Start {
        code: usize,
        client: usize,
        offline: bool,
    },
    /// A user enters a user code.
    Enter {
        account: usize,
        code: usize,
    },
    /// A user allows what the account's page shows. `calls`: after how many calls the Worker dies.
    Allow {
        account: usize,
        calls: u32,
    },
    Deny {
        account: usize,
    },
    /// A client polls with one of the last device codes.
    Poll {
        device: usize,
        client: Option<usize>,
        calls: u32,
    },
    SignIn {
        account: usize,
    },
    SignOut {
        account: usize,
    },
    Revoke {
        account: usize,
    },
    /// An operator disables the user, or enables them again.
    Toggle {
        account: usize,
    },
    /// The platform evicts the objects of the devices.
    Evict,
    Sweep,
    Wait {
        seconds: u64,
    },
}

fn any(random: &mut Random) -> Turn {
    let (account, code, device) =
        (random.one_of(&[0, 0, 0, 1]), random.one_of(&[0, 0, 1]), random.one_of(&[0, 0, 0, 1, 2]));
    let client = random.index(CLIENTS);
    let calls = random.one_of(&[9, 9, 9, 0, 1]);
    let act = match random.below(100) {
        0..16 => Act::Start { code, client, offline: random.chance(50) },
        16..34 => Act::Enter { account, code },
        34..54 => Act::Allow { account, calls },
        54..58 => Act::Deny { account },
        58..84 => Act::Poll { device, client: random.chance(10).then_some(client), calls },
        84..87 => Act::SignIn { account },
        87 => Act::SignOut { account },
        88 => Act::Revoke { account },
        89 => match random.chance(50) {
            true => Act::Toggle { account },
            false => Act::Evict,
        },
        90 => Act::Sweep,
        _ => Act::Wait { seconds: random.one_of(&[1, 4, 5, 10, 61, 600, 899, 961]) },
    };
    Turn { act, fault: Fault::random(random, 20, 7) }
}

/// The outside view of a device.
struct Device {
    code: usize,
    request: DeviceRequest,
    /// The account whose decision was confirmed to its user.
    confirmed: Option<usize>,
    /// Whether a denial was confirmed.
    denied: bool,
    /// The accounts whose users have pressed the button.
    allowed_by: [bool; ACCOUNTS],
    /// How often tokens have left an account for it.
    redeemed: u32,
    /// Whether tokens may have been issued in a turn that failed.
    maybe_redeemed: bool,
}

struct World {
    authority: Authority,
    now: u64,
    accounts: Vec<Storage>,
    sessions: [Option<SessionId>; ACCOUNTS],
    objects: Vec<Storage>,
    polled_at: [Cell<Option<UnixTime>>; CODES],
    /// The last polls of each object, as its clients remember them.
    last_poll: [Option<u64>; CODES],
    devices: Vec<Device>,
    /// The device that the page of each account shows.
    pages: [Option<usize>; ACCOUNTS],
    next_id: u8,
    reached: Vec<&'static str>,
}

impl World {
    fn new() -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        let mut world = Self {
            authority: Authority::parse(settings).unwrap(),
            now: START,
            accounts: (0..ACCOUNTS).map(|_| Storage::default()).collect(),
            sessions: [const { None }; ACCOUNTS],
            objects: (0..CODES).map(|_| Storage::default()).collect(),
            polled_at: Default::default(),
            last_poll: [None; CODES],
            devices: Vec::new(),
            pages: [None; ACCOUNTS],
            next_id: 0,
            reached: Vec::new(),
        };
        for account in 0..ACCOUNTS {
            let record =
                AccountRecord { profile: "sealed".to_owned(), scope: None, created: UnixTime(START), disabled: false };
            assert!(world.ask(account, &CreateAccount(record), None).unwrap());
            world.sign_in(account, None);
        }
        world
    }

    fn ask<C: AccountCommand>(&self, account: usize, command: &C, fault: Option<Fault>) -> Option<C::Answer> {
        let storage = &self.accounts[account];
        storage.begin(fault);
        let (answer, _) = ask(storage, &self.authority, self.now, command);
        assert_eq!(storage.end(), answer.is_err(), "a failure of storage is reported");
        answer.ok()
    }

    fn object<C: edgemint::account::device::DeviceCommand>(
        &self,
        code: usize,
        command: &C,
        fault: Option<Fault>,
    ) -> Option<C::Answer> {
        let storage = &self.objects[code];
        storage.begin(fault);
        let answer = ask_device(storage, self.now, &self.polled_at[code], command);
        assert_eq!(storage.end(), answer.is_err(), "a failure of storage is reported");
        answer.ok()
    }

    fn account(&self, account: usize) -> AccountRecord {
        self.accounts[account].peek_one(Table::Account, "").unwrap()
    }

    fn id(&mut self) -> [u8; 16] {
        self.next_id = self.next_id.checked_add(1).unwrap();
        [self.next_id; 16]
    }

    fn play(&mut self, turn: &Turn) -> Result<(), String> {
        let fault = turn.fault;
        match turn.act {
            Act::Start { code, client, offline } => self.start(code, client, offline, fault),
            Act::Enter { account, code } => self.enter(account, code, fault),
            Act::Allow { account, calls } => self.allow(account, calls, fault),
            Act::Deny { account } => self.deny(account, fault),
            Act::Poll { device, client, calls } => self.poll(device, client, calls, fault),
            Act::SignIn { account } => {
                self.sign_in(account, fault);
                Ok(())
            }
            Act::SignOut { account } => {
                if let Some(session) = self.sessions[account].clone() {
                    let _ = self.ask(account, &EndSession { session }, fault);
                }
                Ok(())
            }
            Act::Revoke { account } => {
                let _ = self.ask(account, &EndGrants { which: GrantFilter::default(), job: None }, fault);
                Ok(())
            }
            Act::Toggle { account } => {
                let record = self.account(account);
                let changed = AccountRecord { disabled: !record.disabled, ..record };
                self.accounts[account].put(Table::Account, "", None, &changed).map_err(|error| error.cause)
            }
            Act::Evict => {
                self.polled_at = Default::default();
                Ok(())
            }
            Act::Sweep => {
                for storage in self.objects.iter().chain(&self.accounts) {
                    storage.sweep(UnixTime(self.now)).unwrap();
                }
                Ok(())
            }
            Act::Wait { seconds } => {
                self.now += seconds;
                Ok(())
            }
        }
    }

    fn sign_in(&mut self, account: usize, fault: Option<Fault>) {
        let session = SessionId::from_bytes(self.id());
        let sign_in = SignIn { at: UnixTime(self.now), amr: vec!["pwd".to_owned()], acr: None };
        let replaces = self.sessions[account].clone();
        let command = OpenSession { session: session.clone(), sign_in, agent: String::new(), replaces, passkey: None };
        if self.ask(account, &command, fault) == Some(Opened::Done) {
            self.sessions[account] = Some(session);
        }
    }

    fn start(&mut self, code: usize, client: usize, offline: bool, fault: Option<Fault>) -> Result<(), String> {
        let scope = if offline { "openid read offline_access" } else { "openid read" };
        let request = DeviceRequest {
            grant: GrantId::from_bytes(self.id()),
            client: client_id(client),
            scope: Scope::parse(scope).unwrap(),
            resources: vec![Resource::parse(API).unwrap()],
            origin: DeviceOrigin::default(),
            issued_at: UnixTime(self.now),
            interval: FIRST_INTERVAL,
            stage: DeviceStage::Pending,
        };
        let in_use =
            self.devices.iter().any(|device| device.code == code && device.request.is_active(UnixTime(self.now)));
        let answer = self.object(code, &StartDevice(request.clone()), fault);
        match answer {
            Some(true) if in_use => Err("a user code is issued while it is in use".to_owned()),
            Some(true) => {
                self.last_poll[code] = None;
                self.devices.push(Device {
                    code,
                    request,
                    confirmed: None,
                    denied: false,
                    allowed_by: [false; ACCOUNTS],
                    redeemed: 0,
                    maybe_redeemed: false,
                });
                Ok(())
            }
            Some(false) => {
                self.reached.push("a user code is in use");
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn enter(&mut self, account: usize, code: usize, fault: Option<Fault>) -> Result<(), String> {
        self.pages[account] = None;
        let Some(session) = self.sessions[account].clone() else { return Ok(()) };
        match self.ask(account, &TryUserCode { session }, fault) {
            Some(Ok(_)) => {}
            Some(Err(TryError::Throttled { seconds })) => {
                self.reached.push("too many codes are tried");
                return if (1..=900).contains(&seconds) { Ok(()) } else { Err(format!("a wait of {seconds} s")) };
            }
            Some(Err(TryError::SessionMissing)) | None => return Ok(()),
        }
        let found = self.object(code, &ReadDevice, None).unwrap();
        let Some(request) = found.filter(|request| request.stage == DeviceStage::Pending) else { return Ok(()) };
        self.pages[account] = self.devices.iter().position(|device| device.request.grant == request.grant);
        Ok(())
    }

    /// As the Worker does it: the request, the account, the device.
    fn allow(&mut self, account: usize, calls: u32, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pages[account] else { return Ok(()) };
        let Some(session) = self.sessions[account].clone() else { return Ok(()) };
        let (code, grant) = (self.devices[at].code, self.devices[at].request.grant.clone());
        let found = self.object(code, &ReadDevice, None).unwrap().filter(|request| request.grant == grant);
        let Some(request) = found else { return Ok(()) };
        if request.stage == DeviceStage::Allowed(account_id(account)) {
            self.reached.push("a form is sent twice");
            return Ok(());
        }
        self.devices[at].allowed_by[account] = true;
        let status = StatusEntry { list: ListId(0), idx: u32::try_from(at).unwrap() };
        let command = AllowDevice { session, scope: request.scope.clone(), request, status, rules: Rules::default() };
        match self.ask(account, &command, fault.filter(|fault| fault.at % 2 == 0)) {
            Some(Ok(())) => {}
            Some(Err(AllowError::SessionMissing | AllowError::Grant(_) | AllowError::StepUp)) | None => return Ok(()),
        }
        if calls == 0 {
            self.reached.push("the Worker dies between account and device");
            return Ok(());
        }
        let decision = DeviceDecision::Allow(account_id(account));
        let answer = self.object(code, &DecideDevice { grant, decision }, fault.filter(|fault| fault.at % 2 == 1));
        let device = &mut self.devices[at];
        match answer {
            Some(Ok(())) if device.denied => Err("a denied device is allowed".to_owned()),
            Some(Ok(())) if device.confirmed.is_some_and(|before| before != account) => {
                Err("two users have allowed one device".to_owned())
            }
            Some(Ok(())) => {
                device.confirmed = Some(account);
                self.reached.push("a device is allowed");
                Ok(())
            }
            Some(Err(DecideError::Decided)) => {
                self.reached.push("another user was faster");
                Ok(())
            }
            Some(Err(DecideError::Expired)) | None => Ok(()),
        }
    }

    fn deny(&mut self, account: usize, fault: Option<Fault>) -> Result<(), String> {
        let Some(at) = self.pages[account] else { return Ok(()) };
        let device = &mut self.devices[at];
        let (code, grant) = (device.code, device.request.grant.clone());
        if let Some(Ok(())) = self.object(code, &DecideDevice { grant, decision: DeviceDecision::Deny }, fault) {
            let device = &mut self.devices[at];
            device.denied = true;
            if device.confirmed.is_some() {
                return Err("an allowed device is denied".to_owned());
            }
        }
        Ok(())
    }

    fn is_live(&self, account: usize, grant: &GrantId) -> bool {
        let stored = self.accounts[account].peek_one::<Grant>(Table::Grant, grant.as_str());
        stored.is_some_and(|grant| matches!(grant.stage, Stage::Live { .. }))
    }

    /// What holds after each turn.
    fn check(&self) -> Result<(), String> {
        for device in &self.devices {
            let live: Vec<_> = (0..ACCOUNTS).filter(|at| self.is_live(*at, &device.request.grant)).collect();
            if live.len() > 1 {
                return Err("one device has a grant of two accounts".to_owned());
            }
            if live.first().is_some_and(|at| !device.allowed_by[*at]) {
                return Err("a grant that its user has not allowed".to_owned());
            }
            if !live.is_empty() && device.denied {
                return Err("a denied device has a grant".to_owned());
            }
        }
        for account in &self.accounts {
            for (_, grant) in account.peek::<Grant>(Table::Grant) {
                let consent = account.text(Table::Consent, grant.client.as_str());
                if consent.is_none() {
                    return Err("a grant without a consent".to_owned());
                }
            }
        }
        Ok(())
    }
}

fn client_id(client: usize) -> ClientId {
    ClientId::parse(["tv", "frame"][client]).unwrap()
}

fn account_id(account: usize) -> AccountId {
    AccountId::from_bytes([[100, 101][account]; 16])
}

#[test]
fn no_history_of_devices_breaks_a_rule() {
    let reached: RefCell<BTreeMap<&str, u32>> = RefCell::default();
    let play = |history: &[Turn]| {
        let mut world = World::new();
        for (at, turn) in history.iter().enumerate() {
            let played = world.play(turn).and_then(|()| world.check());
            played.map_err(|what| format!("turn {at}: {what}"))?;
        }
        for what in world.reached {
            *reached.borrow_mut().entry(what).or_default() += 1;
        }
        Ok(())
    };
    play_all(100_000, 30, any, play);
    let reached = reached.take();
    for what in [
        "a user code is in use",
        "too many codes are tried",
        "a form is sent twice",
        "a device is allowed",
        "another user was faster",
        "the Worker dies between account and device",
        "the Worker dies between device and account",
        "a client is slowed down",
        "a device gets tokens",
        "a device code is refused the second time",
        "the response with the tokens is lost",
        "the user is disabled in between",
    ] {
        let count = reached.get(what).copied().unwrap_or_default();
        assert!(count >= 20, "{what}: {count} times");
    }
}
