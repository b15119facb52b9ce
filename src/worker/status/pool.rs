//! Entries of status lists that this isolate may use. A warm isolate has some in memory for its next grants, and fetches more in the
//! background.

use std::cell::RefCell;

use worker::Env;

use crate::oauth::status::StatusEntry;
use crate::oauth::status::pool::EntryPool;
use crate::worker::clock::now;
use crate::worker::env::Platform;
use crate::worker::objects;
use crate::worker::objects::address::StatusDirectory;
use crate::worker::objects::status_directory_do::{AllocateBatch, AllocateForClient};
use crate::worker::random::random;
use crate::worker::report::Fault;
use crate::worker::tasks;

thread_local! {
    static POOL: RefCell<EntryPool> = const { RefCell::new(EntryPool::new()) };
}

/// An entry that no token bears yet.
pub(crate) struct Taken(StatusEntry);

impl Taken {
    /// The entry.
    pub(crate) fn entry(&self) -> StatusEntry {
        self.0
    }

    /// Returns an entry that was not used.
    pub(crate) fn give_back(self) {
        POOL.with_borrow_mut(|pool| pool.give_back(self.0));
    }
}

/// Takes an entry for a grant: from memory, unless the isolate is new.
pub(crate) async fn take(platform: &Platform) -> Result<Taken, Fault> {
    let chance = u32::from_le_bytes(random()?);
    let (taken, runs_low) = POOL.with_borrow_mut(|pool| pool.draw(chance, platform.now));
    if let Some(entry) = taken {
        if runs_low {
            tasks::start_background(refill(platform.env.clone()));
        }
        return Ok(Taken(entry));
    }
    let command = AllocateBatch { count: POOL.with_borrow_mut(EntryPool::next_batch) };
    let asked_at = platform.now;
    let entries = objects::send(platform, &StatusDirectory, &command).await?;
    let taken = POOL.with_borrow_mut(|pool| {
        pool.add(entries, asked_at);
        pool.draw(chance, asked_at).0
    });
    taken.map(Taken).ok_or_else(|| objects::unavailable("an empty batch of entries"))
}

/// Takes an entry for a service client, from the directory object.
pub(crate) async fn take_for_client(platform: &Platform) -> Result<StatusEntry, Fault> {
    objects::send(platform, &StatusDirectory, &AllocateForClient).await
}

/// Fetches another batch. A fault was logged where it was built; a request that finds the pool empty fetches again.
async fn refill(env: Env) {
    let count = POOL.with_borrow_mut(EntryPool::next_batch);
    let asked_at = now();
    if let Ok(entries) = objects::send_unbilled(&env, &StatusDirectory, &AllocateBatch { count }).await {
        POOL.with_borrow_mut(|pool| pool.add(entries, asked_at));
    }
    POOL.with_borrow_mut(EntryPool::end_fetch);
}
