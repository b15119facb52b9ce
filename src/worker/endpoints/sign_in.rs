//! Signing in: by password and by passkey. Nobody is told which of user name and password is wrong, nor by time.

use worker::Delay;

use crate::account::identifier::What;
use crate::account::passkeys::{AnsweredChallenge, PasskeyUse, ReadPasskey};
use crate::account::record::PasskeyRecord;
use crate::account::sessions::{EndSession, OpenSession, Opened};
use crate::identity::passkey::{self, PasskeyError, RelyingParty};
use crate::identity::password;
use crate::identity::profile::Username;
use crate::identity::proof_of_work::Difficulty;
use crate::identity::throttle::Throttled;
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::PASSKEY_AMR;
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::grant::{Acr, SignIn as SignedIn};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::pages::{SignIn, SignInError};
use crate::token::{UnixTime, base64url};
use crate::wire::{Form, Reply, encode_parameters, form_encode};
use crate::worker::account;
use crate::worker::attempts;
use crate::worker::browser::{Browser, Purpose};
use crate::worker::endpoints::authorize::{asked, continuation};
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::passwords;
use crate::worker::random::random;
use crate::worker::report::{Fault, Stop};

/// How long a passkey challenge counts, seconds: what the browser is given, and a little more.
const CHALLENGE_TTL: u64 = 600;

/// `GET /account/sign-in`.
pub(crate) async fn page(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, Stop> {
    let query = request.query_form()?;
    // Without a request to go on with, the language is carried along alone.
    let language = || Some(encode_parameters([("ui_locales", query.get("ui_locales")?)]));
    let onward = query.get("continue").map(str::to_owned).or_else(language).unwrap_or_default();
    show(platform, browser, &onward, None, None, None, 200).await
}

/// `POST /account/sign-in`: by password.
pub(crate) async fn by_password(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, Stop> {
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
    let username = looked_up(typed);
    let known = browser.knows(platform, &username);
    let password = form.get("password").unwrap_or_default();
    match try_password(platform, browser, &username, known, password, Some(&form)).await? {
        Ok(CheckedPassword { account, outdated }) => {
            if let Some(sealed) = outdated {
                passwords::rehash(platform, &account, &username, sealed, password).await;
            }
            let amr = vec!["pwd".to_owned()];
            let session = open_session(platform, browser, &account, amr, None).await?;
            let session = session.ok_or(Refusal::SignIn)?;
            Ok(browser.signed_in(platform, &account, &session, Some(&username), &continuation(Some(onward)))?)
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

/// The user name that a text is. A text that cannot be one is treated like an unknown user name.
fn looked_up(typed: &str) -> String {
    Username::parse(typed).map(|name| name.as_str().to_owned()).unwrap_or_else(|_| "|".to_owned())
}

/// Checks the password of the person whose active session the browser has. The session shows that the browser has signed
/// in to this account, so its attempts are counted like those of a known browser: strangers cannot keep a signed-in
/// person from changing the password.
pub(crate) async fn check_password(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    password: &str,
) -> Result<Result<(AccountId, String), Refusal>, Stop> {
    let username = looked_up(username);
    let session = browser.session.as_ref().map(|(_, session)| format!("session {session}"));
    let known = browser.knows(platform, &username).or(session);
    let checked = try_password(platform, browser, &username, known, password, None).await?;
    Ok(checked.map(|checked| (checked.account, username)).map_err(|(refusal, _)| refusal))
}

/// A password that was right.
struct CheckedPassword {
    account: AccountId,
    /// The stored hash, sealed, if it was made with other parameters than a new one.
    outdated: Option<String>,
}

/// Checks a user name and a password; every attempt is counted before the password is looked at, and costs the same
/// whether or not there is such a user. A refusal comes with the proof of work that the next attempt may bring along
/// instead of waiting.
async fn try_password(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    known: Option<String>,
    password: &str,
    form: Option<&Form>,
) -> Result<Result<CheckedPassword, (Refusal, Option<Difficulty>)>, Stop> {
    let proof = form.and_then(|form| attempts::presented(platform, browser, username, form));
    let attempt = match attempts::by_password(platform, browser, username, known, proof).await? {
        Ok(attempt) => attempt,
        Err(Throttled { seconds, difficulty }) => {
            return Ok(Err((Refusal::SignInThrottled { seconds }, difficulty)));
        }
    };
    let hash = match attempt.entry.as_ref().and_then(|entry| Some((&entry.account, entry.password.as_ref()?))) {
        Some((account, sealed)) => Some(passwords::open(platform, account, sealed).await?),
        None => None,
    };
    let account = attempt.entry.as_ref().map(|entry| entry.account.clone());
    if let Some(account) = &account {
        platform.audit.user(account);
    }
    let rest = attempt.rest();
    let right = password::verify(hash.as_ref(), password);
    let Some(account) = account.filter(|_| right) else {
        Delay::from(rest).await;
        return Ok(Err((Refusal::SignIn, attempt.next.and_then(|next| next.difficulty))));
    };
    let outdated = hash.is_some_and(|hash| password::needs_rehash(&hash));
    let outdated = attempt.entry.as_ref().and_then(|entry| entry.password.clone()).filter(|_| outdated);
    attempt.succeeded(platform, browser).await?;
    Ok(Ok(CheckedPassword { account, outdated }))
}

/// `POST /account/sign-in/passkey`.
pub(crate) async fn by_passkey(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, Stop> {
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
    let Some((account, session)) = check_passkey(platform, browser, response).await? else {
        platform.audit.refused(&Refusal::SignIn);
        return again(SignInError::PasskeyRefused, 400).await;
    };
    if is_stranger {
        attempts::from_address_succeeded(platform, browser, What::Passkey).await?;
    }
    Ok(browser.signed_in(platform, &account, &session, None, &continuation(Some(onward)))?)
}

async fn check_passkey(
    platform: &Platform,
    browser: &Browser,
    response: &str,
) -> Result<Option<(AccountId, SessionId)>, Stop> {
    let Some(rp) = RelyingParty::of_issuer(platform.authority().issuer()) else {
        return Ok(None);
    };
    let Some((credential, user_handle)) = passkey::claimed(response) else {
        platform.audit.passkey_refused(PasskeyError::Malformed);
        return Ok(None);
    };
    let Some(answered) = answered_challenge(platform, response, "sign-in") else {
        platform.audit.passkey_refused(PasskeyError::Challenge);
        return Ok(None);
    };
    let account = AccountId::from_bytes(user_handle);
    let id = credential.to_text();
    let Some(PasskeyRecord { passkey: stored, .. }) =
        account::ask(platform, &account, &ReadPasskey { id: id.clone() }).await?
    else {
        platform.audit.passkey_refused(PasskeyError::User);
        return Ok(None);
    };
    platform.audit.user(&account);
    let verified = passkey::verify_authentication(&rp, &user_handle, answered.challenge.as_bytes(), &stored, response);
    let assertion = match verified {
        Ok(assertion) => assertion,
        Err(error) => {
            platform.audit.passkey_refused(error);
            return Ok(None);
        }
    };
    let amr = PASSKEY_AMR.map(str::to_owned).to_vec();
    let used = PasskeyUse { id, assertion, answered };
    let session = open_session(platform, browser, &account, amr, Some(used)).await?;
    Ok(session.map(|session| (account, session)))
}

/// Opens a session for a user who has just signed in here. `None` if the account is not there any more, or its passkey refused.
pub(crate) async fn open_session(
    platform: &Platform,
    browser: &Browser,
    account: &AccountId,
    amr: Vec<String>,
    passkey: Option<PasskeyUse>,
) -> Result<Option<SessionId>, Stop> {
    let acr = if passkey.is_some() { Acr::PhishingResistant } else { Acr::SignedIn };
    let sign_in = SignedIn { at: platform.now, amr, acr: Some(acr) };
    open_session_for(platform, browser, account, sign_in, passkey).await
}

/// Opens a session for a user who has signed in, here or at the upstream provider.
pub(crate) async fn open_session_for(
    platform: &Platform,
    browser: &Browser,
    account: &AccountId,
    sign_in: SignedIn,
    passkey: Option<PasskeyUse>,
) -> Result<Option<SessionId>, Stop> {
    let session = SessionId::from_bytes(random()?);
    let replaces = browser.session.as_ref().filter(|(owner, _)| owner == account).map(|(_, session)| session.clone());
    // Somebody else was signed in here: that session ends with this sign-in.
    if let Some((other, old)) = browser.session.as_ref().filter(|(owner, _)| owner != account) {
        account::ask(platform, other, &EndSession { session: old.clone() }).await?;
        platform.audit.user(other).note(EventKind::SignOut);
    }
    let command = OpenSession { session: session.clone(), sign_in, agent: browser.agent.clone(), replaces, passkey };
    match account::ask(platform, account, &command).await? {
        Opened::Done => {
            platform.audit.user(account).note(EventKind::SignIn);
            Ok(Some(session))
        }
        Opened::CounterRestarted => {
            platform.audit.user(account).note(EventKind::PasskeyCounterRestarted);
            platform.audit.note(EventKind::SignIn);
            Ok(Some(session))
        }
        Opened::CounterWentBack => {
            platform.audit.user(account).note(EventKind::PasskeyCounter);
            Ok(None)
        }
        Opened::Missing | Opened::PasskeyRefused => {
            platform.audit.user(account);
            Ok(None)
        }
    }
}

/// A challenge for a passkey: it proves by itself that it is ours, for what, and until when.
pub(crate) fn challenge(platform: &Platform, purpose: &str) -> Result<String, Fault> {
    let nonce = base64url::encode(&random::<16>()?);
    let until = platform.now.plus(CHALLENGE_TTL).0.to_string();
    let tag = platform.config.forms.tag(&["challenge", purpose, &nonce, &until]);
    Ok(format!("{nonce}.{until}.{tag}"))
}

/// The challenge that a response answers, if it is one of ours, for this purpose, and not too old.
pub(crate) fn answered_challenge(platform: &Platform, response: &str, purpose: &str) -> Option<AnsweredChallenge> {
    let challenge = String::from_utf8(passkey::answered(response)?).ok().filter(|text| !text.contains('|'))?;
    let mut parts = challenge.splitn(3, '.');
    let (nonce, until, tag) = (parts.next()?, parts.next()?, parts.next()?);
    if !platform.config.forms.verifies(&["challenge", purpose, nonce, until], tag) {
        return None;
    }
    let until = UnixTime(until.parse().ok()?);
    (platform.now < until).then(|| AnsweredChallenge { challenge: challenge.clone(), until })
}

/// The page again, for somebody whom the upstream provider did not confirm.
pub(crate) async fn upstream_failed(
    platform: &Platform,
    browser: &Browser,
    onward: &str,
    error: SignInError,
) -> Result<Reply, Stop> {
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
) -> Result<Reply, Stop> {
    let form = Form::parse(onward).map_err(Refusal::from)?;
    let mut client = None;
    let mut targets = Vec::new();
    if form.get("client_id").is_some() {
        let asked = asked(platform, &form).await?;
        targets.push(asked.target.redirect_uri.form_target());
        client = Some(asked.client);
    }
    let authority = platform.authority();
    let options = match RelyingParty::of_issuer(authority.issuer()) {
        Some(rp) => Some(passkey::request_options(&rp, challenge(platform, "sign-in")?.as_bytes()).to_string()),
        None => None,
    };
    let hint = form.get("login_hint").filter(|hint| hint.len() <= 200).unwrap_or_default();
    let page = SignIn {
        csrf: &browser.form_token(platform, Purpose::SignIn, "")?,
        continue_to: onward,
        client: client.as_ref().map(|client| client.display_name()),
        username: typed.unwrap_or(hint),
        afresh: browser.session.is_some() && form.get("prompt").is_some(),
        error,
        proof_challenge,
        passkey_options: options.as_deref(),
        upstream: authority.upstream().map(|upstream| upstream.name.as_str()),
        sign_up: authority.self_registration(),
    };
    Ok(browser.page(platform, status, page.render(browser.words_for(&form)), &targets))
}
