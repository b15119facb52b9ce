//! Making an account for oneself, where the operator allows it.

use crate::account::identifier::What;
use crate::account::new_user::NewUser;
use crate::identity::password::Password;
use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::admin::user::Change;
use crate::oauth::endpoints::id_token::{Namespace, Profile};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::pages::{Done, SignUp, SignUpError};
use crate::wire::{Form, Reply, encode_parameters};
use crate::worker::browser::{Browser, Purpose};
use crate::worker::endpoints::authorize::continuation;
use crate::worker::endpoints::sign_in::no_cookies;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::report::RequestError;
use crate::worker::services::{attempts, clients, sessions, users};

/// `GET /account/sign-up`.
pub(crate) async fn page(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    offered(platform)?;
    let query = request.query_form()?;
    show(platform, browser, &query, &[], 200).await
}

/// `POST /account/sign-up`.
pub(crate) async fn sign_up(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    offered(platform)?;
    let form = request.form().await?;
    if let Err(refusal) = browser.check_form(platform, request, &form, Purpose::SignUp, "") {
        platform.audit.refused(&refusal);
        if browser.has_no_cookies() {
            return Ok(no_cookies(platform, browser, &refusal, form.get("continue").unwrap_or_default()));
        }
        return show(platform, browser, &form, &[SignUpError::Stale], refusal.status()).await;
    }
    let user = match read(platform, &form) {
        Ok(user) => user,
        Err(errors) => return show(platform, browser, &form, &errors, 400).await,
    };
    // Accounts cost storage: each counts like a failed attempt.
    if let Err(throttled) = attempts::from_address(platform, browser, What::SignUp).await? {
        let seconds = throttled.seconds;
        platform.audit.refused(&Refusal::SignInThrottled { seconds });
        let reply = show(platform, browser, &form, &[SignUpError::Throttled { seconds }], 429).await?;
        return Ok(reply.with("Retry-After", seconds.to_string()));
    }
    let (account, profile) = match users::create(platform, user).await {
        Ok((account, _, profile)) => (account, profile),
        Err(RequestError::Refused(Refusal::UserExists)) => {
            return show(platform, browser, &form, &[SignUpError::UsernameTaken], 409).await;
        }
        Err(stop) => return Err(stop),
    };
    platform.audit.user(&account).note(EventKind::UserCreated);
    let session = sessions::open(platform, browser, &account, vec!["pwd".to_owned()], None).await?;
    let session = session.map_err(|_| Refusal::SignIn)?;
    let onward = continuation(form.get("continue"));
    let reply = browser.signed_in(platform, &account, &session, Some(&profile.username), &onward)?;
    Ok(match onward.starts_with("/account") {
        true => Browser::with_notice(platform, reply, &account, &Done::SignedUp.word()),
        false => reply,
    })
}

fn offered(platform: &Platform) -> Result<(), Refusal> {
    if platform.authority().self_registration() { Ok(()) } else { Err(Refusal::NotFound) }
}

/// Reads the form, and names every field that is wrong.
fn read(platform: &Platform, form: &Form) -> Result<NewUser, Vec<SignUpError>> {
    let text = |name| form.get(name).unwrap_or_default();
    let mut errors = Vec::new();
    let username = Username::parse(text("username")).map_err(|error| errors.push(SignUpError::Username(error))).ok();
    let name = form.get("name").map(PersonName::parse).transpose();
    let name = name.map_err(|error| errors.push(SignUpError::Name(error))).ok().flatten();
    let email = form.get("email").map(Email::parse).transpose();
    let email = email.map_err(|error| errors.push(SignUpError::Email(error))).ok().flatten();
    let Some(username) = username else {
        return Err(errors);
    };
    let password = Password::parse(text("password"), &username);
    let password = password.map_err(|error| errors.push(SignUpError::Password(error))).ok();
    if !errors.is_empty() {
        return Err(errors);
    }
    let profile = Profile {
        username: username.as_str().to_owned(),
        namespace: Some(Namespace::Local),
        upstream: None,
        name: name.map(|name| name.as_str().to_owned()),
        email: email.map(|email| email.as_str().to_owned()),
        email_verified: false,
        groups: Vec::new(),
        updated_at: platform.now,
    };
    Ok(NewUser {
        username: Some(username),
        password,
        profile,
        groups: Change::Keep,
        scope: Change::Keep,
        upstream: Change::Keep,
        enabled: None,
    })
}

async fn show(
    platform: &Platform,
    browser: &Browser,
    form: &Form,
    errors: &[SignUpError],
    status: u16,
) -> Result<Reply, RequestError> {
    let text = |name| form.get(name).unwrap_or_default();
    // Without a request to go on with, the language is carried along alone.
    let language = || Some(encode_parameters([("ui_locales", form.get("ui_locales")?)]));
    let continue_to = form.get("continue").map(str::to_owned).or_else(language).unwrap_or_default();
    let onward = Form::parse(&continue_to).map_err(Refusal::from)?;
    let client = match onward.get("client_id").and_then(ClientId::parse) {
        Some(id) => clients::find(platform, &id).await?,
        None => None,
    };
    let page = SignUp {
        csrf: &browser.form_token(platform, Purpose::SignUp, "")?,
        continue_to: &continue_to,
        client: client.as_ref().map(|client| client.display_name()),
        username: text("username"),
        name: text("name"),
        email: text("email"),
        errors,
    };
    Ok(browser.page(platform, status, page.render(browser.words), &[]))
}
