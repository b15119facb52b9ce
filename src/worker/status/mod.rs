//! The status of issued tokens: allocating entries, revoking them, and publishing the lists.

mod pool;
mod published;

pub(crate) use pool::{take, take_for_client};
pub(crate) use published::{count, list};

use std::collections::BTreeMap;

use worker::Env;

use crate::oauth::status::{ListId, StatusEntry};
use crate::token::UnixTime;

use super::env::Platform;
use super::objects::address::StatusDirectory;
use super::objects::status_directory_do::ReleaseEntry;
use super::objects::{self, status_list_do};
use super::report::Fault;

/// Marks these entries as revoked until the last token of each expires. Returns the number of notified lists.
pub(crate) async fn revoke(
    env: &Env,
    entries: impl IntoIterator<Item = (StatusEntry, UnixTime)>,
) -> Result<usize, Fault> {
    let mut lists: BTreeMap<ListId, Vec<(u32, UnixTime)>> = BTreeMap::new();
    for (entry, until) in entries {
        lists.entry(entry.list).or_default().push((entry.idx, until));
    }
    let told = lists.len();
    for (list, entries) in lists {
        status_list_do::revoke(env, list, entries).await?;
    }
    Ok(told)
}

/// Releases the entry of a removed service client.
pub(crate) async fn release(platform: &Platform, entry: StatusEntry, last_token_ends: UnixTime) -> Result<(), Fault> {
    objects::send(platform, &StatusDirectory, &ReleaseEntry { entry, last_token_ends }).await
}
