//! Making, finding, changing and removing users: an account, the name that leads to it, and its place in the list.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::Delay;

use crate::account::grants::EndGrants;
use crate::account::identifier::{ClaimName, Identifier, ReleaseCopied, ReleaseName, SetPassword};
use crate::account::new_user::NewUser;
use crate::account::profile::{CreateAccount, ReadAccount, RemoveAccount, ReplaceAccount, Replaced};
use crate::account::record::AccountRecord;
use crate::account::sessions::{GrantsToEnd, SecureAccount};
use crate::account::turn::Ended;
use crate::account::upstream_profile;
use crate::identity::profile::Username;
use crate::oauth::Refusal;
use crate::oauth::admin::bulk::GrantFilter;
use crate::oauth::admin::user::Change;
use crate::oauth::endpoints::id_token::{Namespace, Profile, UpstreamUser};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::refusal::UserError;
use crate::oauth::vocabulary::scope::Scope;

use crate::worker::compare_and_swap::{retry, retry_or_give_up};
use crate::worker::env::Platform;
use crate::worker::kv::{self, Found, Kind};
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::report::{Fault, RequestError};

use super::identifiers::release;
use super::passwords;
use super::profiles;
use super::subjects::new_account_id;

/// A name whose account cannot be found is taken to be left over from a creation that broke off, this long after, seconds.
pub(crate) const LEFT_OVER_AFTER: u64 = 60;
/// Another request may be creating the account just now: how often it is looked for, and how long between.
const LOOKS_FOR_PENDING: u32 = 5;
const PENDING_WAIT: Duration = Duration::from_millis(200);

/// Makes an account: takes its names, enters the account in the list, then stores it. Gives its profile and scope too.
///
/// What fails in between is undone, so that the same request can be sent again. After a crash, or where that fails too, a name is left
/// whose account is not there: [`Refusal::UserPending`] says when it is free. And an entry of the list may be left, which shows
/// nothing: so a walk through the list misses no account.
///
/// # Errors
/// [`Refusal::UserExists`] and [`Refusal::UserPending`].
pub(crate) async fn create(
    platform: &Platform,
    user: NewUser,
) -> Result<(AccountId, Profile, Option<Scope>), RequestError> {
    let account = new_account_id(platform).await?;
    let upstream = user.upstream.of(None);
    let mut profile = user.profile;
    profile.groups = user.groups.of(None).unwrap_or_default();
    if let Some(UpstreamUser { issuer, sub }) = &upstream {
        is_configured(platform, issuer)?;
        if user.username.is_none() {
            profile.username = upstream_profile::username([sub.as_str()], sub);
            profile.namespace = Some(Namespace::Upstream(issuer.clone()));
        }
        claim(platform, &Name::Upstream { issuer, subject: sub }, &account, None).await?;
    }
    if let Some(username) = &user.username {
        let password = match &user.password {
            Some(password) => Some(passwords::seal(platform, &account, password).await?),
            None => None,
        };
        if let Err(stop) = claim(platform, &Name::Username(username.as_str()), &account, password).await {
            if let Some(UpstreamUser { issuer, sub }) = &upstream {
                release(platform, &Name::Upstream { issuer, subject: sub }, &account).await?;
            }
            return Err(stop);
        }
    }
    profile.upstream = upstream;
    let scope = match user.scope {
        Change::Keep => Some(platform.authority().default_user_scope().clone()),
        change => change.of(None),
    };
    if let Err(stop) = store(platform, &account, &profile, scope.clone()).await {
        let upstream =
            profile.upstream.as_ref().map(|UpstreamUser { issuer, sub }| Name::Upstream { issuer, subject: sub });
        let username = user.username.as_ref().map(|name| Name::Username(name.as_str()));
        undo(platform, upstream.into_iter().chain(username), &account).await;
        return Err(stop);
    }
    Ok((account, profile, scope))
}

/// Takes back what there is of an account whose creation failed. The account goes before its names: what failed may have happened
/// all the same, and an account must not lose its name. A fault has been logged; then the names are free later.
async fn undo<'n>(platform: &Platform, names: impl IntoIterator<Item = Name<'n>>, account: &AccountId) {
    if objects::send(platform, account, &RemoveAccount).await.is_ok() {
        for name in names {
            let _ = release(platform, &name, account).await;
        }
    }
}

/// Makes an account for a user of the upstream provider.
///
/// # Errors
/// [`Refusal::UserExists`].
pub(crate) async fn create_upstream(
    platform: &Platform,
    name: &Name<'_>,
    profile: &Profile,
) -> Result<AccountId, RequestError> {
    let account = new_account_id(platform).await?;
    claim(platform, name, &account, None).await?;
    let scope = Some(platform.authority().default_user_scope().clone());
    if let Err(stop) = store(platform, &account, profile, scope).await {
        undo(platform, [*name], &account).await;
        return Err(stop);
    }
    Ok(account)
}

/// Only the configured provider's users can ever sign in.
fn is_configured(platform: &Platform, issuer: &str) -> Result<(), Refusal> {
    let configured = platform.authority().upstream().is_some_and(|upstream| upstream.issuer == issuer);
    if configured { Ok(()) } else { Err(Refusal::User(UserError::Upstream)) }
}

async fn claim(
    platform: &Platform,
    name: &Name<'_>,
    account: &AccountId,
    password: Option<String>,
) -> Result<(), RequestError> {
    let entry = Identifier { account: account.clone(), password, since: platform.now };
    let Err(old) = objects::send(platform, name, &ClaimName(entry.clone())).await? else {
        return Ok(());
    };
    // By a clock that was ahead it may have been claimed in what is the future now: then there is nothing to wait for.
    let free_from = old.since.plus(LEFT_OVER_AFTER);
    let free_from = if free_from > platform.now.plus(2 * LEFT_OVER_AFTER) { platform.now } else { free_from };
    let mut looks = 0;
    while is_left_over(platform, name, &old.account).await? {
        if free_from <= platform.now {
            return take_over(platform, name, old.account, entry).await;
        }
        if looks == LOOKS_FOR_PENDING {
            return Err(Refusal::UserPending { seconds: free_from.0 - platform.now.0 }.into());
        }
        looks += 1;
        Delay::from(PENDING_WAIT).await;
    }
    Err(Refusal::UserExists.into())
}

/// Gives a name that is left over to another account.
async fn take_over(
    platform: &Platform,
    name: &Name<'_>,
    account: AccountId,
    entry: Identifier,
) -> Result<(), RequestError> {
    objects::send(platform, name, &ReleaseName { account }).await?;
    // Another request may be faster.
    Ok(objects::send(platform, name, &ClaimName(entry)).await?.map_err(|_| Refusal::UserExists)?)
}

/// Does a name lead to an account that is not there, or that has another name?
async fn is_left_over(platform: &Platform, name: &Name<'_>, account: &AccountId) -> Result<bool, RequestError> {
    match (read(platform, account).await, name) {
        (Ok((_, profile)), Name::Username(username)) => Ok(!profile.is_local() || profile.username != *username),
        (Ok(_), Name::Upstream { .. } | Name::Address(_) | Name::Attempts { .. }) => Ok(false),
        (Err(RequestError::Refused(Refusal::UserNotFound)), _) => Ok(true),
        (Err(stop), _) => Err(stop),
    }
}

async fn store(
    platform: &Platform,
    account: &AccountId,
    profile: &Profile,
    scope: Option<Scope>,
) -> Result<(), RequestError> {
    list(platform, account, &profile.username, &[]).await?;
    let profile = profiles::seal(platform, account, profile).await?;
    let record = AccountRecord { profile, scope, created: platform.now };
    match objects::send(platform, account, &CreateAccount(record)).await? {
        true => Ok(()),
        // Its identifier is new.
        false => Err(objects::unavailable("an account with a new identifier").into()),
    }
}

/// What the list of users holds of one: by which names the account can be found.
#[derive(Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) username: String,
    /// Names that it takes or gives up just now, or was about to when something broke off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<String>,
}

async fn list(platform: &Platform, account: &AccountId, username: &str, others: &[String]) -> Result<(), Fault> {
    let name = kv::name(platform, Kind::User, account.as_str());
    kv::write(platform, &name, &Listed { username: username.to_owned(), others: others.to_vec() }).await
}

/// Notes which names a change of names is about, before it is made. Gives those that the account may have beside the new.
async fn list_change(platform: &Platform, account: &AccountId, old: &str, new: &str) -> Result<Vec<String>, Fault> {
    let name = kv::name(platform, Kind::User, account.as_str());
    let mut names = vec![old.to_owned()];
    if let Found::Record(Listed { username, others }) = kv::read(platform, &name).await? {
        names.extend(others.into_iter().chain([username]));
    }
    names.sort();
    names.dedup();
    names.retain(|name| name != new);
    list(platform, account, new, &names).await?;
    Ok(names)
}

/// The account and its profile.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn read(platform: &Platform, account: &AccountId) -> Result<(AccountRecord, Profile), RequestError> {
    let record = objects::send(platform, account, &ReadAccount).await?.ok_or(Refusal::UserNotFound)?;
    let profile = profiles::open(platform, account, &record).await?;
    Ok((record, profile))
}

/// Replaces what there is of a user. The password stays unless there is a new one; a name that is given up is free.
///
/// The record is replaced only if it still is the one that was read: else all of it is done again.
///
/// # Errors
/// [`Refusal::UserNotFound`], [`Refusal::UserExists`].
pub(crate) async fn replace(
    platform: &Platform,
    account: &AccountId,
    user: NewUser,
) -> Result<(AccountRecord, Profile), RequestError> {
    retry(async || replace_once(platform, account, &user).await).await
}

/// Returns the new record and profile; `None` if another request changed the user in between, then the caller retries.
async fn replace_once(
    platform: &Platform,
    account: &AccountId,
    user: &NewUser,
) -> Result<Option<(AccountRecord, Profile)>, RequestError> {
    let (record, old) = read(platform, account).await?;
    let (profile, new_name) = user.replacing(&old)?;
    let link = profile.upstream.clone().filter(|link| old.upstream.as_ref() != Some(link));
    if let Some(UpstreamUser { issuer, sub }) = &link {
        is_configured(platform, issuer)?;
        claim(platform, &Name::Upstream { issuer, subject: sub }, account, None).await?;
    }
    let replaced = replace_record(platform, account, user, (record, old), (profile, new_name)).await;
    if let (Err(RequestError::Refused(_)), Some(link)) = (&replaced, &link) {
        unlink(platform, account, link).await?;
    }
    replaced
}

/// Gives up a link that was claimed for a replacement that is refused, unless the account has it all the same: the
/// operator is told that nothing has changed, so the upstream user must not be able to sign in to the account.
async fn unlink(platform: &Platform, account: &AccountId, link: &UpstreamUser) -> Result<(), RequestError> {
    match read(platform, account).await {
        Ok((_, profile)) if profile.upstream.as_ref() == Some(link) => return Ok(()),
        Ok(_) | Err(RequestError::Refused(Refusal::UserNotFound)) => {}
        Err(stop) => return Err(stop),
    }
    Ok(release(platform, &Name::Upstream { issuer: &link.issuer, subject: &link.sub }, account).await?)
}

/// Replaces the record and the name, once the link to the upstream user is claimed.
async fn replace_record(
    platform: &Platform,
    account: &AccountId,
    user: &NewUser,
    (record, old): (AccountRecord, Profile),
    (profile, new_name): (Profile, Option<&Username>),
) -> Result<Option<(AccountRecord, Profile)>, RequestError> {
    let renaming = match new_name {
        Some(username) => Some(take_name(platform, account, &old, username).await?),
        None => None,
    };
    let sealed = profiles::seal(platform, account, &profile).await?;
    let replaced =
        AccountRecord { profile: sealed.clone(), scope: user.scope.clone().of(record.scope), created: record.created };
    let command = ReplaceAccount { was: record.profile, sealed, scope: user.scope.clone() };
    match objects::send(platform, account, &command).await? {
        Replaced::Done => {}
        Replaced::Outdated => return Ok(None),
        Replaced::Missing => return Err(Refusal::UserNotFound.into()),
    }
    let name = Name::Username(&profile.username);
    if let Some(password) = &user.password
        && !passwords::set(platform, account, &name, None, password).await?
    {
        // Another request has just renamed the account.
        return Ok(None);
    }
    if let Some(renaming) = renaming {
        renaming.complete(platform, account, &profile.username, user.password.is_none()).await?;
    }
    if let Some(UpstreamUser { issuer, sub }) = old.upstream.filter(|link| profile.upstream.as_ref() != Some(link)) {
        release(platform, &Name::Upstream { issuer: &issuer, subject: &sub }, account).await?;
    }
    Ok(Some((replaced, profile)))
}

/// A change of the name to sign in by, between taking the new one and giving up the old one.
struct Renaming {
    old: String,
    /// The sealed password that was copied.
    copied: Option<String>,
    given_up: Vec<String>,
}

/// Takes a name for an account that has another one, with a copy of the password.
async fn take_name(
    platform: &Platform,
    account: &AccountId,
    old: &Profile,
    username: &Username,
) -> Result<Renaming, RequestError> {
    let given_up = list_change(platform, account, &old.username, username.as_str()).await?;
    let copied = passwords::of(platform, account, &old.username).await?;
    let password = match &copied {
        Some(sealed) => Some(passwords::copy(platform, account, sealed).await?),
        None => None,
    };
    claim(platform, &Name::Username(username.as_str()), account, password).await?;
    Ok(Renaming { old: old.username.clone(), copied, given_up })
}

impl Renaming {
    /// Gives up the old names. A password that was changed under the old name after it was copied comes along,
    /// unless it is replaced anyway.
    async fn complete(
        mut self,
        platform: &Platform,
        account: &AccountId,
        new: &str,
        keeps_password: bool,
    ) -> Result<(), RequestError> {
        // The old name is given up all the same if its password changes again and again.
        retry_or_give_up(async || {
            let command = ReleaseCopied { account: account.clone(), password: self.copied.clone() };
            let entry = objects::send(platform, &Name::Username(&self.old), &command).await?;
            let Some(entry) = entry.filter(|_| keeps_password) else {
                return Ok(Some(()));
            };
            if let Some(sealed) = &entry.password {
                let password = passwords::copy(platform, account, sealed).await?;
                let command = SetPassword { account: account.clone(), was: None, password };
                objects::send(platform, &Name::Username(new), &command).await?;
            }
            self.copied = entry.password;
            Ok::<_, Fault>(None)
        })
        .await?;
        for name in &self.given_up {
            release(platform, &Name::Username(name), account).await?;
        }
        // KV takes one write a second under one name. That names too many stay noted harms nobody.
        let _ = list(platform, account, new, &[]).await;
        Ok(())
    }
}

/// Ends what a replaced user must not keep: after a new password all sessions, and all grants if the operator asked for that.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn end_after_replacing(
    platform: &Platform,
    account: &AccountId,
    resets_password: bool,
    ends_grants: bool,
) -> Result<Option<Ended>, RequestError> {
    let ended = match (resets_password, ends_grants) {
        (false, false) => return Ok(None),
        (false, true) => {
            let command = EndGrants { which: GrantFilter::default(), job: None };
            let grants = objects::send(platform, account, &command).await?;
            grants.map(|grants| Ended { grants, ..Ended::default() })
        }
        (true, _) => {
            let grants = if ends_grants { GrantsToEnd::All } else { GrantsToEnd::None };
            objects::send(platform, account, &SecureAccount { except: None, passkeys: false, grants }).await?
        }
    };
    Ok(Some(ended.ok_or(Refusal::UserNotFound)?))
}

/// Removes a user: the account with its sessions and grants first, so that nothing of it counts any more.
pub(crate) async fn remove(platform: &Platform, account: &AccountId) -> Result<(), RequestError> {
    let (_, profile) = read(platform, account).await?;
    if !objects::send(platform, account, &RemoveAccount).await? {
        return Err(Refusal::UserNotFound.into());
    }
    release(platform, &Name::Username(&profile.username), account).await?;
    if let Some(UpstreamUser { issuer, sub }) = &profile.upstream {
        release(platform, &Name::Upstream { issuer, subject: sub }, account).await?;
    }
    Ok(kv::delete(platform, &kv::name(platform, Kind::User, account.as_str())).await?)
}
