//! Token exchange: the request, the presented tokens, the rules, and who acts.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::token_endpoint::{ExchangedToken, of_exchange};
use crate::oauth::endpoints::token_exchange::{
    Allowed, Exchange, ExchangeRequest, PresentedToken, TokenType, allowed, delegation, end, permit,
    refusal_of_account, rules_of,
};
use crate::oauth::grant::gate::{Check, ClientFacts, Permit, UserFacts};
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{GrantRefusal, SignIn};
use crate::oauth::status::{ListId, StatusEntry};
use crate::oauth::vocabulary::actor::Delegation;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::AuthMethod;
use crate::oauth::vocabulary::exchange_rule::{ExchangeMode, ExchangeRule};
use crate::oauth::vocabulary::resource::Resource;

const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const BACKEND: &str = "https://backend.example";
const OTHER: &str = "https://other.example";

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

/// The client that exchanges.
fn gateway() -> Client {
    let metadata = json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"], "scope": "read write",
        "resources": [BACKEND, OTHER],
    });
    let mut gateway = client(&metadata);
    gateway.id = id("gateway");
    gateway
}

fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap()
}

fn account() -> AccountId {
    AccountId::from_bytes([1; 16])
}

fn grant() -> GrantId {
    GrantId::from_bytes([2; 16])
}

/// An access token about a user, with changed claims; null removes one.
fn user_claims(changes: &Value) -> Value {
    changed(
        json!({
            "iss": ISSUER, "sub": account(), "aud": API, "client_id": "app", "scope": "read write admin",
            "iat": NOW.0, "exp": NOW.0 + 300, "jti": TokenId::within(&grant(), "x"), "auth_time": NOW.0 - 5,
            "status": { "status_list": { "idx": 5, "uri": "https://as.example/oauth/status/7" } },
        }),
        changes,
    )
}

fn id_token_claims(changes: &Value) -> Value {
    changed(
        json!({
            "iss": ISSUER, "sub": account(), "aud": "gateway", "iat": NOW.0, "exp": NOW.0 + 300, "sid": "s",
            "jti": TokenId::within(&grant(), "x").of_id_token(), "email": "user@example.com",
        }),
        changes,
    )
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims
}

fn read(kind: TokenType, claims: &Value) -> Option<PresentedToken> {
    PresentedToken::read(&authority(), &id("gateway"), kind, &token(claims))
}

fn of_user(changes: &Value) -> PresentedToken {
    read(TokenType::AccessToken, &user_claims(changes)).unwrap()
}

fn rule(sources: &[&str], targets: &[&str], text: &str, mode: ExchangeMode) -> ExchangeRule {
    ExchangeRule {
        client: id("gateway"),
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        targets: targets.iter().map(|target| resource(target)).collect(),
        scope: scope(text),
        mode,
        created_at: UnixTime(7),
        assertion: None,
    }
}

fn parse(text: &str) -> Result<ExchangeRequest, Refusal> {
    ExchangeRequest::parse(&gateway(), &form(text))
}

#[test]
fn a_request_names_a_subject_its_type_and_its_targets() {
    let request = parse(&format!(
        "subject_token=t&subject_token_type={ACCESS}&scope=read&resource={BACKEND}&audience={OTHER}&audience={BACKEND}"
    ));
    let request = request.unwrap();
    assert_eq!((request.subject.text.as_str(), request.subject.kind), ("t", TokenType::AccessToken));
    assert_eq!(request.targets(), [resource(BACKEND), resource(OTHER)]);
    assert_eq!((request.scope, request.issued), (Some(scope("read")), TokenType::AccessToken));
    assert!(request.actor.is_none());
    let request = parse(&format!(
        "subject_token=t&subject_token_type={ID}&actor_token=a&actor_token_type={ACCESS}&requested_token_type={ACCESS}"
    ));
    let request = request.unwrap();
    let actor = request.actor.unwrap();
    assert_eq!(
        (actor.text.as_str(), actor.kind, request.subject.kind),
        ("a", TokenType::AccessToken, TokenType::IdToken)
    );
}

#[test]
fn each_malformed_request_gets_the_error_of_the_specification() {
    let subject = format!("subject_token=t&subject_token_type={ACCESS}");
    for (text, refusal, error) in [
        ("subject_token=t".to_owned(), Refusal::MissingParameter, "invalid_request"),
        (format!("subject_token_type={ACCESS}"), Refusal::MissingParameter, "invalid_request"),
        ("subject_token=t&subject_token_type=jwt".to_owned(), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&requested_token_type={ID}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&requested_token_type={REFRESH}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&requested_token_type={ID_JAG}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("subject_token=t&subject_token_type={REFRESH}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("subject_token=t&subject_token_type={ID_JAG}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&actor_token=a&actor_token_type={REFRESH}"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&requested_token_type=urn:x"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&actor_token=a"), Refusal::ExchangeActorIncomplete, "invalid_request"),
        (format!("{subject}&actor_token_type={ACCESS}"), Refusal::ExchangeActorIncomplete, "invalid_request"),
        (format!("{subject}&actor_token=a&actor_token_type=urn:x"), Refusal::ExchangeTokenType, "invalid_request"),
        (format!("{subject}&scope=%22"), Refusal::ScopeMalformed, "invalid_scope"),
        (format!("{subject}&resource=backend"), Refusal::ResourceMalformed, "invalid_target"),
        (format!("{subject}&audience=backend"), Refusal::ExchangeTarget, "invalid_target"),
    ] {
        assert_eq!(parse(&text).unwrap_err(), refusal, "{text}");
        assert_eq!(refusal.error().0, error, "{text}");
    }
    let public = client(&json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"] }));
    assert_eq!(ExchangeRequest::parse(&public, &form(&subject)).unwrap_err(), Refusal::ClientAuthMissing);
}

#[test]
fn a_presented_access_token_leads_to_its_grant_or_its_client() {
    let user = of_user(&json!({}));
    assert_eq!((user.token.account, user.token.grant), (Some(account()), Some(grant())));
    assert_eq!((user.scope, user.subject), (Some(scope("read write admin")), account().to_string()));
    assert_eq!(user.status, Some(StatusEntry { list: ListId(7), idx: 5 }));

    let own = json!({ "sub": "app", "jti": "j", "auth_time": null });
    let own = read(TokenType::AccessToken, &user_claims(&own)).unwrap();
    assert_eq!((own.token.grant, own.token.registry, own.subject.as_str()), (None, id("app"), "app"));
    let again = json!({ "sub": "app", "client_id": "other", "jti": TokenId::about_client(&id("app"), [5; 12]) });
    let again = read(TokenType::AccessToken, &user_claims(&again)).unwrap();
    assert_eq!((again.token.account, again.token.registry, again.token.client), (None, id("app"), id("other")));
}

#[test]
fn a_token_that_would_lose_a_restriction_or_leads_nowhere_is_not_read() {
    for changes in [
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "authorization_details": [] }),
        json!({ "status": { "status_list": { "idx": 5, "uri": "https://other.example/oauth/status/7" } } }),
        json!({ "act": { "sub": "a", "client_id": "b" } }),
        json!({ "may_act": { "sub": "a", "client_id": "b" } }),
        json!({ "sub": "app" }),
        json!({ "jti": "j" }),
        json!({ "sub": "root", "client_id": "root", "jti": "j" }),
        json!({ "sub": "other", "jti": TokenId::about_client(&id("app"), [5; 12]) }),
        json!({ "client_id": null }),
    ] {
        assert_eq!(read(TokenType::AccessToken, &user_claims(&changes)), None, "{changes}");
    }
}

#[test]
fn an_id_token_is_that_of_the_client_and_of_its_grant() {
    let own = read(TokenType::IdToken, &id_token_claims(&json!({}))).unwrap();
    assert_eq!((own.token.client, own.token.grant, own.scope), (id("gateway"), Some(grant()), None));
    for changes in [
        json!({ "aud": "app" }),
        json!({ "aud": ["gateway", "app"] }),
        json!({ "aud": ["gateway"] }),
        json!({ "cnf": { "jkt": "x" } }),
        // Earlier versions issued ID tokens without identifiers.
        json!({ "jti": null }),
        json!({ "jti": "j" }),
        json!({ "sub": "app" }),
    ] {
        assert_eq!(read(TokenType::IdToken, &id_token_claims(&changes)), None, "{changes}");
    }
}

#[test]
fn the_declared_type_decides_which_header_is_accepted() {
    let types = TokenType::ALL.map(|kind| kind.policy(&authority()).types);
    assert_eq!(types, ["at+jwt", "JWT", "", "oauth-id-jag+jwt"].map(Expected::one));
    assert_eq!(TokenType::ALL.map(TokenType::name), [ACCESS, ID, REFRESH, ID_JAG]);
    for kind in TokenType::ALL {
        assert_eq!(kind.policy(&authority()).issuers, Expected::one(ISSUER));
    }
}

#[test]
fn a_client_without_a_rule_exchanges_nothing() {
    let mut rules = vec![rule(&[API], &[BACKEND], "read", ExchangeMode::Delegation)];
    assert_eq!(rules_of(&rules, &id("gateway"), TokenType::AccessToken).unwrap().len(), 1);
    rules[0].client = id("other");
    assert_eq!(rules_of(&rules, &id("gateway"), TokenType::AccessToken), Err(Refusal::ExchangeNotAllowed));
    assert_eq!(rules_of(&[], &id("gateway"), TokenType::AccessToken), Err(Refusal::ExchangeNotAllowed));
    assert_eq!(Refusal::ExchangeNotAllowed.error().0, "unauthorized_client");
}

#[test]
fn rules_lead_from_the_audience_of_the_token_to_their_targets() {
    use ExchangeMode::{Delegation, Impersonation};
    let decide = |rules: &[ExchangeRule], aud: &Value, targets: &[&str]| {
        let targets: Vec<_> = targets.iter().map(|target| resource(target)).collect();
        let rules: Vec<_> = rules.iter().collect();
        allowed(&rules, &of_user(&json!({ "aud": aud })), &targets)
    };
    let one = [rule(&[API], &[BACKEND], "read", Delegation)];
    let expected = Allowed { targets: vec![resource(BACKEND)], scope: scope("read"), mode: Delegation };
    assert_eq!(decide(&one, &json!(API), &[BACKEND]), Ok(expected.clone()));
    assert_eq!(decide(&one, &json!(["urn:x", API]), &[]), Ok(expected), "the only target is the default");
    assert_eq!(decide(&one, &json!("urn:x"), &[BACKEND]), Err(Refusal::ExchangeSource));
    assert_eq!(decide(&one, &json!(API), &[OTHER]), Err(Refusal::ExchangeTarget));
    assert_eq!(decide(&one, &json!(API), &[BACKEND, OTHER]), Err(Refusal::ExchangeTarget));

    // Each rule that matches limits the token.
    let several = [
        rule(&[API], &[BACKEND], "read write", Impersonation),
        rule(&[API, "urn:x"], &[BACKEND, OTHER], "write admin", Delegation),
        rule(&["urn:y"], &[BACKEND], "", Delegation),
    ];
    let both = decide(&several, &json!(API), &[BACKEND]).unwrap();
    assert_eq!((both.scope, both.mode), (scope("write"), Delegation));
    let second = decide(&several, &json!("urn:x"), &[OTHER]).unwrap();
    assert_eq!((second.scope, second.mode), (scope("write admin"), Delegation));
    assert_eq!(decide(&several, &json!(API), &[]), Err(Refusal::ExchangeTarget), "several targets");
    let named = decide(&several, &json!(API), &[OTHER, BACKEND]).unwrap();
    assert_eq!((named.targets, named.scope), (vec![resource(OTHER), resource(BACKEND)], scope("write")));
}

#[test]
fn the_new_token_is_never_wider_than_the_subject_token_the_rule_the_client_and_the_user() {
    let facts = ClientFacts::of(&authority(), &Catalogue::default(), &gateway(), Some(AuthMethod::ClientSecretBasic));
    let decide = |of_subject: &str, of_rule: &str, of_user: Option<&str>, asked: Option<&str>, targets: &[&str]| {
        let targets: Vec<_> = targets.iter().map(|target| resource(target)).collect();
        let (of_user, asked) = (of_user.map(scope), asked.map(scope));
        let user = UserFacts {
            enabled: true,
            has_consented: false,
            session_is_active: false,
            session_ends: None,
            scope: of_user.as_ref(),
        };
        let exchange = Exchange {
            client: &facts,
            user: Some(user),
            of_subject: &scope(of_subject),
            sign_in: None,
            scope: &scope(of_rule),
            targets: &targets,
            requested: asked.as_ref(),
        };
        let as_user = permit(&exchange, NOW).map(|permit| permit.scope().to_string());
        if of_user.is_none() {
            let as_client = permit(&Exchange { user: None, ..exchange }, NOW);
            assert_eq!(as_client.map(|permit| permit.scope().to_string()), as_user);
        }
        as_user
    };
    let backend = [BACKEND];
    assert_eq!(decide("read write admin", "read write admin", None, None, &backend).unwrap(), "read write");
    assert_eq!(decide("read", "read write", None, None, &backend).unwrap(), "read");
    assert_eq!(decide("read write", "read write", Some("write"), None, &backend).unwrap(), "write");
    assert_eq!(decide("read write", "read write", None, Some("write"), &backend).unwrap(), "write");
    assert_eq!(decide("read write", "", None, None, &backend).unwrap(), "");
    assert_eq!(decide("", "read", None, None, &backend).unwrap(), "");
    for (of_subject, of_rule, of_user, asked) in [
        ("read", "read write", None, Some("read write")),
        ("read write", "read", None, Some("write")),
        ("read", "write", None, None),
        ("read write admin", "read write admin", None, Some("admin")),
        ("read write", "read write", Some("read"), Some("write")),
    ] {
        let outcome = decide(of_subject, of_rule, of_user, asked, &backend);
        assert_eq!(outcome, Err(Check::Scope), "{of_subject}, {of_rule}, {asked:?}");
    }
    let outcome = decide("read", "read", None, None, &[BACKEND, "https://evil.example"]);
    assert_eq!(outcome, Err(Check::Resource), "a resource that the client did not register");
}

#[test]
fn a_delegation_names_the_actor_and_keeps_those_before() {
    let decide = |mode, subject: &PresentedToken, actor: Option<&PresentedToken>| {
        delegation(&authority(), mode, &id("gateway"), subject, actor)
            .map(|delegation| serde_json::to_value(delegation).unwrap())
    };
    use ExchangeMode::{Delegation, Impersonation};
    let plain = of_user(&json!({}));
    let before = of_user(&json!({ "act": { "sub": "first" } }));
    let operator = AccountId::from_bytes([9; 16]).to_string();
    let actor = of_user(&json!({ "sub": operator, "client_id": "gateway" }));
    assert_eq!(decide(Impersonation, &plain, None).unwrap(), json!({}));
    assert_eq!(decide(Impersonation, &before, None).unwrap(), json!({ "act": { "sub": "first" } }));
    assert_eq!(decide(Impersonation, &plain, Some(&actor)), Err(Refusal::ExchangeModeActor));
    assert_eq!(decide(Delegation, &plain, None).unwrap(), json!({ "act": { "sub": "gateway" } }));
    let chain = json!({ "act": { "sub": operator, "act": { "sub": "first" } } });
    assert_eq!(decide(Delegation, &before, Some(&actor)).unwrap(), chain);
    let full = json!({ "sub": "5", "act": { "sub": "4", "act": { "sub": "3", "act": { "sub": "2", "act": { "sub": "1" } } } } });
    let full = of_user(&json!({ "act": full }));
    assert_eq!(decide(Delegation, &full, None), Err(Refusal::ExchangeActors));

    // Where the subject token says who may act, no other party does, with or without an actor token.
    let reserved = |claim: Value| of_user(&json!({ "may_act": claim }));
    let for_gateway = reserved(json!({ "sub": "gateway", "iss": ISSUER }));
    let kept = json!({ "may_act": { "sub": "gateway", "iss": ISSUER } });
    assert_eq!(decide(Impersonation, &for_gateway, None).unwrap(), kept);
    assert_eq!(decide(Delegation, &for_gateway, Some(&actor)), Err(Refusal::ExchangeMayAct));
    assert!(decide(Delegation, &reserved(json!({ "sub": operator })), Some(&actor)).is_ok());
    for claim in [json!({ "sub": "other" }), json!({ "sub": "gateway", "iss": "https://other.example" })] {
        for mode in ExchangeMode::ALL {
            assert_eq!(decide(mode, &reserved(claim.clone()), None), Err(Refusal::ExchangeMayAct), "{claim}");
        }
    }
}

#[test]
fn an_actor_token_is_the_clients_own_and_names_no_other_actor() {
    let check = |changes: Value| of_user(&changes).check_actor(&id("gateway"));
    assert_eq!(check(json!({ "client_id": "gateway" })), Ok(()));
    assert_eq!(check(json!({})), Err(Refusal::ExchangeActor));
    assert_eq!(check(json!({ "client_id": "gateway", "act": { "sub": "a" } })), Err(Refusal::ExchangeActor));
}

#[test]
fn the_new_token_outlives_neither_the_subject_token_nor_its_grant() {
    let subject = of_user(&json!({ "exp": NOW.0 + 300 }));
    assert_eq!(end(&subject, NOW.plus(200), NOW), Ok(NOW.plus(200)));
    assert_eq!(end(&subject, NOW.plus(400), NOW), Ok(NOW.plus(300)));
    assert_eq!(end(&subject, NOW, NOW), Err(Refusal::ExchangeSubject));
    assert_eq!(
        end(&subject, NOW.plus(400), NOW.plus(300)),
        Err(Refusal::ExchangeSubject),
        "within the tolerance for clocks"
    );

    let permit: Permit = serde_json::from_value(json!({ "scope": "read", "resources": [BACKEND] })).unwrap();
    let sign_in = SignIn { at: UnixTime(5), amr: Vec::new(), acr: None };
    let issued = |end: UnixTime| {
        let token = ExchangedToken {
            subject: &subject.subject,
            client: &id("gateway"),
            permit: &permit,
            status: subject.status,
            sign_in: Some(&sign_in),
            delegation: delegation(&authority(), ExchangeMode::Delegation, &id("gateway"), &subject, None).unwrap(),
            end,
        };
        of_exchange(&authority(), token, TokenId::exchanged(&grant(), [0; 12]), NOW)
    };
    assert_eq!(
        serde_json::to_value(issued(NOW.plus(300))).unwrap(),
        json!({
            "iss": ISSUER, "sub": account(), "aud": BACKEND, "client_id": "gateway", "scope": "read", "iat": NOW.0,
            "exp": NOW.0 + 300, "jti": format!("{}.x.AAAAAAAAAAAAAAAA", grant()), "auth_time": 5, "acr": "1",
            "status": { "status_list": { "idx": 5, "uri": "https://as.example/oauth/status/7" } },
            "act": { "sub": "gateway" },
        })
    );
    assert_eq!(serde_json::to_value(issued(NOW.plus(9000))).unwrap()["exp"], NOW.0 + 600);
    let response =
        serde_json::to_value(issued(NOW.plus(300)).response("t", None, NOW).with_issued_type(ACCESS)).unwrap();
    let expected = json!({
        "access_token": "t", "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 300, "scope": "read",
    });
    assert_eq!(response, expected);
    assert_eq!(Delegation::default().act, None);
}

#[test]
fn an_account_that_refuses_gives_the_error_of_the_specification() {
    for refusal in GrantRefusal::ALL {
        let error = refusal_of_account(refusal).error().0;
        let expected = match refusal {
            GrantRefusal::GrantUnknown | GrantRefusal::GrantExpired | GrantRefusal::UserDisabled => "invalid_request",
            GrantRefusal::RightsLost | GrantRefusal::Scope => "invalid_scope",
            GrantRefusal::Resource => "invalid_target",
            GrantRefusal::StepUp => "insufficient_user_authentication",
            other => Refusal::Grant(other).error().0,
        };
        assert_eq!(error, expected, "{refusal:?}");
    }
}
