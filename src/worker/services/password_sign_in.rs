//! Checking a user name and a password. Every attempt is counted before the password is checked. A refusal does not show, by
//! its text or its time, whether the user name exists.

use worker::Delay;

use crate::identity::password;
use crate::identity::profile::Username;
use crate::identity::proof_of_work::Difficulty;
use crate::identity::throttle::Throttled;
use crate::oauth::Refusal;
use crate::oauth::grant::handle::AccountId;
use crate::wire::Form;
use crate::worker::browser::Browser;
use crate::worker::env::Platform;
use crate::worker::report::Fault;

use super::attempts;
use super::passwords;

/// A correct password.
pub(crate) struct CheckedPassword {
    pub(crate) account: AccountId,
    /// The stored hash, sealed, if its parameters are not those of a new one.
    pub(crate) outdated: Option<String>,
}

/// Returns the user name that was typed. A text that cannot be one is treated like an unknown user name.
pub(crate) fn typed_username(typed: &str) -> String {
    Username::parse(typed).map(|name| name.as_str().to_owned()).unwrap_or_else(|_| "|".to_owned())
}

/// Checks the password of a user who signs in. A refusal has the difficulty of the proof of work that the next attempt may
/// present instead of waiting.
pub(crate) async fn sign_in(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    password: &str,
    form: &Form,
) -> Result<Result<CheckedPassword, (Refusal, Option<Difficulty>)>, Fault> {
    let known = browser.knows(platform, username);
    check(platform, browser, username, known, password, Some(form)).await
}

/// Checks the password of a user with an active session again. The session proves that the browser has signed in to this
/// account, so its attempts count like those of a known browser: strangers cannot prevent a signed-in user from changing the
/// password.
///
/// # Errors
/// [`Refusal::SignIn`], [`Refusal::SignInThrottled`].
pub(crate) async fn confirm(
    platform: &Platform,
    browser: &Browser,
    account: &AccountId,
    username: &str,
    password: &str,
) -> Result<Result<(), Refusal>, Fault> {
    let username = typed_username(username);
    let session = browser.session.as_ref().map(|(_, session)| format!("session {session}"));
    let known = browser.knows(platform, &username).or(session);
    Ok(match check(platform, browser, &username, known, password, None).await? {
        Ok(checked) if checked.account == *account => Ok(()),
        Ok(_) => Err(Refusal::SignIn),
        Err((refusal, _)) => Err(refusal),
    })
}

async fn check(
    platform: &Platform,
    browser: &Browser,
    username: &str,
    known: Option<String>,
    password: &str,
    form: Option<&Form>,
) -> Result<Result<CheckedPassword, (Refusal, Option<Difficulty>)>, Fault> {
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
    let is_correct = password::verify(hash.as_ref(), password);
    let Some(account) = account.filter(|_| is_correct) else {
        Delay::from(rest).await;
        return Ok(Err((Refusal::SignIn, attempt.next.and_then(|next| next.difficulty))));
    };
    let is_outdated = hash.is_some_and(|hash| password::needs_rehash(&hash));
    let outdated = attempt.entry.as_ref().and_then(|entry| entry.password.clone()).filter(|_| is_outdated);
    attempt.succeeded(platform, browser).await?;
    Ok(Ok(CheckedPassword { account, outdated }))
}
