//! Entries of status lists that this isolate may hand out. A warm isolate has some in memory: whoever issues a grant takes one,
//! and new ones are fetched while nobody waits.

use std::cell::RefCell;

use worker::Env;

use crate::names;
use crate::oauth::status::{BATCH_TTL, MAX_BATCH, StatusEntry};
use crate::token::UnixTime;
use crate::worker::background;
use crate::worker::clock::now;
use crate::worker::env::{self, Platform, STATUS_DIRECTORY};
use crate::worker::objects;
use crate::worker::objects::status_directory_do::{DirectoryAnswer, DirectoryCommand};
use crate::worker::random::random;
use crate::worker::report::Fault;

use super::directory;

/// The first batch of an isolate: many live briefly. Each one after it is twice as large.
const FIRST_BATCH: u32 = 16;
/// An isolate stops handing out a batch that long before its time is over, seconds: clocks differ.
const MARGIN: u64 = 300;
/// How long a fetch in the background is waited for before another sets out, seconds.
const PATIENCE: u64 = 10;

#[derive(Default)]
struct Pool {
    entries: Vec<StatusEntry>,
    until: UnixTime,
    batch: u32,
    fetching_since: Option<UnixTime>,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// An entry that nobody bears yet. If it turns out not to be needed, it goes back.
pub(crate) struct Taken(StatusEntry);

impl Taken {
    /// The entry.
    pub(crate) fn entry(&self) -> StatusEntry {
        self.0
    }

    /// It bears nothing, and never will.
    pub(crate) fn give_back(self) {
        POOL.with_borrow_mut(|pool| pool.entries.push(self.0));
    }
}

/// An entry for a grant: from memory, unless the isolate is new.
pub(crate) async fn take(platform: &Platform) -> Result<Taken, Fault> {
    let chance = u32::from_le_bytes(random()?);
    let (taken, runs_low) = POOL.with_borrow_mut(|pool| pool.draw(chance, platform.now));
    if let Some(entry) = taken {
        if runs_low {
            background::run(refill(platform.env.clone()));
        }
        return Ok(Taken(entry));
    }
    let command = DirectoryCommand::Batch { count: POOL.with_borrow_mut(Pool::next_batch) };
    let asked_at = platform.now;
    match directory(platform, &command).await? {
        DirectoryAnswer::Entries(entries) => {
            let taken = POOL.with_borrow_mut(|pool| {
                pool.add(entries, asked_at);
                pool.draw(chance, asked_at).0
            });
            taken.map(Taken).ok_or_else(objects::unexpected)
        }
        _ => Err(objects::unexpected()),
    }
}

/// An entry for a service client, from the directory itself.
pub(crate) async fn take_for_client(platform: &Platform) -> Result<StatusEntry, Fault> {
    match directory(platform, &DirectoryCommand::Client).await? {
        DirectoryAnswer::Entries(entries) => entries.into_iter().next().ok_or_else(objects::unexpected),
        _ => Err(objects::unexpected()),
    }
}

/// Fetches another batch. A fault has been logged where it was built, and whoever finds nothing left asks again.
async fn refill(env: Env) {
    let count = POOL.with_borrow_mut(Pool::next_batch);
    let asked_at = now();
    if let Ok(authority) = env::authority(&env)
        && let Ok(DirectoryAnswer::Entries(entries)) = objects::ask(
            &env,
            STATUS_DIRECTORY,
            names::issuer_object(authority.issuer()),
            &DirectoryCommand::Batch { count },
        )
        .await
    {
        POOL.with_borrow_mut(|pool| pool.add(entries, asked_at));
    }
    POOL.with_borrow_mut(|pool| pool.fetching_since = None);
}

impl Pool {
    /// One entry, whichever, and whether this is the moment to fetch more.
    fn draw(&mut self, chance: u32, now: UnixTime) -> (Option<StatusEntry>, bool) {
        if now >= self.until {
            // Little is asked of this isolate.
            self.entries.clear();
            self.batch = 0;
        }
        if self.entries.is_empty() {
            return (None, false);
        }
        let entry = self.entries.swap_remove(chance as usize % self.entries.len());
        let fetching = self.fetching_since.is_some_and(|since| now < since.plus(PATIENCE));
        let runs_low = !fetching && self.entries.len() < self.batch as usize / 2;
        if runs_low {
            self.fetching_since = Some(now);
        }
        (Some(entry), runs_low)
    }

    fn next_batch(&mut self) -> u32 {
        self.batch = if self.batch == 0 { FIRST_BATCH } else { (self.batch * 2).min(MAX_BATCH) };
        self.batch
    }

    /// What was there before may be handed out for as long as before, and no longer: the shortest time counts for all.
    fn add(&mut self, entries: Vec<StatusEntry>, asked_at: UnixTime) {
        let until = asked_at.plus(BATCH_TTL - MARGIN);
        self.until = if self.entries.is_empty() { until } else { self.until.min(until) };
        self.entries.extend(entries);
    }
}
