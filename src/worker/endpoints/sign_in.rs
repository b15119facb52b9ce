//! Signing in with a password or a passkey.

use crate::account::identifier::What;
use crate::identity::passkey;
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::PASSKEY_AMR;
use crate::oauth::endpoints::onward::{ui_locales, without_interaction};
use crate::oauth::endpoints::step_up::Wanted;
use crate::oauth::grant::Acr;
use crate::oauth::grant::handle::AccountId;
use crate::pages::{PasskeyOnly, SignIn, SignInError};
use crate::wire::{Form, Reply, encode_parameters, form_encode};
use crate::worker::browser::{Browser, Purpose};
use crate::worker::endpoints::authorize::{asked, continuation, in_language};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::RequestError;
use crate::worker::services::password_sign_in::{self, CheckedPassword, typed_username};
use crate::worker::services::sessions::{self, NotOpened};
use crate::worker::services::{attempts, passkeys, passwords};

/// `GET /account/sign-in`.
pub(crate) async fn page(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let query = request.query_form()?;
    // Without a request to go on with, the language is carried along alone.
    let language = || Some(encode_parameters([("ui_locales", query.get("ui_locales")?)]));
    let onward = query.get("continue").map(str::to_owned).or_else(language).unwrap_or_default();
    show(platform, browser, &onward, None, None, None, 200).await
}

/// `POST /account/sign-in`: by password.
pub(crate) async fn by_password(
    platform: &Platform,
    request: &Incoming,
    browser: &Browser,
) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let onward = form.get("continue").unwrap_or_default();
    let typed = form.get("username").unwrap_or_default();
    let again = |error, proof, status| show(platform, browser, onward, Some(typed), Some(error), proof, status);
    if let Err(refusal) = browser.check_form(platform, request, &form, Purpose::SignIn, "") {
        platform.audit.refused(&refusal);
        if browser.has_no_cookies() {
            return Ok(no_cookies(platform, browser, &refusal, onward));
        }
        return again(SignInError::Stale, None, refusal.status()).await;
    }
    let username = typed_username(typed);
    let password = form.get("password").unwrap_or_default();
    match password_sign_in::sign_in(platform, browser, &username, password, &form).await? {
        Ok(CheckedPassword { account, outdated }) => {
            if let Some(sealed) = outdated {
                passwords::rehash(platform, &account, &username, sealed, password).await;
            }
            let amr = vec!["pwd".to_owned()];
            match sessions::open(platform, browser, &account, amr, None).await? {
                Ok(session) => {
                    let onward = continuation(Some(onward));
                    Ok(browser.signed_in(platform, &account, &session, Some(&username), &onward)?)
                }
                Err(NotOpened::Disabled) => disabled(platform, browser, onward).await,
                Err(NotOpened::Refused) => Err(Refusal::SignIn.into()),
            }
        }
        Err((refusal, proof)) => {
            platform.audit.refused(&refusal);
            let challenge = match proof {
                Some(difficulty) => Some(attempts::challenge(platform, browser, &username, difficulty)?),
                None => None,
            };
            let challenge = challenge.as_deref();
            if let Refusal::SignInThrottled { seconds } = refusal {
                let reply = again(SignInError::Throttled { seconds }, challenge, refusal.status()).await?;
                return Ok(reply.with("Retry-After", seconds.to_string()));
            }
            again(SignInError::WrongCredentials, challenge, 400).await
        }
    }
}

/// `POST /account/sign-in/passkey`.
pub(crate) async fn by_passkey(
    platform: &Platform,
    request: &Incoming,
    browser: &Browser,
) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let onward = form.get("continue").unwrap_or_default();
    let again = |error, status| show(platform, browser, onward, None, Some(error), None, status);
    if let Err(refusal) = browser.check_form(platform, request, &form, Purpose::SignIn, "") {
        platform.audit.refused(&refusal);
        if browser.has_no_cookies() {
            return Ok(no_cookies(platform, browser, &refusal, onward));
        }
        return again(SignInError::Stale, refusal.status()).await;
    }
    let response = form.get("credential").unwrap_or_default();
    // Passwords are counted apart, so that guessing one keeps no passkey out. A passkey cannot be guessed: the limit
    // only spares accounts the requests of strangers.
    let is_stranger = passkey::claimed(response)
        .is_none_or(|(_, handle)| !browser.knows_account(platform, &AccountId::from_bytes(handle)));
    if is_stranger && let Err(throttled) = attempts::from_address(platform, browser, What::Passkey).await? {
        let seconds = throttled.seconds;
        platform.audit.refused(&Refusal::SignInThrottled { seconds });
        return Ok(again(SignInError::Throttled { seconds }, 429).await?.with("Retry-After", seconds.to_string()));
    }
    let opened = match passkeys::verify(platform, response).await? {
        Some((account, used)) => {
            let amr = PASSKEY_AMR.map(str::to_owned).to_vec();
            let session = sessions::open(platform, browser, &account, amr, Some(used)).await?;
            session.map(|session| (account, session))
        }
        None => Err(NotOpened::Refused),
    };
    let (account, session) = match opened {
        Ok(opened) => opened,
        Err(NotOpened::Disabled) => return disabled(platform, browser, onward).await,
        Err(NotOpened::Refused) => {
            platform.audit.refused(&Refusal::SignIn);
            return again(SignInError::PasskeyRefused, 400).await;
        }
    };
    if is_stranger {
        attempts::from_address_succeeded(platform, browser, What::Passkey).await?;
    }
    Ok(browser.signed_in(platform, &account, &session, None, &continuation(Some(onward)))?)
}

/// The page again, for a user with the right credentials whose account is disabled.
pub(crate) async fn disabled(platform: &Platform, browser: &Browser, onward: &str) -> Result<Reply, RequestError> {
    platform.audit.refused(&Refusal::SignInDisabled);
    let (error, status) = (Some(SignInError::Disabled), Refusal::SignInDisabled.status());
    show(platform, browser, onward, None, error, None, status).await
}

/// The page again, after a sign-in at the upstream provider that failed.
pub(crate) async fn upstream_failed(
    platform: &Platform,
    browser: &Browser,
    onward: &str,
    error: SignInError,
) -> Result<Reply, RequestError> {
    show(platform, browser, onward, None, Some(error), None, Refusal::Upstream.status()).await
}

/// The page for a browser that keeps no cookies, which no sign-in could do without: the sign-in page again would lead
/// nowhere.
pub(crate) fn no_cookies(platform: &Platform, browser: &Browser, refusal: &Refusal, onward: &str) -> Reply {
    let restart = match onward {
        "" => "/account/sign-in".to_owned(),
        onward => format!("/account/sign-in?continue={}", form_encode(onward)),
    };
    browser.problem(platform, refusal, Some(&restart))
}

/// The page, for the request that led to it. Where it leads to is part of the page's policy.
async fn show(
    platform: &Platform,
    browser: &Browser,
    onward: &str,
    typed: Option<&str>,
    error: Option<SignInError>,
    proof_challenge: Option<&str>,
    status: u16,
) -> Result<Reply, RequestError> {
    let form = Form::parse(onward).map_err(Refusal::from)?;
    let mut client = None;
    let mut targets = Vec::new();
    let mut wanted = Wanted::of_page(&form);
    if form.get("client_id").is_some() {
        let asked = asked(platform, &form).await?;
        wanted = asked.wanted();
        targets.push(asked.target.redirect_uri.form_target());
        client = Some(asked.client);
    }
    let authority = platform.authority();
    let needs_passkey = wanted.needs_passkey();
    let upstream = authority.upstream();
    let upstream = upstream.filter(|upstream| !needs_passkey || upstream.acr.reaches(Acr::PhishingResistant));
    let account = in_language("/account", ui_locales(&form).as_deref());
    let cancel = client.is_some().then(|| format!("/oauth/authorize?{}", without_interaction(&form)));
    let passkey_only = PasskeyOnly { account: &account, cancel: cancel.as_deref() };
    let options = passkeys::request_options(platform)?;
    let hint = form.get("login_hint").filter(|hint| hint.len() <= 200).unwrap_or_default();
    let page = SignIn {
        csrf: &browser.form_token(platform, Purpose::SignIn, "")?,
        continue_to: onward,
        client: client.as_ref().map(|client| client.display_name()),
        username: typed.unwrap_or(hint),
        afresh: browser.session.is_some() && (form.get("prompt").is_some() || wanted != Wanted::default()),
        error,
        proof_challenge,
        passkey_options: options.as_deref(),
        upstream: upstream.map(|upstream| upstream.name.as_str()),
        sign_up: authority.self_registration(),
        passkey_only: needs_passkey.then_some(passkey_only),
    };
    Ok(browser.page(platform, status, page.render(browser.words_for(&form)), &targets))
}
