//! Opening and ending sessions.

use crate::account::passkeys::PasskeyUse;
use crate::account::sessions::{EndSession, OpenSession, Opened};
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::grant::{Acr, SignIn};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::worker::browser::Browser;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::Fault;

/// Why no session is opened for valid credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// The account was removed, or its passkey was refused.
    Refused,
    /// The account is disabled.
    Disabled,
}

/// Opens a session for a user who has just signed in here.
pub(crate) async fn open(
    platform: &Platform,
    browser: &Browser,
    account: &AccountId,
    amr: Vec<String>,
    passkey: Option<PasskeyUse>,
) -> Result<Result<SessionId, NotOpened>, Fault> {
    let acr = if passkey.is_some() { Acr::PhishingResistant } else { Acr::SignedIn };
    let sign_in = SignIn { at: platform.now, amr, acr: Some(acr) };
    open_for(platform, browser, account, sign_in, passkey).await
}

/// Opens a session for a user who has signed in, here or at the upstream provider.
pub(crate) async fn open_for(
    platform: &Platform,
    browser: &Browser,
    account: &AccountId,
    sign_in: SignIn,
    passkey: Option<PasskeyUse>,
) -> Result<Result<SessionId, NotOpened>, Fault> {
    let session = SessionId::from_bytes(random()?);
    let replaces = browser.session.as_ref().filter(|(owner, _)| owner == account).map(|(_, session)| session.clone());
    // Another user was signed in with this browser: that session ends with this sign-in.
    if let Some((other, old)) = browser.session.as_ref().filter(|(owner, _)| owner != account) {
        end(platform, other, old).await?;
    }
    let command = OpenSession { session: session.clone(), sign_in, agent: browser.agent.clone(), replaces, passkey };
    let opened = objects::send(platform, account, &command).await?;
    platform.audit.user(account);
    match opened {
        Opened::Done => {}
        Opened::CounterRestarted => platform.audit.note(EventKind::PasskeyCounterRestarted),
        Opened::CounterWentBack => {
            platform.audit.note(EventKind::PasskeyCounter);
            return Ok(Err(NotOpened::Refused));
        }
        Opened::Disabled => return Ok(Err(NotOpened::Disabled)),
        Opened::Missing | Opened::PasskeyRefused => return Ok(Err(NotOpened::Refused)),
    }
    platform.audit.note(EventKind::SignIn);
    Ok(Ok(session))
}

/// Ends a session of a user who signs out, and records the event.
pub(crate) async fn end(platform: &Platform, account: &AccountId, session: &SessionId) -> Result<(), Fault> {
    objects::send(platform, account, &EndSession { session: session.clone() }).await?;
    platform.audit.user(account).note(EventKind::SignOut);
    Ok(())
}
