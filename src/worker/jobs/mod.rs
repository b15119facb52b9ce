//! Long work that does not fit in one request. The maintenance object does it in chunks, and stores its progress after each. An
//! interrupted chunk runs again, so every chunk must be repeatable.

pub(crate) mod maintenance_do;
pub(crate) mod reseal;
pub(crate) mod revoke;
pub(crate) mod suspend;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::limits::CLIENT_MEMORY;
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

use super::env::Platform;
use super::kv::{self, Kind};
use super::report::{Fault, RequestError};
use reseal::Reseal;
use revoke::{Revoke, SECOND_PASS};
use suspend::Suspend;

/// How many records or accounts a chunk has.
pub(crate) const CHUNK: u64 = 32;
/// How many items of a chunk run concurrently.
const AT_ONCE: usize = 16;
/// After this time, seconds, no isolate uses a record of a client from before a change: it reads KV, which is a minute behind at
/// most, once it has forgotten the record.
const COPIES_END: u64 = CLIENT_MEMORY + 60 + 10;

/// One piece of long work.
#[derive(Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) started_at: UnixTime,
    pub(crate) finished_at: Option<UnixTime>,
    /// The job with the lowest turn is next.
    pub(crate) turn: u64,
    /// How often the present chunk has failed.
    pub(crate) failures: u32,
    /// When the next chunk may run.
    pub(crate) not_before: UnixTime,
}

/// The kinds of work.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Reseal(Box<Reseal>),
    Revoke(Box<Revoke>),
    Suspend(Box<Suspend>),
}

/// What remains after a chunk.
pub(crate) enum Progress {
    /// The next chunk.
    More,
    /// The next chunk, after so many seconds.
    Later(u64),
    /// Nothing.
    Done,
}

impl Job {
    /// New work.
    pub(crate) fn new(work: Work, now: UnixTime) -> Self {
        Self { work, started_at: now, finished_at: None, turn: 0, failures: 0, not_before: now }
    }

    /// Does a chunk. A failed chunk is retried after increasing waits of at most 5 minutes.
    pub(crate) async fn advance(&mut self, platform: &Platform, now: impl Fn() -> UnixTime) {
        let outcome = match &mut self.work {
            Work::Reseal(reseal) => reseal.chunk(platform).await,
            Work::Revoke(revoke) => revoke.chunk(platform).await,
            Work::Suspend(suspend) => suspend.chunk(platform).await,
        };
        match outcome {
            Ok(progress) => {
                self.failures = 0;
                match progress {
                    Progress::More => {}
                    Progress::Later(seconds) => self.not_before = now().plus(seconds),
                    Progress::Done => self.finished_at = Some(now()),
                }
            }
            Err(_) => self.fail(now()),
        }
    }

    /// Delays the next attempt after a failure.
    pub(crate) fn fail(&mut self, now: UnixTime) {
        self.failures = self.failures.saturating_add(1);
        self.not_before = now.plus(2_u64.saturating_pow(self.failures).min(300));
    }
}

/// Returns the work after the removal of a resource: the first pass, and one for what isolates allowed meanwhile by an old copy of a
/// client's record.
pub(crate) fn after_removal(id: &str, resource: &Resource, now: UnixTime) -> [(String, Job); 2] {
    [(id.to_owned(), now), (format!("{id}{SECOND_PASS}"), now.plus(COPIES_END))].map(|(id, at)| {
        let revoke = Revoke::of_removed_resource(id.clone(), resource, at);
        (id, Job::new(Work::Revoke(Box::new(revoke)), at))
    })
}

/// A position in a list of KV.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Place {
    cursor: Option<String>,
    /// The last id that was processed: a cursor may have expired by the time it is used.
    after: String,
}

/// The most that KV lists at a time.
const LARGEST_PAGE: u64 = 1000;

/// How many pages are skipped at most to find a position again.
const PAGES: usize = 500;

/// Returns the next ids of a kind, and the position after them; `None` at the end.
async fn ids_after(platform: &Platform, kind: Kind, place: &Place) -> Result<(Vec<String>, Option<Place>), Fault> {
    let mut cursor = place.cursor.clone();
    let mut limit = if cursor.is_none() && !place.after.is_empty() { LARGEST_PAGE } else { CHUNK };
    for _ in 0..PAGES {
        let (mut ids, next) = match kv::list(platform, kind, cursor.take(), limit).await {
            Ok(page) => page,
            // Start over and skip what was processed: KV lists in the order of names.
            Err(RequestError::Refused(_)) => {
                limit = LARGEST_PAGE;
                continue;
            }
            Err(RequestError::Failed(fault)) => return Err(fault),
        };
        let last = ids.last().cloned().unwrap_or_default();
        ids.retain(|id| id.as_str() > place.after.as_str());
        if ids.len() as u64 > CHUNK {
            // The cursor is too far ahead.
            ids.truncate(usize::try_from(CHUNK).unwrap_or_default());
            let after = ids.last().cloned().unwrap_or_default();
            return Ok((ids, Some(Place { cursor: None, after })));
        }
        match next {
            None => return Ok((ids, None)),
            Some(next) if ids.is_empty() => cursor = Some(next),
            Some(next) => return Ok((ids, Some(Place { cursor: Some(next), after: last }))),
        }
    }
    Err(kv::unavailable("a list without an end"))
}

/// Runs futures, some of them concurrently. Returns their results in order.
async fn at_once<F: Future>(works: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(works).buffered(AT_ONCE).collect().await
}
