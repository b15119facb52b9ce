//! Notifies status lists of the revocations and suspensions that an account has stored for them.

use std::time::Duration;

use worker::{Env, State};

use crate::account::outbox::{self, Notice};
use crate::worker::report::{self, Fault};

use super::records::SqliteRecords;
use super::status_list_do;

/// How long to wait before a status list that did not confirm is notified again.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Returns whether every revocation and suspension is confirmed; `false` if storage cannot tell.
pub(super) fn is_empty(records: &SqliteRecords) -> bool {
    outbox::is_empty(records).map_err(Fault::from).unwrap_or_default()
}

/// Notifies as many status lists as one turn may. Returns when to go on, unless all have confirmed.
pub(super) async fn notify(state: &State, env: &Env) -> Option<Duration> {
    let records = SqliteRecords::open(state);
    let outcome = notify_some(&records, env).await;
    records.tell_costs(env, "account");
    match outcome {
        // Other requests may have ended grants in the meantime.
        Ok(()) if is_empty(&records) => None,
        Ok(()) => Some(Duration::ZERO),
        Err(_) => Some(RETRY_AFTER),
    }
}

async fn notify_some(records: &SqliteRecords, env: &Env) -> Result<(), Fault> {
    let notices = outbox::notices(records)?;
    let mut outcome = Ok(());
    for notice in notices {
        match notify_one(env, &notice).await {
            Ok(()) => outbox::confirmed(records, &notice)?,
            // The other lists are notified all the same.
            Err(fault) => outcome = Err(fault),
        }
    }
    outcome
}

async fn notify_one(env: &Env, notice: &Notice) -> Result<(), Fault> {
    if !notice.revoked.is_empty() {
        status_list_do::revoke(env, notice.list, notice.revoked.clone()).await?;
        report::calls_of_object(env, "account", 1);
    }
    if !notice.suspended.is_empty() {
        status_list_do::suspend(env, notice.list, notice.suspended.clone()).await?;
        report::calls_of_object(env, "account", 1);
    }
    Ok(())
}
