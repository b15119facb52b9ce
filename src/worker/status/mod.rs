//! The status of issued tokens: allocating entries, revoking them, and publishing the lists.

mod pool;
mod published;

pub(crate) use pool::{take, take_for_client};
pub(crate) use published::{count, list};

use std::collections::BTreeMap;

use worker::Env;

use crate::names;
use crate::oauth::Authority;
use crate::oauth::status::{ListId, StatusEntry};
use crate::token::UnixTime;

use super::env::Platform;
use super::objects::status_directory_do::ReleaseEntry;
use super::objects::{self, ObjectCommand, status_list_do};
use super::report::Fault;

/// Marks these entries as revoked until the last token of each expires. Returns the number of notified lists.
pub(crate) async fn revoke(
    env: &Env,
    authority: &Authority,
    entries: impl IntoIterator<Item = (StatusEntry, UnixTime)>,
) -> Result<usize, Fault> {
    let mut lists: BTreeMap<ListId, Vec<(u32, UnixTime)>> = BTreeMap::new();
    for (entry, until) in entries {
        lists.entry(entry.list).or_default().push((entry.idx, until));
    }
    let told = lists.len();
    for (list, entries) in lists {
        status_list_do::revoke(env, authority, list, entries).await?;
    }
    Ok(told)
}

/// Releases the entry of a removed service client.
pub(crate) async fn release(platform: &Platform, entry: StatusEntry, last_token_ends: UnixTime) -> Result<(), Fault> {
    directory(platform, &ReleaseEntry { entry, last_token_ends }).await
}

async fn directory<C: ObjectCommand>(platform: &Platform, command: &C) -> Result<C::Answer, Fault> {
    objects::send(platform, names::issuer_object(platform.authority().issuer()), command).await
}
