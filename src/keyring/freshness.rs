//! How long an isolate uses the ring in its memory.

use super::schedule::{REFRESH_AFTER, STALE_LIMIT};
use crate::token::UnixTime;

/// When an isolate read its ring, and when it last began to read a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRead {
    read_at: UnixTime,
    refreshed_at: UnixTime,
}

/// What a request does with the ring in its isolate's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It uses the ring.
    Fresh,
    /// It reads a newer one first.
    Stale,
}

impl LastRead {
    /// A ring that has just been read, or found to be no older than the one that was read.
    pub fn at(now: UnixTime) -> Self {
        Self { read_at: now, refreshed_at: now }
    }

    /// Returns [`Freshness::Stale`] to one request a minute, which then reads. The other requests use the ring for one minute more.
    pub fn check(&mut self, now: UnixTime) -> Freshness {
        let is_being_refreshed = now.is_within(REFRESH_AFTER, self.refreshed_at);
        let is_recent = now.is_within(2 * REFRESH_AFTER, self.read_at);
        if !is_being_refreshed {
            self.refreshed_at = now;
        }
        if is_being_refreshed && is_recent { Freshness::Fresh } else { Freshness::Stale }
    }

    /// Whether an isolate that can read nothing may continue to use the ring.
    pub fn may_continue(&self, now: UnixTime) -> bool {
        now.is_within(STALE_LIMIT, self.read_at)
    }
}
