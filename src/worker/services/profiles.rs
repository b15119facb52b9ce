//! The profiles of accounts: sealed in their records.

use crate::account::profile::SetProfile;
use crate::account::record::AccountRecord;
use crate::names;
use crate::oauth::endpoints::id_token::{Namespace, Profile};
use crate::oauth::grant::handle::AccountId;
use crate::worker::env::Platform;
use crate::worker::kv;
use crate::worker::objects;
use crate::worker::report::Fault;

use super::identifiers;

/// Seals a profile for its account.
pub(crate) async fn seal(platform: &Platform, account: &AccountId, profile: &Profile) -> Result<String, Fault> {
    kv::seal(platform, &name(platform, account), profile).await
}

/// Opens an account's profile.
pub(crate) async fn open(platform: &Platform, account: &AccountId, record: &AccountRecord) -> Result<Profile, Fault> {
    let name = name(platform, account);
    let profile: Profile = match kv::open(platform, &name, &record.profile).await? {
        Ok(profile) => profile,
        Err(kind) => return Err(Fault::new(kind, &name)),
    };
    match profile.namespace {
        None => with_namespace(platform, account, record, profile).await,
        Some(_) => Ok(profile),
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
    let sealed = seal(platform, account, &profile).await?;
    // Refused where the profile has just been replaced: by one that has a namespace.
    objects::send(platform, account, &SetProfile { was: record.profile.clone(), sealed }).await?;
    Ok(profile)
}

/// Returns the name that an account's profile is sealed for.
pub(crate) fn name(platform: &Platform, account: &AccountId) -> String {
    names::profile(platform.authority().issuer(), account)
}
