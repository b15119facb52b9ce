//! The accounts of users who sign in at the upstream provider: which one a subject has, and what its profile says.

use std::time::Duration;

use worker::Delay;

use crate::account::identifier::{Identifier, ReadIdentifier};
use crate::account::profile::{ReadAccount, Replaced, SetProfile};
use crate::account::upstream_profile;
use crate::oauth::Refusal;
use crate::oauth::endpoints::id_token::Profile;
use crate::oauth::endpoints::upstream::{Subject, Told};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::authority::Upstream;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::vocabulary::upstream_policy::UpstreamAccounts;

use super::account;
use super::clients::RACES;
use super::env::Platform;
use super::identifiers::{self, Name};
use super::report::Stop;
use super::users::{self, LEFT_OVER_AFTER};

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
        let entry = identifiers::identifier(platform, &name, &ReadIdentifier).await?;
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
            identifiers::release(platform, &name, &account).await?;
        }
        let profile = upstream_profile::updated(platform.now, upstream, subject, told, None);
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
        let new = upstream_profile::updated(platform.now, upstream, subject, told, Some(&old));
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
