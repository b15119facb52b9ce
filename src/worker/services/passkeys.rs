//! Passkeys: the challenges of their ceremonies, signing in with one, adding, renaming and removing them.

use crate::account::passkeys::{
    AddPasskey, AddPasskeyError, AnsweredChallenge, PasskeyUse, ReadPasskey, RemoveOwnPasskey, RemovePasskey,
    RemovePasskeyError, RemovePasskeys, RenamePasskey,
};
use crate::account::record::PasskeyRecord;
use crate::account::turn::Ended;
use crate::identity::passkey::{self, CredentialId, PasskeyError, RelyingParty};
use crate::identity::profile::PersonName;
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::Profile;
use crate::oauth::grant::handle::{AccountId, SessionId};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::{UnixTime, base64url};
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::random::random;
use crate::worker::report::{Fault, RequestError};

/// How long a challenge can be answered, seconds: the time that the browser is given, and a little more.
const CHALLENGE_TTL: u64 = 600;
/// The purpose of a challenge for signing in.
const SIGN_IN: &str = "sign-in";

/// Returns whether the issuer can have passkeys.
pub(crate) fn are_possible(platform: &Platform) -> bool {
    RelyingParty::of_issuer(platform.authority().issuer()).is_some()
}

/// Returns the options with which a browser asks for a passkey to sign in with; `None` where the issuer cannot have any.
pub(crate) fn request_options(platform: &Platform) -> Result<Option<String>, Fault> {
    let Some(rp) = RelyingParty::of_issuer(platform.authority().issuer()) else {
        return Ok(None);
    };
    Ok(Some(passkey::request_options(&rp, challenge(platform, SIGN_IN)?.as_bytes()).to_string()))
}

/// Returns the options with which a browser creates a passkey; `None` where the issuer cannot have any.
pub(crate) fn creation_options(
    platform: &Platform,
    account: &AccountId,
    profile: &Profile,
    existing: &[(String, PasskeyRecord)],
) -> Result<Option<String>, Fault> {
    let Some(rp) = RelyingParty::of_issuer(platform.authority().issuer()) else {
        return Ok(None);
    };
    let challenge = challenge(platform, &addition_to(account))?;
    let existing = existing.iter().map(|(_, record)| &record.passkey);
    let username = profile.shown_username();
    let name = profile.name.as_deref().unwrap_or(&username);
    let options = passkey::creation_options(&rp, &account.bytes(), &username, name, existing, challenge.as_bytes());
    Ok(Some(options.to_string()))
}

/// Verifies the response of a passkey that signs in. Returns its account, and the use of the passkey that the session stores.
/// `None` if it is refused; the reason was logged.
pub(crate) async fn verify(platform: &Platform, response: &str) -> Result<Option<(AccountId, PasskeyUse)>, Fault> {
    match verify_or_refuse(platform, response).await? {
        Ok(verified) => Ok(Some(verified)),
        Err(reason) => {
            if let Some(reason) = reason {
                platform.audit.passkey_refused(reason);
            }
            Ok(None)
        }
    }
}

async fn verify_or_refuse(
    platform: &Platform,
    response: &str,
) -> Result<Result<(AccountId, PasskeyUse), Option<PasskeyError>>, Fault> {
    let Some(rp) = RelyingParty::of_issuer(platform.authority().issuer()) else {
        return Ok(Err(None));
    };
    let Some((credential, user_handle)) = passkey::claimed(response) else {
        return Ok(Err(Some(PasskeyError::Malformed)));
    };
    let Some(answered) = answered_challenge(platform, response, SIGN_IN) else {
        return Ok(Err(Some(PasskeyError::Challenge)));
    };
    let account = AccountId::from_bytes(user_handle);
    let id = credential.to_text();
    let Some(record) = objects::send(platform, &account, &ReadPasskey { id: id.clone() }).await? else {
        return Ok(Err(Some(PasskeyError::User)));
    };
    platform.audit.user(&account);
    let stored = record.passkey;
    let verified = passkey::verify_authentication(&rp, &user_handle, answered.challenge.as_bytes(), &stored, response);
    Ok(verified.map(|assertion| (account, PasskeyUse { id, assertion, answered })).map_err(Some))
}

/// Adds the passkey that a browser has created to an account, and records the event. Why the response was refused is logged.
///
/// # Errors
/// [`AddPasskeyError`]; `None` for a response that is not valid.
pub(crate) async fn add(
    platform: &Platform,
    account: &AccountId,
    session: &SessionId,
    name: String,
    response: &str,
) -> Result<Result<(), Option<AddPasskeyError>>, Fault> {
    let Some(rp) = RelyingParty::of_issuer(platform.authority().issuer()) else {
        return Ok(Err(None));
    };
    let Some(answered) = answered_challenge(platform, response, &addition_to(account)) else {
        platform.audit.passkey_refused(PasskeyError::Challenge);
        return Ok(Err(None));
    };
    let passkey = match passkey::verify_registration(&rp, answered.challenge.as_bytes(), response) {
        Ok(passkey) => passkey,
        Err(error) => {
            platform.audit.passkey_refused(error);
            return Ok(Err(None));
        }
    };
    let id = passkey.id.to_text();
    let record = PasskeyRecord { name, created: platform.now, used_at: None, passkey };
    let command = AddPasskey { session: session.clone(), id, passkey: record, answered };
    let added = objects::send(platform, account, &command).await?;
    if added.is_ok() {
        platform.audit.note(EventKind::PasskeyAdded);
    }
    Ok(added.map_err(Some))
}

/// Renames a passkey. Returns whether the account has it.
pub(crate) async fn rename(
    platform: &Platform,
    account: &AccountId,
    id: String,
    name: &PersonName,
) -> Result<bool, Fault> {
    objects::send(platform, account, &RenamePasskey { id, name: name.as_str().to_owned() }).await
}

/// Removes a passkey for its user, with the sessions that it opened, and records the events. `is_needed`: the user has no
/// other way to sign in.
///
/// # Errors
/// [`RemovePasskeyError`].
pub(crate) async fn remove_own(
    platform: &Platform,
    account: &AccountId,
    session: &SessionId,
    id: String,
    is_needed: bool,
) -> Result<Result<(), RemovePasskeyError>, Fault> {
    let command = RemoveOwnPasskey { session: session.clone(), id, is_needed };
    let removed = objects::send(platform, account, &command).await?;
    Ok(removed.map(|ended| platform.audit.ended(ended)))
}

/// Removes a passkey for an operator, with the sessions that it opened, and records the events.
///
/// # Errors
/// [`Refusal::PasskeyNotFound`].
pub(crate) async fn remove(platform: &Platform, account: &AccountId, id: &CredentialId) -> Result<Ended, RequestError> {
    let removed = objects::send(platform, account, &RemovePasskey { id: id.to_text() }).await?;
    let ended = removed.ok_or(Refusal::PasskeyNotFound)?;
    platform.audit.user(account).ended(ended);
    Ok(ended)
}

/// Removes all passkeys of an account, with the sessions that they opened, and records the events.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn remove_all(platform: &Platform, account: &AccountId) -> Result<Ended, RequestError> {
    let ended = objects::send(platform, account, &RemovePasskeys).await?.ok_or(Refusal::UserNotFound)?;
    platform.audit.user(account).ended(ended);
    Ok(ended)
}

/// The purpose of a challenge for adding a passkey to this account.
fn addition_to(account: &AccountId) -> String {
    format!("add {account}")
}

/// Creates a challenge. Its MAC proves that this server created it, for which purpose, and until when it can be answered.
fn challenge(platform: &Platform, purpose: &str) -> Result<String, Fault> {
    let nonce = base64url::encode(&random::<16>()?);
    let until = platform.now.plus(CHALLENGE_TTL).0.to_string();
    let tag = platform.config.forms.tag(&["challenge", purpose, &nonce, &until]);
    Ok(format!("{nonce}.{until}.{tag}"))
}

/// Returns the challenge that a response answers, if this server created it for this purpose and it has not expired.
fn answered_challenge(platform: &Platform, response: &str, purpose: &str) -> Option<AnsweredChallenge> {
    let challenge = String::from_utf8(passkey::answered(response)?).ok().filter(|text| !text.contains('|'))?;
    let mut parts = challenge.splitn(3, '.');
    let (nonce, until, tag) = (parts.next()?, parts.next()?, parts.next()?);
    if !platform.config.forms.verifies(&["challenge", purpose, nonce, until], tag) {
        return None;
    }
    let until = UnixTime(until.parse().ok()?);
    (platform.now < until).then(|| AnsweredChallenge { challenge: challenge.clone(), until })
}
