//! Calling accounts, and the sealed parts of their records.

use crate::account::command::Sent;
use crate::account::grants::{EndGrants, WithdrawConsent};
use crate::account::profile::SetProfile;
use crate::account::record::AccountRecord;
use crate::account::sessions::{EndSession, EndSessions};
use crate::account::turn::AccountCommand;
use crate::names;
use crate::oauth::endpoints::id_token::{Namespace, Profile};
use crate::oauth::grant::handle::AccountId;
use crate::oauth::vocabulary::event_kind::EventKind;

use super::audit::Audit;
use super::env::{ACCOUNT, Platform};
use super::identifiers;
use super::kv::{self, Found};
use super::objects;
use super::report::Fault;

/// Sends a command to an account.
pub(crate) async fn ask<C: AccountCommand>(
    platform: &Platform,
    account: &AccountId,
    command: &C,
) -> Result<C::Answer, Fault> {
    let name = names::account_object(platform.authority().issuer(), account);
    objects::call(platform, ACCOUNT, &name, &Sent(command)).await
}

/// A command that ends sessions or grants and returns their number.
pub(crate) trait Ending: AccountCommand<Answer = Option<u64>> {
    /// Records the audit event.
    fn note(&self, audit: &Audit, count: u64);
}

impl Ending for EndSession {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::SessionsEnded, count);
    }
}

impl Ending for EndSessions {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::SessionsEnded, count);
    }
}

impl Ending for EndGrants {
    fn note(&self, audit: &Audit, count: u64) {
        audit.note_count(EventKind::GrantsEnded, count);
    }
}

impl Ending for WithdrawConsent {
    fn note(&self, audit: &Audit, count: u64) {
        audit.client(&self.client).note_count(EventKind::ConsentWithdrawn, count);
    }
}

/// Seals a profile for its account.
pub(crate) async fn seal_profile(platform: &Platform, account: &AccountId, profile: &Profile) -> Result<String, Fault> {
    kv::seal(platform, &profile_name(platform, account), profile).await
}

/// Opens an account's profile.
pub(crate) async fn profile(
    platform: &Platform,
    account: &AccountId,
    record: &AccountRecord,
) -> Result<Profile, Fault> {
    let name = profile_name(platform, account);
    match kv::open::<Profile>(platform, &name, &record.profile).await? {
        Found::Record(profile) if profile.namespace.is_none() => {
            with_namespace(platform, account, record, profile).await
        }
        Found::Record(profile) => Ok(profile),
        Found::Unreadable(kind) => Err(Fault::new(kind, &name)),
        Found::Nothing => Err(objects::unexpected()),
    }
}

/// Completes a profile that an earlier version stored without the namespace of its user name: the name is a local one if it
/// leads to the account. Stored, so that it is looked up once.
async fn with_namespace(
    platform: &Platform,
    account: &AccountId,
    record: &AccountRecord,
    profile: Profile,
) -> Result<Profile, Fault> {
    let namespace = if identifiers::leads_to(platform, &profile.username, account).await? {
        Namespace::Local
    } else {
        // The provider may not be configured any more; the name must not look like a local one all the same.
        let issuer = platform.authority().upstream().map_or("upstream", |upstream| &upstream.issuer);
        Namespace::Upstream(issuer.to_owned())
    };
    let profile = Profile { namespace: Some(namespace), ..profile };
    let sealed = seal_profile(platform, account, &profile).await?;
    // Refused where the profile has just been replaced: by one that has a namespace.
    ask(platform, account, &SetProfile { was: record.profile.clone(), sealed }).await?;
    Ok(profile)
}

/// Under which name an account's profile is sealed.
pub(crate) fn profile_name(platform: &Platform, account: &AccountId) -> String {
    names::profile(platform.authority().issuer(), account)
}
