//! Making, finding, changing and removing users: an account, the name that leads to it, and its place in the list.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::identity::password::{self, Password, PasswordHash};
use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::Refusal;
use crate::oauth::handle::AccountId;
use crate::oauth::id_token::Profile;
use crate::oauth::scope::Scope;
use crate::oauth::user::{UserDescription, UserError};
use crate::token::{UnixTime, base64url};

use super::account;
use super::env::{IDENTIFIER, Platform};
use super::kv::{self, Found, Kind};
use super::objects;
use super::objects::account_commands::{AccountAnswer, AccountCommand};
use super::objects::account_records::AccountRecord;
use super::objects::identifier_do::{Identifier, IdentifierAnswer, IdentifierCommand};
use super::random::random;
use super::report::{Fault, FaultKind, Stop};

/// A name whose account cannot be found is taken to be left over from a creation that broke off, this long after, seconds.
const LEFT_OVER_AFTER: u64 = 60;

/// What somebody can be found by.
pub(crate) enum Name<'n> {
    /// The name that a person types.
    Username(&'n str),
    /// A subject of another OpenID provider.
    Upstream { issuer: &'n str, subject: &'n str },
    /// A network address, for counting attempts.
    Address(&'n str),
}

impl Name<'_> {
    fn object(&self, platform: &Platform) -> String {
        let issuer = platform.authority().issuer();
        match self {
            Self::Username(name) => format!("username|{issuer}|{name}"),
            Self::Upstream { issuer: upstream, subject } => {
                let digest = Sha256::digest(format!("{upstream}\n{subject}"));
                format!("upstream|{issuer}|{}", base64url::encode(&digest))
            }
            Self::Address(bucket) => format!("address|{issuer}|{bucket}"),
        }
    }
}

/// Asks about a name.
pub(crate) async fn identifier(
    platform: &Platform,
    name: &Name<'_>,
    command: &IdentifierCommand,
) -> Result<IdentifierAnswer, Fault> {
    objects::call(platform, IDENTIFIER, &name.object(platform), command).await
}

/// A user to be.
pub(crate) struct NewUser {
    pub(crate) username: Username,
    pub(crate) password: Option<Password>,
    pub(crate) profile: Profile,
    pub(crate) scope: Option<Scope>,
}

/// The members of an operator's description, checked.
///
/// # Errors
/// The first that an account cannot have.
pub(crate) fn checked(description: UserDescription, now: UnixTime) -> Result<NewUser, Refusal> {
    let username = description.username.as_deref().map(Username::parse);
    let username = username.and_then(Result::ok).ok_or(Refusal::User(UserError::Username))?;
    let password = description.password.as_deref().map(Password::given);
    let password = password.transpose().map_err(|_| Refusal::User(UserError::Password))?;
    let name = description.name.as_deref().filter(|name| !name.is_empty()).map(PersonName::parse);
    let name = name.transpose().map_err(|_| Refusal::User(UserError::Name))?;
    let email = description.email.as_deref().filter(|email| !email.is_empty()).map(Email::parse);
    let email = email.transpose().map_err(|_| Refusal::User(UserError::Email))?;
    let profile = Profile {
        username: username.as_str().to_owned(),
        name: name.map(|name| name.as_str().to_owned()),
        email_verified: email.is_some() && description.email_verified,
        email: email.map(|email| email.as_str().to_owned()),
        updated_at: now,
    };
    Ok(NewUser { username, password, profile, scope: description.scope })
}

/// Makes an account: takes the name, enters the account in the list, then stores it.
///
/// A crash in between leaves a name whose account is not there; the next who asks for it gets it, a minute later. And it
/// may leave an entry in the list, which shows nothing: so whoever goes through the list misses no account.
///
/// # Errors
/// [`Refusal::UserExists`].
pub(crate) async fn create(platform: &Platform, user: NewUser) -> Result<AccountId, Stop> {
    let account = AccountId::from_bytes(random()?);
    let password = match &user.password {
        Some(password) => Some(seal_password(platform, &account, password).await?),
        None => None,
    };
    let name = Name::Username(user.username.as_str());
    claim(platform, &name, &account, password).await?;
    store(platform, &account, &user).await?;
    Ok(account)
}

/// Makes an account for a subject of another provider.
pub(crate) async fn create_upstream(platform: &Platform, name: &Name<'_>, profile: Profile) -> Result<AccountId, Stop> {
    let account = AccountId::from_bytes(random()?);
    claim(platform, name, &account, None).await?;
    list(platform, &account, &profile.username, &[]).await?;
    let record = record(platform, &account, &profile, None).await?;
    finish(platform, &account, AccountCommand::Create(record)).await?;
    Ok(account)
}

async fn claim(
    platform: &Platform,
    name: &Name<'_>,
    account: &AccountId,
    password: Option<String>,
) -> Result<(), Stop> {
    let entry = Identifier { account: account.clone(), password, since: platform.now };
    match identifier(platform, name, &IdentifierCommand::Claim { entry: entry.clone() }).await? {
        IdentifierAnswer::Done => Ok(()),
        IdentifierAnswer::Exists(old) if platform.now > old.since.plus(LEFT_OVER_AFTER) => {
            match account::ask(platform, &old.account, &AccountCommand::Read).await? {
                AccountAnswer::Missing => {
                    let account = old.account;
                    identifier(platform, name, &IdentifierCommand::Release { account }).await?;
                    match identifier(platform, name, &IdentifierCommand::Claim { entry }).await? {
                        IdentifierAnswer::Done => Ok(()),
                        _ => Err(Refusal::UserExists.into()),
                    }
                }
                _ => Err(Refusal::UserExists.into()),
            }
        }
        _ => Err(Refusal::UserExists.into()),
    }
}

async fn store(platform: &Platform, account: &AccountId, user: &NewUser) -> Result<(), Stop> {
    list(platform, account, &user.profile.username, &[]).await?;
    let record = record(platform, account, &user.profile, user.scope.clone()).await?;
    finish(platform, account, AccountCommand::Create(record)).await
}

async fn record(
    platform: &Platform,
    account: &AccountId,
    profile: &Profile,
    scope: Option<Scope>,
) -> Result<AccountRecord, Fault> {
    let profile = account::seal_profile(platform, account, profile).await?;
    Ok(AccountRecord { profile, scope, created: platform.now })
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
    match account::ask(platform, account, &AccountCommand::Read).await? {
        AccountAnswer::Account(record) => {
            let profile = account::profile(platform, account, &record).await?;
            Ok((record, profile))
        }
        AccountAnswer::Missing => Err(Refusal::UserNotFound.into()),
        _ => Err(objects::unexpected().into()),
    }
}

/// Replaces what there is of a user. The password stays unless there is a new one; a name that is given up is free.
pub(crate) async fn replace(platform: &Platform, account: &AccountId, user: NewUser) -> Result<Profile, Stop> {
    let (old, old_profile) = read(platform, account).await?;
    let name = Name::Username(user.username.as_str());
    let mut given_up = Vec::new();
    if old_profile.username != user.profile.username {
        given_up = list_change(platform, account, &old_profile.username, user.username.as_str()).await?;
        let kept = match password_of(platform, account, &old_profile.username).await? {
            // Sealed anew: what moves must not carry on a key that is about to go.
            Some(sealed) => {
                let hash = open_password(platform, account, &sealed).await?;
                Some(kv::seal(platform, &password_name(platform, account), &hash).await?)
            }
            None => None,
        };
        claim(platform, &name, account, kept).await?;
    }
    let renewed = AccountRecord { created: old.created, ..record(platform, account, &user.profile, user.scope).await? };
    finish(platform, account, AccountCommand::Replace(renewed)).await?;
    if let Some(password) = &user.password {
        set_password(platform, account, &name, password).await?;
    }
    for name in &given_up {
        identifier(platform, &Name::Username(name), &IdentifierCommand::Release { account: account.clone() }).await?;
    }
    if !given_up.is_empty() {
        // KV takes one write a second under one name. That names too many stay noted harms nobody.
        let _ = list(platform, account, user.username.as_str(), &[]).await;
    }
    Ok(user.profile)
}

/// Removes a user: the account with its sessions and grants first, so that nothing of it counts any more.
pub(crate) async fn remove(platform: &Platform, account: &AccountId) -> Result<(), Stop> {
    let (_, profile) = read(platform, account).await?;
    finish(platform, account, AccountCommand::Remove).await?;
    let name = Name::Username(&profile.username);
    identifier(platform, &name, &IdentifierCommand::Release { account: account.clone() }).await?;
    Ok(kv::delete(platform, &kv::name(platform, Kind::User, account.as_str())).await?)
}

/// Gives an account a new password.
pub(crate) async fn set_password(
    platform: &Platform,
    account: &AccountId,
    name: &Name<'_>,
    password: &Password,
) -> Result<(), Fault> {
    let sealed = Some(seal_password(platform, account, password).await?);
    let command = IdentifierCommand::SetPassword { account: account.clone(), password: sealed };
    identifier(platform, name, &command).await.map(|_| ())
}

/// The sealed password that goes with a name, if the account has it.
pub(crate) async fn password_of(
    platform: &Platform,
    account: &AccountId,
    username: &str,
) -> Result<Option<String>, Fault> {
    match identifier(platform, &Name::Username(username), &IdentifierCommand::Read).await? {
        IdentifierAnswer::Entry(entry) => {
            Ok(entry.filter(|entry| entry.account == *account).and_then(|entry| entry.password))
        }
        _ => Err(objects::unexpected()),
    }
}

async fn seal_password(platform: &Platform, account: &AccountId, password: &Password) -> Result<String, Fault> {
    kv::seal(platform, &password_name(platform, account), &password::hash(password, random()?)).await
}

/// Opens a sealed password.
pub(crate) async fn open_password(
    platform: &Platform,
    account: &AccountId,
    sealed: &str,
) -> Result<PasswordHash, Fault> {
    let name = password_name(platform, account);
    match kv::open(platform, &name, sealed).await? {
        Found::Record(hash) => Ok(hash),
        Found::Unreadable(kind) => Err(Fault::new(kind, &name)),
        Found::Nothing => Err(Fault::new(FaultKind::RecordUnreadable, &"a password")),
    }
}

/// Under which name an account's password is sealed.
pub(crate) fn password_name(platform: &Platform, account: &AccountId) -> String {
    format!("password|{}|{account}", platform.authority().issuer())
}

async fn finish(platform: &Platform, account: &AccountId, command: AccountCommand) -> Result<(), Stop> {
    match account::ask(platform, account, &command).await? {
        AccountAnswer::Done => Ok(()),
        AccountAnswer::Missing => Err(Refusal::UserNotFound.into()),
        _ => Err(objects::unexpected().into()),
    }
}
