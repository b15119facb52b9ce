//! Device authorization requests, polls, and the address of the page.

use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::device::{DeviceAuthorization, DeviceAuthorizationResponse, continuation, onward};
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::endpoints::token_endpoint::TokenRequest;
use crate::oauth::grant::device::{DeviceOrigin, DeviceRequest, DeviceStage};
use crate::oauth::grant::device_code::{DeviceCode, UserCode};
use crate::oauth::grant::handle::{DeviceId, GrantId, MacKey};
use crate::oauth::vocabulary::catalogue::Catalogue;
use crate::oauth::vocabulary::client::{AuthMethod, GrantType};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn device_client() -> Client {
    client(&json!({
        "token_endpoint_auth_method": "none", "grant_types": [GRANT, "refresh_token"], "scope": "openid read write",
        "resources": [API],
    }))
}

fn ask(client: &Client, by: AuthMethod, parameters: &str) -> Result<DeviceRequest, Refusal> {
    let asked = DeviceAuthorization::parse(&authority(), &Catalogue::default(), client, Some(by), &form(parameters))?;
    Ok(asked.stored(GrantId::from_bytes([1; 16]), DeviceOrigin::default(), NOW))
}

fn texts(request: &DeviceRequest) -> (String, Vec<&str>) {
    (request.scope.to_string(), request.resources.iter().map(|it| it.as_str()).collect())
}

#[test]
fn a_request_is_limited_to_what_the_client_registered() {
    let of = |parameters: &str| ask(&device_client(), AuthMethod::None, parameters);
    let default = of("").unwrap();
    assert_eq!(texts(&default), ("openid read write".to_owned(), vec![ISSUER]));
    assert_eq!((default.issued_at, default.interval, default.stage), (NOW, 5, DeviceStage::Pending));
    let api = of(&format!("scope=openid+read+admin&resource={API}")).unwrap();
    assert_eq!(texts(&api), ("openid read".to_owned(), vec![API, ISSUER]), "openid implies userinfo");
    let read = of(&format!("scope=read&resource={API}")).unwrap();
    assert_eq!(texts(&read), ("read".to_owned(), vec![API]));
    for (parameters, refusal) in [
        ("scope=admin", Refusal::ScopeNotAllowed),
        ("scope=%22", Refusal::ScopeMalformed),
        ("resource=https://other.example", Refusal::ResourceNotAllowed),
        ("resource=x", Refusal::ResourceMalformed),
    ] {
        assert_eq!(of(parameters).unwrap_err(), refusal, "{parameters}");
    }
}

#[test]
fn the_client_passes_the_gate_first() {
    let codes = client(&json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"] }));
    assert_eq!(ask(&codes, AuthMethod::None, "scope=%22").unwrap_err(), Refusal::GrantNotAllowed);
    let by_another = ask(&device_client(), AuthMethod::ClientSecretPost, "");
    assert_eq!(by_another.unwrap_err(), Refusal::ClientAuthMethod);
    let mut disabled = device_client();
    disabled.enabled = false;
    assert_eq!(ask(&disabled, AuthMethod::None, "").unwrap_err(), Refusal::ClientDisabled);
}

#[test]
fn the_response_has_the_codes_and_the_addresses() {
    let key = MacKey::derive(&[1; 32], "handle", ISSUER);
    let code = DeviceCode { device: DeviceId::from_bytes([1; 16]), grant: GrantId::from_bytes([2; 16]) };
    let user_code = UserCode::parse("WDJB-MJHT").unwrap();
    let response = DeviceAuthorizationResponse::new(&authority(), &key, &code, &user_code);
    assert_eq!(
        serde_json::to_value(response).unwrap(),
        json!({
            "device_code": code.write(&key), "user_code": "WDJB-MJHT", "verification_uri": "https://as.example/device",
            "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT", "expires_in": 900, "interval": 5,
        })
    );
}

#[test]
fn a_poll_names_a_device_code_of_this_server() {
    let key = MacKey::derive(&[1; 32], "handle", ISSUER);
    let code = DeviceCode { device: DeviceId::from_bytes([1; 16]), grant: GrantId::from_bytes([2; 16]) };
    let poll = |client: &Client, parameters: &str| {
        let parameters = format!("grant_type={GRANT}{parameters}");
        TokenRequest::parse(&authority(), &Catalogue::default(), &key, client, AuthMethod::None, &form(&parameters))
    };
    let text = code.write(&key);
    let TokenRequest::RedeemDevice { code: read, redeem } =
        poll(&device_client(), &format!("&device_code={text}&resource={API}")).unwrap()
    else {
        panic!("another request");
    };
    assert_eq!((read, redeem.refreshable, redeem.resources.len()), (code, true, 1));
    assert!(redeem.client.grant_types.contains(&GrantType::DeviceCode));
    for (parameters, refusal) in [
        (String::new(), Refusal::MissingParameter),
        ("&device_code=x".to_owned(), Refusal::HandleForged),
        (format!("&device_code={}", text.replacen("emd_", "emr_", 1)), Refusal::HandleForged),
        (format!("&device_code={text}&resource=x"), Refusal::ResourceMalformed),
    ] {
        assert_eq!(poll(&device_client(), &parameters).unwrap_err(), refusal, "{parameters}");
    }
    let codes = client(&json!({ "token_endpoint_auth_method": "none", "redirect_uris": ["https://app.example/cb"] }));
    assert_eq!(poll(&codes, &format!("&device_code={text}")).unwrap_err(), Refusal::GrantNotAllowed);
}

#[test]
fn a_client_for_devices_needs_no_redirect_uri() {
    let metadata = client_record(&json!({ "token_endpoint_auth_method": "none", "grant_types": [GRANT] })).metadata;
    assert_eq!(
        (metadata.grant_types, metadata.scope.to_string()),
        (vec![GrantType::DeviceCode], "openid profile email offline_access".to_owned(),)
    );
    let parse = |metadata: Value| Registration::parse(metadata.as_object().unwrap()).err();
    assert_eq!(parse(json!({ "grant_types": [GRANT, "refresh_token"] })), None);
    for bad in [json!(["refresh_token"]), json!(["client_credentials", "refresh_token"]), json!(["device_code"])] {
        assert!(parse(json!({ "grant_types": bad })).is_some(), "{bad}");
    }
    assert!(parse(json!({ "grant_types": [GRANT, "authorization_code"] })).is_some(), "a code needs a redirect URI");
}

#[test]
fn the_page_continues_after_a_sign_in() {
    for (user_code, locales, path) in [
        (None, None, "/device"),
        (Some("WDJB-MJHT"), None, "/device?user_code=WDJB-MJHT"),
        (Some("a&b=c"), Some("zh en"), "/device?user_code=a%26b%3Dc&ui_locales=zh+en"),
    ] {
        let query = onward(user_code, locales, &Wanted::default());
        assert_eq!(continuation(&form(&query)).map(|it| it.replace("%20", "+")).as_deref(), Some(path), "{query}");
    }
    for other in ["", "user_code=WDJB-MJHT", "page=account", "ui_locales=zh"] {
        assert_eq!(continuation(&form(other)), None, "{other}");
    }
}
