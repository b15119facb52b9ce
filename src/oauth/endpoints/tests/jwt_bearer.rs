use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::jwt_bearer::{
    Accepted, Asserter, AssertionRequest, Once, Subject, accept, client_of, granted_scope, refusal_of_account,
    requested_scope,
};
use crate::oauth::grant::GrantRefusal;
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::trusted_issuer::{TrustedIssuer, TrustedIssuerRecord};
use crate::token::VerifyError;

const IDP: &str = "https://idp.example";
const TOKEN_ENDPOINT: &str = "https://as.example/oauth/token";

fn merge(value: &mut Value, changes: &Value) {
    let members = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        members.insert(name.clone(), change.clone());
    }
    members.retain(|_, value| !value.is_null());
}

fn trusted(changes: &Value) -> TrustedIssuer {
    let mut record = json!({
        "issuer": IDP, "created_at": 7, "jwks": { "keys": [jwk()] }, "algorithms": ["ES256"], "subject": "user_id",
        "audience": "issuer", "scope": "read write", "jti": "required", "clients": ["app"],
        "client_authentication": "optional",
    });
    merge(&mut record, changes);
    TrustedIssuer::from(serde_json::from_value::<TrustedIssuerRecord>(record).unwrap())
}

fn service(changes: &Value) -> Client {
    let mut metadata = json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "jwks": { "keys": [jwk()] }, "scope": "read",
    });
    merge(&mut metadata, changes);
    client(&metadata)
}

fn account() -> AccountId {
    AccountId::from_bytes([7; 16])
}

fn claims(issuer: &str, subject: &str, changes: &Value) -> Value {
    let mut claims =
        json!({ "iss": issuer, "sub": subject, "aud": ISSUER, "iat": NOW.0, "exp": NOW.0 + 60, "jti": "j" });
    merge(&mut claims, changes);
    claims
}

/// Runs both steps on an assertion whose signature is valid.
fn accepted(asserter: Asserter<'_>, header: &Value, claims: &Value) -> Result<Accepted, Refusal> {
    let KeySource::Registered(keys) = asserter.keys() else { panic!("{asserter:?}") };
    let text = jwt(header, claims);
    let pending = token::verify(&text, keys, &Arc::new(asserter.policy(&authority())), NOW);
    accept(&authority(), asserter, &text, pending.and_then(|pending| pending.complete(true)), NOW)
}

fn es256() -> Value {
    json!({ "alg": "ES256" })
}

#[test]
fn each_fault_of_an_assertion_is_refused() {
    let (issuer, service) = (trusted(&json!({})), service(&json!({})));
    let subject = account();
    for (asserter, iss, sub) in
        [(Asserter::TrustedIssuer(&issuer), IDP, subject.as_str()), (Asserter::ServiceAccount(&service), "app", "app")]
    {
        let with = |header: &Value, changes: &Value| accepted(asserter, header, &claims(iss, sub, changes));
        let good = with(&es256(), &json!({})).unwrap();
        let Once::Identified(used) = good.once else { panic!("{good:?}") };
        assert_eq!((used.jti.as_str(), used.until), ("j", NOW.plus(3660)));
        for changes in [
            json!({ "iss": null }),
            json!({ "iss": "other" }),
            json!({ "sub": null }),
            json!({ "sub": 5 }),
            json!({ "aud": null }),
            json!({ "aud": "https://other.example" }),
            json!({ "aud": [ISSUER, "https://other.example"] }),
            json!({ "aud": [ISSUER, ISSUER] }),
            json!({ "aud": [] }),
            json!({ "exp": null }),
            json!({ "exp": NOW.0 - 30 }),
            json!({ "exp": NOW.0 + 3601 }),
            json!({ "nbf": NOW.0 + 31 }),
            json!({ "iat": NOW.0 + 61 }),
            json!({ "jti": null }),
            json!({ "jti": "" }),
            json!({ "jti": 5 }),
            json!({ "jti": "j".repeat(257) }),
        ] {
            assert_eq!(with(&es256(), &changes), Err(Refusal::Assertion), "{iss}: {changes}");
        }
        for header in [
            json!({ "alg": "ES256", "typ": "at+jwt" }),
            json!({ "alg": "ES256", "typ": "client-authentication+jwt" }),
            json!({ "alg": "ES256", "typ": "" }),
            json!({ "alg": "ES256", "kid": "unknown", "crit": ["exp"] }),
            json!({ "alg": "RS256" }),
            json!({ "alg": "EdDSA" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "none" }),
        ] {
            assert_eq!(with(&header, &json!({})), Err(Refusal::Assertion), "{iss}: {header}");
        }
        for (header, changes) in [
            (json!({ "alg": "ES256", "typ": "JWT" }), json!({})),
            (json!({ "alg": "ES256", "typ": "application/jwt" }), json!({})),
            (es256(), json!({ "aud": [ISSUER] })),
            (es256(), json!({ "exp": NOW.0 + 3600 })),
            (es256(), json!({ "iat": NOW.0 + 60 })),
            (es256(), json!({ "iat": null })),
        ] {
            assert!(with(&header, &changes).is_ok(), "{iss}: {header} {changes}");
        }
        let failed = accept(&authority(), asserter, "", Err(VerifyError::BadSignature), NOW);
        assert_eq!(failed, Err(Refusal::Assertion));
    }
}

#[test]
fn the_token_endpoint_is_an_audience_for_service_accounts_and_for_issuers_that_an_operator_allowed() {
    let audience = json!({ "aud": TOKEN_ENDPOINT });
    let service = service(&json!({}));
    assert!(accepted(Asserter::ServiceAccount(&service), &es256(), &claims("app", "app", &audience)).is_ok());
    for (registered, expected) in [("issuer", false), ("token_endpoint", true)] {
        let issuer = trusted(&json!({ "audience": registered }));
        let assertion = claims(IDP, account().as_str(), &audience);
        let outcome = accepted(Asserter::TrustedIssuer(&issuer), &es256(), &assertion);
        assert_eq!(outcome.is_ok(), expected, "{registered}");
    }
}

#[test]
fn the_algorithms_are_those_of_the_record_or_the_registration() {
    let (issuer, other) = (trusted(&json!({})), trusted(&json!({ "algorithms": ["RS256", "EdDSA"] })));
    let registered = service(&json!({ "token_endpoint_auth_signing_alg": "EdDSA" }));
    let user = account();
    for (asserter, iss, sub, is_accepted) in [
        (Asserter::TrustedIssuer(&issuer), IDP, user.as_str(), true),
        (Asserter::TrustedIssuer(&other), IDP, user.as_str(), false),
        (Asserter::ServiceAccount(&registered), "app", "app", false),
    ] {
        let outcome = accepted(asserter, &es256(), &claims(iss, sub, &json!({})));
        assert_eq!(outcome.is_ok(), is_accepted, "{asserter:?}");
    }
}

#[test]
fn an_assertion_without_jti_is_valid_for_ten_minutes() {
    let optional = trusted(&json!({ "jti": "optional" }));
    let account = account();
    let outcome = |changes: Value| {
        let mut changes = changes;
        merge(&mut changes, &json!({}));
        changes.as_object_mut().unwrap().insert("jti".to_owned(), Value::Null);
        accepted(Asserter::TrustedIssuer(&optional), &es256(), &claims(IDP, account.as_str(), &changes))
            .map(|accepted| accepted.once)
    };
    for (iat, exp, is_accepted) in [
        (Some(NOW.0), NOW.0 + 600, true),
        (Some(NOW.0), NOW.0 + 3600, true),
        (Some(NOW.0 - 600), NOW.0 + 3000, true),
        (Some(NOW.0 - 630), NOW.0 + 3000, false),
        (Some(NOW.0 - 1000), NOW.0 + 60, false),
    ] {
        let expected = if is_accepted { Ok(Once::Repeatable) } else { Err(Refusal::Assertion) };
        assert_eq!(outcome(json!({ "iat": iat, "exp": exp })), expected, "{iat:?} {exp}");
    }
    // Without `iat`, the expiry alone says how long it can be replayed.
    let without_iat = |exp: u64| {
        let mut assertion = claims(IDP, account.as_str(), &json!({ "exp": exp, "jti": null }));
        assertion.as_object_mut().unwrap().remove("iat");
        accepted(Asserter::TrustedIssuer(&optional), &es256(), &assertion).is_ok()
    };
    assert!(without_iat(NOW.0 + 600) && !without_iat(NOW.0 + 700));
    let used = |changes: &Value| {
        accepted(Asserter::TrustedIssuer(&optional), &es256(), &claims(IDP, account.as_str(), changes)).unwrap().once
    };
    assert!(matches!(used(&json!({})), Once::Identified(_)), "one that has a jti is used once");
    let service = service(&json!({ "service_account": { "jti": "optional" } }));
    let assertion = claims("app", "app", &json!({ "jti": null }));
    assert!(accepted(Asserter::ServiceAccount(&service), &es256(), &assertion).is_ok());
}

#[test]
fn an_issuer_names_only_the_subjects_of_its_rule() {
    let user = account();
    let id = |text: &str| ClientId::parse(text).unwrap();
    for (rule, sub, expected) in [
        (json!({ "subject": "user_id" }), user.as_str(), Some(Subject::Account(user.clone()))),
        (json!({ "subject": "user_id" }), "alice", None),
        (json!({ "subject": "username" }), "alice", Some(Subject::Username("alice".to_owned()))),
        (
            json!({ "subject": "upstream" }),
            "u-1",
            Some(Subject::Upstream { issuer: IDP.to_owned(), subject: "u-1".to_owned() }),
        ),
        (json!({ "subject": "client_id" }), "app", Some(Subject::Client(id("app")))),
        (json!({ "subject": "client_id" }), "caf\u{e9}", None),
        (
            json!({ "subject": "mapped_client", "subjects": { "repo:a": "app" } }),
            "repo:a",
            Some(Subject::Client(id("app"))),
        ),
        (json!({ "subject": "mapped_client", "subjects": { "repo:a": "app" } }), "repo:b", None),
    ] {
        let issuer = trusted(&rule);
        let outcome = accepted(Asserter::TrustedIssuer(&issuer), &es256(), &claims(IDP, sub, &json!({})));
        assert_eq!(outcome.map(|accepted| accepted.subject), expected.ok_or(Refusal::AssertionSubject), "{rule} {sub}");
    }
}

#[test]
fn a_service_account_names_itself_and_the_users_that_an_operator_listed() {
    let (user, other) = (account(), AccountId::from_bytes([8; 16]));
    let with_user = service(&json!({ "service_account": { "users": [user.as_str()], "scope": "mail" } }));
    let without = service(&json!({}));
    let public = service(&json!({
        "token_endpoint_auth_method": "none",
        "service_account": { "users": [user.as_str()], "scope": "mail" },
    }));
    for (client, sub, expected) in [
        (&with_user, "app", Ok((Subject::Client(with_user.id.clone()), "read"))),
        (&with_user, user.as_str(), Ok((Subject::Account(user.clone()), "mail"))),
        (&with_user, other.as_str(), Err(Refusal::AssertionSubject)),
        (&with_user, "alice", Err(Refusal::AssertionSubject)),
        (&with_user, "root", Err(Refusal::AssertionSubject)),
        (&without, user.as_str(), Err(Refusal::AssertionSubject)),
        (&public, "app", Err(Refusal::AssertionSubject)),
    ] {
        let asserter = Asserter::ServiceAccount(client);
        let outcome = accepted(asserter, &es256(), &claims("app", sub, &json!({})));
        let outcome = outcome.map(|accepted| {
            let scope = granted_scope(asserter, &accepted.subject).to_string();
            (accepted.subject, scope)
        });
        assert_eq!(outcome, expected.map(|(subject, scope)| (subject, scope.to_owned())), "{sub}");
    }
}

#[test]
fn the_client_is_the_one_that_may_use_the_assertion() {
    let id = |text: &str| ClientId::parse(text).unwrap();
    let (app, other, third) = (id("app"), id("other"), id("third"));
    let about =
        |subject: &Subject| Accepted { subject: subject.clone(), scope: None, once: Once::Repeatable, delegated: None };
    let user = Subject::Account(account());
    let (one, two) = (trusted(&json!({})), trusted(&json!({ "clients": ["app", "other"] })));
    let strict = trusted(&json!({ "client_authentication": "required" }));
    for (issuer, subject, authenticated, named, expected) in [
        (&one, &user, None, None, Ok(&app)),
        (&one, &user, None, Some(&app), Ok(&app)),
        (&one, &user, Some(&app), Some(&app), Ok(&app)),
        (&one, &user, None, Some(&other), Err(Refusal::AssertionClient)),
        (&one, &user, Some(&other), None, Err(Refusal::AssertionClient)),
        (&two, &user, None, None, Err(Refusal::MissingParameter)),
        (&two, &user, Some(&other), None, Ok(&other)),
        (&two, &user, Some(&other), Some(&app), Err(Refusal::AssertionClient)),
        (&two, &user, None, Some(&third), Err(Refusal::AssertionClient)),
        (&two, &Subject::Client(other.clone()), None, None, Ok(&other)),
        (&two, &Subject::Client(other.clone()), Some(&app), None, Err(Refusal::AssertionClient)),
        (&two, &Subject::Client(third.clone()), None, None, Err(Refusal::AssertionClient)),
        (&strict, &user, None, Some(&app), Err(Refusal::ClientAuthMissing)),
        (&strict, &user, Some(&app), None, Ok(&app)),
    ] {
        let outcome = client_of(Asserter::TrustedIssuer(issuer), &about(subject), authenticated, named);
        assert_eq!(outcome.as_ref(), expected.as_ref().copied(), "{subject:?} {authenticated:?} {named:?}");
    }
    let service = service(&json!({}));
    let of_service =
        |authenticated, named| client_of(Asserter::ServiceAccount(&service), &about(&user), authenticated, named);
    assert_eq!(of_service(None, None), Ok(app.clone()));
    assert_eq!(of_service(Some(&app), Some(&app)), Ok(app.clone()));
    assert_eq!(of_service(Some(&other), None), Err(Refusal::AssertionClient));
    assert_eq!(of_service(None, Some(&other)), Err(Refusal::AssertionClient));
}

#[test]
fn the_assertion_limits_the_scope_of_the_request() {
    let some = |text: &str| Some(scope(text));
    assert_eq!(requested_scope(None, None), Ok(None));
    assert_eq!(requested_scope(some("read"), None), Ok(some("read")));
    assert_eq!(requested_scope(None, some("read")), Ok(some("read")));
    assert_eq!(requested_scope(some("read"), some("read write")), Ok(some("read")));
    assert_eq!(requested_scope(some("read write"), some("read")), Err(Refusal::ScopeNotAllowed));
    let service = service(&json!({}));
    let claim = |value: Value| {
        let claims = claims("app", "app", &json!({ "scope": value }));
        accepted(Asserter::ServiceAccount(&service), &es256(), &claims).map(|accepted| accepted.scope)
    };
    assert_eq!(claim(json!("read")), Ok(some("read")));
    assert_eq!(claim(json!("")), Ok(None));
    assert_eq!(claim(json!(["read"])), Err(Refusal::ScopeMalformed));
    assert_eq!(claim(json!("a\"b")), Err(Refusal::ScopeMalformed));
}

#[test]
fn a_request_has_an_assertion_that_names_its_issuer() {
    let assertion = jwt(&es256(), &claims(IDP, "s", &json!({})));
    let parse = |body: &str| AssertionRequest::parse(&form(body));
    let request = parse(&format!("assertion={assertion}&client_id=app&scope=read&resource={API}")).unwrap();
    assert_eq!((request.issuer.as_str(), request.client_id), (IDP, ClientId::parse("app")));
    assert_eq!((request.scope, request.resources.len()), (Some(scope("read")), 1));
    let without_issuer = jwt(&es256(), &claims(IDP, "s", &json!({ "iss": null })));
    for (body, refusal) in [
        (String::new(), Refusal::MissingParameter),
        ("assertion=x".to_owned(), Refusal::Assertion),
        (format!("assertion={without_issuer}"), Refusal::Assertion),
        (format!("assertion={assertion}&scope=%22"), Refusal::ScopeMalformed),
        (format!("assertion={assertion}&resource=x"), Refusal::ResourceMalformed),
        (format!("assertion={assertion}&client_id=%C3%A9"), Refusal::ClientAuthMalformed),
    ] {
        assert_eq!(parse(&body).err(), Some(refusal), "{body}");
    }
}

#[test]
fn what_an_account_refuses_has_the_error_of_the_specification() {
    for refusal in GrantRefusal::ALL {
        let (error, _) = refusal_of_account(refusal).error();
        let expected = match refusal {
            GrantRefusal::RightsLost | GrantRefusal::Scope => "invalid_scope",
            GrantRefusal::Resource | GrantRefusal::Audience => "invalid_target",
            GrantRefusal::ClientAuthentication | GrantRefusal::ClientDisabled => "invalid_client",
            GrantRefusal::GrantType => "unauthorized_client",
            _ => "invalid_grant",
        };
        assert_eq!(error, expected, "{refusal:?}");
        assert_ne!(refusal_of_account(refusal).kind(), "rights_lost", "no grant has ended");
    }
}
