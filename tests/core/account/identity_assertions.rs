//! Identity assertions about a user: the account says whether the subject token is active, and stores nothing.

use edgemint::account::grants::{EndGrant, RevokeToken};
use edgemint::account::identity_assertions::{AssertIdentity, AssertedIdentity, SubjectToken};
use edgemint::oauth::grant::consent::Consent;
use edgemint::oauth::grant::gate::{ClientFacts, StepUp, StepUpOf};
use edgemint::oauth::grant::token_id::TokenId;
use edgemint::oauth::grant::{Acr, GrantRefusal, Stage};
use edgemint::oauth::vocabulary::client::{AuthMethod, GrantType};
use edgemint::records::{ONLY, Records as _, Table};
use edgemint::token::UnixTime;

use super::redeemed::{Account, id};
use crate::grant::words::{DAY, START, client, client_facts, grant, resources, scope};

const CHAT: &str = "https://chat.example";
const REFRESH: SubjectToken = SubjectToken::RefreshToken { generation: 1 };

/// An account whose grant outlives its session.
fn new_account() -> Account {
    let account = Account::new();
    account.put_grant(|grant| grant.scope = scope("openid read offline_access"));
    account.storage.put(Table::Consent, "app", None, &Consent::new(UnixTime(START))).unwrap();
    account
}

impl Account {
    /// Asks for an assertion, and checks that nothing was stored.
    fn assert(
        &self,
        subject: SubjectToken,
        change: impl FnOnce(&mut AssertIdentity),
    ) -> Result<AssertedIdentity, GrantRefusal> {
        let mut command = AssertIdentity {
            grant: id(),
            subject,
            client: app(),
            scope: scope("chat.read chat.write"),
            targets: resources(&[CHAT]),
            requested_scope: None,
        };
        change(&mut command);
        let before = self.storage.len();
        let answer = self.ask(&command);
        assert_eq!(self.storage.len(), before, "an assertion stores nothing");
        answer
    }
}

fn id_token() -> SubjectToken {
    SubjectToken::IdToken { jti: TokenId::within(&id(), "token").of_id_token(), ends: UnixTime(START + 600) }
}

/// The client of the grant, which is confidential.
fn app() -> ClientFacts {
    ClientFacts {
        registered_method: Some(AuthMethod::ClientSecretBasic),
        authenticated_by: Some(AuthMethod::ClientSecretBasic),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::TokenExchange],
        ..client_facts()
    }
}

#[test]
fn an_assertion_has_the_sign_in_of_the_grant_and_the_scope_that_rule_user_and_request_leave() {
    let account = new_account();
    let asserted = account.assert(id_token(), |_| {}).unwrap();
    assert_eq!(asserted.permit.scope(), &scope("chat.read chat.write"));
    assert_eq!((Some(asserted.sign_in), asserted.ends), (grant().sign_in, UnixTime(START + 600)));
    let asserted = account.assert(REFRESH, |command| command.requested_scope = Some(scope("chat.read"))).unwrap();
    assert_eq!(asserted.permit.scope(), &scope("chat.read"));
    assert_eq!(asserted.ends, UnixTime(START + 14 * DAY), "the refresh token was not spent");
    account.put(|record| record.scope = Some(scope("openid read chat.write")));
    assert_eq!(account.assert(id_token(), |_| {}).unwrap().permit.scope(), &scope("chat.write"));
}

#[test]
fn a_subject_token_that_is_not_active_yields_no_assertion() {
    type Change = fn(&Account);
    let unknown = Err(GrantRefusal::GrantUnknown);
    let cases: [(&str, Change); 7] = [
        ("the grant was ended", |account| assert!(account.ask(&EndGrant { grant: id() }))),
        ("the session has ended", |account| account.put_grant(|grant| grant.offline = false)),
        ("the grant has expired", |account| account.put_grant(|grant| grant.issued_at = UnixTime(0))),
        ("the user did not ask for an identity", |account| account.put_grant(|grant| grant.scope = scope("read"))),
        ("there was no sign-in", |account| account.put_grant(|grant| grant.sign_in = None)),
        ("the consent was withdrawn", |account| assert!(account.storage.delete(Table::Consent, "app").unwrap())),
        ("the account was removed", |account| assert!(account.storage.delete(Table::Account, ONLY).unwrap())),
    ];
    for (what, change) in cases {
        for subject in [id_token(), REFRESH] {
            let account = new_account();
            assert!(account.assert(subject.clone(), |_| {}).is_ok(), "{what}");
            change(&account);
            let refusal = account.assert(subject, |_| {}).map(|_| ());
            assert!(refusal == unknown || refusal == Err(GrantRefusal::ConsentMissing), "{what}: {refusal:?}");
        }
    }
    let account = new_account();
    account.put(|record| record.disabled = true);
    assert_eq!(account.assert(id_token(), |_| {}), Err(GrantRefusal::UserDisabled));
    assert_eq!(account.assert(REFRESH, |_| {}).map(|_| ()), unknown);
    let SubjectToken::IdToken { jti, .. } = id_token() else { unreachable!() };
    let account = new_account();
    account.ask(&RevokeToken { jti, until: UnixTime(START + 600) });
    assert_eq!(account.assert(id_token(), |_| {}).map(|_| ()), unknown);
    assert!(account.assert(REFRESH, |_| {}).is_ok(), "another token of the same grant");
}

#[test]
fn a_refresh_token_that_a_refresh_would_refuse_is_no_subject_token_and_ends_nothing() {
    let account = new_account();
    for generation in [0, 2, 9] {
        let answer = account.assert(SubjectToken::RefreshToken { generation }, |_| {});
        assert_eq!(answer, Err(GrantRefusal::GrantUnknown), "{generation}");
    }
    let without = |command: &mut AssertIdentity| command.client.grant_types = vec![GrantType::TokenExchange];
    assert_eq!(account.assert(REFRESH, without), Err(GrantRefusal::GrantUnknown), "the client lost the grant type");
    let at = UnixTime(START);
    let stage = Stage::Live { generation: 3, turned_at: at, used_at: at, redeemed_at: at };
    account.put_grant(|grant| grant.stage = stage);
    assert_eq!(account.assert(REFRESH, |_| {}), Err(GrantRefusal::GrantUnknown), "an old one");
    assert!(account.assert(SubjectToken::RefreshToken { generation: 3 }, |_| {}).is_ok());
}

#[test]
fn the_gate_refuses_other_clients_wider_scopes_and_weak_sign_ins() {
    let account = new_account();
    let step_up = StepUp {
        of: StepUpOf::Resource(resources(&[CHAT]).remove(0)),
        acr: Some(Acr::PhishingResistant),
        max_age: None,
    };
    type Change = Box<dyn FnOnce(&mut AssertIdentity)>;
    let cases: [(Change, GrantRefusal); 6] = [
        (Box::new(|command| command.client.id = client("other")), GrantRefusal::GrantOfAnother),
        (Box::new(|command| command.client.enabled = false), GrantRefusal::ClientDisabled),
        (Box::new(|command| command.client.authenticated_by = None), GrantRefusal::ClientAuthentication),
        (Box::new(|command| command.client.grant_types.clear()), GrantRefusal::GrantType),
        (Box::new(|command| command.requested_scope = Some(scope("chat.read chat.admin"))), GrantRefusal::Scope),
        (Box::new(move |command| command.client.rules.step_up.push(step_up)), GrantRefusal::StepUp),
    ];
    for (change, refusal) in cases {
        assert_eq!(account.assert(id_token(), change), Err(refusal));
    }
    account.put(|record| record.scope = Some(scope("read")));
    assert_eq!(account.assert(id_token(), |_| {}), Err(GrantRefusal::RightsLost));
}
