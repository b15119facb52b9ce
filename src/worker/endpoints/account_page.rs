//! The account page: the user sees what the account holds, and ends or changes each part of it.

use std::cmp::Reverse;

use crate::account::grants::WithdrawConsent;
use crate::account::overview::{Overview, ReadOverview};
use crate::account::passkeys::{AddPasskeyError, RemovePasskeyError};
use crate::account::record::{PasskeyRecord, Session};
use crate::account::sessions::{CheckStepUp, EndSession, GrantsToEnd, SecureAccount};
use crate::account::turn::{Ended, StepUpError};
use crate::identity::password::Password;
use crate::identity::profile::{PersonName, Username};
use crate::oauth::endpoints::step_up;
use crate::oauth::grant::Grant;
use crate::oauth::grant::handle::{AccountId, GrantId, SessionId};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::pages::{Account, AccountError, ApplicationRow, Done, GrantRow, PasskeyRow, SessionRow, Ticked};
use crate::wire::{Form, Reply};
use crate::worker::browser::{Browser, Purpose};
use crate::worker::endpoints::authorize::in_language;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::report::{Fault, FaultKind, RequestError};
use crate::worker::services::endings::Ending;
use crate::worker::services::{clients, grants, passkeys, password_sign_in, passwords, profiles, sessions};

/// The outcome of an action.
enum Outcome {
    Done(Done),
    Failed(AccountError),
    SignedOut,
}

/// The messages of the page, and its status.
struct Told {
    done: Option<Done>,
    error: Option<AccountError>,
    ticked: Ticked,
    status: u16,
}

impl Default for Told {
    fn default() -> Self {
        Self { done: None, error: None, ticked: Ticked::default(), status: 200 }
    }
}

impl Told {
    fn error(error: AccountError, form: &Form) -> Self {
        Self { error: Some(error), ticked: ticked(form), ..Self::default() }
    }
}

fn ticked(form: &Form) -> Ticked {
    let is_ticked = |name| form.get(name) == Some("yes");
    Ticked { passkeys: is_ticked("remove_passkeys"), grants: is_ticked("end_grants") }
}

/// `GET /account`.
pub(crate) async fn page(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    request.query_form()?;
    match overview(platform, browser).await? {
        Some((id, overview)) => {
            let done = browser.notice(platform, &id).and_then(Done::parse);
            let reply = show(platform, browser, &id, &overview, Told { done, ..Told::default() }).await?;
            Ok(browser.without_notice(platform, reply))
        }
        None => Ok(sign_in_first(platform, browser)),
    }
}

/// `POST /account`: one of the buttons.
pub(crate) async fn act(platform: &Platform, request: &Incoming, browser: &Browser) -> Result<Reply, RequestError> {
    let form = request.form().await?;
    let Some((id, overview)) = overview(platform, browser).await? else {
        return Ok(sign_in_first(platform, browser));
    };
    platform.audit.user(&id);
    if let Err(refusal) = browser.check_form(platform, request, &form, Purpose::Account, "") {
        platform.audit.refused(&refusal);
        let told = Told { status: refusal.status(), ..Told::error(AccountError::Stale, &form) };
        return show(platform, browser, &id, &overview, told).await;
    }
    match run(platform, browser, &form, &id, &overview).await? {
        Outcome::Done(done) => Ok(Browser::with_notice(platform, Reply::see_other("/account"), &id, &done.word())),
        Outcome::SignedOut => Ok(Browser::signed_out(platform, Reply::see_other("/account/sign-in"))),
        Outcome::Failed(error) => {
            let wait = if let AccountError::Throttled { seconds } = error { Some(seconds) } else { None };
            let status = match error {
                AccountError::Throttled { .. } => 429,
                AccountError::SignInTooOld => Refusal::SignInTooOld.status(),
                _ => 400,
            };
            let told = Told { status, ..Told::error(error, &form) };
            let reply = show(platform, browser, &id, &overview, told).await?;
            Ok(match wait {
                Some(seconds) => reply.with("Retry-After", seconds.to_string()),
                None => reply,
            })
        }
    }
}

async fn run(
    platform: &Platform,
    browser: &Browser,
    form: &Form,
    id: &AccountId,
    overview: &Overview,
) -> Result<Outcome, RequestError> {
    let text = |name| form.get(name).unwrap_or_default();
    let gone = Outcome::Failed(AccountError::Gone);
    match text("action") {
        "sign_out" => {
            match &overview.current {
                Some(session) => sessions::end(platform, id, session).await?,
                None => platform.audit.note(EventKind::SignOut),
            }
            Ok(Outcome::SignedOut)
        }
        "end_session" => match SessionId::parse(text("session")) {
            Some(session) => {
                let command = EndSession { session };
                match objects::send(platform, id, &command).await? {
                    Some(ended) if ended > 0 => {
                        command.note(&platform.audit, ended);
                        Ok(Outcome::Done(Done::SessionEnded))
                    }
                    Some(_) | None => Ok(gone),
                }
            }
            None => Ok(gone),
        },
        "end_grant" => match GrantId::parse(text("grant")) {
            Some(grant) if grants::end_one(platform, id, &grant).await? => Ok(Outcome::Done(Done::GrantEnded)),
            Some(_) | None => Ok(gone),
        },
        "withdraw" => match ClientId::parse(text("client")) {
            Some(client) => {
                let command = WithdrawConsent { client };
                match objects::send(platform, id, &command).await? {
                    Some(ended) => {
                        command.note(&platform.audit, ended);
                        Ok(Outcome::Done(Done::Withdrawn))
                    }
                    None => Ok(gone),
                }
            }
            None => Ok(gone),
        },
        "change_password" => change_password(platform, browser, form, id, overview).await,
        "add_passkey" => add_passkey(platform, form, id, overview).await,
        "rename_passkey" => match PersonName::parse(text("name")) {
            Ok(name) => {
                let renamed = passkeys::rename(platform, id, text("passkey").to_owned(), &name).await?;
                Ok(if renamed { Outcome::Done(Done::PasskeyRenamed) } else { gone })
            }
            Err(error) => Ok(Outcome::Failed(AccountError::PasskeyName(error))),
        },
        "remove_passkey" => remove_passkey(platform, form, id, overview).await,
        _ => Err(Refusal::MissingParameter.into()),
    }
}

async fn change_password(
    platform: &Platform,
    browser: &Browser,
    form: &Form,
    id: &AccountId,
    overview: &Overview,
) -> Result<Outcome, RequestError> {
    let Some(session) = &overview.current else {
        return Ok(Outcome::SignedOut);
    };
    if let Err(error) = objects::send(platform, id, &CheckStepUp { session: session.clone() }).await? {
        return Ok(refused(platform, error));
    }
    let profile = profiles::open(platform, id, &overview.account).await?;
    // The very password that is checked is replaced, and none that was set in the meantime.
    let Some(was) = passwords::of(platform, id, &profile.username).await? else {
        return Ok(Outcome::Failed(AccountError::CurrentPasswordWrong));
    };
    let current = form.get("current_password").unwrap_or_default();
    match password_sign_in::confirm(platform, browser, id, &profile.username, current).await? {
        Ok(()) => {}
        Err(Refusal::SignInThrottled { seconds }) => {
            platform.audit.refused(&Refusal::SignInThrottled { seconds });
            return Ok(Outcome::Failed(AccountError::Throttled { seconds }));
        }
        Err(_) => {
            platform.audit.refused(&Refusal::SignIn);
            return Ok(Outcome::Failed(AccountError::CurrentPasswordWrong));
        }
    }
    let username = Username::parse(&profile.username)
        .map_err(|_| Fault::new(FaultKind::RecordUnreadable, &"the user name of a profile"))?;
    let new = match Password::parse(form.get("new_password").unwrap_or_default(), &username) {
        Ok(new) => new,
        Err(error) => return Ok(Outcome::Failed(AccountError::NewPassword(error))),
    };
    if !passwords::set(platform, id, &Name::Username(&profile.username), Some(was), &new).await? {
        return Ok(Outcome::Failed(AccountError::CurrentPasswordWrong));
    }
    let ticked = ticked(form);
    // Every browser that was signed in with the old password is signed out; this one stays.
    let command = SecureAccount {
        except: Some(session.clone()),
        passkeys: ticked.passkeys,
        grants: if ticked.grants { GrantsToEnd::Offline } else { GrantsToEnd::None },
    };
    let Some(ended) = objects::send(platform, id, &command).await? else {
        return Ok(Outcome::SignedOut);
    };
    platform.audit.note(EventKind::PasswordChanged);
    platform.audit.ended(ended);
    let Ended { sessions, passkeys, grants } = ended;
    Ok(Outcome::Done(Done::PasswordChanged { sessions, passkeys, grants }))
}

async fn remove_passkey(
    platform: &Platform,
    form: &Form,
    id: &AccountId,
    overview: &Overview,
) -> Result<Outcome, RequestError> {
    let Some(session) = &overview.current else {
        return Ok(Outcome::SignedOut);
    };
    let passkey = form.get("passkey").unwrap_or_default().to_owned();
    let is_needed = !has_password(platform, id, overview).await?;
    match passkeys::remove_own(platform, id, session, passkey, is_needed).await? {
        Ok(()) => Ok(Outcome::Done(Done::PasskeyRemoved)),
        Err(RemovePasskeyError::LastWayIn) => Ok(Outcome::Failed(AccountError::LastWayIn)),
        Err(RemovePasskeyError::Missing) => Ok(Outcome::Failed(AccountError::Gone)),
        Err(RemovePasskeyError::StepUp(error)) => Ok(refused(platform, error)),
    }
}

/// The outcome of a change of credentials that the session does not allow.
fn refused(platform: &Platform, error: StepUpError) -> Outcome {
    match error {
        StepUpError::SignInTooOld => {
            platform.audit.refused(&Refusal::SignInTooOld);
            Outcome::Failed(AccountError::SignInTooOld)
        }
        // The session has ended in the meantime.
        StepUpError::SessionMissing => Outcome::SignedOut,
    }
}

async fn add_passkey(
    platform: &Platform,
    form: &Form,
    id: &AccountId,
    overview: &Overview,
) -> Result<Outcome, RequestError> {
    let Some(session) = &overview.current else {
        return Ok(Outcome::SignedOut);
    };
    let name = match PersonName::parse(form.get("name").unwrap_or("Passkey")) {
        Ok(name) => name.as_str().to_owned(),
        Err(error) => return Ok(Outcome::Failed(AccountError::PasskeyName(error))),
    };
    let response = form.get("credential").unwrap_or_default();
    Ok(match passkeys::add(platform, id, session, name, response).await? {
        Ok(()) => Outcome::Done(Done::PasskeyAdded),
        Err(None | Some(AddPasskeyError::Exists | AddPasskeyError::ChallengeSpent)) => {
            Outcome::Failed(AccountError::PasskeyNotAdded)
        }
        Err(Some(AddPasskeyError::Full)) => Outcome::Failed(AccountError::TooManyPasskeys),
        Err(Some(AddPasskeyError::StepUp(error))) => refused(platform, error),
    })
}

/// Returns everything that the account holds, if the browser's session is active.
async fn overview(platform: &Platform, browser: &Browser) -> Result<Option<(AccountId, Overview)>, RequestError> {
    let Some((id, session)) = &browser.session else {
        return Ok(None);
    };
    let overview = objects::send(platform, id, &ReadOverview { session: Some(session.clone()) }).await?;
    Ok(overview.map(|overview| (id.clone(), *overview)))
}

fn sign_in_first(platform: &Platform, browser: &Browser) -> Reply {
    let reply = Reply::see_other(in_language("/account/sign-in", browser.locales.as_deref()));
    if browser.session.is_some() { Browser::signed_out(platform, reply) } else { reply }
}

async fn has_password(platform: &Platform, id: &AccountId, overview: &Overview) -> Result<bool, RequestError> {
    let profile = profiles::open(platform, id, &overview.account).await?;
    Ok(passwords::of(platform, id, &profile.username).await?.is_some())
}

async fn show(
    platform: &Platform,
    browser: &Browser,
    id: &AccountId,
    overview: &Overview,
    Told { done, error, ticked, status }: Told,
) -> Result<Reply, RequestError> {
    let profile = profiles::open(platform, id, &overview.account).await?;
    let has_password = passwords::of(platform, id, &profile.username).await?.is_some();
    let options = passkeys::creation_options(platform, id, &profile, &overview.passkeys)?;
    let mut names = Vec::new();
    for connection in &overview.connections {
        let client = match ClientId::parse(&connection.client) {
            Some(client) => clients::find(platform, &client).await?,
            None => None,
        };
        names.push(client.map_or(connection.client.clone(), |client| client.display_name().to_owned()));
    }
    let mut passkey_rows: Vec<_> = overview.passkeys.iter().map(passkey_row).collect();
    passkey_rows.sort_by_key(|passkey| passkey.created);
    let current = overview.current.as_ref().map(SessionId::as_str);
    let session: Option<&Session> =
        overview.sessions.iter().find(|view| current == Some(view.id.as_str())).map(|view| &view.session);
    let grants = overview.connections.iter().flat_map(|connection| &connection.grants);
    let offline_grants = grants.filter(|(_, grant)| grant.offline).count();
    let mut session_rows: Vec<_> = overview
        .sessions
        .iter()
        .map(|view| SessionRow {
            id: &view.id,
            current: current == Some(view.id.as_str()),
            browser: &view.session.agent,
            since: view.session.opened_at,
            last_used: view.session.seen_at,
        })
        .collect();
    // One's own first, then the one that was used last.
    session_rows.sort_by_key(|session| (!session.current, Reverse(session.last_used)));
    let grant_rows: Vec<Vec<_>> =
        overview.connections.iter().map(|connection| connection.grants.iter().map(grant_row).collect()).collect();
    let scopes: Vec<_> = overview.connections.iter().map(|connection| connection.consent.scope()).collect();
    let applications: Vec<_> = overview
        .connections
        .iter()
        .zip(&names)
        .zip(&grant_rows)
        .zip(&scopes)
        .map(|(((connection, name), grants), scope)| ApplicationRow {
            client: &connection.client,
            name,
            scope,
            since: connection.consent.since,
            grants,
        })
        .collect();
    let page = Account {
        csrf: &browser.form_token(platform, Purpose::Account, "")?,
        username: &profile.shown_username(),
        name: profile.name.as_deref(),
        email: profile.email.as_deref(),
        has_password,
        recent_sign_in: session.is_some_and(|session| step_up::is_recent(&session.sign_in, platform.now)),
        passkey_options: options.as_deref(),
        passkeys: &passkey_rows,
        signed_in_by_passkey: session.is_some_and(|session| session.passkey.is_some()),
        sessions: &session_rows,
        applications: &applications,
        offline_grants,
        ticked,
        done,
        error,
    };
    Ok(browser.page(platform, status, page.render(browser.words), &[]))
}

fn grant_row((id, grant): &(String, Grant)) -> GrantRow<'_> {
    GrantRow { id, since: grant.issued_at, last_used: Some(grant.last_used()) }
}

fn passkey_row((id, record): &(String, PasskeyRecord)) -> PasskeyRow<'_> {
    PasskeyRow {
        id,
        name: &record.name,
        created: record.created,
        last_used: record.used_at,
        synced: record.passkey.backup_eligible,
    }
}
