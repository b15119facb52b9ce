//! The classes and ages that a client requests and that the rules require, from the authorization request to the grant.

use super::authorize::{parse_for, query, registered, request, session};
use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision, decide};
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::gate::{RequiredSignIn, Rules, StepUp, StepUpOf};
use crate::oauth::grant::{Acr, SignIn};
use crate::oauth::vocabulary::resource::Resource;
use Acr::{PhishingResistant, SignedIn};

fn claims(acr: &Value) -> String {
    format!("claims={}", crate::wire::form_encode(&json!({ "id_token": { "acr": acr } }).to_string()))
}

fn rule(of: StepUpOf, acr: Option<Acr>, max_age: Option<u64>) -> Rules {
    Rules { step_up: vec![StepUp { of, acr, max_age }], ..Rules::default() }
}

fn at_api() -> StepUpOf {
    StepUpOf::Resource(Resource::parse(API).unwrap())
}

/// Decides for a user who signed in so many seconds ago, and has consented to everything that a user may allow.
fn decided(request: &AuthorizationRequest, acr: Acr, age: u64, permitted: Option<&Scope>) -> Decision {
    let sign_in = SignIn { at: UnixTime(NOW.0 - age), amr: Vec::new(), acr: Some(acr) };
    let consent = Consent::new(NOW).with(&request.scope, &request.resources);
    decide(request, Some((&session(), &sign_in)), permitted, Some(&consent), NOW)
}

#[test]
fn the_claim_acr_counts_before_acr_values() {
    let lowest = |changes: &str| request(changes).acr.required();
    assert_eq!(lowest("acr_values=phr"), Some(PhishingResistant));
    assert_eq!(
        lowest(&format!("acr_values=1&{}", claims(&json!({ "essential": true, "value": "phr" })))),
        Some(PhishingResistant)
    );
    assert_eq!(lowest(&format!("acr_values=phr&{}", claims(&json!({ "value": "1" })))), None);
    assert_eq!(lowest(&format!("acr_values=phr&{}", claims(&json!({ "essential": true })))), Some(PhishingResistant));
    assert_eq!(lowest(&format!("acr_values=phr&{}", claims(&json!(null)))), Some(PhishingResistant));
}

#[test]
fn an_essential_class_that_no_sign_in_reaches_is_refused_at_once() {
    let parse = |changes: &str| parse_for(&client(&registered()), &query(changes)).map(|_| ());
    for (acr, expected) in [
        (json!({ "essential": true, "value": "gold" }), Err(Refusal::AcrUnmet)),
        (json!({ "essential": true, "values": ["gold", "2"] }), Err(Refusal::AcrUnmet)),
        (json!({ "essential": true, "values": [] }), Err(Refusal::AcrUnmet)),
        (json!({ "essential": true, "values": ["gold", "1"] }), Ok(())),
        (json!({ "essential": true }), Ok(())),
        (json!({ "values": ["gold"] }), Ok(())),
    ] {
        assert_eq!(parse(&claims(&acr)), expected, "{acr}");
    }
    assert_eq!(parse("acr_values=gold"), Ok(()), "acr_values with unknown values alone are ignored");
    assert_eq!(Refusal::AcrUnmet.error().0, "unmet_authentication_requirements");
}

#[test]
fn class_age_and_rules_decide_together() {
    let fresh = format!("signed_in={}.{}", session(), NOW.0);
    let phr = format!("acr_values=phr&{fresh}");
    let essential = claims(&json!({ "essential": true, "value": "phr" }));
    let voluntary = claims(&json!({ "value": "phr" }));
    let voluntary_fresh = format!("{voluntary}&{fresh}");
    let (no_rule, high) = (Rules::default, Some(PhishingResistant));
    let api = format!("resource={API}");
    let api_fresh = format!("resource={API}&{fresh}");
    let write = || rule(StepUpOf::Scope("write".to_owned()), high, None);
    let allowed = || Decision::Allowed(scope("openid read"));
    // Parameters, rules, class and age of the sign-in, the decision, and the refusal with `prompt=none`.
    for (changes, rules, acr, age, expected, silently) in [
        ("", no_rule(), SignedIn, 9, allowed(), None),
        ("acr_values=phr", no_rule(), SignedIn, 0, Decision::SignIn, Some(Refusal::LoginRequired)),
        ("acr_values=phr", no_rule(), PhishingResistant, 9, allowed(), None),
        ("acr_values=gold+1", no_rule(), SignedIn, 9, allowed(), None),
        (&phr, no_rule(), SignedIn, 0, Decision::AcrUnmet, Some(Refusal::AcrUnmet)),
        (&essential, no_rule(), SignedIn, 0, Decision::SignIn, Some(Refusal::LoginRequired)),
        (&voluntary, no_rule(), SignedIn, 0, Decision::SignIn, None),
        (&voluntary_fresh, no_rule(), SignedIn, 0, allowed(), None),
        // The rules of resources and scope values.
        ("", rule(at_api(), high, Some(60)), SignedIn, 900, allowed(), None),
        (&api, rule(at_api(), high, None), SignedIn, 0, Decision::SignIn, Some(Refusal::LoginRequired)),
        (&api_fresh, rule(at_api(), high, None), SignedIn, 0, Decision::AcrUnmet, Some(Refusal::AcrUnmet)),
        (&api, rule(at_api(), high, None), PhishingResistant, 900, allowed(), None),
        (&api, rule(at_api(), None, Some(60)), PhishingResistant, 60, allowed(), None),
        (&api, rule(at_api(), None, Some(60)), PhishingResistant, 61, Decision::SignIn, Some(Refusal::LoginRequired)),
        (
            &api_fresh,
            rule(at_api(), None, Some(60)),
            PhishingResistant,
            61,
            Decision::SignInTooOld,
            Some(Refusal::MaxAgePassed),
        ),
        ("", write(), SignedIn, 9, allowed(), None),
    ] {
        let asked = request(changes).under(rules.clone());
        assert_eq!(decided(&asked, acr, age, None), expected, "{changes} {rules:?} {acr:?} {age}");
        let silent = AuthorizationRequest { silent: true, ..asked };
        let answer = decided(&silent, acr, age, None).unless_silent(&silent);
        assert_eq!(answer.err(), silently, "{changes} {rules:?} {acr:?} {age}");
    }
}

#[test]
fn a_rule_concerns_only_what_the_user_may_allow() {
    let admin = rule(StepUpOf::Administration, Some(PhishingResistant), None);
    let asked = request("scope=openid+edgemint:admin").under(admin);
    let operator = scope("edgemint:admin");
    assert_eq!(decided(&asked, SignedIn, 0, None), Decision::Allowed(scope("openid")));
    assert_eq!(decided(&asked, SignedIn, 0, Some(&operator)), Decision::SignIn);
    let all = scope("openid edgemint:admin");
    assert_eq!(decided(&asked, PhishingResistant, 0, Some(&operator)), Decision::Allowed(all.clone()));
    // The sign-in page is shown before the user is known: it asks for what the client requests.
    assert!(asked.wanted().needs_passkey());
    let sign_in = |acr| SignIn { at: NOW, amr: Vec::new(), acr: Some(acr) };
    assert!(!asked.is_allowed_after(&sign_in(SignedIn), &all, NOW));
    assert!(asked.is_allowed_after(&sign_in(SignedIn), &scope("openid"), NOW));
    assert!(asked.is_allowed_after(&sign_in(PhishingResistant), &all, NOW));
}

#[test]
fn the_page_gets_what_client_and_rules_want() {
    let asked = request(&format!("max_age=600&acr_values=1&resource={API}"));
    let wanted = |rules| asked.clone().under(rules).wanted();
    let required = |acr, max_age| RequiredSignIn { acr: Some(acr), max_age: Some(max_age) };
    assert_eq!(wanted(Rules::default()), Wanted { required: required(SignedIn, 600), preferred: Some(SignedIn) });
    assert_eq!(
        wanted(rule(at_api(), Some(PhishingResistant), Some(60))),
        Wanted { required: required(PhishingResistant, 60), preferred: Some(PhishingResistant) }
    );
}

#[test]
fn a_grant_has_the_class_that_its_tokens_name() {
    let named = |changes: &str, rules: Rules, reached: Option<Acr>| {
        let sign_in = SignIn { at: NOW, amr: Vec::new(), acr: reached };
        let request = request(changes).under(rules);
        request.grant(request.scope.clone(), session(), sign_in, None, NOW).sign_in.unwrap().acr
    };
    let none = Rules::default;
    assert_eq!(named("", none(), Some(PhishingResistant)), Some(PhishingResistant));
    assert_eq!(named("acr_values=1", none(), Some(PhishingResistant)), Some(SignedIn));
    assert_eq!(named("acr_values=phr+1", none(), Some(PhishingResistant)), Some(PhishingResistant));
    assert_eq!(named("acr_values=phr", none(), Some(SignedIn)), Some(SignedIn));
    assert_eq!(named("acr_values=phr", none(), None), None, "a session of an earlier version");
    let changes = format!("acr_values=1&resource={API}");
    let strict = rule(at_api(), Some(PhishingResistant), None);
    assert_eq!(
        named(&changes, strict, Some(PhishingResistant)),
        Some(PhishingResistant),
        "or the gate would refuse it"
    );
}

#[test]
fn requests_of_isolates_of_an_earlier_version_are_read() {
    let mut sent = serde_json::to_value(request("acr_values=phr")).unwrap();
    for new in ["acr", "rules"] {
        assert!(sent.as_object_mut().unwrap().remove(new).is_some(), "{new}");
    }
    let read: AuthorizationRequest = serde_json::from_value(sent).unwrap();
    assert_eq!((read.acr.required(), read.rules), (None, Rules::default()));
}
