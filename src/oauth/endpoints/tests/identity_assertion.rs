//! Identity assertions (ID-JAG): the rule and the claims of one that is issued, and the checks of one that another server issued.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::identity_assertion::{Delegated, IdJag, refusal_of_account, target};
use crate::oauth::endpoints::jwt_bearer::{Accepted, Asserter, Once, Subject, accept, client_of};
use crate::oauth::endpoints::token_exchange::{TokenType, rules_of};
use crate::oauth::grant::gate::AssertionPermit;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::grant::token_id::TokenId;
use crate::oauth::grant::{GrantRefusal, SignIn};
use crate::oauth::vocabulary::exchange_rule::ExchangeRule;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::trusted_issuer::{TrustedIssuer, TrustedIssuerRecord};

const IDP: &str = "https://idp.example";
const CHAT: &str = "https://chat.example";

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn account() -> AccountId {
    AccountId::from_bytes([7; 16])
}

fn resources(texts: &[&str]) -> Vec<Resource> {
    texts.iter().map(|text| Resource::parse(text).unwrap()).collect()
}

fn rule(target: &str, resources: &[&str]) -> ExchangeRule {
    let rule = json!({
        "client": "wiki", "sources": ["wiki"], "targets": [target], "scope": "chat.read", "mode": "impersonation",
        "created_at": 7, "assertion": { "issuer": target, "client_id": "f5", "resources": resources },
    });
    serde_json::from_value(rule).unwrap()
}

fn for_tokens(mut rule: ExchangeRule) -> ExchangeRule {
    rule.assertion = None;
    rule
}

#[test]
fn a_rule_permits_either_assertions_or_access_tokens() {
    let rules = [rule(CHAT, &[]), for_tokens(rule("https://backend.example", &[]))];
    for (issued, expected) in [(TokenType::IdJag, &rules[0]), (TokenType::AccessToken, &rules[1])] {
        assert_eq!(rules_of(&rules, &id("wiki"), issued), Ok(vec![expected]));
        assert_eq!(rules_of(&rules, &id("other"), issued), Err(Refusal::ExchangeNotAllowed));
    }
    assert_eq!(rules_of(&rules[..1], &id("wiki"), TokenType::AccessToken), Err(Refusal::ExchangeNotAllowed));
    assert_eq!(rules_of(&rules[1..], &id("wiki"), TokenType::IdJag), Err(Refusal::ExchangeNotAllowed));
}

#[test]
fn an_assertion_is_for_one_server_and_resources_that_a_rule_has() {
    let rules = [rule(CHAT, &["urn:a", "urn:b"]), rule("https://mail.example/", &[])];
    let rules: Vec<_> = rules.iter().collect();
    let decide = |audiences: &[&str], asked: &[&str]| {
        let target = target(&rules, &resources(audiences), &resources(asked))?;
        Ok::<_, Refusal>((target.server.issuer.clone(), target.resources.clone()))
    };
    let expected = |issuer: &str, named: &[&str]| Ok((issuer.to_owned(), resources(named)));
    assert_eq!(decide(&[CHAT], &["urn:b"]), expected(CHAT, &["urn:b"]));
    assert_eq!(decide(&[CHAT], &[]), expected(CHAT, &["urn:a", "urn:b"]));
    assert_eq!(decide(&[CHAT], &["urn:b", "urn:c"]), Err(Refusal::ExchangeTarget));
    // Either form of an empty path; the assertion has the form of the rule.
    assert_eq!(decide(&["https://chat.example/"], &["urn:a"]), expected(CHAT, &["urn:a"]));
    assert_eq!(decide(&["https://mail.example"], &["urn:c"]), expected("https://mail.example/", &["urn:c"]));
    assert_eq!(decide(&["https://mail.example"], &[]), expected("https://mail.example/", &[]));
    for (audiences, refusal) in [
        (&[][..], Refusal::MissingParameter),
        (&[CHAT, "https://mail.example"], Refusal::ExchangeTarget),
        (&["https://chat.example/tenant"], Refusal::ExchangeTarget),
        (&["https://other.example"], Refusal::ExchangeTarget),
    ] {
        assert_eq!(decide(audiences, &[]), Err(refusal), "{audiences:?}");
    }
    let first = target(&rules, &resources(&[CHAT]), &resources(&["urn:b"])).unwrap();
    assert_eq!(first.all(), resources(&[CHAT, "urn:b"]));
}

fn issued(scope: &str, named: &[&str], ends: u64) -> Result<Value, Refusal> {
    let rule = rule("https://chat.example/", &[]);
    let rules = [&rule];
    let target = target(&rules, &resources(&[CHAT]), &resources(named)).unwrap();
    let permit: AssertionPermit = serde_json::from_value(json!(scope)).unwrap();
    let sign_in = SignIn { at: UnixTime(NOW.0 - 5), amr: vec!["pwd".to_owned()], acr: None };
    let jti = TokenId::from_random([1; 16]);
    let assertion = IdJag::new(&authority(), &account(), &target, (&permit, &sign_in), jti, UnixTime(ends), NOW)?;
    assert_eq!(assertion.scope(), scope);
    Ok(serde_json::to_value(&assertion).unwrap())
}

#[test]
fn an_assertion_has_the_claims_of_the_specification_and_lasts_five_minutes_at_most() {
    let full = issued("chat.read chat.write", &["urn:a"], NOW.0 + 900).unwrap();
    assert_eq!(
        full,
        json!({
            "iss": ISSUER, "sub": account(), "aud": "https://chat.example/", "client_id": "f5", "jti": full["jti"],
            "iat": NOW.0, "exp": NOW.0 + 300, "resource": ["urn:a"], "scope": "chat.read chat.write",
            "auth_time": NOW.0 - 5, "acr": "1", "amr": ["pwd"],
        })
    );
    let short = issued("", &[], NOW.0 + 20).unwrap();
    assert_eq!((&short["exp"], short.get("resource"), short.get("scope")), (&json!(NOW.0 + 20), None, None));
    for ended in [NOW.0, NOW.0 - 1] {
        assert_eq!(issued("", &[], ended), Err(Refusal::ExchangeSubject));
    }
}

#[test]
fn an_account_that_refuses_reveals_nothing_about_a_subject_token_of_another_client() {
    for refusal in GrantRefusal::ALL {
        let (error, _) = refusal_of_account(refusal).error();
        let expected = match refusal {
            GrantRefusal::RightsLost | GrantRefusal::Scope => "invalid_scope",
            GrantRefusal::Resource | GrantRefusal::Audience => "invalid_target",
            GrantRefusal::ClientAuthentication | GrantRefusal::ClientDisabled => "invalid_client",
            GrantRefusal::GrantType => "unauthorized_client",
            GrantRefusal::StepUp => "invalid_grant",
            _ => "invalid_request",
        };
        assert_eq!(error, expected, "{refusal:?}");
    }
    let of_another = refusal_of_account(GrantRefusal::GrantOfAnother);
    assert_eq!(of_another, refusal_of_account(GrantRefusal::GrantUnknown));
}

fn trusted(assertions: &str) -> TrustedIssuer {
    let record = json!({
        "issuer": IDP, "created_at": 7, "jwks": { "keys": [jwk()] }, "algorithms": ["ES256"], "subject": "upstream",
        "audience": "issuer", "scope": "read write", "jti": "required", "clients": ["app", "other"],
        "client_authentication": "required", "assertions": assertions,
    });
    TrustedIssuer::from(serde_json::from_value::<TrustedIssuerRecord>(record).unwrap())
}

fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": IDP, "sub": "u-1", "aud": ISSUER, "client_id": "app", "iat": NOW.0, "exp": NOW.0 + 300, "jti": "j",
        "resource": "urn:a", "scope": "read", "email": "alice@example.com", "auth_time": NOW.0,
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims
}

/// Accepts an assertion whose signature is valid.
fn accepted(asserter: Asserter<'_>, typ: Option<&str>, changes: &Value) -> Result<Accepted, Refusal> {
    let KeySource::Registered(keys) = asserter.keys() else { panic!("{asserter:?}") };
    let mut header = json!({ "alg": "ES256" });
    header.as_object_mut().unwrap().extend(typ.map(|typ| ("typ".to_owned(), json!(typ))));
    let policy = Arc::new(asserter.policy(&authority()));
    let text = jwt(&header, &claims(changes));
    let pending = token::verify(&text, keys, &policy, NOW);
    accept(&authority(), asserter, &text, pending.and_then(|pending| pending.complete(true)), NOW)
}

const ID_JAG: Option<&str> = Some("oauth-id-jag+jwt");

#[test]
fn an_accepted_assertion_names_the_user_by_issuer_and_subject_its_client_and_its_resources() {
    let issuer = trusted("id_jag");
    let of = |changes: Value| accepted(Asserter::TrustedIssuer(&issuer), ID_JAG, &changes).unwrap();
    let Accepted { subject, scope: limit, once, delegated } = of(json!({}));
    assert_eq!(subject, Subject::Upstream { issuer: IDP.to_owned(), subject: "u-1".to_owned() });
    assert_eq!(limit, Some(scope("read")));
    assert!(matches!(once, Once::Identified(used) if used.jti == "j"));
    assert_eq!(delegated, Some(Delegated { client: "app".to_owned(), resources: resources(&["urn:a"]) }));
    for (claim, expected) in [(json!(["urn:a", "urn:b"]), resources(&["urn:a", "urn:b"])), (Value::Null, Vec::new())] {
        assert_eq!(of(json!({ "resource": claim })).delegated.unwrap().resources, expected);
    }
    assert_eq!(of(json!({ "scope": null })).scope, None);
    let long = accepted(Asserter::TrustedIssuer(&issuer), Some("application/OAUTH-ID-JAG+JWT"), &json!({}));
    assert!(long.is_ok(), "RFC 7515 section 4.1.9");
}

#[test]
fn each_fault_of_an_identity_assertion_is_refused() {
    let issuer = trusted("id_jag");
    for changes in [
        json!({ "iss": "https://other.example" }),
        json!({ "sub": null }),
        json!({ "aud": null }),
        json!({ "aud": "https://other.example" }),
        json!({ "aud": [ISSUER] }),
        json!({ "aud": [ISSUER, "https://other.example"] }),
        json!({ "aud": "https://as.example/" }),
        json!({ "aud": "https://as.example/oauth/token" }),
        json!({ "client_id": null }),
        json!({ "client_id": "" }),
        json!({ "client_id": ["app"] }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "iat": null }),
        json!({ "iat": NOW.0 + 61 }),
        json!({ "exp": null }),
        json!({ "exp": NOW.0 - 30 }),
        json!({ "exp": NOW.0 + 3601 }),
        json!({ "resource": "api" }),
        json!({ "resource": [] }),
        json!({ "resource": ["urn:a", 5] }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "act": { "sub": "agent" } }),
        json!({ "may_act": { "sub": "agent" } }),
        json!({ "authorization_details": [] }),
        json!({ "tenant": "acme" }),
        json!({ "aud_tenant": "acme" }),
    ] {
        let outcome = accepted(Asserter::TrustedIssuer(&issuer), ID_JAG, &changes);
        assert_eq!(outcome, Err(Refusal::Assertion), "{changes}");
    }
    let scope = accepted(Asserter::TrustedIssuer(&issuer), ID_JAG, &json!({ "scope": ["read"] }));
    assert_eq!(scope, Err(Refusal::ScopeMalformed));
}

#[test]
fn a_plain_assertion_is_no_identity_assertion_and_the_reverse() {
    let (identity, plain) = (trusted("id_jag"), trusted("jwt"));
    for (issuer, typ, is_accepted) in [
        (&identity, ID_JAG, true),
        (&identity, Some("JWT"), false),
        (&identity, Some("at+jwt"), false),
        (&identity, None, false),
        (&plain, ID_JAG, false),
        (&plain, Some("JWT"), true),
        (&plain, None, true),
    ] {
        let outcome = accepted(Asserter::TrustedIssuer(issuer), typ, &json!({}));
        assert_eq!(outcome.is_ok(), is_accepted, "{typ:?}");
        assert!(outcome.is_ok_and(|it| it.delegated.is_some() == (typ == ID_JAG)) || !is_accepted);
    }
    let metadata = json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "jwks": { "keys": [jwk()] }, "scope": "read",
    });
    let service = client(&metadata);
    let own = |typ| accepted(Asserter::ServiceAccount(&service), typ, &json!({ "iss": "app", "sub": "app" }));
    assert!(own(None).is_ok() && own(ID_JAG) == Err(Refusal::Assertion), "a client is no identity provider");
}

#[test]
fn the_client_has_authenticated_and_is_the_one_that_the_assertion_names() {
    let issuer = trusted("id_jag");
    let (app, other) = (id("app"), id("other"));
    let of = |client: &str, authenticated: Option<&ClientId>, named: Option<&ClientId>| {
        let asserter = Asserter::TrustedIssuer(&issuer);
        let accepted = accepted(asserter, ID_JAG, &json!({ "client_id": client })).unwrap();
        client_of(asserter, &accepted, authenticated, named)
    };
    assert_eq!(of("app", Some(&app), None), Ok(app.clone()));
    assert_eq!(of("app", Some(&app), Some(&app)), Ok(app.clone()));
    assert_eq!(of("app", None, Some(&app)), Err(Refusal::ClientAuthMissing));
    assert_eq!(of("app", Some(&other), None), Err(Refusal::AssertionClient));
    assert_eq!(of("app", Some(&app), Some(&other)), Err(Refusal::AssertionClient));
    // A client that the record does not list.
    assert_eq!(of("third", Some(&id("third")), None), Err(Refusal::AssertionClient));
}

#[test]
fn the_assertion_limits_the_resources_of_the_request() {
    let of = |claimed: &[&str], requested: &[&str]| {
        let delegated = Delegated { client: "app".to_owned(), resources: resources(claimed) };
        delegated.requested_resources(resources(requested))
    };
    assert_eq!(of(&[], &[]), Ok(Vec::new()));
    assert_eq!(of(&[], &["urn:a"]), Ok(resources(&["urn:a"])));
    assert_eq!(of(&["urn:a", "urn:b"], &[]), Ok(resources(&["urn:a", "urn:b"])));
    assert_eq!(of(&["urn:a", "urn:b"], &["urn:b"]), Ok(resources(&["urn:b"])));
    assert_eq!(of(&["urn:a"], &["urn:a", "urn:b"]), Err(Refusal::ResourceNotAllowed));
}
