//! What `COMPATIBILITY` permits to client software that cannot change: each item by itself, with and without the flag of the client.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::authenticate::by_secret;
use crate::oauth::endpoints::authorize::{AuthorizationRequest, Target};
use crate::oauth::endpoints::device::{DeviceAuthorization, DeviceAuthorizationResponse};
use crate::oauth::endpoints::introspect::token_info;
use crate::oauth::endpoints::jwt_bearer::{Accepted, Asserter, FirstUse, Once, Subject, accept, refusal_of_scope};
use crate::oauth::endpoints::revoke::by_possession;
use crate::oauth::endpoints::token_endpoint::TokenRequest;
use crate::oauth::grant::access_token::AccessToken;
use crate::oauth::grant::device_code::{DeviceCode, UserCode};
use crate::oauth::grant::handle::{AccountId, DeviceId, GrantId, Handle, Kind, MacKey};
use crate::oauth::refusal::MetadataError;
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::AuthMethod;
use crate::oauth::vocabulary::key_source::KeySource;
use crate::oauth::vocabulary::lifetimes::Lifetimes;

const BASIC: AuthMethod = AuthMethod::ClientSecretBasic;
const POST: AuthMethod = AuthMethod::ClientSecretPost;
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const DRAFT_GRANT: &str = "http%3A%2F%2Foauth.net%2Fgrant_type%2Fdevice%2F1.0";
const TOKEN_ENDPOINT: &str = "https://as.example/oauth/token";

fn permitting(compatibility: &str) -> Authority {
    Authority::parse(Settings { compatibility, ..settings() }).unwrap()
}

/// The settings with and without an item, and everything but the item.
fn switched(item: &str) -> [(Authority, bool); 4] {
    let others = ["assertion_without_jti", "certificates", "code_without_pkce", "device_without_secret"].into_iter();
    let others = others.chain(["draft_device_grant", "none_secret", "revocation_by_possession", "tokeninfo"]);
    let others: Vec<_> = others.filter(|other| *other != item).collect();
    [
        (permitting(item), true),
        (permitting("oauth2client"), true),
        (authority(), false),
        (permitting(&others.join(" ")), false),
    ]
}

fn key() -> MacKey {
    MacKey::derive(&[1; 32], "handle", ISSUER)
}

fn with(metadata: &Value, changes: &Value) -> Client {
    let mut metadata = metadata.as_object().unwrap().clone();
    metadata.extend(changes.as_object().unwrap().clone());
    client(&Value::Object(metadata))
}

fn web() -> Value {
    json!({ "redirect_uris": ["https://app.example/cb"], "scope": "openid read" })
}

fn asked(authority: &Authority, client: &Client, query: &str) -> Result<bool, Refusal> {
    let form = form(&format!("response_type=code&scope=openid+read&access_type=offline&approval_prompt=force{query}"));
    let target = Target::parse(client, &form).unwrap();
    let absent = crate::oauth::vocabulary::pkce::Challenge::absent();
    AuthorizationRequest::parse(authority, &Catalogue::default(), client, &target, &form)
        .map(|request| request.challenge.equals(&absent))
}

fn redeems(authority: &Authority, client: &Client, rest: &str) -> Result<TokenRequest, Refusal> {
    let account = AccountId::from_bytes([1; 16]);
    let handle = Handle { account, record: GrantId::from_bytes([2; 16]).to_string(), generation: 1 };
    let code = key().write(Kind::Code, &handle);
    let body = format!("grant_type=authorization_code&code={code}&scope=openid+read{rest}");
    TokenRequest::parse(authority, &Catalogue::default(), &key(), client, POST, &form(&body))
}

#[test]
fn a_code_without_pkce_needs_the_item_and_the_flag() {
    let flagged = with(&web(), &json!({ "require_pkce": false }));
    let plain = with(&web(), &json!({ "require_pkce": true }));
    for (authority, is_permitted) in switched("code_without_pkce") {
        let expected = if is_permitted { Ok(true) } else { Err(Refusal::PkceMissing) };
        assert_eq!(asked(&authority, &flagged, ""), expected);
        assert_eq!(asked(&authority, &plain, ""), Err(Refusal::PkceMissing));
        let pkce = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
        for client in [&flagged, &plain] {
            assert_eq!(asked(&authority, client, &pkce), Ok(false), "a challenge counts where it is sent");
            assert!(redeems(&authority, client, &format!("&code_verifier={VERIFIER}")).is_ok());
            assert_eq!(redeems(&authority, client, "&code_verifier=short").unwrap_err(), Refusal::PkceVerifier);
            for half in ["&code_challenge_method=S256", "&code_challenge_method=plain"] {
                assert_eq!(asked(&authority, client, half), Err(Refusal::PkceMissing), "{half}");
            }
            assert_eq!(asked(&authority, client, "&code_challenge=x"), Err(Refusal::PkceMethod));
        }
        let outcome = redeems(&authority, &flagged, "").map(|_| ());
        assert_eq!(outcome, if is_permitted { Ok(()) } else { Err(Refusal::MissingParameter) });
        assert_eq!(redeems(&authority, &plain, "").unwrap_err(), Refusal::MissingParameter);
    }
}

#[test]
fn the_text_none_is_no_secret_of_a_public_client_and_a_wrong_one_of_others() {
    let public = with(&web(), &json!({ "token_endpoint_auth_method": "none" }));
    let confidential = with(&web(), &json!({ "token_endpoint_auth_method": "client_secret_post" }));
    for (authority, is_permitted) in switched("none_secret") {
        let check = |client: &Client, method, secret| by_secret(&authority, Some(client), method, secret);
        let expected = if is_permitted { Ok(AuthMethod::None) } else { Err(Refusal::ClientAuthMethod) };
        assert_eq!(check(&public, POST, "None"), expected);
        for (method, secret) in [(BASIC, "None"), (POST, "none"), (POST, "None "), (POST, "a-secret-of-a-test")] {
            assert_eq!(check(&public, method, secret), Err(Refusal::ClientAuthMethod), "{method:?} {secret}");
        }
        assert_eq!(check(&confidential, POST, "None"), Err(Refusal::ClientSecret));
        assert_eq!(by_secret(&authority, None, POST, "None"), Err(Refusal::ClientUnknown));
        let mut disabled = public.clone();
        disabled.enabled = false;
        assert!(check(&disabled, POST, "None").is_err());
    }
}

#[test]
fn a_device_code_without_authentication_needs_the_item_and_the_flag() {
    let device = json!({ "grant_types": [DEVICE_GRANT], "scope": "read" });
    let (flagged, plain) = (with(&device, &json!({ "device_without_secret": true })), with(&device, &json!({})));
    let mut disabled = flagged.clone();
    disabled.enabled = false;
    for (authority, is_permitted) in switched("device_without_secret") {
        let ask = |client: &Client, by| {
            DeviceAuthorization::parse(&authority, &Catalogue::default(), client, by, &form("")).map(|_| ())
        };
        assert_eq!(ask(&flagged, None), if is_permitted { Ok(()) } else { Err(Refusal::ClientAuthMethod) });
        assert_eq!(ask(&plain, None), Err(Refusal::ClientAuthMethod));
        assert_eq!(ask(&disabled, None), Err(Refusal::ClientDisabled));
        assert_eq!((ask(&flagged, Some(POST)), ask(&plain, Some(POST))), (Ok(()), Ok(())));
        assert_eq!(ask(&flagged, Some(AuthMethod::None)), Err(Refusal::ClientAuthMethod));
    }
}

#[test]
fn the_draft_of_the_device_flow_has_its_own_names() {
    let client = client(&json!({ "grant_types": [DEVICE_GRANT], "scope": "read" }));
    let code = DeviceCode { device: DeviceId::from_bytes([1; 16]), grant: GrantId::from_bytes([2; 16]) };
    let text = code.write(&key());
    for (authority, is_permitted) in switched("draft_device_grant") {
        let poll = |body: &str| {
            let form = form(&format!("{body}&scope=read"));
            match TokenRequest::parse(&authority, &Catalogue::default(), &key(), &client, POST, &form)? {
                TokenRequest::RedeemDevice { code, .. } => Ok(code.grant),
                other => panic!("{other:?}"),
            }
        };
        let expected = if is_permitted { Ok(code.grant.clone()) } else { Err(Refusal::GrantUnsupported) };
        assert_eq!(poll(&format!("grant_type={DRAFT_GRANT}&code={text}")), expected);
        assert_eq!(poll(&format!("grant_type={DEVICE_GRANT}&device_code={text}")), Ok(code.grant.clone()));
        assert_eq!(poll(&format!("grant_type={DEVICE_GRANT}&code={text}")), Err(Refusal::MissingParameter));
        if is_permitted {
            let of_rfc = format!("grant_type={DRAFT_GRANT}&device_code={text}");
            assert_eq!(poll(&of_rfc), Err(Refusal::MissingParameter));
            assert_eq!(poll(&format!("grant_type={DRAFT_GRANT}&code=x")), Err(Refusal::HandleForged));
        }
        let user_code = UserCode::parse("BCDF-GHJK").unwrap();
        let response = DeviceAuthorizationResponse::new(&authority, &key(), &code, &user_code);
        let response = serde_json::to_value(response).unwrap();
        let page = json!("https://as.example/device");
        assert_eq!(response["verification_uri"], page);
        assert_eq!(response.get("verification_url"), is_permitted.then_some(&page));
    }
}

#[test]
fn possession_revokes_the_token_that_query_and_body_repeat() {
    for (authority, is_permitted) in switched("revocation_by_possession") {
        let token = |query: &str, body: &str| by_possession(&authority, &form(query), &form(body)).map(str::to_owned);
        assert_eq!(token("token=a", "token=a"), is_permitted.then(|| "a".to_owned()));
        for (query, body) in [
            ("token=a", "token=b"),
            ("token=a", ""),
            ("", "token=a"),
            ("token=", "token="),
            ("token=a&x=1", "token=a"),
            ("token=a", "token=a&client_id=app"),
            ("token=a", "client_id=app&token=a"),
            ("TOKEN=a", "TOKEN=a"),
        ] {
            assert_eq!(token(query, body), None, "{query} {body}");
        }
    }
}

#[test]
fn the_holder_of_a_token_sees_its_scope_expiry_and_client() {
    let claims =
        json!({ "client_id": "app", "sub": "s", "jti": "j", "scope": "read", "iat": NOW.0, "exp": NOW.0 + 60 });
    let access = AccessToken::read(&token(&claims)).unwrap();
    let told = json!({ "scope": "read", "exp": NOW.0 + 60, "expires_in": 50, "client_id": "app" });
    assert_eq!(token_info(&access, NOW.plus(10)), told);
}

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": base64url::encode(&[0xff; 256]), "e": "AQAB" })
}

fn service(changes: &Value) -> Client {
    let users = json!({ "users": [AccountId::from_bytes([7; 16]).as_str()], "scope": "mail" });
    let metadata = json!({
        "grant_types": ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "jwks": { "keys": [rsa(), jwk()] },
        "scope": "read", "service_account": users,
    });
    with(&metadata, changes)
}

/// The assertion that oauth2client writes, changed; `null` removes a claim.
fn assertion(changes: &Value) -> Value {
    let mut claims = json!({ "aud": TOKEN_ENDPOINT, "scope": "read", "iat": NOW.0, "exp": NOW.0 + 3600, "iss": "app" });
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims
}

fn asserted(authority: &Authority, client: &Client, alg: &str, claims: &Value) -> Result<Accepted, Refusal> {
    let length = if alg == "ES256" { 64 } else { 256 };
    asserted_by(authority, client, alg, claims, &vec![1; length])
}

fn asserted_by(
    authority: &Authority,
    client: &Client,
    alg: &str,
    claims: &Value,
    signature: &[u8],
) -> Result<Accepted, Refusal> {
    let asserter = Asserter::ServiceAccount(client);
    let KeySource::Registered(keys) = asserter.keys() else { panic!("{asserter:?}") };
    let text = jwt(&json!({ "alg": alg, "typ": "JWT" }), claims);
    let text = format!("{}.{}", text.rsplit_once('.').unwrap().0, base64url::encode(signature));
    let pending = token::verify(&text, keys, &Arc::new(asserter.policy(authority)), NOW);
    accept(authority, asserter, &text, pending.and_then(|pending| pending.complete(true)), NOW)
}

#[test]
fn an_assertion_without_jti_and_sub_needs_the_item_and_the_flag() {
    let (flagged, plain) = (service(&json!({ "assertion_without_jti": true })), service(&json!({})));
    let user = AccountId::from_bytes([7; 16]);
    for (authority, is_permitted) in switched("assertion_without_jti") {
        for (changes, subject) in [
            (json!({}), Subject::Client(flagged.id.clone())),
            (json!({ "sub": "app" }), Subject::Client(flagged.id.clone())),
            (json!({ "sub": user }), Subject::Account(user.clone())),
        ] {
            let outcome = asserted(&authority, &flagged, "RS256", &assertion(&changes));
            let expected = if is_permitted { Ok(subject) } else { Err(Refusal::Assertion) };
            assert_eq!(outcome.map(|accepted| accepted.subject), expected, "{changes}");
            let refused = asserted(&authority, &plain, "RS256", &assertion(&changes));
            assert_eq!(refused, Err(Refusal::Assertion), "{changes}");
        }
        // With both, it is an assertion as any other.
        let complete = assertion(&json!({ "sub": "app", "jti": "j" }));
        let once = asserted(&authority, &flagged, "ES256", &complete).unwrap().once;
        assert!(matches!(once, Once::Identified(used) if used.jti == "j"));
    }
    let authority = permitting("oauth2client");
    for (alg, changes, refusal) in [
        ("ES256", json!({}), Refusal::Assertion),
        ("PS256", json!({}), Refusal::Assertion),
        ("RS256", json!({ "exp": NOW.0 + 86_400 }), Refusal::Assertion),
        ("RS256", json!({ "exp": NOW.0 + 3631 }), Refusal::Assertion),
        ("RS256", json!({ "exp": null }), Refusal::Assertion),
        ("RS256", json!({ "iat": NOW.0 + 61 }), Refusal::Assertion),
        ("RS256", json!({ "aud": "https://accounts.google.com/o/oauth2/token" }), Refusal::Assertion),
        ("RS256", json!({ "sub": 5 }), Refusal::Assertion),
        ("RS256", json!({ "jti": 5 }), Refusal::Assertion),
        ("RS256", json!({ "sub": AccountId::from_bytes([8; 16]) }), Refusal::AssertionSubject),
    ] {
        let outcome = asserted(&authority, &flagged, alg, &assertion(&changes));
        assert_eq!(outcome, Err(refusal), "{alg} {changes}");
    }
    // The client's clock is ahead by as much as is tolerated.
    assert!(asserted(&authority, &flagged, "RS256", &assertion(&json!({ "exp": NOW.0 + 3630 }))).is_ok());
    let public = service(&json!({ "assertion_without_jti": true, "token_endpoint_auth_method": "none" }));
    let outcome = asserted(&authority, &public, "RS256", &assertion(&json!({})));
    assert_eq!(outcome, Err(Refusal::AssertionSubject), "a public client has no tokens of its own");
    // The record's rule for assertions without `jti` holds for other algorithms.
    let both = service(&json!({ "assertion_without_jti": true, "service_account": { "jti": "optional" } }));
    let changes = assertion(&json!({ "sub": "app" }));
    assert_eq!(asserted(&authority, &both, "ES256", &changes).unwrap().once, Once::Repeatable);
    assert!(matches!(asserted(&authority, &both, "RS256", &changes).unwrap().once, Once::ByText(_)));
}

#[test]
fn the_text_of_an_assertion_is_its_signed_part() {
    let (authority, client) = (permitting("oauth2client"), service(&json!({ "assertion_without_jti": true })));
    let text = |claims: &Value| match asserted(&authority, &client, "RS256", claims).unwrap().once {
        Once::ByText(text) => text,
        other => panic!("{other:?}"),
    };
    let (one, other) = (text(&assertion(&json!({}))), text(&assertion(&json!({ "iat": NOW.0 - 1 }))));
    assert_eq!(one, text(&assertion(&json!({}))));
    assert_ne!(one.digest, other.digest);
    assert_eq!(one.until, NOW.plus(3660), "after the last moment at which it could be accepted");
    let second = asserted_by(&authority, &client, "RS256", &assertion(&json!({})), &[2; 256]).unwrap();
    assert_eq!(second.once, Once::ByText(one.clone()), "another signature is no other assertion");

    let (first, suffix) = one.identifiers(&key());
    assert_eq!(one.identifiers(&key()), (first, suffix));
    assert_ne!(other.identifiers(&key()).0, first);
    assert_ne!(one.identifiers(&MacKey::derive(&[2; 32], "handle", ISSUER)).0, first, "no client can compute it");
}

#[test]
fn the_same_text_gets_the_same_token_within_the_replay_window_and_is_refused_after_it() {
    let lifetimes = |replay_window| Lifetimes { replay_window, ..*authority().lifetimes() };
    let of = |is_new, window, later: u64| FirstUse::of_text(NOW, is_new, &lifetimes(window), NOW.plus(later));
    assert_eq!(of(true, 0, 0), Ok(FirstUse { at: NOW, repeated: false }));
    assert_eq!(of(false, 30, 30), Ok(FirstUse { at: NOW, repeated: true }));
    assert_eq!(of(false, 30, 31), Err(Refusal::AssertionReplay));
    assert_eq!(of(false, 0, 0), Err(Refusal::AssertionReplay));
}

#[test]
fn the_scope_of_an_assertion_by_text_is_part_of_the_assertion() {
    let (authority, client) = (permitting("oauth2client"), service(&json!({ "assertion_without_jti": true })));
    let by_text = asserted(&authority, &client, "RS256", &assertion(&json!({}))).unwrap().once;
    assert_eq!(refusal_of_scope(Refusal::ScopeNotAllowed, &by_text), Refusal::AssertionScope);
    assert_eq!(refusal_of_scope(Refusal::ScopeNotAllowed, &Once::Repeatable), Refusal::ScopeNotAllowed);
    assert_eq!(refusal_of_scope(Refusal::AssertionReplay, &by_text), Refusal::AssertionReplay);
}

#[test]
fn an_operator_sets_the_flags_of_clients_that_can_use_them() {
    let parse = |body: &Value| {
        let body = body.as_object().unwrap();
        Registration::parse(body).unwrap().with_flags(body).map(|_| ())
    };
    let public = json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"] });
    let (pkce, device, jti) =
        (MetadataError::RequirePkce, MetadataError::DeviceWithoutSecret, MetadataError::AssertionWithoutJti);
    for (metadata, changes, expected) in [
        (web(), json!({ "require_pkce": false }), None),
        (web(), json!({ "require_pkce": "false" }), Some(pkce)),
        (public.clone(), json!({ "require_pkce": false }), Some(pkce)),
        (public.clone(), json!({ "require_pkce": true }), None),
        (json!({}), json!({ "require_pkce": false }), Some(pkce)),
        (json!({ "grant_types": [DEVICE_GRANT] }), json!({ "device_without_secret": true }), None),
        (json!({ "grant_types": [DEVICE_GRANT] }), json!({ "device_without_secret": 1 }), Some(device)),
        (web(), json!({ "device_without_secret": true }), Some(device)),
        (public, json!({ "grant_types": [DEVICE_GRANT], "device_without_secret": true }), Some(device)),
        (web(), json!({ "device_without_secret": false, "assertion_without_jti": null }), None),
        (web(), json!({ "assertion_without_jti": true }), Some(jti)),
        (web(), json!({ "assertion_without_jti": [] }), Some(jti)),
    ] {
        let mut body = metadata.as_object().unwrap().clone();
        body.extend(changes.as_object().unwrap().clone());
        assert_eq!(parse(&Value::Object(body)).err(), expected, "{metadata} {changes}");
    }
    let by_itself = json!({ "redirect_uris": ["https://app.example/cb"], "require_pkce": false });
    let record = Registration::parse(by_itself.as_object().unwrap()).unwrap();
    let record = record.into_record(ClientId::parse("app").unwrap(), None, NOW);
    assert_eq!(record.metadata.require_pkce, None, "a client that registers itself");
}

#[test]
fn a_flag_that_a_record_cannot_use_has_no_effect() {
    // A public client whose stored record has flags all the same.
    let mut record = client_record(&json!({ "redirect_uris": ["https://app.example/cb"], "require_pkce": false }));
    record.metadata.token_endpoint_auth_method = Some(AuthMethod::None);
    let client = Client::from_record(&record);
    assert_eq!(asked(&permitting("oauth2client"), &client, ""), Err(Refusal::PkceMissing));
}
