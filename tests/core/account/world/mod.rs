//! One account, the browsers and clients that use it, the status lists that it notifies, and a clock that the test moves.

mod codes;
mod exchanges;
mod grants;
mod narrowing;
mod passkeys;
mod profile;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};

use edgemint::account::grants::Tokens;
use edgemint::account::outbox::{self, Notice};
use edgemint::account::passkeys::{RemovePasskey, RemovePasskeys};
use edgemint::account::profile::CreateAccount;
use edgemint::account::record::{AccountRecord, Session};
use edgemint::account::sessions::{EndSessions, GrantsToEnd};
use edgemint::account::turn::AccountCommand;
use edgemint::oauth::ClientId;
use edgemint::oauth::grant::Grant;
use edgemint::oauth::grant::handle::{GrantId, SessionId};
use edgemint::oauth::status::StatusEntry;
use edgemint::oauth::status::revoked::Suspension;
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::status_entry::SuspensionState;
use edgemint::records::{ONLY, Records as _, StorageError, Table};
use edgemint::token::UnixTime;

use super::random::Random;
use super::storage::{Fault, Storage};
use super::wire::ask;
use passkeys::passkey_id;
pub(crate) use passkeys::{is_synced, new_passkey};

pub(crate) const START: u64 = 1_800_000_000;
const FORM_TTL: u64 = edgemint::account::FORM_TTL;
const CALLBACK: &str = "https://app.example/callback";
const RESOURCES: [&str; 2] = ["https://api.example", "https://files.example"];
const VERIFIER: &str = "the-verifier-that-the-client-keeps-to-itself";
const GUESS: &str = "the-verifier-that-another-client-has-made-up";
const BROWSERS: usize = 3;
const CLIENTS: usize = 2;
const PASSKEYS: usize = 3;
const FORMS: usize = 3;

/// One act, and the failure of storage in its turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happening {
    pub(crate) act: Act,
    pub(crate) fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    SignIn { browser: usize, passkey: Option<(usize, u32, usize)> },
    Authorize { browser: usize, client: usize, offline: bool },
    Allow { browser: usize, client: usize, offline: bool, form: usize },
    Redeem { grant: usize, client: Option<usize>, right: bool },
    Refresh { grant: usize, back: u64, client: Option<usize> },
    Revoke { grant: usize, client: Option<usize> },
    RevokeToken { grant: usize },
    Exchange { grant: usize, is_exchanged: bool },
    EndGrant { grant: usize },
    EndGrants { client: Option<usize>, job: bool },
    Assert { client: usize, named: Option<usize> },
    LoseResource { client: Option<usize>, resource: usize, job: bool },
    Introspect { grant: usize },
    Withdraw { client: usize },
    EndSession { browser: usize },
    EndSessions,
    Secure { browser: Option<usize>, passkeys: bool, grants: GrantsToEnd },
    AddPasskey { browser: usize, passkey: usize, challenge: usize },
    RemoveOwn { browser: usize, passkey: usize, is_needed: bool },
    RemovePasskey { passkey: usize },
    RemovePasskeys,
    Narrow { scope: usize },
    Enable { enabled: bool },
    SuspendClient { client: usize, marked: bool, late: bool },
    Overview { browser: Option<usize> },
    Remove,
    Notify { lost: bool },
    Late { message: usize },
    Confirm,
    Sweep,
    Wait { seconds: u64 },
}

/// Any act; the later ones are rare.
pub(crate) fn any(random: &mut Random) -> Happening {
    let browser = random.index(BROWSERS);
    let client = random.index(CLIENTS);
    let grant = random.one_of(&[0, 0, 0, 0, 0, 1, 1, 2]);
    let passkey = random.index(PASSKEYS);
    let other = random.chance(10).then_some(client);
    // Sequences that single acts rarely complete.
    let burst = random.chance(35).then(|| match random.below(8) {
        0 | 1 => Act::Redeem { grant: 0, client: None, right: true },
        2..6 => Act::Refresh { grant: 0, back: random.one_of(&[0, 0, 0, 1, 1, 2]), client: None },
        6 => Act::AddPasskey { browser: 0, passkey: 0, challenge: random.index(20) },
        _ => Act::SignIn { browser: 0, passkey: Some((0, u32::try_from(random.below(6)).unwrap(), random.index(20))) },
    });
    let act = match random.below(100) {
        _ if burst.is_some() => burst.unwrap(),
        0..10 => Act::SignIn {
            browser,
            passkey: random.chance(50).then(|| (passkey, u32::try_from(random.below(6)).unwrap(), random.index(4))),
        },
        10..18 => Act::Authorize { browser, client, offline: random.chance(50) },
        18..28 => Act::Allow { browser, client, offline: random.chance(50), form: random.index(FORMS) },
        28..40 => Act::Redeem { grant, client: other, right: !random.chance(10) },
        40..58 => Act::Refresh { grant, back: random.one_of(&[0, 0, 0, 1, 1, 2, 9]), client: other },
        58..60 => Act::Revoke { grant, client: other },
        60 => Act::RevokeToken { grant },
        61 => Act::Exchange { grant, is_exchanged: random.chance(50) },
        62..64 => Act::EndGrant { grant },
        64..66 => Act::EndGrants { client: random.chance(50).then_some(client), job: random.chance(50) },
        66..68 => Act::Withdraw { client },
        68..70 => Act::EndSession { browser },
        70 => Act::EndSessions,
        71..73 => Act::Secure {
            browser: random.chance(70).then_some(browser),
            passkeys: random.chance(50),
            grants: random.one_of(&[GrantsToEnd::None, GrantsToEnd::Offline, GrantsToEnd::All]),
        },
        73..78 => Act::AddPasskey { browser, passkey, challenge: random.index(4) },
        78 => Act::RemoveOwn { browser, passkey, is_needed: random.chance(50) },
        79 => Act::RemovePasskey { passkey },
        80 => Act::RemovePasskeys,
        81 => Act::Narrow { scope: random.index(3) },
        82 => Act::Enable { enabled: random.chance(70) },
        83 => Act::Overview { browser: random.chance(70).then_some(browser) },
        84 => {
            if random.chance(20) {
                Act::Remove
            } else {
                Act::Sweep
            }
        }
        85..89 => Act::Notify { lost: random.chance(30) },
        89 => Act::Late { message: random.index(20) },
        90..92 => Act::Sweep,
        _ => Act::Wait {
            seconds: random.one_of(&[1, 5, 29, 31, 59, 61, 301, 599, 601, 3_700, 90_000, 700_000, 1_300_000]),
        },
    };
    Happening { act, fault: Fault::random(random, 25, 8) }
}

/// Any act of a history in which an account with two offline grants is disabled and enabled.
pub(crate) fn any_suspension(random: &mut Random) -> Happening {
    let grant = random.one_of(&[0, 0, 0, 1]);
    let act = match random.below(20) {
        0..3 => Act::Enable { enabled: random.chance(60) },
        3..5 => {
            Act::SuspendClient { client: random.index(CLIENTS), marked: random.chance(50), late: random.chance(30) }
        }
        5..9 => Act::Refresh { grant, back: random.one_of(&[0, 0, 0, 1]), client: None },
        9..12 => Act::Notify { lost: random.chance(40) },
        12 => Act::Confirm,
        13..15 => Act::Late { message: random.index(12) },
        15 if random.chance(50) => Act::RevokeToken { grant },
        15 => Act::Exchange { grant, is_exchanged: random.chance(50) },
        16 if random.chance(30) => Act::EndGrant { grant },
        17 => Act::SignIn { browser: 1, passkey: None },
        18 => Act::Sweep,
        _ => Act::Wait { seconds: random.one_of(&[1, 29, 31, 300, 599, 601, 3_700]) },
    };
    Happening { act, fault: Fault::random(random, 25, 12) }
}

/// Any act of a history of two offline grants and of assertions, in which resources are removed.
pub(crate) fn any_narrowing(random: &mut Random) -> Happening {
    let (client, resource) = (random.index(CLIENTS), random.index(RESOURCES.len()));
    let grant = random.one_of(&[0, 0, 0, 1, 1, 2]);
    let some_client = random.chance(70).then_some(client);
    let act = match random.below(43) {
        0..8 => Act::Assert { client, named: random.chance(30).then_some(resource) },
        8..13 => Act::LoseResource { client: some_client, resource, job: random.chance(70) },
        13..19 => Act::Refresh { grant, back: random.one_of(&[0, 0, 0, 1]), client: None },
        19..24 => Act::Introspect { grant },
        24 => Act::Redeem { grant, client: None, right: true },
        25 => Act::Allow { browser: 0, client, offline: true, form: random.index(FORMS) },
        26 => Act::Authorize { browser: 0, client, offline: true },
        27 => Act::RevokeToken { grant },
        28 => Act::EndGrant { grant },
        29 => Act::EndGrants { client: some_client, job: random.chance(50) },
        30 => Act::Enable { enabled: random.chance(60) },
        31 => Act::SuspendClient { client, marked: random.chance(50), late: random.chance(30) },
        32 => Act::Withdraw { client },
        33..36 => Act::Notify { lost: random.chance(30) },
        36 => Act::Overview { browser: None },
        37 => Act::Sweep,
        38..41 => Act::Exchange { grant, is_exchanged: random.chance(50) },
        _ => Act::Wait { seconds: random.one_of(&[1, 29, 31, 300, 599, 601, 3_700, 90_000]) },
    };
    Happening { act, fault: Fault::random(random, 25, 12) }
}

/// The acts that such a history begins with.
pub(crate) fn two_offline_grants() -> Vec<Happening> {
    let allow = |client, form| Act::Allow { browser: 0, client, offline: true, form };
    let redeem = |grant| Act::Redeem { grant, client: None, right: true };
    let acts = [Act::SignIn { browser: 0, passkey: None }, allow(0, 0), redeem(0), allow(1, 1), redeem(0)];
    acts.map(|act| Happening { act, fault: None }).to_vec()
}

/// The outside view of a grant.
pub(crate) struct Known {
    pub(crate) id: GrantId,
    client: usize,
    pub(crate) entry: StatusEntry,
    /// The time at which the form was rendered that created the grant.
    form_born: u64,
    pub(crate) redeemed: u32,
    /// The responses to refresh requests: the generation that was presented, the time, and the response.
    pub(crate) refreshed: Vec<(u64, u64, Tokens)>,
    /// The expiry of the last access token that left the account.
    pub(crate) token_expires: u64,
    token_revoked: bool,
    /// The audience of each access token that left the account, and when it expires.
    audiences: Vec<(Vec<Resource>, u64)>,
    /// The expiry of the grant if it is not used, as it was stored last.
    pub(crate) expires: u64,
    pub(crate) was_stored: bool,
    pub(crate) is_gone: bool,
}

pub(crate) struct World {
    pub(crate) storage: Storage,
    pub(crate) authority: Authority,
    pub(crate) now: u64,
    account: AccountRecord,
    next_id: u8,
    cookies: [Option<SessionId>; BROWSERS],
    pub(crate) grants: Vec<Known>,
    /// The open forms: the position of each one's grant.
    forms: [Option<usize>; FORMS],
    /// Clients whose request the user has allowed since consent was withdrawn.
    consented: BTreeSet<usize>,
    answered: BTreeMap<usize, u64>,
    challenges: u64,
    pub(crate) counters: BTreeMap<usize, u64>,
    /// The revoked entries that status lists have been notified of, and until when.
    pub(crate) told: BTreeMap<(u32, u32), u64>,
    /// The suspensions that status lists have been notified of, as they apply them, and every message.
    pub(crate) suspended: BTreeMap<(u32, u32), Suspension>,
    messages: Vec<((u32, u32), Suspension)>,
    unconfirmed: Option<Notice>,
    /// The last change of each client that the account was told of.
    pub(crate) client_changes: [SuspensionState; CLIENTS],
    pub(crate) told_client_at: [UnixTime; CLIENTS],
    /// Whether storage failed while the account was disabled or enabled, and the operator has not retried yet.
    pub(crate) is_unsettled: bool,
    job_count: u64,
    pub(crate) is_removed: bool,
    /// The kinds of events so far, to check that histories reach them.
    pub(crate) reached: Vec<&'static str>,
}

impl World {
    pub(crate) fn new() -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        let account =
            AccountRecord { profile: "sealed 0".to_owned(), scope: None, created: UnixTime(START), disabled: false };
        let mut world = Self {
            storage: Storage::default(),
            authority: Authority::parse(settings).unwrap(),
            now: START,
            account: account.clone(),
            next_id: 1,
            cookies: [const { None }; BROWSERS],
            grants: Vec::new(),
            forms: [None; FORMS],
            consented: BTreeSet::new(),
            answered: BTreeMap::new(),
            challenges: 0,
            counters: BTreeMap::new(),
            told: BTreeMap::new(),
            suspended: BTreeMap::new(),
            messages: Vec::new(),
            unconfirmed: None,
            client_changes: [SuspensionState { version: 0, marked: false }; CLIENTS],
            told_client_at: [UnixTime(0); CLIENTS],
            is_unsettled: false,
            job_count: 0,
            is_removed: false,
            reached: Vec::new(),
        };
        assert!(world.ask(&CreateAccount(account), None).unwrap());
        world
    }

    /// Plays one act, and checks its response.
    pub(crate) fn play(&mut self, happening: &Happening) -> Result<(), String> {
        let Happening { act, fault } = *happening;
        match act {
            Act::SignIn { browser, passkey } => self.sign_in(browser, passkey, fault),
            Act::Authorize { browser, client, offline } => self.authorize(browser, client, offline, fault),
            Act::Allow { browser, client, offline, form } => self.allow(browser, client, offline, form, fault),
            Act::Redeem { grant, client, right } => self.redeem(grant, client, right, fault),
            Act::Refresh { grant, back, client } => self.refresh(grant, back, client, fault),
            Act::Revoke { grant, client } => self.revoke(grant, client, fault),
            Act::RevokeToken { grant } => self.revoke_token(grant, fault),
            Act::Exchange { grant, is_exchanged } => self.exchange(grant, is_exchanged, fault),
            Act::EndGrant { grant } => self.end_grant(grant, fault),
            Act::EndGrants { client, job } => self.end_grants(client, job, fault),
            Act::Assert { client, named } => self.assert(client, named, fault),
            Act::LoseResource { client, resource, job } => self.lose_resource(client, resource, job, fault),
            Act::Introspect { grant } => self.introspect(grant),
            Act::Withdraw { client } => self.withdraw(client, fault),
            Act::EndSession { browser } => self.end_session(browser, fault),
            Act::EndSessions => match self.ask(&EndSessions, fault) {
                Ok(Some(_)) => self.expect_sessions(|_, _| false),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::Secure { browser, passkeys, grants } => self.secure(browser, passkeys, grants, fault),
            Act::AddPasskey { browser, passkey, challenge } => self.add_passkey(browser, passkey, challenge, fault),
            Act::RemoveOwn { browser, passkey, is_needed } => self.remove_own(browser, passkey, is_needed, fault),
            Act::RemovePasskey { passkey } => match self.ask(&RemovePasskey { id: passkey_id(passkey) }, fault) {
                Ok(Some(_)) => self.expect_without_passkey(passkey, None),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::RemovePasskeys => match self.ask(&RemovePasskeys, fault) {
                Ok(Some(_)) => (0..PASSKEYS).try_for_each(|passkey| self.expect_without_passkey(passkey, None)),
                Ok(None) | Err(_) => Ok(()),
            },
            Act::Narrow { scope } => self.narrow(scope, fault),
            Act::Enable { enabled } => self.enable(enabled, fault),
            Act::SuspendClient { client, marked, late } => self.suspend_client(client, marked, late, fault),
            Act::Overview { browser } => self.overview(browser, fault),
            Act::Remove => self.remove(fault),
            Act::Notify { lost } => self.notify(lost, fault),
            // A confirmation arrives after other commands.
            Act::Confirm => {
                self.storage.begin(fault);
                if let Some(notice) = self.unconfirmed.take() {
                    let _ = outbox::confirmed(&self.storage, &notice);
                }
                self.storage.end();
                Ok(())
            }
            // A status list gets an earlier message again.
            Act::Late { message } => {
                if let Some((entry, suspension)) = self.messages.get(message).copied() {
                    self.apply(entry, suspension);
                }
                Ok(())
            }
            Act::Sweep => {
                self.storage.begin(fault);
                let _ = self.storage.sweep(UnixTime(self.now));
                self.storage.end();
                Ok(())
            }
            Act::Wait { seconds } => {
                self.now += seconds;
                Ok(())
            }
        }
    }

    /// Sends a command. If a fault occurs, the response does not leave the account.
    fn ask<C: AccountCommand>(&mut self, command: &C, fault: Option<Fault>) -> Result<C::Answer, StorageError> {
        let waiting = |world: &Self| world.storage.count(Table::Revocation) + world.storage.count(Table::Suspension);
        let outbox_before = waiting(self);
        self.storage.begin(fault);
        let (answer, has_revoked) = ask(&self.storage, &self.authority, self.now, command);
        let failed = self.storage.end();
        assert_eq!(failed, answer.is_err(), "a failure of storage is reported");
        let outbox_after = waiting(self);
        if outbox_after > outbox_before {
            self.reached.push("a revocation is stored");
            if failed {
                self.reached.push("a revocation is stored in a turn that fails");
            }
        }
        assert!(has_revoked || outbox_after <= outbox_before, "a stored revocation is told in the same turn");
        answer
    }

    fn id(&mut self) -> [u8; 16] {
        self.next_id = self.next_id.checked_add(1).unwrap();
        [self.next_id; 16]
    }

    fn session(&self, id: &SessionId) -> Option<Session> {
        self.storage.peek_one::<Session>(Table::Session, id.as_str())
    }

    fn is_signed_in(&self, browser: usize) -> bool {
        let session = self.cookies[browser].as_ref().and_then(|id| self.session(id));
        session.is_some_and(|session| self.now < session.ends.0) && !self.is_disabled()
    }

    pub(crate) fn client_of(&self, id: &ClientId) -> usize {
        (0..CLIENTS).find(|client| client_id(*client) == *id).unwrap()
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.storage.peek_one::<AccountRecord>(Table::Account, ONLY).is_some_and(|account| account.disabled)
    }

    fn cookie(&self, browser: usize) -> SessionId {
        self.cookies[browser].clone().unwrap_or_else(|| SessionId::from_bytes([0; 16]))
    }

    fn stored(&self, grant: &GrantId) -> Option<Grant> {
        self.storage.peek_one(Table::Grant, grant.as_str())
    }
}

/// The resources that a client may request: the second client has but the first.
fn resources_of(client: usize) -> Vec<Resource> {
    RESOURCES[..RESOURCES.len() - client].iter().map(|text| Resource::parse(text).unwrap()).collect()
}

fn client_id(client: usize) -> ClientId {
    ClientId::parse(["app", "service"][client]).unwrap()
}
