//! The removal of a resource, case by case: what a grant, a consent and a token keep.

use edgemint::account::command::Sent;
use edgemint::account::commands::AccountRequest;
use edgemint::account::grants::{RefreshGrant, TokenStatus};
use edgemint::account::narrowing::NarrowGrants;
use edgemint::account::profile::CreateAccount;
use edgemint::account::record::AccountRecord;
use edgemint::account::turn::AccountCommand;
use edgemint::oauth::grant::consent::Consent;
use edgemint::oauth::grant::gate::ClientFacts;
use edgemint::oauth::grant::handle::{GrantId, SessionId};
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Grant, GrantRefusal, Refresh, SignIn, Stage};
use edgemint::oauth::status::{ListId, StatusEntry};
use edgemint::oauth::vocabulary::authority::{Authority, Settings};
use edgemint::oauth::vocabulary::client::ClientId;
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::scope::Scope;
use edgemint::records::{Records as _, Table};
use edgemint::token::UnixTime;
use serde_json::json;

use super::storage::Storage;
use super::wire::ask;
use super::world::START;
use crate::grant::words::client_facts;

const ISSUER: &str = "https://as.example";
const API: &str = "https://api.example";
const FILES: &str = "https://files.example";
/// The longest life of an access token.
const DAY: u64 = 24 * 3600;

struct Account {
    storage: Storage,
    authority: Authority,
}

impl Account {
    fn new() -> Self {
        let settings = Settings { issuer: ISSUER, ..Settings::default() };
        let account = Self { storage: Storage::default(), authority: Authority::parse(settings).unwrap() };
        let record =
            AccountRecord { profile: "sealed".to_owned(), scope: None, created: UnixTime(START), disabled: false };
        assert!(account.ask(&CreateAccount(record)));
        account
    }

    fn ask<C: AccountCommand>(&self, command: &C) -> C::Answer {
        self.ask_at(START, command)
    }

    fn ask_at<C: AccountCommand>(&self, now: u64, command: &C) -> C::Answer {
        ask(&self.storage, &self.authority, now, command).0.unwrap()
    }

    /// Stores an offline grant of the client `app`.
    fn put(&self, id: u8, at: &[&str], change: impl FnOnce(&mut Grant)) -> GrantId {
        let now = UnixTime(START);
        let mut grant = Grant {
            client: client("app"),
            scope: Scope::parse("read offline_access").unwrap(),
            resources: resources(at),
            session: Some(SessionId::from_bytes([1; 16])),
            offline: true,
            sign_in: Some(SignIn { at: now, amr: Vec::new(), acr: None }),
            challenge: None,
            issued_at: now,
            status: Some(StatusEntry { list: ListId(0), idx: u32::from(id) }),
            id_token_claims: Vec::new(),
            tokens_end: Some(now.plus(600)),
            suspension: None,
            lost: Vec::new(),
            stage: Stage::Live { generation: 1, turned_at: now, used_at: now, redeemed_at: now },
        };
        change(&mut grant);
        let id = GrantId::from_bytes([id; 16]);
        let consent = Consent::new(now).with(&grant.scope, &grant.resources);
        self.storage.put(Table::Consent, grant.client.as_str(), None, &consent).unwrap();
        self.storage.put(Table::Grant, id.as_str(), None, &grant).unwrap();
        id
    }

    fn resources(&self, id: &GrantId) -> Option<Vec<String>> {
        let grant: Option<Grant> = self.storage.peek_one(Table::Grant, id.as_str());
        grant.map(|grant| grant.resources.into_iter().map(String::from).collect())
    }

    fn consent(&self, client: &str) -> Consent {
        self.storage.peek_one(Table::Consent, client).unwrap()
    }

    fn is_active(&self, now: u64, grant: &GrantId, audience: &[&str]) -> bool {
        let (jti, audience) = (TokenId::within(grant, "token"), resources(audience));
        self.ask_at(now, &TokenStatus { grant: grant.clone(), jti, audience }).is_some()
    }
}

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

fn resources(texts: &[&str]) -> Vec<Resource> {
    texts.iter().map(|text| Resource::parse(text).unwrap()).collect()
}

fn removal(of: &str) -> NarrowGrants {
    NarrowGrants { resource: Resource::parse(of).unwrap(), client: None, before: None, job: None }
}

fn texts(of: &[&str]) -> Option<Vec<String>> {
    Some(of.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn a_grant_loses_the_resource_and_is_revoked_only_if_it_has_no_other() {
    let account = Account::new();
    let both = account.put(1, &[API, FILES], |_| {});
    let files = account.put(2, &[FILES], |_| {});
    let only = account.put(3, &[API], |_| {});
    let code = account.put(4, &[API, ISSUER], |grant| {
        grant.stage = Stage::Code { redirect_uri: "https://app.example/".to_owned(), nonce: None };
    });
    assert_eq!(account.ask(&removal(API)), Some(3));
    assert_eq!(account.resources(&both), texts(&[FILES]));
    assert_eq!(account.resources(&files), texts(&[FILES]));
    assert_eq!(account.resources(&only), None);
    assert_eq!(account.resources(&code), texts(&[ISSUER]));
    let noted: Vec<(String, serde_json::Value)> = account.storage.list(Table::Revocation).unwrap();
    let noted: Vec<_> = noted.into_iter().map(|(entry, _)| entry).collect();
    assert_eq!(noted, ["0.3"], "the status list learns of the revoked grant alone");
    assert_eq!(account.ask(&removal(API)), Some(0));
}

#[test]
fn a_token_for_the_lost_resource_is_inactive_and_any_other_of_the_grant_stays_active() {
    let account = Account::new();
    let grant = account.put(1, &[API, FILES, ISSUER], |_| {});
    let audiences: [(&[&str], bool); 5] =
        [(&[API], false), (&[API, FILES, ISSUER], false), (&[FILES], true), (&[FILES, ISSUER], true), (&[], true)];
    for (audience, _) in audiences {
        assert!(account.is_active(START, &grant, audience), "{audience:?}");
    }
    account.ask(&removal(API));
    for (audience, expected) in audiences {
        for now in [START, START + DAY - 1] {
            assert_eq!(account.is_active(now, &grant, audience), expected, "{audience:?}");
        }
    }
    // No token from before is left. The record forgets the resource with the next one.
    assert!(account.is_active(START + DAY, &grant, &[API]));
    account.ask_at(START + DAY, &removal(FILES));
    let stored: Grant = account.storage.peek_one(Table::Grant, grant.as_str()).unwrap();
    let lost: Vec<_> = stored.lost.iter().map(|lost| (lost.resource.as_str(), lost.at)).collect();
    assert_eq!(lost, [(FILES, UnixTime(START + DAY))]);
}

#[test]
fn a_refresh_yields_the_rest_and_refuses_the_lost_resource_without_losing_the_grant() {
    let account = Account::new();
    let grant = account.put(1, &[API, FILES], |_| {});
    account.ask(&removal(API));
    let refresh = |named: &[&str]| {
        // The isolate's copy of the client's record still has the resource.
        let client = ClientFacts {
            id: client("app"),
            scope: Scope::parse("read offline_access").unwrap(),
            resources: resources(&[API, FILES]),
            ..client_facts()
        };
        let refresh = Refresh { client, generation: 1, rotate: false, scope: None, resources: resources(named) };
        let answer = account.ask(&RefreshGrant { grant: grant.clone(), refresh, profile: false });
        answer.map(|tokens| tokens.tokens.permit.resources().to_vec())
    };
    assert_eq!(refresh(&[API]), Err(GrantRefusal::Resource));
    assert_eq!(refresh(&[API, FILES]), Err(GrantRefusal::Resource));
    assert_eq!(refresh(&[]), Ok(resources(&[FILES])));
    assert_eq!(refresh(&[FILES]), Ok(resources(&[FILES])));
}

#[test]
fn the_client_and_the_time_limit_which_grants_lose_it() {
    let account = Account::new();
    let own = account.put(1, &[API, FILES], |_| {});
    let others = account.put(2, &[API, FILES], |grant| grant.client = client("other"));
    let later = account.put(3, &[API, FILES], |grant| grant.issued_at = UnixTime(START + 1));
    let before = Some(UnixTime(START + 1));
    let command = NarrowGrants { client: Some(client("app")), before, ..removal(API) };
    assert_eq!(account.ask(&command), Some(1));
    assert_eq!(account.resources(&own), texts(&[FILES]));
    assert_eq!(account.resources(&others), texts(&[API, FILES]));
    assert_eq!(account.resources(&later), texts(&[API, FILES]));
    assert!(!account.consent("app").covers(&Scope::parse("read").unwrap(), &resources(&[API])));
    assert!(account.consent("other").covers(&Scope::parse("read").unwrap(), &resources(&[API])));
}

#[test]
fn a_consent_loses_the_resource_and_never_allows_more_than_before() {
    let account = Account::new();
    let read = Scope::parse("read").unwrap();
    let stored = |record: serde_json::Value| {
        account.storage.put(Table::Consent, "app", None, &record).unwrap();
        account.ask(&removal(API));
        account.consent("app").paired(ISSUER)
    };
    let pairs = json!([{ "resource": API, "scope": "read" }, { "resource": FILES, "scope": "read" }]);
    let left = stored(json!({ "allowed": pairs, "since": 5 }));
    assert!(left.covers(&read, &resources(&[FILES])) && !left.covers(&read, &resources(&[API])));
    assert_eq!(left.since, UnixTime(5));
    // The consent itself stays: the user sees the client until the consent is withdrawn.
    let left = stored(json!({ "allowed": [{ "resource": API, "scope": "read" }], "since": 5 }));
    assert!(left.allowed.is_empty());
    // Records of a version without pairs.
    let left = stored(json!({ "scope": "openid read", "resources": [API, ISSUER], "since": 5 }));
    assert!(left.covers(&read, &resources(&[ISSUER])) && !left.covers(&read, &resources(&[API])));
    let left = stored(json!({ "scope": "openid read write", "resources": [API, FILES, ISSUER], "since": 5 }));
    for at in [API, FILES, ISSUER] {
        assert!(!left.covers(&Scope::default(), &resources(&[at])), "{at} was ambiguous, and still is");
    }
}

#[test]
fn a_repeated_command_of_a_job_counts_each_grant_once() {
    let account = Account::new();
    account.put(1, &[API, FILES], |_| {});
    account.put(2, &[API], |_| {});
    let command = |job: &str| NarrowGrants { job: Some(job.to_owned()), ..removal(API) };
    assert_eq!(account.ask(&command("first")), Some(2));
    assert_eq!(account.ask(&command("first")), Some(2));
    assert_eq!(account.ask(&command("second")), Some(0));
    account.put(3, &[API, FILES], |_| {});
    assert_eq!(account.ask(&command("first")), Some(3));
    account.storage.delete(Table::Account, edgemint::records::ONLY).unwrap();
    assert_eq!(account.ask(&command("first")), None, "there is no account");
}

#[test]
fn records_and_commands_of_the_version_before_are_read() {
    let account = Account::new();
    let grant = account.put(1, &[API], |_| {});
    let text = account.storage.text(Table::Grant, grant.as_str()).unwrap();
    assert!(!text.contains("lost"), "a grant that lost nothing is stored as before: {text}");
    let command = TokenStatus { grant: grant.clone(), jti: TokenId::within(&grant, "token"), audience: Vec::new() };
    let mut sent = serde_json::to_value(Sent(&command)).unwrap();
    let members = sent.as_object_mut().unwrap().values_mut().next().unwrap().as_object_mut().unwrap();
    assert!(members.remove("audience").is_some());
    assert!(serde_json::from_value::<AccountRequest>(sent).is_ok());
}
