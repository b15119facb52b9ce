//! Grants of assertions: what the account allows, and that everything that ends grants ends them.

use edgemint::account::asserted_grants::{Asserted, GrantAsserted};
use edgemint::account::grants::{DescribeRefreshToken, EndGrant, EndGrants, RefreshGrant, TokenStatus};
use edgemint::account::overview::ReadOverview;
use edgemint::account::profile::CreateAccount;
use edgemint::account::record::AccountRecord;
use edgemint::account::sessions::EndSessions;
use edgemint::account::turn::AccountCommand;
use edgemint::oauth::admin::bulk::GrantFilter;
use edgemint::oauth::grant::gate::{ClientFacts, Permit, StepUp, StepUpOf};
use edgemint::oauth::grant::handle::GrantId;
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Acr, Describe, Grant, GrantRefusal, Refresh, Stage};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::client::GrantType;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::{Records as _, Table};
use edgemint::token::UnixTime;

use super::storage::Storage;
use super::wire::ask;
use super::world::START;
use crate::grant::words::client_facts;

const API: &str = "https://api.example";
const STATUS: StatusEntry = StatusEntry { list: ListId(3), idx: 5 };
const ACCESS_TOKEN_TTL: u64 = 600;

struct Account {
    storage: Storage,
    authority: Authority,
}

impl Account {
    fn new(change: impl FnOnce(&mut AccountRecord)) -> Self {
        let settings = Settings { issuer: "https://as.example", ..Settings::default() };
        let account = Self { storage: Storage::default(), authority: Authority::parse(settings).unwrap() };
        let (profile, scope) = ("sealed".to_owned(), Some(scope("read")));
        let mut record = AccountRecord { profile, scope, created: UnixTime(START), disabled: false };
        change(&mut record);
        assert!(account.ask(&CreateAccount(record)));
        account
    }

    fn ask<C: AccountCommand>(&self, command: &C) -> C::Answer {
        self.ask_at(START, command)
    }

    fn ask_at<C: AccountCommand>(&self, now: u64, command: &C) -> C::Answer {
        ask(&self.storage, &self.authority, now, command).0.unwrap()
    }

    fn stored(&self) -> Option<Grant> {
        self.storage.peek_one(Table::Grant, grant().as_str())
    }

    /// Whether the token of the grant is active at this time.
    fn is_active(&self, now: u64) -> bool {
        let jti = TokenId::within(&grant(), "token");
        self.ask_at(now, &TokenStatus { grant: grant(), jti, audience: resources() }).is_some()
    }
}

fn grant() -> GrantId {
    GrantId::from_bytes([9; 16])
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn resources() -> Vec<Resource> {
    vec![Resource::parse(API).unwrap()]
}

fn client() -> ClientFacts {
    let facts = client_facts();
    ClientFacts {
        grant_types: vec![GrantType::JwtBearer],
        // No client authentication: the assertion replaces it.
        authenticated_by: None,
        scope: scope("read write"),
        resources: resources(),
        ..facts
    }
}

fn asserted(change: impl FnOnce(&mut GrantAsserted)) -> GrantAsserted {
    let mut command = GrantAsserted {
        grant: grant(),
        client: client(),
        scope: scope("read write"),
        resources: resources(),
        requested_scope: None,
        requested_resources: Vec::new(),
        status: STATUS,
        first_use: None,
    };
    change(&mut command);
    command
}

fn texts(permit: &Permit) -> (String, Vec<&str>) {
    (permit.scope().to_string(), permit.resources().iter().map(Resource::as_str).collect())
}

#[test]
fn an_assertion_gets_what_the_operator_the_client_and_the_user_allow_and_nothing_after_its_token() {
    let account = Account::new(|_| {});
    let permit = account.ask(&asserted(|_| {})).unwrap().permit;
    assert_eq!(texts(&permit), ("read".to_owned(), vec![API]));
    let stored = account.stored().unwrap();
    assert_eq!((stored.stage, stored.status, stored.scope), (Stage::Asserted, Some(STATUS), scope("read")));
    assert!(account.is_active(START + ACCESS_TOKEN_TTL - 1));
    assert!(!account.is_active(START + ACCESS_TOKEN_TTL));
    let refresh = |generation| {
        let refresh = Refresh { client: client(), generation, rotate: false, scope: None, resources: Vec::new() };
        account.ask(&RefreshGrant { grant: grant(), refresh, profile: false })
    };
    for generation in [0, 1] {
        assert_eq!(refresh(generation), Err(GrantRefusal::GrantUnknown), "{generation}");
        let describe = Describe { client: client(), generation };
        assert!(account.ask(&DescribeRefreshToken { grant: grant(), describe }).is_none(), "{generation}");
    }
    assert!(account.is_active(START));
}

#[test]
fn what_the_gate_refuses_stores_nothing() {
    let enabled = Account::new(|_| {});
    let disabled = Account::new(|record| record.disabled = true);
    let step_up = StepUp { of: StepUpOf::Scope("read".to_owned()), acr: Some(Acr::SignedIn), max_age: None };
    type Change = Box<dyn FnOnce(&mut GrantAsserted)>;
    let cases: [(&Account, Change, GrantRefusal); 8] = [
        (&disabled, Box::new(|_| {}), GrantRefusal::UserDisabled),
        (&enabled, Box::new(|command| command.client.enabled = false), GrantRefusal::ClientDisabled),
        (&enabled, Box::new(|command| command.client.grant_types.clear()), GrantRefusal::GrantType),
        (&enabled, Box::new(|command| command.scope = scope("write")), GrantRefusal::RightsLost),
        (&enabled, Box::new(|command| command.requested_scope = Some(scope("read admin"))), GrantRefusal::Scope),
        (&enabled, Box::new(|command| command.requested_scope = Some(scope("write"))), GrantRefusal::Scope),
        (
            &enabled,
            Box::new(|command| command.requested_resources = vec![Resource::parse("https://evil.example").unwrap()]),
            GrantRefusal::Resource,
        ),
        (&enabled, Box::new(|command| command.client.rules.step_up.push(step_up)), GrantRefusal::StepUp),
    ];
    for (account, change, refusal) in cases {
        assert_eq!(account.ask(&asserted(change)).err(), Some(refusal));
        assert!(account.stored().is_none(), "{refusal:?}");
    }
    let none = Account::new(|_| {});
    none.storage.delete(Table::Account, edgemint::records::ONLY).unwrap();
    assert_eq!(none.ask(&asserted(|_| {})).err(), Some(GrantRefusal::GrantUnknown));
    assert!(none.stored().is_none());
}

#[test]
fn the_user_and_operators_see_the_grant_and_end_it() {
    let account = Account::new(|_| {});
    account.ask(&asserted(|_| {})).unwrap();
    let overview = account.ask(&ReadOverview { session: None }).unwrap();
    let [connection] = overview.connections.as_slice() else { panic!("{} connections", overview.connections.len()) };
    assert_eq!((connection.client.as_str(), connection.grants.len()), ("app", 1));
    // It belongs to no session.
    account.ask(&EndSessions);
    assert!(account.is_active(START));
    assert!(account.ask(&EndGrant { grant: grant() }));
    assert!(!account.is_active(START));
    let noted: Vec<(String, serde_json::Value)> = account.storage.list(Table::Revocation).unwrap();
    assert_eq!(noted.len(), 1, "the status list is notified");

    account.ask(&asserted(|_| {})).unwrap();
    let which = GrantFilter::of_client(client().id);
    assert_eq!(account.ask(&EndGrants { which, job: None }), Some(1));
    assert!(!account.is_active(START));
}

#[test]
fn the_text_of_an_assertion_yields_one_grant_and_never_one_that_has_ended() {
    let account = Account::new(|_| {});
    let first = UnixTime(START - 5);
    let again = |change: fn(&mut GrantAsserted)| {
        account.ask(&asserted(|command| {
            command.first_use = Some(first);
            change(command);
        }))
    };
    let issued = again(|_| {}).unwrap();
    assert_eq!((texts(&issued.permit).0, issued.status), ("read".to_owned(), Some(STATUS)));
    assert_eq!(account.stored().unwrap().issued_at, first, "the response of the first use");
    let before = account.stored().unwrap();
    let repeated = again(|command| command.status = StatusEntry { list: STATUS.list, idx: STATUS.idx + 1 }).unwrap();
    assert_eq!((repeated.permit, repeated.status), (issued.permit, Some(STATUS)));
    assert_eq!(account.stored().unwrap().status, before.status);
    // What the operator allows now is no part of what was granted.
    let wider = again(|command| command.requested_scope = Some(scope("read write")));
    assert_eq!(wider.err(), Some(GrantRefusal::Scope));

    assert!(account.ask(&EndGrant { grant: grant() }));
    assert_eq!(again(|_| {}).err(), Some(GrantRefusal::GrantUnknown));
    assert!(account.stored().is_none());
    // An answer of an object that knows no earlier grant.
    let old = serde_json::json!({ "scope": "read", "resources": [API] });
    let old: Asserted = serde_json::from_value(old).unwrap();
    assert_eq!((texts(&old.permit).0, old.status), ("read".to_owned(), None));
}
