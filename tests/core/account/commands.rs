//! Commands of an account one by one, with answers that the histories do not look at.

use edgemint::account::grants::{DescribeRefreshToken, EndGrant, EndGrants, TokenStatus, WithdrawConsent};
use edgemint::account::overview::ReadOverview;
use edgemint::account::passkeys::{
    ReadPasskey, RemoveOwnPasskey, RemovePasskey, RemovePasskeyError, RemovePasskeys, RenamePasskey,
};
use edgemint::account::profile::{CreateAccount, ReadAccount, RemoveAccount, ReplaceAccount, Replaced, SetProfile};
use edgemint::account::record::{AccountRecord, PasskeyRecord, Session};
use edgemint::account::sessions::{
    CheckStepUp, EndSession, EndSessions, GrantsToEnd, OpenSession, Opened, SecureAccount,
};
use edgemint::account::turn::{AccountCommand, Ended, StepUpError};
use edgemint::oauth::ClientId;
use edgemint::oauth::admin::bulk::GrantFilter;
use edgemint::oauth::admin::user::Change;
use edgemint::oauth::grant::consent::Consent;
use edgemint::oauth::grant::gate::ClientFacts;
use edgemint::oauth::grant::handle::{GrantId, SessionId};
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Describe, Grant, SignIn, Stage};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::pkce::Challenge;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::{Records as _, Table};
use edgemint::token::UnixTime;

use super::storage::Storage;
use super::wire::ask;
use super::world::{START, new_passkey};
use crate::grant::words::client_facts;

const API: &str = "https://api.example";

struct Account {
    storage: Storage,
    authority: Authority,
    now: u64,
}

impl Account {
    /// No account yet.
    fn none() -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        Self { storage: Storage::default(), authority: Authority::parse(settings).unwrap(), now: START }
    }

    fn new() -> Self {
        let account = Self::none();
        assert!(account.ask(&CreateAccount(record())));
        account
    }

    fn ask<C: AccountCommand>(&self, command: &C) -> C::Answer {
        ask(&self.storage, &self.authority, self.now, command).0.unwrap()
    }

    fn record(&self) -> Option<AccountRecord> {
        self.ask(&ReadAccount)
    }

    /// Opens a session now, and returns it.
    fn open(&self, id: u8, signed_in: u64, replaces: Option<u8>) -> Session {
        let command = OpenSession {
            session: session(id),
            sign_in: sign_in(signed_in),
            agent: "Firefox".to_owned(),
            replaces: replaces.map(session),
            passkey: None,
        };
        assert_eq!(self.ask(&command), Opened::Done);
        self.session(id).unwrap()
    }

    fn session(&self, id: u8) -> Option<Session> {
        self.storage.peek_one(Table::Session, session(id).as_str())
    }

    fn put_passkey(&self, number: usize) -> String {
        let id = format!("passkey-{number}");
        self.storage.put(Table::Passkey, &id, None, &new_passkey(number, START)).unwrap();
        id
    }

    /// Stores a grant of the session 1 that was used just now.
    fn put_grant(&self, id: u8, change: impl FnOnce(&mut Grant)) -> GrantId {
        let now = UnixTime(self.now);
        let mut grant = Grant {
            client: client("app"),
            scope: scope("openid read"),
            resources: vec![Resource::parse(API).unwrap()],
            session: Some(session(1)),
            offline: false,
            sign_in: Some(sign_in(self.now)),
            challenge: Challenge::of_verifier("a-verifier-of-forty-three-characters-or-more"),
            issued_at: now,
            status: None,
            id_token_claims: Vec::new(),
            tokens_end: None,
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Live { generation: 2, turned_at: now, used_at: now, redeemed_at: now },
        };
        change(&mut grant);
        let id = GrantId::from_bytes([id; 16]);
        let consent = Consent::new(now).with(&grant.scope, &grant.resources);
        self.storage.put(Table::Consent, grant.client.as_str(), None, &consent).unwrap();
        self.storage.put(Table::Grant, id.as_str(), None, &grant).unwrap();
        id
    }
}

fn record() -> AccountRecord {
    AccountRecord { profile: "first".to_owned(), scope: Some(scope("read")), created: UnixTime(START), disabled: false }
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

fn session(id: u8) -> SessionId {
    SessionId::from_bytes([id; 16])
}

fn sign_in(at: u64) -> SignIn {
    SignIn { at: UnixTime(at), amr: vec!["pwd".to_owned()], acr: None }
}

#[test]
fn a_profile_is_replaced_if_it_is_the_one_that_was_read() {
    let set = |was: &str| SetProfile { was: was.to_owned(), sealed: "second".to_owned() };
    assert_eq!((Account::none().record(), Account::none().ask(&set("first"))), (None, Replaced::Missing));
    let account = Account::new();
    assert_eq!(account.ask(&set("other")), Replaced::Outdated);
    assert_eq!(account.record(), Some(record()));
    assert_eq!(account.ask(&set("first")), Replaced::Done);
    assert_eq!(account.record(), Some(AccountRecord { profile: "second".to_owned(), ..record() }));
    assert!(!account.ask(&CreateAccount(record())), "it exists");
}

#[test]
fn the_scope_of_an_account_is_kept_set_or_cleared() {
    let replace = |scope: Change<Scope>| ReplaceAccount {
        was: "first".to_owned(),
        sealed: "second".to_owned(),
        scope,
        enabled: None,
    };
    assert_eq!(Account::none().ask(&replace(Change::Keep)), Replaced::Missing);
    for (change, expected) in [
        (Change::Keep, Some(scope("read"))),
        (Change::Set(scope("write")), Some(scope("write"))),
        (Change::Clear, None),
    ] {
        let account = Account::new();
        assert_eq!(account.ask(&replace(change)), Replaced::Done);
        let stored = account.record().unwrap();
        assert_eq!((stored.scope, stored.profile.as_str()), (expected, "second"));
    }
}

#[test]
fn a_new_session_takes_over_since_when_the_browser_is_signed_in() {
    let mut account = Account::new();
    let first = account.open(1, START - 5, None);
    assert_eq!((first.sign_in.at.0, first.opened_at.0, first.seen_at.0), (START - 5, START, START));
    assert_eq!(first.ends, UnixTime(START + account.authority.session_ttl()));
    account.now += 100;
    let second = account.open(2, START + 100, Some(1));
    assert_eq!((second.opened_at.0, second.seen_at.0), (START, START + 100));
    assert!(account.session(1).is_none());
    // A session that has expired hands nothing on, and no sign-in is in the future.
    account.now = second.ends.0;
    let third = account.open(3, account.now + 9, Some(2));
    assert_eq!((third.opened_at.0, third.sign_in.at.0), (account.now, account.now));
}

#[test]
fn the_last_use_of_a_session_is_stored_once_an_hour() {
    let mut account = Account::new();
    account.open(1, START, None);
    for (passed, seen) in [(3599, START), (3600, START + 3600), (7199, START + 3600), (7200, START + 7200)] {
        account.now = START + passed;
        let overview = account.ask(&ReadOverview { session: Some(session(1)) }).unwrap();
        assert_eq!(overview.current, Some(session(1)));
        assert_eq!(account.session(1).unwrap().seen_at.0, seen, "after {passed} seconds");
    }
}

#[test]
fn an_overview_shows_active_sessions_and_all_passkeys() {
    let mut account = Account::new();
    let ends = account.open(1, START, None).ends.0;
    account.now += 1;
    account.open(2, START, None);
    let passkey = account.put_passkey(0);
    for (now, shown) in [(START + 1, 2), (ends - 1, 2), (ends, 1), (ends + 1, 0)] {
        account.now = now;
        let overview = account.ask(&ReadOverview { session: None }).unwrap();
        assert_eq!((overview.sessions.len(), overview.current), (shown, None), "at {now}");
        assert_eq!(overview.account, record());
        assert_eq!(overview.passkeys.iter().map(|(id, _)| id).collect::<Vec<_>>(), [&passkey]);
    }
}

#[test]
fn passkeys_are_read_and_renamed() {
    let rename = |id: &str| RenamePasskey { id: id.to_owned(), name: "Laptop".to_owned() };
    assert!(!Account::none().ask(&rename("passkey-0")));
    let account = Account::new();
    let id = account.put_passkey(0);
    let read = |id: &str| account.ask(&ReadPasskey { id: id.to_owned() });
    assert!(!account.ask(&rename("other")));
    assert!(read("other").is_none());
    let before = read(&id).unwrap();
    assert!(account.ask(&rename(&id)));
    let after: PasskeyRecord = read(&id).unwrap();
    assert_eq!((after.name.as_str(), after.created, after.passkey), ("Laptop", before.created, before.passkey));
}

#[test]
fn what_has_ended_is_counted() {
    let signed_in = || {
        let account = Account::new();
        for (id, passkey) in [(1, Some(0)), (2, Some(1)), (3, None)] {
            let passkey = passkey.map(|number| account.put_passkey(number));
            let session = Session { passkey, ..account.open(id, START, None) };
            account.storage.put(Table::Session, self::session(id).as_str(), Some(session.ends), &session).unwrap();
        }
        account.put_grant(1, |_| {});
        account.put_grant(2, |grant| (grant.offline, grant.session) = (true, Some(session(3))));
        account
    };
    let secure = |except: Option<u8>, passkeys: bool, grants: GrantsToEnd| {
        let account = signed_in();
        let ended = account.ask(&SecureAccount { except: except.map(session), passkeys, grants }).unwrap();
        (ended.sessions, ended.passkeys, ended.grants)
    };
    assert_eq!(signed_in().ask(&EndSessions), Some(3));
    assert_eq!(signed_in().ask(&RemovePasskeys), Some(Ended { sessions: 2, passkeys: 2, grants: 0 }));
    assert_eq!(secure(None, true, GrantsToEnd::All), (3, 2, 2));
    assert_eq!(secure(Some(1), true, GrantsToEnd::Offline), (2, 1, 1), "the passkey of the remaining session stays");
    assert_eq!(secure(Some(3), true, GrantsToEnd::None), (2, 2, 0));
    assert_eq!(secure(Some(3), false, GrantsToEnd::None), (2, 0, 0));
    let account = signed_in();
    let withdraw = |id: &str| account.ask(&WithdrawConsent { client: client(id) });
    assert_eq!((withdraw("other"), withdraw("app"), withdraw("app")), (Some(0), Some(2), Some(0)));
    let ended = |which: GrantFilter| signed_in().ask(&EndGrants { which, job: None });
    assert_eq!(ended(GrantFilter::default()), Some(2));
    assert_eq!(ended(GrantFilter::of_client(client("other"))), Some(0));
}

#[test]
fn a_refresh_token_is_described_to_its_client_while_it_is_active() {
    let mut account = Account::new();
    let session = account.open(1, START, None);
    let of_app = account.put_grant(1, |_| {});
    let code = account.put_grant(2, |grant| {
        grant.stage = Stage::Code { redirect_uri: "https://app.example/".to_owned(), nonce: None };
    });
    let offline = account.put_grant(3, |grant| (grant.offline, grant.scope) = (true, scope("read offline_access")));
    let describe = |account: &Account, grant: &GrantId, client_id: &str, generation: u64| {
        let client = ClientFacts {
            id: client(client_id),
            scope: scope("openid read offline_access"),
            resources: vec![Resource::parse(API).unwrap()],
            ..client_facts()
        };
        let describe = Describe { client, generation };
        let described = account.ask(&DescribeRefreshToken { grant: grant.clone(), describe });
        described.map(|described| (described.scope.to_string(), described.at.0))
    };
    let read = |scope: &str| Some((scope.to_owned(), START));
    assert_eq!(describe(&account, &of_app, "app", 2), read("openid read"));
    assert_eq!(describe(&account, &of_app, "other", 2), None);
    assert_eq!(describe(&account, &of_app, "app", 3), None);
    assert_eq!(describe(&account, &code, "app", 0), None);
    assert_eq!(describe(&account, &GrantId::from_bytes([9; 16]), "app", 2), None);
    assert_eq!(describe(&Account::none(), &of_app, "app", 2), None);
    // A grant ends with its session, unless it outlives it; and at last by its own expiry.
    account.now = session.ends.0;
    assert_eq!(describe(&account, &of_app, "app", 2), None);
    assert_eq!(describe(&account, &offline, "app", 2), read("read offline_access"));
    account.now = START + account.authority.lifetimes().refresh_idle - 1;
    assert_eq!(describe(&account, &offline, "app", 2), read("read offline_access"));
    account.now += 1;
    assert_eq!(describe(&account, &offline, "app", 2), None);
}

#[test]
fn without_an_account_there_is_nothing_to_read_or_end() {
    let none = Account::none();
    let (grant, id) = (GrantId::from_bytes([1; 16]), "passkey-0".to_owned());
    assert_eq!(none.ask(&EndSession { session: session(1) }), None);
    assert_eq!(none.ask(&EndSessions), None);
    assert_eq!(none.ask(&SecureAccount { except: None, passkeys: true, grants: GrantsToEnd::All }), None);
    assert_eq!(none.ask(&CheckStepUp { session: session(1) }), Err(StepUpError::SessionMissing));
    assert!(!none.ask(&EndGrant { grant: grant.clone() }));
    assert_eq!(none.ask(&EndGrants { which: GrantFilter::default(), job: None }), None);
    assert_eq!(none.ask(&WithdrawConsent { client: client("app") }), None);
    assert_eq!(none.ask(&TokenStatus { grant, jti: TokenId::of_verified("j"), audience: Vec::new() }), None);
    assert_eq!(none.ask(&RemovePasskey { id: id.clone() }), None);
    assert_eq!(none.ask(&RemovePasskeys), None);
    assert!(!none.ask(&RemoveAccount));
    assert!(none.ask(&ReadPasskey { id: id.clone() }).is_none());
    assert!(none.ask(&ReadOverview { session: None }).is_none());
    let remove = RemoveOwnPasskey { session: session(1), id, is_needed: false };
    assert_eq!(none.ask(&remove), Err(RemovePasskeyError::StepUp(StepUpError::SessionMissing)));
    assert!(none.storage.is_empty().unwrap());
}
