//! The status of our tokens: entries for what is issued, revoking them, and the lists that everybody may read.

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

use super::env::{Platform, STATUS_DIRECTORY, STATUS_LIST};
use super::objects;
use super::objects::status_directory_do::{DirectoryAnswer, DirectoryCommand};
use super::objects::status_list_do::{ListAnswer, ListCommand};
use super::report::Fault;

/// Has the lists say that these entries are revoked, until the last token of each expires. Gives how many lists there were to tell.
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
        let name = object_name(authority, list);
        match objects::ask(env, STATUS_LIST, &name, &ListCommand::Revoke(entries)).await? {
            ListAnswer::Done => {}
            _ => return Err(objects::unexpected()),
        }
    }
    Ok(told)
}

/// Gives back the entry of a service client that is no more.
pub(crate) async fn release(platform: &Platform, entry: StatusEntry, last_token_ends: UnixTime) -> Result<(), Fault> {
    match directory(platform, &DirectoryCommand::Release { entry, last_token_ends }).await? {
        DirectoryAnswer::Done => Ok(()),
        _ => Err(objects::unexpected()),
    }
}

fn object_name(authority: &Authority, list: ListId) -> String {
    names::status_list_object(authority.issuer(), &list)
}

async fn directory(platform: &Platform, command: &DirectoryCommand) -> Result<DirectoryAnswer, Fault> {
    objects::call(platform, STATUS_DIRECTORY, names::issuer_object(platform.authority().issuer()), command).await
}
