//! Signing out on a client's word (OpenID Connect RP-Initiated Logout 1.0).

use crate::account::profile::ReadAccount;
use crate::oauth::Refusal;
use crate::oauth::endpoints::logout::{Hint, LogoutRequest};
use crate::oauth::vocabulary::redirect::RedirectUri;
use crate::pages::{LogoutQuestion, SignedOut};
use crate::wire::{Form, Reply, encode_parameters};
use crate::worker::browser::{Browser, Purpose};
use crate::worker::endpoints::authorize::in_language;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::report::RequestError;
use crate::worker::ring;
use crate::worker::services::{clients, profiles, sessions};

/// `GET|POST /oauth/logout`. A request with an ID token of the browser's session signs out at once. Any other request asks the
/// user first, since otherwise any page could sign users out.
pub(crate) async fn logout(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let form = match request.method.as_str() {
        "POST" => request.form().await?,
        _ => request.query_form()?,
    };
    // The page's own form carries the request along; a request without parameters is an empty one.
    let query = form.get("request").unwrap_or_default();
    let decision = form.get("decision").filter(|_| request.method == "POST");
    let carried = decision.map(|_| Form::parse(query).map_err(Refusal::from)).transpose()?;
    let asked = LogoutRequest::parse(carried.as_ref().unwrap_or(&form))?;
    let hint = match &asked.id_token_hint {
        Some(text) => ring::hint(platform, text).await?,
        None => None,
    };
    let client_id = asked.client(hint.as_ref())?;
    let client = match &client_id {
        Some(id) => Some(clients::find(platform, id).await?.ok_or(Refusal::AuthorizeClient)?),
        None => None,
    };
    if let Some(client) = &client {
        platform.audit.client(&client.id);
    }
    let target = asked.target(client.as_deref())?;
    let done = || signed_out(platform, browser, target.as_ref(), asked.state.as_deref());
    let Some((id, session)) = &browser.session else {
        // A form of another site comes without cookies; where it is sent on to, the browser goes with them.
        let query = encode_parameters(carried.as_ref().unwrap_or(&form).pairs());
        let again = || Reply::see_other(format!("/oauth/logout?{query}"));
        return Ok(if request.method == "POST" { again() } else { done() });
    };
    if carried.is_some() {
        browser.check_form(platform, request, &form, Purpose::Logout, query)?;
        if decision != Some("sign_out") {
            return Ok(Reply::see_other(in_language("/account", browser.locales.as_deref())));
        }
    } else if !hint.as_ref().is_some_and(|hint| is_about(hint, id.as_str(), session.as_str())) {
        let query = encode_parameters(form.pairs());
        let Some(record) = objects::send(platform, id, &ReadAccount).await? else {
            return Ok(done());
        };
        let profile = profiles::open(platform, id, &record).await?;
        let page = LogoutQuestion {
            csrf: &browser.form_token(platform, Purpose::Logout, &query)?,
            request: &query,
            client: client.as_ref().map(|client| client.display_name()),
            username: &profile.shown_username(),
        };
        let targets: Vec<_> = target.iter().map(RedirectUri::form_target).collect();
        return Ok(browser.page(platform, 200, page.render(browser.words), &targets));
    }
    sessions::end(platform, id, session).await?;
    Ok(done())
}

fn is_about(hint: &Hint, account: &str, session: &str) -> bool {
    hint.account.as_str() == account && hint.session.as_ref().is_some_and(|hinted| hinted.as_str() == session)
}

fn signed_out(platform: &Platform, browser: &Browser, target: Option<&RedirectUri>, state: Option<&str>) -> Reply {
    let parameters: Vec<_> = state.map(|state| ("state", state)).into_iter().collect();
    let reply = match target {
        Some(target) => Reply::see_other(target.with(&parameters)),
        None => {
            let page = SignedOut { sign_in: &in_language("/account/sign-in", browser.locales.as_deref()) };
            browser.page(platform, 200, page.render(browser.words), &[])
        }
    };
    Browser::signed_out(platform, reply)
}
