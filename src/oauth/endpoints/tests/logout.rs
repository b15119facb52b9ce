use super::*;
use crate::oauth::Refusal;
use crate::oauth::endpoints::logout::{Hint, LogoutRequest};
use crate::oauth::grant::handle::AccountId;

fn parse(query: &str) -> Result<LogoutRequest, Refusal> {
    LogoutRequest::parse(&form(query))
}

#[test]
fn a_request_is_read_into_its_parts() {
    let request = parse("id_token_hint=t&client_id=app&post_logout_redirect_uri=https://app.example/&state=s").unwrap();
    assert_eq!((request.id_token_hint.as_deref(), request.state.as_deref()), (Some("t"), Some("s")));
    assert_eq!(request.redirect_uri.as_deref(), Some("https://app.example/"));
    assert_eq!(request.client_id.as_ref().map(ClientId::as_str), Some("app"));
    assert_eq!(parse("client_id=%0A").err(), Some(Refusal::AuthorizeClient));
    assert!(parse("").unwrap().client_id.is_none());
}

#[test]
fn the_client_is_that_of_the_hint() {
    let id = |text| ClientId::parse(text).unwrap();
    let hint = Hint { account: AccountId::from_bytes([1; 16]), session: None, client: id("app") };
    assert_eq!(parse("").unwrap().client(Some(&hint)), Ok(Some(id("app"))));
    assert_eq!(parse("client_id=app").unwrap().client(Some(&hint)), Ok(Some(id("app"))));
    assert_eq!(parse("client_id=other").unwrap().client(Some(&hint)), Err(Refusal::LogoutClient));
    assert_eq!(parse("client_id=other").unwrap().client(None), Ok(Some(id("other"))));
    assert_eq!(parse("").unwrap().client(None), Ok(None));
}

#[test]
fn the_browser_returns_to_registered_addresses_alone() {
    let app = client(&json!({
        "redirect_uris": ["https://app.example/cb"], "post_logout_redirect_uris": ["https://app.example/bye"],
    }));
    let target = |uri: &str, client: Option<&Client>| {
        let target = parse(&format!("post_logout_redirect_uri={uri}")).unwrap().target(client);
        target.map(|target| target.map(|uri| uri.as_str().to_owned()))
    };
    assert_eq!(target("https://app.example/bye", Some(&app)), Ok(Some("https://app.example/bye".to_owned())));
    assert_eq!(target("", Some(&app)), Ok(None));
    for uri in ["https://app.example/cb", "https://other.example/bye", "javascript:x"] {
        assert_eq!(target(uri, Some(&app)), Err(Refusal::LogoutRedirect), "{uri}");
    }
    assert_eq!(target("https://app.example/bye", None), Err(Refusal::LogoutRedirect));
}
