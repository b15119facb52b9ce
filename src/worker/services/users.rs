//! Creating, reading, replacing and removing users: the account, the names that lead to it, and its entry in the list.

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

/// How often, and after which pause, an account is read that another request may be creating.
const LOOKS_FOR_PENDING: u32 = 5;
const PENDING_WAIT: Duration = Duration::from_millis(200);

/// Creates an account: claims its names, adds it to the list, then stores it. Returns its record and profile too.
///
/// A failure is undone, so that the request can be repeated. After a crash, or if that fails too, a name without account may
/// remain ([`Refusal::UserPending`] says when it is free), and an entry of the list, which is not shown: no account is ever
/// missing from the list.
///
/// # Errors
/// [`Refusal::UserExists`] and [`Refusal::UserPending`].
pub(crate) async fn create(
    platform: &Platform,
    user: NewUser,
) -> Result<(AccountId, AccountRecord, Profile), RequestError> {
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
    match store(platform, &account, &profile, scope, user.enabled == Some(false)).await {
        Ok(record) => Ok((account, record, profile)),
        Err(stop) => {
            let upstream =
                profile.upstream.as_ref().map(|UpstreamUser { issuer, sub }| Name::Upstream { issuer, subject: sub });
            let username = user.username.as_ref().map(|name| Name::Username(name.as_str()));
            undo(platform, upstream.into_iter().chain(username), &account).await;
            Err(stop)
        }
    }
}

/// Undoes a failed creation. The account is removed before its names are released: a write that failed may have been stored, and
/// an account must not lose its name. A fault was logged where it was built; then the names become free later.
async fn undo<'n>(platform: &Platform, names: impl IntoIterator<Item = Name<'n>>, account: &AccountId) {
    if objects::send(platform, account, &RemoveAccount).await.is_ok() {
        for name in names {
            let _ = release(platform, &name, account).await;
        }
    }
}

/// Creates an account for a user of the upstream provider.
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
    if let Err(stop) = store(platform, &account, profile, scope, false).await {
        undo(platform, [*name], &account).await;
        return Err(stop);
    }
    Ok(account)
}

/// Checks that a link is to the configured provider, whose users alone can sign in.
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
    let mut looks = 0;
    while is_left_over(platform, name, &old.account).await? {
        let Some(seconds) = old.pending_for(platform.now) else {
            return take_over(platform, name, old.account, entry).await;
        };
        if looks == LOOKS_FOR_PENDING {
            return Err(Refusal::UserPending { seconds }.into());
        }
        looks += 1;
        Delay::from(PENDING_WAIT).await;
    }
    Err(Refusal::UserExists.into())
}

/// Claims a left-over name for another account.
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

/// Returns whether a name leads to an account that does not exist or has another name.
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
    disabled: bool,
) -> Result<AccountRecord, RequestError> {
    list(platform, account, &profile.username, &[]).await?;
    let profile = profiles::seal(platform, account, profile).await?;
    let record = AccountRecord { profile, scope, created: platform.now, disabled };
    match objects::send(platform, account, &CreateAccount(record.clone())).await? {
        true => Ok(record),
        // Its identifier is new.
        false => Err(objects::unavailable("an account with a new identifier").into()),
    }
}

/// An entry of the list of users: the names by which the account can be found.
#[derive(Deserialize, Serialize)]
pub(crate) struct Listed {
    pub(crate) username: String,
    /// Names that a change claims or releases, or an interrupted change was about to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<String>,
}

async fn list(platform: &Platform, account: &AccountId, username: &str, others: &[String]) -> Result<(), Fault> {
    let name = kv::name(platform, Kind::User, account.as_str());
    kv::write(platform, &name, &Listed { username: username.to_owned(), others: others.to_vec() }).await
}

/// Stores the names that a renaming involves before it begins. Returns those that the account may have beside the new one.
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

/// Returns the record of an account, and its profile.
///
/// # Errors
/// [`Refusal::UserNotFound`].
pub(crate) async fn read(platform: &Platform, account: &AccountId) -> Result<(AccountRecord, Profile), RequestError> {
    let record = objects::send(platform, account, &ReadAccount).await?.ok_or(Refusal::UserNotFound)?;
    let profile = profiles::open(platform, account, &record).await?;
    Ok((record, profile))
}

/// A user that was replaced.
pub(crate) struct ReplacedUser {
    pub(crate) record: AccountRecord,
    pub(crate) profile: Profile,
    /// Whether the user was disabled before.
    pub(crate) was_disabled: bool,
}

/// Replaces a user. The password stays unless there is a new one; a former name becomes free.
///
/// # Errors
/// [`Refusal::UserNotFound`], [`Refusal::UserExists`].
pub(crate) async fn replace(
    platform: &Platform,
    account: &AccountId,
    user: NewUser,
) -> Result<ReplacedUser, RequestError> {
    retry(async || replace_once(platform, account, &user).await).await
}

/// Returns the replaced user; `None` if another request changed the user in between, then the caller retries.
async fn replace_once(
    platform: &Platform,
    account: &AccountId,
    user: &NewUser,
) -> Result<Option<ReplacedUser>, RequestError> {
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

/// Releases a link that was claimed for a refused replacement, unless the account has it: the operator is told that nothing has
/// changed, so the upstream user must not be able to sign in to the account.
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
) -> Result<Option<ReplacedUser>, RequestError> {
    let renaming = match new_name {
        Some(username) => Some(take_name(platform, account, &old, username).await?),
        None => None,
    };
    let sealed = profiles::seal(platform, account, &profile).await?;
    let was_disabled = record.disabled;
    let disabled = user.enabled.map_or(was_disabled, |enabled| !enabled);
    let scope = user.scope.clone().of(record.scope);
    let replaced = AccountRecord { profile: sealed.clone(), scope, created: record.created, disabled };
    let (scope, enabled) = (user.scope.clone(), user.enabled);
    let command = ReplaceAccount { was: record.profile, sealed, scope, enabled };
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
    Ok(Some(ReplacedUser { record: replaced, profile, was_disabled }))
}

/// A renaming, between the claim of the new name and the release of the old one.
struct Renaming {
    old: String,
    /// The sealed password that was copied.
    copied: Option<String>,
    given_up: Vec<String>,
}

/// Claims a new name for an account, with a copy of the password.
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
    /// Releases the old names. A password that was changed under the old name after the copy is copied again, unless the request
    /// replaces it.
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
        // KV accepts one write a second for each name. Names that remain in the entry have no effect.
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

/// Removes a user: first the account with its sessions and grants, so that all of its tokens become inactive.
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
