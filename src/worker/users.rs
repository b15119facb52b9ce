//! Making, finding, changing and removing users: an account, the name that leads to it, and its place in the list.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::Delay;

use crate::account::identifier::{ClaimName, Identifier, ReleaseCopied, ReleaseName, SetPassword};
use crate::account::profile::{CreateAccount, ReadAccount, RemoveAccount, ReplaceAccount, Replaced};
use crate::account::record::AccountRecord;
use crate::account::upstream_profile;
use crate::identity::password::Password;
use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::Refusal;
use crate::oauth::admin::user::{Change, UserDescription};
use crate::oauth::endpoints::id_token::{Namespace, Profile, UpstreamUser};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::refusal::UserError;
use crate::oauth::vocabulary::scope::Scope;
use crate::token::UnixTime;

use super::account;
use super::clients::RACES;
use super::env::Platform;
use super::identifiers::{Name, identifier, release};
use super::kv::{self, Found, Kind};
use super::objects;
use super::passwords;
use super::report::{Fault, Stop};
use super::subjects::new_account_id;

/// A name whose account cannot be found is taken to be left over from a creation that broke off, this long after, seconds.
pub(crate) const LEFT_OVER_AFTER: u64 = 60;
/// Another request may be creating the account just now: how often it is looked for, and how long between.
const LOOKS_FOR_PENDING: u32 = 5;
const PENDING_WAIT: Duration = Duration::from_millis(200);

/// A user to be.
pub(crate) struct NewUser {
    /// The name to sign in by; `None` for a user who has only a name at the upstream provider.
    pub(crate) username: Option<Username>,
    pub(crate) password: Option<Password>,
    /// The rest of the profile, with the user name.
    pub(crate) profile: Profile,
    pub(crate) groups: Change<Vec<String>>,
    pub(crate) scope: Change<Scope>,
    pub(crate) upstream: Change<UpstreamUser>,
}

/// The members of an operator's description, checked. `current` is the profile that they replace, if there is one: a user
/// name that an upstream provider gave out may be repeated or left out.
///
/// # Errors
/// The first that an account cannot have.
pub(crate) fn checked(
    description: UserDescription,
    current: Option<&Profile>,
    now: UnixTime,
) -> Result<NewUser, Refusal> {
    let foreign = current.filter(|profile| matches!(profile.namespace, Some(Namespace::Upstream(_))));
    let links = matches!(description.upstream, Change::Set(_));
    let username = match description.username.as_deref() {
        None if foreign.is_some() || (current.is_none() && links) => None,
        Some(text) if foreign.is_some_and(|profile| profile.shown_username() == text) => None,
        text => Some(text.and_then(|text| Username::parse(text).ok()).ok_or(Refusal::User(UserError::Username))?),
    };
    let password = description.password.as_deref().map(Password::given);
    let password = password.transpose().map_err(|_| Refusal::User(UserError::Password))?;
    if password.is_some() && username.is_none() {
        // Without a name of ours there is nothing to type the password with.
        return Err(Refusal::User(UserError::Username));
    }
    let name = description.name.as_deref().filter(|name| !name.is_empty()).map(PersonName::parse);
    let name = name.transpose().map_err(|_| Refusal::User(UserError::Name))?;
    let email = description.email.as_deref().filter(|email| !email.is_empty()).map(Email::parse);
    let email = email.transpose().map_err(|_| Refusal::User(UserError::Email))?;
    let profile = Profile {
        username: username.as_ref().map(ToString::to_string).unwrap_or_default(),
        namespace: Some(Namespace::Local),
        upstream: None,
        name: name.map(|name| name.as_str().to_owned()),
        email_verified: email.is_some() && description.email_verified,
        email: email.map(|email| email.as_str().to_owned()),
        groups: Vec::new(),
        updated_at: now,
    };
    let UserDescription { groups, scope, upstream, .. } = description;
    Ok(NewUser { username, password, profile, groups, scope, upstream })
}

/// Makes an account: takes its names, enters the account in the list, then stores it. Gives its profile and scope too.
///
/// What fails in between is undone, so that the same request can be sent again. After a crash, or where that fails too, a name is left
/// whose account is not there: [`Refusal::UserPending`] says when it is free. And an entry of the list may be left, which shows
/// nothing: so a walk through the list misses no account.
///
/// # Errors
/// [`Refusal::UserExists`] and [`Refusal::UserPending`].
pub(crate) async fn create(platform: &Platform, user: NewUser) -> Result<(AccountId, Profile, Option<Scope>), Stop> {
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
    if account::ask(platform, account, &RemoveAccount).await.is_ok() {
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
) -> Result<AccountId, Stop> {
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
) -> Result<(), Stop> {
    let entry = Identifier { account: account.clone(), password, since: platform.now };
    let Err(old) = identifier(platform, name, &ClaimName(entry.clone())).await? else {
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
async fn take_over(platform: &Platform, name: &Name<'_>, account: AccountId, entry: Identifier) -> Result<(), Stop> {
    identifier(platform, name, &ReleaseName { account }).await?;
    // Another request may be faster.
    Ok(identifier(platform, name, &ClaimName(entry)).await?.map_err(|_| Refusal::UserExists)?)
}

/// Does a name lead to an account that is not there, or that has another name?
async fn is_left_over(platform: &Platform, name: &Name<'_>, account: &AccountId) -> Result<bool, Stop> {
    match (read(platform, account).await, name) {
        (Ok((_, profile)), Name::Username(username)) => Ok(!is_local(&profile) || profile.username != *username),
        (Ok(_), Name::Upstream { .. } | Name::Address(_) | Name::Attempts { .. }) => Ok(false),
        (Err(Stop::Refused(Refusal::UserNotFound)), _) => Ok(true),
        (Err(stop), _) => Err(stop),
    }
}

async fn store(platform: &Platform, account: &AccountId, profile: &Profile, scope: Option<Scope>) -> Result<(), Stop> {
    list(platform, account, &profile.username, &[]).await?;
    let profile = account::seal_profile(platform, account, profile).await?;
    let record = AccountRecord { profile, scope, created: platform.now };
    match account::ask(platform, account, &CreateAccount(record)).await? {
        true => Ok(()),
        // Its identifier is new.
        false => Err(objects::unexpected().into()),
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
pub(crate) async fn read(platform: &Platform, account: &AccountId) -> Result<(AccountRecord, Profile), Stop> {
    let record = account::ask(platform, account, &ReadAccount).await?.ok_or(Refusal::UserNotFound)?;
    let profile = account::profile(platform, account, &record).await?;
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
) -> Result<(AccountRecord, Profile), Stop> {
    for _ in 0..RACES {
        if let Some(replaced) = replace_once(platform, account, &user).await? {
            return Ok(replaced);
        }
    }
    Err(objects::unexpected().into())
}

/// Returns the new record and profile; `None` if another request changed the user in between, then the caller retries.
async fn replace_once(
    platform: &Platform,
    account: &AccountId,
    user: &NewUser,
) -> Result<Option<(AccountRecord, Profile)>, Stop> {
    let (record, old) = read(platform, account).await?;
    let profile = Profile {
        upstream: user.upstream.clone().of(old.upstream.clone()),
        groups: user.groups.clone().of(Some(old.groups.clone())).unwrap_or_default(),
        ..user.profile.clone()
    };
    let link = profile.upstream.clone().filter(|link| old.upstream.as_ref() != Some(link));
    if let Some(UpstreamUser { issuer, sub }) = &link {
        is_configured(platform, issuer)?;
        claim(platform, &Name::Upstream { issuer, subject: sub }, account, None).await?;
    }
    let replaced = replace_record(platform, account, user, (record, old), profile).await;
    if let (Err(Stop::Refused(_)), Some(link)) = (&replaced, &link) {
        unlink(platform, account, link).await?;
    }
    replaced
}

/// Gives up a link that was claimed for a replacement that is refused, unless the account has it all the same: the
/// operator is told that nothing has changed, so the upstream user must not be able to sign in to the account.
async fn unlink(platform: &Platform, account: &AccountId, link: &UpstreamUser) -> Result<(), Stop> {
    match read(platform, account).await {
        Ok((_, profile)) if profile.upstream.as_ref() == Some(link) => return Ok(()),
        Ok(_) | Err(Stop::Refused(Refusal::UserNotFound)) => {}
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
    mut profile: Profile,
) -> Result<Option<(AccountRecord, Profile)>, Stop> {
    let was_local = is_local(&old);
    let mut renaming = None;
    match &user.username {
        None if was_local => return Err(Refusal::User(UserError::Username).into()),
        None => (profile.username, profile.namespace) = (old.username.clone(), old.namespace.clone()),
        Some(username) if !was_local || username.as_str() != old.username => {
            renaming = Some(take_name(platform, account, &old, username).await?);
        }
        Some(_) => {}
    }
    let sealed = account::seal_profile(platform, account, &profile).await?;
    let replaced =
        AccountRecord { profile: sealed.clone(), scope: user.scope.clone().of(record.scope), created: record.created };
    let command = ReplaceAccount { was: record.profile, sealed, scope: user.scope.clone() };
    match account::ask(platform, account, &command).await? {
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
) -> Result<Renaming, Stop> {
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
    ) -> Result<(), Stop> {
        for _ in 0..RACES {
            let command = ReleaseCopied { account: account.clone(), password: self.copied.clone() };
            match identifier(platform, &Name::Username(&self.old), &command).await? {
                Some(entry) if keeps_password => {
                    if let Some(sealed) = &entry.password {
                        let password = passwords::copy(platform, account, sealed).await?;
                        let command = SetPassword { account: account.clone(), was: None, password };
                        identifier(platform, &Name::Username(new), &command).await?;
                    }
                    self.copied = entry.password;
                }
                Some(_) | None => break,
            }
        }
        for name in &self.given_up {
            release(platform, &Name::Username(name), account).await?;
        }
        // KV takes one write a second under one name. That names too many stay noted harms nobody.
        let _ = list(platform, account, new, &[]).await;
        Ok(())
    }
}

fn is_local(profile: &Profile) -> bool {
    matches!(profile.namespace, Some(Namespace::Local) | None)
}

/// Removes a user: the account with its sessions and grants first, so that nothing of it counts any more.
pub(crate) async fn remove(platform: &Platform, account: &AccountId) -> Result<(), Stop> {
    let (_, profile) = read(platform, account).await?;
    if !account::ask(platform, account, &RemoveAccount).await? {
        return Err(Refusal::UserNotFound.into());
    }
    release(platform, &Name::Username(&profile.username), account).await?;
    if let Some(UpstreamUser { issuer, sub }) = &profile.upstream {
        release(platform, &Name::Upstream { issuer, subject: sub }, account).await?;
    }
    Ok(kv::delete(platform, &kv::name(platform, Kind::User, account.as_str())).await?)
}
