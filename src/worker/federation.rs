//! The accounts of users who sign in at the upstream provider: which one a subject has, and what its profile says.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use worker::Delay;

use crate::account::identifier::{Identifier, ReadIdentifier};
use crate::account::profile::{ReadAccount, Replaced, SetProfile};
use crate::identity::profile::{Email, PersonName, Username};
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::{Namespace, Profile, UpstreamUser};
use crate::oauth::endpoints::upstream::{Subject, Told};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::authority::Upstream;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::upstream_policy::UpstreamAccounts;
use crate::token::{UnixTime, base64url};

use super::account;
use super::clients::RACES;
use super::env::Platform;
use super::report::Stop;
use super::users::{self, LEFT_OVER_AFTER, Name};

/// How long to wait for an account that another request is just making, and how often.
const WAIT: Duration = Duration::from_millis(200);

/// The account of a subject, with its profile up to date. A subject without an account gets one if the settings say so.
///
/// # Errors
/// [`Refusal::UpstreamAccount`].
pub(crate) async fn account_of(
    platform: &Platform,
    upstream: &Upstream,
    subject: &Subject,
    told: &Told,
) -> Result<AccountId, Stop> {
    let name = Name::Upstream { issuer: &upstream.issuer, subject: &subject.subject };
    for _ in 0..RACES {
        let entry = users::identifier(platform, &name, &ReadIdentifier).await?;
        if let Some(Identifier { account, since, .. }) = entry {
            if update(platform, &account, upstream, subject, told).await? {
                return Ok(account);
            }
            if platform.now <= since.plus(LEFT_OVER_AFTER) {
                // Another request is making it.
                Delay::from(WAIT).await;
                continue;
            }
            // An operator has removed it.
            users::release(platform, &name, &account).await?;
        }
        let profile = profile(platform.now, upstream, subject, told, None);
        if !upstream.accounts.admits(profile.email.as_deref(), profile.email_verified) {
            // Without userinfo there may be an address that would let the user in.
            let unsaid = !told.complete && matches!(upstream.accounts, UpstreamAccounts::Domains(_));
            return Err(if unsaid { Refusal::Upstream } else { Refusal::UpstreamAccount }.into());
        }
        match users::create_upstream(platform, &name, &profile).await {
            Ok(account) => {
                platform.audit.user(&account).note(EventKind::UserCreated);
                return Ok(account);
            }
            // By the same user, in another tab.
            Err(Stop::Refused(Refusal::UserExists)) => {}
            Err(stop) => return Err(stop),
        }
    }
    Err(Refusal::Upstream.into())
}

/// Brings an account's profile up to date. Says whether there is the account. Only the profile is replaced, and only the one
/// that was read: what an operator changes at the same moment stays.
async fn update(
    platform: &Platform,
    account: &AccountId,
    upstream: &Upstream,
    subject: &Subject,
    told: &Told,
) -> Result<bool, Stop> {
    for _ in 0..RACES {
        let Some(record) = account::ask(platform, account, &ReadAccount).await? else {
            return Ok(false);
        };
        let old = account::profile(platform, account, &record).await?;
        let new = profile(platform.now, upstream, subject, told, Some(&old));
        if (Profile { updated_at: old.updated_at, ..new.clone() }) == old {
            return Ok(true);
        }
        let sealed = account::seal_profile(platform, account, &new).await?;
        let command = SetProfile { was: record.profile, sealed };
        match account::ask(platform, account, &command).await? {
            Replaced::Done => return Ok(true),
            Replaced::Outdated => {}
            Replaced::Missing => return Ok(false),
        }
    }
    // The next sign-in brings it up to date.
    Ok(true)
}

/// The profile that an account gets. What the provider says is held to the same rules as local profiles: a name is cleaned
/// and cut, anything else that does not fit is left out. A local user name stays.
fn profile(now: UnixTime, upstream: &Upstream, subject: &Subject, told: &Told, old: Option<&Profile>) -> Profile {
    let issuer = &upstream.issuer;
    let foreign = Namespace::Upstream(issuer.clone());
    // What a failing userinfo endpoint did not say is not gone.
    let kept = old.filter(|_| !told.complete);
    let (username, namespace) = match old {
        Some(old) if old.namespace == Some(Namespace::Local) => (old.username.clone(), Namespace::Local),
        Some(old) if !told.complete && old.namespace.as_ref() == Some(&foreign) => (old.username.clone(), foreign),
        Some(_) | None => (username(told.usernames.iter().map(String::as_str), &subject.subject), foreign),
    };
    let name = told.name.as_deref().and_then(PersonName::cleaned).map(|name| name.as_str().to_owned());
    let email = told.email.as_deref().and_then(|email| Email::parse(email).ok()).map(|email| email.as_str().to_owned());
    let (email, email_verified) = match (email, kept) {
        (Some(email), _) => (Some(email), told.email_verified),
        (None, Some(old)) => (old.email.clone(), old.email_verified),
        (None, None) => (None, false),
    };
    Profile {
        username,
        namespace: Some(namespace),
        upstream: Some(UpstreamUser { issuer: issuer.clone(), sub: subject.subject.clone() }),
        name: name.or_else(|| kept.and_then(|old| old.name.clone())),
        email,
        email_verified,
        // The operator puts people in groups, not the provider.
        groups: old.map(|old| old.groups.clone()).unwrap_or_default(),
        updated_at: now,
    }
}

/// The first text that can be a user name here, or else one that is made from the subject.
pub(crate) fn username<'t>(texts: impl IntoIterator<Item = &'t str>, subject: &str) -> String {
    let fits = texts.into_iter().find_map(|text| Username::parse(text).ok());
    let made = || {
        let digest = base64url::encode(&Sha256::digest(subject)).to_ascii_lowercase();
        format!("user-{}", digest.chars().take(12).collect::<String>())
    };
    fits.map_or_else(made, |name| name.as_str().to_owned())
}
