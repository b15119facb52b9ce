//! The entries of status lists that one isolate may use for grants.
//!
//! The pool hands out entries in random order, asks for more when half of a batch is left, and stops before the directory object
//! may consider its entries unused.

use super::StatusEntry;
use crate::limits::{BATCH_MARGIN, BATCH_TTL, FIRST_BATCH, MAX_BATCH};
use crate::token::UnixTime;

/// Seconds after which a fetch in the background counts as failed.
const PATIENCE: u64 = 10;

/// The unused entries of an isolate.
#[derive(Debug, Default)]
pub struct EntryPool {
    entries: Vec<StatusEntry>,
    until: UnixTime,
    batch: u32,
    fetching_since: Option<UnixTime>,
}

impl EntryPool {
    /// Creates an empty pool.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), until: UnixTime(0), batch: 0, fetching_since: None }
    }

    /// Takes a random entry, and returns whether the caller must fetch more in the background. `random` is a random number.
    pub fn draw(&mut self, random: u32, now: UnixTime) -> (Option<StatusEntry>, bool) {
        if now >= self.until {
            // This isolate has few requests: its next batch is a small one.
            self.entries.clear();
            self.batch = 0;
        }
        if self.entries.is_empty() {
            return (None, false);
        }
        let entry = self.entries.swap_remove(random as usize % self.entries.len());
        let is_fetching = self.fetching_since.is_some_and(|since| now < since.plus(PATIENCE));
        let runs_low = !is_fetching && self.entries.len() < self.batch as usize / 2;
        if runs_low {
            self.fetching_since = Some(now);
        }
        (Some(entry), runs_low)
    }

    /// Returns the size of the next batch to fetch.
    pub fn next_batch(&mut self) -> u32 {
        self.batch = if self.batch == 0 { FIRST_BATCH } else { (self.batch * 2).min(MAX_BATCH) };
        self.batch
    }

    /// Adds a batch that was requested at `asked_at`. The shortest remaining time applies to all entries.
    pub fn add(&mut self, entries: Vec<StatusEntry>, asked_at: UnixTime) {
        let until = asked_at.plus(BATCH_TTL - BATCH_MARGIN);
        self.until = if self.entries.is_empty() { until } else { self.until.min(until) };
        self.entries.extend(entries);
    }

    /// Returns an entry that was not used.
    pub fn give_back(&mut self, entry: StatusEntry) {
        self.entries.push(entry);
    }

    /// Notes that a fetch in the background has ended.
    pub fn end_fetch(&mut self) {
        self.fetching_since = None;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::oauth::status::ListId;

    const T: UnixTime = UnixTime(1_000_000);

    fn entries(range: std::ops::Range<u32>) -> Vec<StatusEntry> {
        range.map(|idx| StatusEntry { list: ListId(1), idx }).collect()
    }

    #[test]
    fn each_entry_is_handed_out_once() {
        let mut pool = EntryPool::new();
        assert_eq!(pool.draw(0, T), (None, false));
        let batch = pool.next_batch();
        pool.add(entries(0..batch), T);
        let drawn: HashSet<_> = (0..batch).map(|random| pool.draw(random * 7, T).0.unwrap().idx).collect();
        assert_eq!(drawn.len(), batch as usize);
        assert_eq!(pool.draw(0, T).0, None);
    }

    #[test]
    fn the_random_number_chooses_the_entry() {
        let drawn = |random| {
            let mut pool = EntryPool::new();
            pool.add(entries(0..10), T);
            pool.draw(random, T).0.unwrap().idx
        };
        assert_eq!((0..10).map(drawn).collect::<HashSet<_>>().len(), 10);
        assert_eq!(drawn(13), drawn(3));
    }

    #[test]
    fn batches_double_up_to_the_limit_and_start_small_again_after_a_pause() {
        let mut pool = EntryPool::new();
        let sizes: Vec<_> = (0..9).map(|_| pool.next_batch()).collect();
        assert_eq!(sizes, [16, 32, 64, 128, 256, 512, 1024, 1024, 1024]);
        assert_eq!(pool.draw(0, T), (None, false));
        assert_eq!(pool.next_batch(), 16);
    }

    #[test]
    fn one_request_fetches_more_when_half_a_batch_is_left() {
        let mut pool = EntryPool::new();
        let batch = pool.next_batch();
        pool.add(entries(0..batch), T);
        let low: Vec<_> = (0..10).filter(|_| pool.draw(0, T).1).collect();
        assert_eq!(low, [8], "once, when 7 of 16 are left");
        assert!(!pool.draw(0, UnixTime(T.0 + 9)).1, "the fetch may still succeed");
        assert!(pool.draw(0, UnixTime(T.0 + 10)).1, "it counts as failed");
        pool.end_fetch();
        assert!(pool.draw(0, UnixTime(T.0 + 10)).1);
    }

    #[test]
    fn entries_expire_before_the_directory_may_reuse_them() {
        let last = UnixTime(T.0 + BATCH_TTL - BATCH_MARGIN - 1);
        let filled = |asked_at: &[u64]| {
            let mut pool = EntryPool::new();
            for (index, at) in (0..).zip(asked_at) {
                pool.add(entries(index * 10..index * 10 + 10), UnixTime(*at));
            }
            pool
        };
        assert!(filled(&[T.0]).draw(0, last).0.is_some());
        assert!(filled(&[T.0]).draw(0, UnixTime(last.0 + 1)).0.is_none());
        // The older batch limits both, in whichever order they arrive.
        assert!(filled(&[T.0, T.0 + 60]).draw(0, UnixTime(last.0 + 1)).0.is_none());
        assert!(filled(&[T.0 + 60, T.0]).draw(0, UnixTime(last.0 + 1)).0.is_none());
    }

    #[test]
    fn an_unused_entry_returns() {
        let mut pool = EntryPool::new();
        pool.add(entries(5..6), T);
        let entry = pool.draw(0, T).0.unwrap();
        pool.give_back(entry);
        assert_eq!(pool.draw(0, T).0, Some(entry));
    }
}
