//! What an account has still to tell the status lists. It is stored in the turn that ends a grant, told before the answer leaves, and
//! told again by the account's alarm if that could not be done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::IgnoredAny;
use worker::{Env, State};

use crate::oauth::status::{ListId, StatusEntry};
use crate::token::UnixTime;
use crate::worker::report::{self, Fault};
use crate::worker::{env, status};

use super::records::SqliteRecords;
use crate::records::{Records as _, Table};

/// How soon a status list is told again what it could not be told.
pub(super) const TELL_AGAIN: Duration = Duration::from_secs(10);
/// How many status lists are told in one turn: the platform bounds the calls of one, to 50 where it gives the least.
const TELL_AT_ONCE: usize = 40;

/// Notes that the tokens of a grant count no more; the last of them expires then.
pub(super) fn note(records: &SqliteRecords, entry: StatusEntry, last_token_ends: UnixTime) -> Result<(), Fault> {
    let id = format!("{}.{}", entry.list, entry.idx);
    Ok(records.put(Table::Revocation, &id, None, &(entry, last_token_ends))?)
}

/// Is there nothing to tell? If that cannot be seen, there may be.
pub(super) fn is_empty(records: &SqliteRecords) -> bool {
    records.page::<IgnoredAny>(Table::Revocation, "", 1).is_ok_and(|rows| rows.is_empty())
}

/// Has the status lists told: as many of them as one turn may ask. Says how soon to go on, unless they know all of it. A fault has been
/// logged where it was built.
pub(super) async fn tell(state: &State, env: &Env) -> Option<Duration> {
    let records = SqliteRecords::open(state);
    let outcome = tell_some(&records, env).await;
    records.tell_costs(env, "account");
    match outcome {
        // Others may have ended grants meanwhile.
        Ok(()) if is_empty(&records) => None,
        Ok(()) => Some(Duration::ZERO),
        Err(_) => Some(TELL_AGAIN),
    }
}

async fn tell_some(records: &SqliteRecords, env: &Env) -> Result<(), Fault> {
    let mut lists: BTreeMap<ListId, Vec<_>> = BTreeMap::new();
    for (id, (entry, until)) in records.list::<(StatusEntry, UnixTime)>(Table::Revocation)? {
        lists.entry(entry.list).or_default().push((id, (entry, until)));
    }
    let authority = env::authority(env)?;
    let mut outcome = Ok(());
    for (_, ended) in lists.into_iter().take(TELL_AT_ONCE) {
        match status::revoke(env, &authority, ended.iter().map(|(_, revocation)| *revocation)).await {
            Ok(told) => {
                report::calls_of_object(env, "account", told);
                for (id, _) in ended {
                    records.delete(Table::Revocation, &id)?;
                }
            }
            // It holds up no other.
            Err(fault) => outcome = Err(fault),
        }
    }
    outcome
}
