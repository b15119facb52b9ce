use super::*;
use crate::oauth::endpoints::register::Registration;
use crate::oauth::vocabulary::authority::{Authority, Settings};
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, Client, ClientId};
use crate::oauth::vocabulary::sign_in::{Acr, SignIn};
use serde_json::json;

const NOW: UnixTime = UnixTime(1_800_000_000);
const API: &str = "https://api.example";
const FILES: &str = "https://files.example";

/// The facts of one request, which a test changes.
#[derive(Clone)]
struct Case {
    client: ClientFacts,
    user: Option<User>,
    owner: Option<ClientId>,
    granted: (Scope, Vec<Resource>),
    offline: bool,
    sign_in: Option<SignIn>,
    requested: (Option<Scope>, Vec<Resource>),
}

#[derive(Clone)]
struct User {
    enabled: bool,
    has_consented: bool,
    scope: Option<Scope>,
    session_is_active: bool,
}

impl Case {
    /// Facts that pass. A new grant type needs an arm here.
    fn passing(grant_type: GrantType) -> Self {
        let client = ClientFacts {
            id: id("app"),
            enabled: true,
            registered_method: Some(AuthMethod::ClientSecretBasic),
            authenticated_by: Some(AuthMethod::ClientSecretBasic),
            grant_types: vec![grant_type],
            scope: scope("read write offline_access"),
            resources: resources(&[API, FILES]),
            rules: Rules::default(),
            exact: true,
        };
        let user = User { enabled: true, has_consented: true, scope: None, session_is_active: true };
        let sign_in = SignIn { at: UnixTime(NOW.0 - 100), amr: vec!["pwd".to_owned()], acr: Some(Acr::SignedIn) };
        let own = Self {
            client,
            user: None,
            owner: None,
            granted: (scope("read write"), resources(&[API, FILES])),
            offline: false,
            sign_in: None,
            requested: (None, Vec::new()),
        };
        match grant_type {
            GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken => {
                Self { user: Some(user), owner: Some(id("app")), sign_in: Some(sign_in), ..own }
            }
            GrantType::JwtBearer | GrantType::TokenExchange => Self { user: Some(user), sign_in: Some(sign_in), ..own },
            GrantType::ClientCredentials => own,
        }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut case = self.clone();
        change(&mut case);
        case
    }

    /// The user, also where the grant type involves none.
    fn user(&mut self) -> &mut User {
        let user = User { enabled: true, has_consented: true, scope: None, session_is_active: true };
        self.user.get_or_insert(user)
    }

    fn pass(&self, grant_type: GrantType) -> Result<Permit, Check> {
        self.pass_by(pass, grant_type)
    }

    fn pass_by(&self, pass: Pass, grant_type: GrantType) -> Result<Permit, Check> {
        self.facts(|facts| pass(grant_type, facts, NOW))
    }

    fn facts<T>(&self, judge: impl FnOnce(&Facts<'_>) -> T) -> T {
        let user = self.user.as_ref().map(|user| UserFacts {
            enabled: user.enabled,
            has_consented: user.has_consented,
            scope: user.scope.as_ref(),
            session_is_active: user.session_is_active,
            session_ends: None,
        });
        let granted = Granted {
            owner: self.owner.as_ref(),
            scope: &self.granted.0,
            resources: &self.granted.1,
            offline: self.offline,
            sign_in: self.sign_in.as_ref(),
        };
        let requested = Requested { scope: self.requested.0.as_ref(), resources: &self.requested.1 };
        judge(&Facts { client: &self.client, user, granted, requested })
    }

    fn require(&mut self, of: StepUpOf, acr: Option<Acr>, max_age: Option<u64>) {
        self.client.rules.step_up.push(StepUp { of, acr, max_age });
    }

    /// Adds a rule for the tokens of a resource, which may name no other audience if `alone` says so.
    fn rule(&mut self, resource: &str, alone: bool, lifetime: Option<u64>, algorithm: Option<Algorithm>) {
        let resource = resources(&[resource]).remove(0);
        self.client.rules.tokens.push(TokenRule { resource, alone, lifetime, algorithm });
        self.client.rules.lifetime = Some(600);
    }

    fn know(&mut self, resource: &str, text: &str) {
        let (resource, scope) = (resources(&[resource]).remove(0), scope(text));
        self.client.rules.scopes.push(ResourceScope { resource, scope });
    }
}

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn resources(texts: &[&str]) -> Vec<Resource> {
    texts.iter().map(|text| Resource::parse(text).unwrap()).collect()
}

fn api() -> StepUpOf {
    StepUpOf::Resource(resources(&[API]).remove(0))
}

type Pass = fn(GrantType, &Facts<'_>, UnixTime) -> Result<Permit, Check>;

type Break = (Check, bool, &'static str, fn(&mut Case));

/// Each breaks one fact: the check that must refuse it, whether the fact is about the user, and its name.
const BREAKS: [Break; 32] = [
    (Check::ClientEnabled, false, "the client is disabled", |case| case.client.enabled = false),
    (Check::Authentication, false, "the client has not authenticated", |case| case.client.authenticated_by = None),
    (Check::Authentication, false, "another method than the registered one", |case| {
        case.client.authenticated_by = Some(AuthMethod::None);
    }),
    (Check::Authentication, false, "a client with a secret says that it is public", |case| {
        (case.client.registered_method, case.client.authenticated_by) = (None, Some(AuthMethod::None));
    }),
    (Check::GrantType, false, "the grant type is not registered", |case| case.client.grant_types.clear()),
    (Check::Owner, false, "the grant belongs to another client", |case| case.owner = Some(id("other"))),
    (Check::Owner, false, "the grant belongs to no client", |case| case.owner = None),
    (Check::UserEnabled, true, "the user is disabled", |case| case.user().enabled = false),
    (Check::UserEnabled, true, "there is no user", |case| case.user = None),
    (Check::Consent, true, "the consent is missing", |case| case.user().has_consented = false),
    (Check::Session, true, "the session has ended", |case| case.user().session_is_active = false),
    (Check::Session, true, "the client lost offline_access, and the session has ended", |case| {
        (case.offline, case.client.scope) = (true, scope("read write"));
        case.user().session_is_active = false;
    }),
    (Check::Rights, false, "the client lost the scope", |case| case.client.scope = scope("other offline_access")),
    (Check::Rights, true, "the user lost the scope", |case| case.user().scope = Some(scope("other"))),
    (Check::Rights, false, "the resources know nothing of the scope", |case| {
        case.know(API, "other");
        case.know(FILES, "");
    }),
    (Check::Rights, false, "the client lost the resources", |case| case.client.resources = resources(&["urn:other"])),
    (Check::Scope, false, "a requested scope was not granted", |case| case.requested.0 = Some(scope("read admin"))),
    (Check::Scope, false, "the client lost the requested scope", |case| {
        (case.client.scope, case.requested.0) = (scope("read"), Some(scope("write")));
    }),
    (Check::Scope, true, "the user lost the requested scope", |case| {
        case.user().scope = Some(scope("read"));
        case.requested.0 = Some(scope("write"));
    }),
    (Check::Scope, false, "the requested resource knows nothing of the scope", |case| {
        case.know(API, "other");
        case.requested.1 = resources(&[API]);
    }),
    (Check::Resource, false, "a requested resource was not granted", |case| {
        case.requested.1 = resources(&[API, "https://evil.example"]);
    }),
    (Check::Resource, false, "the client lost a requested resource", |case| {
        (case.client.resources, case.requested.1) = (resources(&[FILES]), resources(&[API]));
    }),
    (Check::Audience, false, "no resource of the grant admits another audience, and none is requested", |case| {
        case.rule(API, true, None, None);
        case.rule(FILES, true, None, None);
    }),
    (Check::Audience, false, "a requested resource admits no other audience", |case| {
        case.rule(API, true, None, None);
        case.requested.1 = resources(&[API, FILES]);
    }),
    (Check::Audience, false, "the requested resources demand different algorithms", |case| {
        case.rule(API, false, None, Some(Algorithm::Es256));
        case.rule(FILES, false, None, Some(Algorithm::Rs256));
        case.requested.1 = resources(&[API, FILES]);
    }),
    (Check::Audience, false, "the resources of the grant demand different algorithms", |case| {
        case.rule(API, false, None, Some(Algorithm::Es256));
        case.rule(FILES, false, None, Some(Algorithm::EdDsa));
    }),
    (Check::StepUp, true, "the sign-in is too weak for the resource", |case| {
        case.require(api(), Some(Acr::PhishingResistant), None);
    }),
    (Check::StepUp, true, "the sign-in is too old for the resource", |case| case.require(api(), None, Some(99))),
    (Check::StepUp, true, "the sign-in is too weak for the scope", |case| {
        case.require(StepUpOf::Scope("write".to_owned()), Some(Acr::PhishingResistant), None);
    }),
    (Check::StepUp, true, "the sign-in is too weak for the administration", |case| {
        case.require(StepUpOf::Administration, Some(Acr::PhishingResistant), None);
        for scope in [&mut case.client.scope, &mut case.granted.0] {
            *scope = scope.with(&Scope::parse("edgemint:clients").unwrap());
        }
    }),
    (Check::StepUp, true, "the sign-in has no class, and one is required", |case| {
        case.sign_in.iter_mut().for_each(|sign_in| sign_in.acr = None);
        case.require(api(), Some(Acr::PhishingResistant), None);
    }),
    (Check::StepUp, true, "the sign-in is unknown, and one is required", |case| {
        case.sign_in = None;
        case.require(api(), Some(Acr::SignedIn), None);
    }),
];

#[test]
fn each_grant_type_passes_each_check_that_its_row_names_and_no_other() {
    let of_users = GrantType::ALL.map(|grant_type| (grant_type, Row::of(grant_type), pass as Pass));
    let of_clients = GrantType::ALL.into_iter().filter_map(|grant_type| {
        Some((grant_type, Row::of_client_itself(grant_type)?, pass_for_client_itself as Pass))
    });
    for (grant_type, row, pass) in of_users.into_iter().chain(of_clients) {
        let passing = Case::passing(grant_type);
        assert!(passing.pass_by(pass, grant_type).is_ok(), "{grant_type:?}");
        for (check, of_user, name, break_it) in BREAKS {
            let outcome = passing.changed(break_it).pass_by(pass, grant_type).err();
            let applies = row.applies(check) && (!of_user || row.applies(Check::UserEnabled));
            assert_eq!(outcome, applies.then_some(check), "{grant_type:?}: {name}");
        }
    }
}

#[test]
fn an_identity_assertion_passes_each_check_and_the_rights_of_the_client_here_do_not_limit_it() {
    let passing = Case::passing(GrantType::RefreshToken).changed(|case| {
        case.client.grant_types = vec![GrantType::TokenExchange];
        case.granted = (scope("chat.read chat.write read write"), resources(&["https://chat.example", API]));
    });
    let permitted = |case: &Case| case.facts(|facts| pass_for_another_server(facts, NOW));
    assert_eq!(permitted(&passing).unwrap().scope(), &scope("chat.read chat.write read write"));
    let row = Row::of_identity_assertion();
    // The requested scope of these cases is part of what was granted above.
    let of_rights_here = [
        "the client lost the scope",
        "the resources know nothing of the scope",
        "the client lost the resources",
        "the client lost the requested scope",
        "the requested resource knows nothing of the scope",
    ];
    for (check, _, name, break_it) in BREAKS {
        let applies = row.applies(check) && !of_rights_here.contains(&name);
        assert_eq!(permitted(&passing.changed(break_it)).err(), applies.then_some(check), "{name}");
    }
    for check in Check::ALL {
        assert!(!matches!(row.cell(check), Applies::No(reason) if reason.is_empty()), "{check:?}");
    }
    let limited = passing.changed(|case| case.user().scope = Some(scope("chat.read admin")));
    assert_eq!(permitted(&limited).unwrap().scope(), &scope("chat.read"));
    let asked = limited.changed(|case| case.requested.0 = Some(scope("chat.read chat.write")));
    assert_eq!(permitted(&asked).unwrap().scope(), &scope("chat.read"));
    let beyond = passing.changed(|case| case.requested.0 = Some(scope("chat.read chat.admin")));
    assert_eq!(permitted(&beyond), Err(Check::Scope));
    // A rule without scope leaves it to the other server, and admits none that is requested.
    let none = passing.changed(|case| case.granted.0 = Scope::default());
    assert_eq!(permitted(&none).unwrap().scope(), &Scope::default());
    assert_eq!(permitted(&none.changed(|case| case.requested.0 = Some(scope("chat.read")))), Err(Check::Scope));
}

#[test]
fn a_grant_type_of_users_alone_has_no_tokens_about_clients() {
    for grant_type in [GrantType::AuthorizationCode, GrantType::RefreshToken] {
        let outcome = Case::passing(grant_type).pass_by(pass_for_client_itself, grant_type);
        assert_eq!(outcome, Err(Check::UserEnabled), "{grant_type:?}");
    }
}

#[test]
fn a_token_about_the_client_itself_needs_no_user_and_one_about_a_user_does() {
    for grant_type in [GrantType::ClientCredentials, GrantType::JwtBearer, GrantType::TokenExchange] {
        let without = Case::passing(grant_type).changed(|case| (case.user, case.sign_in) = (None, None));
        assert!(without.pass_by(pass_for_client_itself, grant_type).is_ok(), "{grant_type:?}");
    }
    for grant_type in [GrantType::JwtBearer, GrantType::TokenExchange] {
        let without = Case::passing(grant_type).changed(|case| case.user = None);
        assert_eq!(without.pass(grant_type), Err(Check::UserEnabled), "{grant_type:?}");
    }
}

#[test]
fn each_check_has_a_broken_fact_and_a_place_in_the_order() {
    for (check, ..) in BREAKS {
        assert!(Check::ALL.contains(&check), "{check:?}");
    }
    for (at, check) in Check::ALL.into_iter().enumerate() {
        assert!(BREAKS.iter().any(|(broken, ..)| *broken == check), "{check:?}");
        assert!(!Check::ALL[..at].contains(&check), "{check:?}");
    }
}

#[test]
fn a_check_that_does_not_apply_has_a_reason() {
    for grant_type in GrantType::ALL {
        for check in Check::ALL {
            let cell = Row::of(grant_type).cell(check);
            assert!(!matches!(cell, Applies::No(reason) if reason.is_empty()), "{grant_type:?} {check:?}");
        }
    }
}

#[test]
fn the_first_of_several_broken_facts_in_the_order_decides() {
    let passing = Case::passing(GrantType::RefreshToken);
    let first_breaks = Check::ALL.map(|check| BREAKS.iter().find(|(broken, ..)| *broken == check).unwrap());
    for (at, (check, _, name, break_it)) in first_breaks.iter().enumerate() {
        for (.., later, break_later) in &first_breaks[at..] {
            let both = passing.changed(break_it).changed(break_later).pass(GrantType::RefreshToken);
            assert_eq!(both, Err(*check), "{name}, {later}");
        }
    }
}

#[test]
fn a_client_is_admitted_by_the_same_checks() {
    for grant_type in GrantType::ALL {
        for (check, _, name, break_it) in BREAKS {
            let broken = Case::passing(grant_type).changed(break_it);
            let of_client = Check::OF_CLIENT.contains(&check) && Row::of(grant_type).applies(check);
            assert_eq!(admit(grant_type, &broken.client).err(), of_client.then_some(check), "{name}");
        }
    }
}

#[test]
fn a_permit_is_what_is_left_of_the_grant_and_the_request() {
    let refresh = |change: fn(&mut Case)| {
        let permit = Case::passing(GrantType::RefreshToken).changed(change).pass(GrantType::RefreshToken).unwrap();
        (permit.scope().to_string(), permit.resources().iter().map(Resource::as_str).collect::<Vec<_>>().join(" "))
    };
    let is = |scope: &str, resources: &[&str]| (scope.to_owned(), resources.join(" "));
    assert_eq!(refresh(|_| {}), is("read write", &[API, FILES]));
    assert_eq!(refresh(|case| case.client.scope = scope("write")), is("write", &[API, FILES]));
    assert_eq!(refresh(|case| case.user().scope = Some(scope("read"))), is("read", &[API, FILES]));
    assert_eq!(refresh(|case| case.client.resources = resources(&[FILES])), is("read write", &[FILES]));
    assert_eq!(refresh(|case| case.requested.0 = Some(scope("write"))), is("write", &[API, FILES]));
    assert_eq!(refresh(|case| case.requested.1 = resources(&[API])), is("read write", &[API]));
    // Each value must be known at one of the resources of the token.
    assert_eq!(refresh(|case| case.know(API, "read")), is("read write", &[API, FILES]));
    let rule_for_both = |case: &mut Case| {
        case.know(API, "read");
        case.know(FILES, "write");
        case.requested.1 = resources(&[FILES]);
    };
    assert_eq!(refresh(rule_for_both), is("write", &[FILES]));
}

#[test]
fn a_token_for_a_resource_that_admits_no_other_audience_names_it_alone() {
    let refresh = |change: fn(&mut Case)| {
        let alone = |case: &mut Case| case.rule(API, true, None, None);
        let case = Case::passing(GrantType::RefreshToken).changed(alone).changed(change);
        case.pass(GrantType::RefreshToken).map(|permit| permit.resources().to_vec())
    };
    assert_eq!(refresh(|_| {}), Ok(resources(&[FILES])), "without a name, the token is for the others");
    assert_eq!(refresh(|case| case.requested.1 = resources(&[API])), Ok(resources(&[API])));
    assert_eq!(refresh(|case| case.granted.1 = resources(&[API])), Ok(resources(&[API])), "the only one");
    assert_eq!(refresh(|case| case.client.resources = resources(&[API])), Ok(resources(&[API])), "the only one left");
    assert_eq!(refresh(|case| case.requested.1 = resources(&[FILES, API])), Err(Check::Audience));
    // A sign-in that only the other resource requires is not required.
    let weak = |case: &mut Case| case.require(api(), Some(Acr::PhishingResistant), None);
    assert_eq!(Case::passing(GrantType::RefreshToken).changed(weak).pass(GrantType::RefreshToken), Err(Check::StepUp));
    assert_eq!(refresh(|case| case.require(api(), Some(Acr::PhishingResistant), None)), Ok(resources(&[FILES])));
}

#[test]
fn a_token_has_the_shortest_lifetime_and_the_algorithm_that_its_resources_demand() {
    let refresh = |change: fn(&mut Case)| {
        let permit = Case::passing(GrantType::RefreshToken).changed(change).pass(GrantType::RefreshToken).unwrap();
        (permit.lifetime(900), permit.algorithm())
    };
    assert_eq!(refresh(|_| {}), (900, None), "no resource is registered");
    assert_eq!(refresh(|case| case.rule(API, false, Some(60), None)), (60, None));
    assert_eq!(
        refresh(|case| case.rule(API, false, Some(3600), None)),
        (600, None),
        "the other has that of the settings"
    );
    let both = |case: &mut Case| {
        case.rule(API, false, Some(7200), Some(Algorithm::EdDsa));
        case.rule(FILES, false, Some(3600), None);
    };
    assert_eq!(refresh(both), (3600, Some(Algorithm::EdDsa)));
    let only_api = |case: &mut Case| {
        case.rule(API, true, Some(3600), Some(Algorithm::Rs256));
        case.requested.1 = resources(&[API]);
    };
    assert_eq!(refresh(only_api), (3600, Some(Algorithm::Rs256)));
}

#[test]
fn a_grant_is_described_though_its_client_has_to_name_a_resource() {
    let several = |case: &mut Case| {
        case.rule(API, true, None, None);
        case.rule(FILES, true, None, None);
    };
    let case = Case::passing(GrantType::RefreshToken).changed(several);
    let remaining = case.facts(|facts| remaining(GrantType::RefreshToken, facts, NOW));
    assert_eq!(remaining.map(|scope| scope.to_string()), Ok("read write".to_owned()));
    let disabled = case.changed(|case| case.client.enabled = false);
    let remaining = disabled.facts(|facts| super::remaining(GrantType::RefreshToken, facts, NOW));
    assert_eq!(remaining, Err(Check::ClientEnabled));
}

#[test]
fn what_concerns_the_user_alone_is_known_at_every_resource() {
    let case = Case::passing(GrantType::RefreshToken).changed(|case| {
        case.client.scope = scope("openid groups offline_access read write edgemint:admin");
        case.granted.0 = case.client.scope.clone();
        case.user().scope = Some(case.client.scope.clone());
        case.know(API, "read");
        case.requested.1 = resources(&[API]);
    });
    let permit = case.pass(GrantType::RefreshToken).unwrap();
    assert_eq!(permit.scope().to_string(), "openid groups offline_access read");
}

#[test]
fn rules_and_permits_of_versions_without_registered_resources_are_read() {
    let rules: Rules = serde_json::from_value(json!({ "scopes": [], "step_up": [] })).unwrap();
    assert_eq!(rules, Rules::default());
    assert_eq!(serde_json::to_value(&rules).unwrap(), json!({ "scopes": [], "step_up": [] }));
    let text = r#"{"scope":"read","resources":["urn:a"]}"#;
    let permit: Permit = serde_json::from_str(text).unwrap();
    assert_eq!((permit.lifetime(600), permit.algorithm()), (600, None));
    assert_eq!(serde_json::to_string(&permit).unwrap(), text);
}

#[test]
fn a_sign_in_is_required_only_where_the_token_has_the_resource_or_the_scope() {
    let outcome = |change: fn(&mut Case)| {
        Case::passing(GrantType::RefreshToken).changed(change).pass(GrantType::RefreshToken).err()
    };
    assert_eq!(outcome(|case| case.require(api(), Some(Acr::SignedIn), Some(100))), None);
    let for_files = |case: &mut Case| {
        case.require(api(), Some(Acr::PhishingResistant), None);
        case.requested.1 = resources(&[FILES]);
    };
    let for_read = |case: &mut Case| {
        case.require(StepUpOf::Scope("write".to_owned()), Some(Acr::PhishingResistant), None);
        case.requested.0 = Some(scope("read"));
    };
    assert_eq!((outcome(for_files), outcome(for_read)), (None, None));
}

#[test]
fn all_rules_that_concern_a_token_count_together() {
    let case = Case::passing(GrantType::RefreshToken).changed(|case| {
        case.require(api(), Some(Acr::SignedIn), Some(600));
        case.require(StepUpOf::Scope("write".to_owned()), Some(Acr::PhishingResistant), None);
        case.require(StepUpOf::Scope("pay".to_owned()), None, Some(60));
        case.require(StepUpOf::Administration, Some(Acr::PhishingResistant), Some(300));
    });
    let required = |text: &str, named: &[&str]| {
        let required = case.client.rules.required_sign_in(&scope(text), &resources(named));
        required.map(|RequiredSignIn { acr, max_age }| (acr, max_age))
    };
    let (low, high) = (Some(Acr::SignedIn), Some(Acr::PhishingResistant));
    for (scope, resources, expected) in [
        ("read", vec![FILES], None),
        ("read", vec![API], Some((low, Some(600)))),
        ("read", vec![FILES, API], Some((low, Some(600)))),
        ("write", vec![FILES], Some((high, None))),
        ("write pay", vec![API], Some((high, Some(60)))),
        ("pay", vec![FILES], Some((None, Some(60)))),
        ("edgemint:admin", vec![FILES], Some((high, Some(300)))),
        ("edgemint:clients", vec![API], Some((high, Some(300)))),
        ("edgemint", vec![FILES], None),
        ("", vec![], None),
    ] {
        assert_eq!(required(scope, &resources), expected, "{scope} {resources:?}");
    }
}

#[test]
fn the_administration_requires_what_the_setting_says() {
    let rules = |admin_acr| {
        let settings = Settings { issuer: "https://as.example", admin_acr, ..Settings::default() };
        Rules::of_server(&Authority::parse(settings).unwrap())
    };
    assert_eq!(rules(""), Rules::default());
    let required = |text: &str| rules("phr").required_sign_in(&scope(text), &[]).and_then(|required| required.acr);
    assert_eq!(required("openid edgemint:admin"), Some(Acr::PhishingResistant));
    assert_eq!((required("openid"), rules("phr").scopes.len()), (None, 0));
    // A token about the client itself has no sign-in, and needs none.
    let facts = |case: &mut Case| {
        case.client.rules = rules("phr");
        for scope in [&mut case.client.scope, &mut case.granted.0] {
            *scope = scope.with(&Scope::parse("edgemint:admin").unwrap());
        }
    };
    assert!(Case::passing(GrantType::ClientCredentials).changed(facts).pass(GrantType::ClientCredentials).is_ok());
    let asserted = Case::passing(GrantType::JwtBearer).changed(facts).changed(|case| {
        case.user().scope = Some(scope("read write edgemint:admin"));
        case.sign_in = None;
    });
    assert_eq!(asserted.pass(GrantType::JwtBearer), Err(Check::StepUp));
    let itself = asserted.pass_by(pass_for_client_itself, GrantType::JwtBearer);
    assert!(itself.is_ok(), "{itself:?}");
}

#[test]
fn a_client_has_the_issuer_and_the_default_resource_beside_its_own() {
    let metadata =
        json!({ "scope": "read write edgemint:admin", "resources": ["https://api.example", "https://as.example"] });
    let registration = Registration::parse(metadata.as_object().unwrap()).unwrap();
    let client = Client::from_record(&registration.into_record(id("app"), None, UnixTime(0)));
    for (default_resource, expected) in [
        ("", vec!["https://api.example", "https://as.example"]),
        ("urn:default", vec!["https://api.example", "https://as.example", "urn:default"]),
    ] {
        let settings = Settings { issuer: "https://as.example", default_resource, ..Settings::default() };
        let facts = ClientFacts::of(&Authority::parse(settings).unwrap(), &Catalogue::default(), &client, None);
        assert_eq!(facts.resources, resources(&expected));
        assert!(!facts.exact && facts.enabled);
    }
}

#[test]
fn client_and_user_both_limit_a_grant() {
    let permitted = |user: Option<&str>| {
        let case = Case::passing(GrantType::RefreshToken).changed(|case| {
            case.client.scope = scope("openid read edgemint:admin");
            case.granted.0 = scope("openid read write edgemint:admin");
            case.user().scope = user.map(scope);
        });
        case.pass(GrantType::RefreshToken).unwrap().scope().to_string()
    };
    assert_eq!(permitted(None), "openid read");
    assert_eq!(permitted(Some("read write")), "openid read");
    assert_eq!(permitted(Some("write")), "openid");
    assert_eq!(permitted(Some("edgemint:admin")), "openid edgemint:admin");
    let client = |text: &str| ClientFacts { scope: scope(text), ..Case::passing(GrantType::RefreshToken).client };
    assert!(!outlives_session(true, &client("read"), None));
    assert!(outlives_session(true, &client("read offline_access"), Some(&scope("write"))));
    assert!(!outlives_session(false, &client("read offline_access"), None));
}
