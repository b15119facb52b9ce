use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Decision, ResponseMode, Target, client_id, decide};
use crate::oauth::grant::consent::Consent;
use crate::oauth::grant::handle::SessionId;
use crate::oauth::grant::{SignIn, Stage};
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::resource::Resource;
use crate::oauth::vocabulary::status_entry::{ListId, StatusEntry};

const CALLBACK: &str = "https://app.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) fn registered() -> Value {
    json!({ "redirect_uris": [CALLBACK], "scope": "openid read offline_access edgemint:admin", "resources": [API] })
}

pub(super) fn session() -> SessionId {
    SessionId::from_bytes([1; 16])
}

pub(super) fn parse_for(client: &Client, query: &str) -> Result<AuthorizationRequest, Refusal> {
    let form = form(query);
    let target = Target::parse(client, &form).unwrap();
    AuthorizationRequest::parse(&authority(), &Catalogue::default(), client, &target, &form)
}

/// A valid request, with these parameters instead of or beside its own.
pub(super) fn query(changes: &str) -> String {
    let changed = form(changes);
    let changed: Vec<_> = changed.named().map(|(name, _)| name).collect();
    let challenge = format!("code_challenge={CHALLENGE}");
    let own = ["response_type=code", "code_challenge_method=S256", "scope=openid+read", &challenge];
    let kept = own.into_iter().filter(|pair| !changed.contains(&pair.split('=').next().unwrap()));
    kept.chain([changes]).filter(|it| !it.is_empty()).collect::<Vec<_>>().join("&")
}

pub(super) fn request(changes: &str) -> AuthorizationRequest {
    parse_for(&client(&registered()), &query(changes)).unwrap()
}

#[test]
fn the_client_has_to_be_named() {
    assert_eq!(client_id(&form("client_id=app")).unwrap().as_str(), "app");
    for bad in ["", "client_id=", "client_id=%0A"] {
        assert_eq!(client_id(&form(bad)), Err(Refusal::AuthorizeClient), "{bad}");
    }
}

#[test]
fn responses_go_to_registered_redirect_uris_alone() {
    let one = client(&registered());
    let two = client(&json!({ "redirect_uris": [CALLBACK, "https://app.example/other"] }));
    let target = |client: &Client, query: &str| Target::parse(client, &form(query));
    assert_eq!(target(&one, "").unwrap().redirect_uri.as_str(), CALLBACK);
    assert_eq!(
        target(&two, "redirect_uri=https://app.example/other").unwrap().redirect_uri.as_str(),
        "https://app.example/other"
    );
    for (client, query) in [
        (&two, ""),
        (&one, "redirect_uri=https://app.example/other"),
        (&one, "redirect_uri=https://app.example/cb/"),
        (&one, "redirect_uri=javascript:x"),
        (&client(&json!({})), ""),
    ] {
        assert_eq!(target(client, query).unwrap_err(), Refusal::AuthorizeRedirect, "{query}");
    }
    let by_form = target(&one, "response_mode=form_post&state=s+1").unwrap();
    assert_eq!((by_form.mode, by_form.state.as_deref()), (ResponseMode::FormPost, Some("s 1")));
    assert_eq!(target(&one, "response_mode=query").unwrap().mode, ResponseMode::Query);
}

#[test]
fn a_response_carries_state_and_issuer() {
    let authority = authority();
    let target = |query: &str| Target::parse(&client(&registered()), &form(query)).unwrap();
    let (with, without) = (target("state=s"), target(""));
    assert_eq!(with.success(&authority, "c"), [("code", "c"), ("state", "s"), ("iss", ISSUER)]);
    assert_eq!(without.success(&authority, "c"), [("code", "c"), ("iss", ISSUER)]);
    let failure = with.failure(&authority, &Refusal::AccessDenied);
    assert_eq!(failure.first(), Some(&("error", "access_denied")));
    assert!(failure.iter().any(|(name, text)| *name == "error_description" && !text.is_empty()));
    assert_eq!(failure.get(2..).unwrap(), [("state", "s"), ("iss", ISSUER)]);
}

#[test]
fn each_faulty_parameter_is_refused() {
    let app = client(&registered());
    let long_acr = format!("acr_values={}", "phr+".repeat(251));
    let long_nonce = format!("nonce={}", "n".repeat(1001));
    for (changes, refusal) in [
        ("request=x", Refusal::RequestObject),
        ("request_uri=urn:x", Refusal::RequestUri),
        ("response_type=", Refusal::MissingParameter),
        ("response_type=token", Refusal::ResponseType),
        ("response_type=code+id_token", Refusal::ResponseType),
        ("response_mode=fragment", Refusal::ResponseModeUnsupported),
        ("code_challenge=", Refusal::PkceMissing),
        ("code_challenge_method=", Refusal::PkceMethod),
        ("code_challenge_method=plain", Refusal::PkceMethod),
        ("code_challenge=short", Refusal::PkceChallenge),
        ("scope=%22", Refusal::ScopeMalformed),
        ("scope=write", Refusal::ScopeNotAllowed),
        ("resource=api", Refusal::ResourceMalformed),
        ("resource=https://other.example", Refusal::ResourceNotAllowed),
        ("prompt=create", Refusal::Prompt),
        ("prompt=none+login", Refusal::Prompt),
        ("max_age=-1", Refusal::MaxAge),
        ("max_age=+1", Refusal::MaxAge),
        ("max_age=1.5", Refusal::MaxAge),
        (&long_nonce, Refusal::Nonce),
        ("claims=[]", Refusal::Claims),
        ("claims=%7B%22id_token%22:%7B%22acr%22:1%7D%7D", Refusal::Claims),
        (&long_acr, Refusal::AcrValues),
    ] {
        assert_eq!(parse_for(&app, &query(changes)).unwrap_err(), refusal, "{changes}");
    }
    let service = client(&json!({ "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"] }));
    assert_eq!(parse_for(&service, &query("")).unwrap_err(), Refusal::GrantNotAllowed);
}

#[test]
fn a_request_is_read_into_its_parts() {
    let plain = request("");
    assert_eq!((plain.client.as_str(), plain.redirect_uri.as_str()), ("app", CALLBACK));
    assert_eq!((plain.scope.to_string().as_str(), plain.challenge.as_str()), ("openid read", CHALLENGE));
    let flags = |it: &AuthorizationRequest| (it.silent, it.sign_in_again, it.ask_again, it.remembers);
    assert_eq!(flags(&plain), (false, false, false, true));
    assert_eq!((&plain.nonce, plain.max_age, &plain.signed_in), (&None, None, &None));
    assert_eq!(flags(&request("prompt=none")), (true, false, false, true));
    assert_eq!(flags(&request("prompt=login+consent")), (false, true, true, true));
    assert_eq!(flags(&request("prompt=select_account")), (false, true, false, true));
    assert_eq!(request("max_age=0").max_age, Some(0));
    assert_eq!(request("nonce=n").nonce.as_deref(), Some("n"));
    assert!(parse_for(&client(&registered()), &query(&format!("nonce={}", "n".repeat(1000)))).is_ok());
    assert!(request(&format!("signed_in={}.5", session())).signed_in.is_some());
    assert_eq!(request("claims=%7B%22id_token%22:%7B%22email%22:null%7D%7D").claims.id_token.len(), 1);
    assert!(parse_for(&client(&registered()), &query("response_mode=form_post")).is_ok());
    // The scope is what the client registered; the rest of the request is ignored.
    assert_eq!(request("scope=read+write").scope.to_string(), "read");
    assert_eq!(request("scope=").scope.to_string(), "openid read offline_access edgemint:admin");
}

#[test]
fn openid_implies_the_issuer_as_a_resource() {
    let resources = |changes: &str| {
        let request = request(changes);
        request.resources.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(resources(""), [ISSUER]);
    assert_eq!(resources(&format!("resource={API}")), [API, ISSUER]);
    assert_eq!(resources(&format!("resource={API}&scope=read")), [API]);
    assert_eq!(resources(&format!("resource={API}&resource={ISSUER}")), [API, ISSUER]);
}

#[test]
fn consent_is_not_remembered_where_any_program_can_send_the_request() {
    let remembers = |redirect_uri: &str, method: &str| {
        let metadata = json!({ "redirect_uris": [redirect_uri], "token_endpoint_auth_method": method });
        parse_for(&client(&metadata), &query("scope=openid")).unwrap().remembers
    };
    let (public, confidential) = ("none", "client_secret_basic");
    assert!(!remembers("http://127.0.0.1/cb", public));
    assert!(!remembers("com.example.app:/cb", public));
    assert!(remembers(CALLBACK, public));
    assert!(remembers("http://127.0.0.1/cb", confidential) && remembers("com.example.app:/cb", confidential));
}

#[test]
fn session_age_prompt_scope_and_consent_decide() {
    let (ask, allowed) = (|text: &str| Decision::Ask(scope(text)), |text: &str| Decision::Allowed(scope(text)));
    let both = || Some(scope("openid read"));
    let fresh = |seconds_ago: u64| format!("signed_in={}.{}", session(), NOW.0 - seconds_ago);
    let other = format!("max_age=60&signed_in={}.{}", SessionId::from_bytes([2; 16]), NOW.0);
    let aged = |max_age: u64, seconds_ago| format!("max_age={max_age}&{}", fresh(seconds_ago));
    // Parameters, the age of the sign-in, what the account may allow, what it has allowed.
    for (changes, age, permitted, consented, expected) in [
        ("", None, None, both(), Decision::SignIn),
        ("", Some(10), None, None, ask("openid read")),
        ("", Some(10), None, both(), allowed("openid read")),
        ("", Some(10), None, Some(scope("read")), ask("openid read")),
        ("prompt=login", Some(10), None, both(), Decision::SignIn),
        ("prompt=select_account", Some(10), None, both(), Decision::SignIn),
        ("prompt=consent", Some(10), None, both(), ask("openid read")),
        ("prompt=none", Some(10), None, both(), allowed("openid read")),
        ("max_age=60", Some(60), None, both(), allowed("openid read")),
        ("max_age=60", Some(61), None, both(), Decision::SignIn),
        ("max_age=0", Some(0), None, both(), allowed("openid read")),
        ("max_age=0", Some(1), None, both(), Decision::SignIn),
        // A sign-in for this very request counts for five minutes.
        (&aged(60, 0), Some(300), None, both(), allowed("openid read")),
        (&aged(60, 0), Some(301), None, both(), Decision::SignInTooOld),
        (&aged(1000, 0), Some(1000), None, both(), allowed("openid read")),
        (&aged(1000, 0), Some(1001), None, both(), Decision::SignInTooOld),
        (&aged(60, 301), Some(61), None, both(), Decision::SignIn),
        (&other, Some(61), None, both(), Decision::SignIn),
        // The account limits the scope.
        ("", Some(10), Some(scope("read")), both(), allowed("openid read")),
        ("", Some(10), Some(scope("write")), both(), allowed("openid")),
        ("", Some(10), Some(scope("write")), None, ask("openid")),
        ("scope=read", Some(10), Some(scope("write")), both(), Decision::Denied),
        ("scope=edgemint:admin", Some(10), None, both(), Decision::Denied),
        ("scope=edgemint:admin", Some(10), Some(scope("edgemint:admin")), both(), ask("edgemint:admin")),
    ] {
        let request = request(changes);
        let sign_in = age.map(|age: u64| SignIn { at: UnixTime(NOW.0 - age), amr: Vec::new(), acr: None });
        let consent = consented.map(|scope| Consent::new(NOW).with(&scope, &request.resources));
        let session = session();
        let signed_in = sign_in.as_ref().map(|sign_in| (&session, sign_in));
        let decision = decide(&request, signed_in, permitted.as_ref(), consent.as_ref(), NOW);
        assert_eq!(decision, expected, "{changes} {age:?} {permitted:?}");
    }
}

#[test]
fn consent_counts_for_its_resources_and_an_empty_scope_is_no_denial() {
    let sign_in = SignIn { at: NOW, amr: Vec::new(), acr: None };
    let session = session();
    let elsewhere = Consent::new(NOW).with(&scope("openid read"), &[Resource::parse(ISSUER).unwrap()]);
    let both = request(&format!("resource={API}"));
    let decided = decide(&both, Some((&session, &sign_in)), None, Some(&elsewhere), NOW);
    assert_eq!(decided, Decision::Ask(scope("openid read")));
    let bare = client(&json!({ "redirect_uris": [CALLBACK], "scope": "" }));
    let request = parse_for(&bare, &query("scope=")).unwrap();
    let decide = |consent: Option<&Consent>| decide(&request, Some((&session, &sign_in)), None, consent, NOW);
    assert_eq!(decide(None), Decision::Ask(scope("")));
    assert_eq!(decide(Some(&elsewhere)), Decision::Allowed(scope("")));
    let unremembered = AuthorizationRequest { remembers: false, ..request.clone() };
    let decided = crate::oauth::endpoints::authorize::decide(
        &unremembered,
        Some((&session, &sign_in)),
        None,
        Some(&elsewhere),
        NOW,
    );
    assert_eq!(decided, Decision::Ask(scope("")));
}

#[test]
fn prompt_none_turns_interaction_into_an_error() {
    let (silent, open) = (request("prompt=none"), request(""));
    let ask = || Decision::Ask(scope("read"));
    for (decision, silently, openly) in [
        (Decision::SignIn, Err(Refusal::LoginRequired), Ok(Decision::SignIn)),
        (ask(), Err(Refusal::ConsentRequired), Ok(ask())),
        (Decision::Denied, Err(Refusal::AccessDenied), Err(Refusal::AccessDenied)),
        (Decision::SignInTooOld, Err(Refusal::MaxAgePassed), Err(Refusal::MaxAgePassed)),
        (Decision::AcrUnmet, Err(Refusal::AcrUnmet), Err(Refusal::AcrUnmet)),
        (Decision::Allowed(scope("read")), Ok(Decision::Allowed(scope("read"))), Ok(Decision::Allowed(scope("read")))),
    ] {
        assert_eq!(decision.clone().unless_silent(&silent), silently);
        assert_eq!(decision.unless_silent(&open), openly);
    }
}

#[test]
fn a_grant_takes_over_what_was_requested() {
    let status = Some(StatusEntry { list: ListId(1), idx: 2 });
    let sign_in = SignIn { at: NOW, amr: vec!["pwd".to_owned()], acr: None };
    let request = request("nonce=n&claims=%7B%22id_token%22:%7B%22email%22:null%7D%7D");
    let grant = request.grant(scope("openid read"), session(), sign_in.clone(), status, NOW);
    assert_eq!((grant.client.as_str(), grant.scope.to_string().as_str(), grant.offline), ("app", "openid read", false));
    assert_eq!(
        (grant.resources, grant.session, grant.sign_in),
        (request.resources.clone(), Some(session()), Some(sign_in.clone()))
    );
    assert!(grant.challenge.is_some_and(|challenge| challenge.equals(&request.challenge)));
    assert_eq!((grant.issued_at, grant.status, grant.tokens_end), (NOW, status, None));
    assert_eq!(grant.id_token_claims, request.claims.id_token);
    assert_eq!(grant.stage, Stage::Code { redirect_uri: CALLBACK.to_owned(), nonce: Some("n".to_owned()) });
    assert!(request.grant(scope("read offline_access"), session(), sign_in, None, NOW).offline);
}
