//! The accounts of users who sign in at the upstream provider, and their profiles.

use std::time::Duration;

use worker::Delay;

use crate::account::identifier::{Identifier, LEFT_OVER_AFTER, ReadIdentifier};
use crate::account::profile::{ReadAccount, Replaced, SetProfile};
use crate::account::upstream_profile;
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::Profile;
use crate::oauth::endpoints::upstream::{Subject, Told};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::authority::Upstream;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::upstream_policy::UpstreamAccounts;
use crate::worker::compare_and_swap::retry_or_give_up;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::Name;
use crate::worker::report::{Fault, RequestError};

use super::identifiers;
use super::profiles;
use super::users;

/// The pause before an account is read again that another request is creating.
const WAIT: Duration = Duration::from_millis(200);

/// Returns the account of a subject, with its profile updated. Creates an account for a new subject if the settings allow it.
///
/// # Errors
/// [`Refusal::UpstreamAccount`].
pub(crate) async fn account_of(
    platform: &Platform,
    upstream: &Upstream,
    subject: &Subject,
    told: &Told,
) -> Result<AccountId, RequestError> {
    let name = Name::Upstream { issuer: &upstream.issuer, subject: &subject.subject };
    let found = retry_or_give_up(async || find_or_create(platform, upstream, subject, told, &name).await).await?;
    Ok(found.ok_or(Refusal::Upstream)?)
}

/// Returns the account; `None` if another request is creating or has just created it, then the caller retries.
async fn find_or_create(
    platform: &Platform,
    upstream: &Upstream,
    subject: &Subject,
    told: &Told,
    name: &Name<'_>,
) -> Result<Option<AccountId>, RequestError> {
    if let Some(Identifier { account, since, .. }) = objects::send(platform, name, &ReadIdentifier).await? {
        if update(platform, &account, upstream, subject, told).await? {
            return Ok(Some(account));
        }
        if platform.now <= since.plus(LEFT_OVER_AFTER) {
            // Another request is creating it.
            Delay::from(WAIT).await;
            return Ok(None);
        }
        // An operator has removed it.
        identifiers::release(platform, name, &account).await?;
    }
    let profile = upstream_profile::updated(platform.now, upstream, subject, told, None);
    if !upstream.accounts.admits(profile.email.as_deref(), profile.email_verified) {
        // Userinfo might have had an address that admits the user.
        let is_unknown = !told.complete && matches!(upstream.accounts, UpstreamAccounts::Domains(_));
        return Err(if is_unknown { Refusal::Upstream } else { Refusal::UpstreamAccount }.into());
    }
    match users::create_upstream(platform, name, &profile).await {
        Ok(account) => {
            platform.audit.user(&account).note(EventKind::UserCreated);
            Ok(Some(account))
        }
        // The same user signed in in another tab.
        Err(RequestError::Refused(Refusal::UserExists)) => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// Updates an account's profile. Returns whether the account exists. Only the profile is replaced, by compare-and-swap: a
/// concurrent change by an operator is kept.
async fn update(
    platform: &Platform,
    account: &AccountId,
    upstream: &Upstream,
    subject: &Subject,
    told: &Told,
) -> Result<bool, RequestError> {
    let updated = retry_or_give_up(async || {
        let Some(record) = objects::send(platform, account, &ReadAccount).await? else {
            return Ok(Some(false));
        };
        let old = profiles::open(platform, account, &record).await?;
        let new = upstream_profile::updated(platform.now, upstream, subject, told, Some(&old));
        if (Profile { updated_at: old.updated_at, ..new.clone() }) == old {
            return Ok(Some(true));
        }
        let sealed = profiles::seal(platform, account, &new).await?;
        Ok::<_, Fault>(match objects::send(platform, account, &SetProfile { was: record.profile, sealed }).await? {
            Replaced::Done => Some(true),
            Replaced::Outdated => None,
            Replaced::Missing => Some(false),
        })
    })
    .await?;
    // After the last lost race, the next sign-in brings it up to date.
    Ok(updated.unwrap_or(true))
}
