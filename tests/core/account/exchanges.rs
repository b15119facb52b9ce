//! Exchanges of tokens about a user: the account says whether the subject token is active, and stores nothing.

use edgemint::account::exchanges::{ExchangeToken, Exchanged};
use edgemint::account::grants::{EndGrant, RevokeToken, SuspendClient, TokenStatus};
use edgemint::oauth::grant::gate::{ClientFacts, StepUp, StepUpOf};
use edgemint::oauth::grant::handle::GrantId;
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Acr, GrantRefusal, Stage};
use edgemint::oauth::vocabulary::client::{AuthMethod, GrantType};
use edgemint::oauth::vocabulary::resource::Resource;
use edgemint::oauth::vocabulary::status_entry::SuspensionState;
use edgemint::records::{ONLY, Records as _, Table};
use edgemint::token::UnixTime;

use super::redeemed::{Account, NOW, id};
use crate::grant::words::{API, CALLBACK, START, STATUS, client, client_facts, grant, resources, scope};

const BACKEND: &str = "https://backend.example";

/// The account of a user who may allow `read` and `write`.
fn new_account() -> Account {
    let account = Account::new();
    account.put(|record| record.scope = Some(scope("read write")));
    account
}

impl Account {
    /// Exchanges, and checks that nothing was stored.
    fn exchange(&self, change: impl FnOnce(&mut ExchangeToken)) -> Result<Exchanged, GrantRefusal> {
        let mut command = ExchangeToken {
            grant: id(),
            jti: TokenId::within(&id(), "token"),
            audience: resources(&[API]),
            subject_scope: Some(scope("read write")),
            client: gateway(),
            scope: scope("read write"),
            resources: resources(&[BACKEND]),
            requested_scope: None,
        };
        change(&mut command);
        let before = self.storage.len();
        let answer = self.ask(&command);
        assert_eq!(self.storage.len(), before, "an exchange stores nothing");
        answer
    }
}

/// The client that exchanges, which is not that of the grant.
fn gateway() -> ClientFacts {
    ClientFacts {
        id: client("gateway"),
        registered_method: Some(AuthMethod::ClientSecretBasic),
        authenticated_by: Some(AuthMethod::ClientSecretBasic),
        grant_types: vec![GrantType::TokenExchange],
        scope: scope("read write"),
        resources: resources(&[BACKEND]),
        ..client_facts()
    }
}

fn suspend(account: &Account, name: &str, version: u64, marked: bool) {
    account.ask(&SuspendClient { client: client(name), change: SuspensionState { version, marked } });
}

#[test]
fn an_exchange_permits_what_is_left_and_leads_to_the_status_entry_and_the_sign_in_of_the_grant() {
    let account = new_account();
    let exchanged = account.exchange(|_| {}).unwrap();
    assert_eq!(exchanged.permit.scope(), &scope("read write"));
    assert_eq!(exchanged.permit.resources(), resources(&[BACKEND]));
    assert_eq!((exchanged.status, exchanged.sign_in), (Some(STATUS), grant().sign_in));
    assert_eq!(exchanged.ends, UnixTime(START + 600));
    let unredeemed = Stage::Code { redirect_uri: CALLBACK.to_owned(), nonce: None };
    let fresh = new_account();
    fresh.put_grant(|grant| (grant.stage, grant.issued_at) = (unredeemed, UnixTime(NOW)));
    assert_eq!(fresh.exchange(|_| {}), Err(GrantRefusal::GrantUnknown), "no token was issued for it");
    // An ID token has the scope of its grant.
    let exchanged = account.exchange(|command| command.subject_scope = None).unwrap();
    assert_eq!(exchanged.permit.scope(), &scope("read write"));
    // What the user has lost since, or the grant never had, is left out.
    account.put(|record| record.scope = Some(scope("write")));
    let wide = |command: &mut ExchangeToken| {
        command.subject_scope = Some(scope("read write admin"));
        command.scope = scope("read write admin");
        command.client.scope = scope("read write admin");
    };
    assert_eq!(account.exchange(wide).unwrap().permit.scope(), &scope("write"));
}

#[test]
fn a_token_that_is_not_active_is_not_exchanged() {
    type Change = fn(&Account);
    let cases: [(&str, Change, GrantRefusal); 6] = [
        (
            "the token was revoked",
            |account| {
                let jti = TokenId::within(&id(), "token");
                account.ask(&RevokeToken { jti, until: UnixTime(START + 600) });
            },
            GrantRefusal::GrantUnknown,
        ),
        ("the grant was ended", |account| assert!(account.ask(&EndGrant { grant: id() })), GrantRefusal::GrantUnknown),
        (
            "the session has ended",
            |account| account.put_grant(|grant| grant.offline = false),
            GrantRefusal::GrantUnknown,
        ),
        (
            "the grant has expired",
            |account| {
                account.put_grant(|grant| grant.issued_at = UnixTime(0));
            },
            GrantRefusal::GrantUnknown,
        ),
        ("the user is disabled", |account| account.put(|record| record.disabled = true), GrantRefusal::UserDisabled),
        (
            "the account was removed",
            |account| assert!(account.storage.delete(Table::Account, ONLY).unwrap()),
            GrantRefusal::GrantUnknown,
        ),
    ];
    for (what, change, refusal) in cases {
        let account = new_account();
        assert!(account.exchange(|_| {}).is_ok(), "{what}");
        change(&account);
        assert_eq!(account.exchange(|_| {}), Err(refusal), "{what}");
    }
    let account = new_account();
    assert_eq!(
        account.exchange(|command| command.grant = GrantId::from_bytes([8; 16])),
        Err(GrantRefusal::GrantUnknown)
    );
}

#[test]
fn the_gate_refuses_what_would_widen_the_token() {
    let account = new_account();
    let step_up = StepUp { of: StepUpOf::Scope("read".to_owned()), acr: Some(Acr::PhishingResistant), max_age: None };
    type Change = Box<dyn FnOnce(&mut ExchangeToken)>;
    let cases: [(Change, GrantRefusal); 9] = [
        (Box::new(|command| command.client.enabled = false), GrantRefusal::ClientDisabled),
        (Box::new(|command| command.client.authenticated_by = None), GrantRefusal::ClientAuthentication),
        (Box::new(|command| command.client.grant_types.clear()), GrantRefusal::GrantType),
        (Box::new(|command| command.requested_scope = Some(scope("read admin"))), GrantRefusal::Scope),
        (Box::new(|command| command.subject_scope = Some(scope("other"))), GrantRefusal::Scope),
        (Box::new(|command| command.scope = scope("other")), GrantRefusal::Scope),
        (Box::new(|command| command.client.scope = scope("other")), GrantRefusal::RightsLost),
        (Box::new(|command| command.client.resources = Vec::<Resource>::new()), GrantRefusal::Resource),
        (Box::new(move |command| command.client.rules.step_up.push(step_up)), GrantRefusal::StepUp),
    ];
    for (change, refusal) in cases {
        assert_eq!(account.exchange(change), Err(refusal));
    }
}

#[test]
fn an_exchanged_token_is_inactive_while_the_client_of_its_grant_is_disabled() {
    let account = new_account();
    let exchanged = TokenId::exchanged(&id(), [5; 12]);
    let is_active =
        |jti: &TokenId| account.ask(&TokenStatus { grant: id(), jti: jti.clone(), audience: Vec::new() }).is_some();
    let own = TokenId::within(&id(), "token");
    for (version, marked) in [(1, true), (2, false)] {
        suspend(&account, "app", version, marked);
        assert_eq!(is_active(&exchanged), !marked);
        // The isolate knows whether the client of a token that was not exchanged is disabled.
        assert!(is_active(&own));
        assert_eq!(account.exchange(|command| command.jti = exchanged.clone()).is_ok(), !marked);
    }
    suspend(&account, "gateway", 1, true);
    assert!(is_active(&exchanged), "the isolate knows whether the client that exchanged is disabled");
}
