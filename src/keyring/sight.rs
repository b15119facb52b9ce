//! What an isolate makes of the ring that it has read: may it still be used, and for how long if nothing can be read.

use super::schedule::{REFRESH_AFTER, STALE_LIMIT};
use crate::token::UnixTime;

/// When an isolate read its ring, and when it last set out to look for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    read_at: UnixTime,
    looked_at: UnixTime,
}

/// What a request does with the ring that its isolate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// It uses it.
    Use,
    /// It looks for a newer one first.
    Look,
}

impl Sight {
    /// A ring that has just been read, or found not to be older than what could be read.
    pub fn at(now: UnixTime) -> Self {
        Self { read_at: now, looked_at: now }
    }

    /// Whoever finds the ring a minute old goes to look, the others work on with what is there: for a minute more.
    pub fn glance(&mut self, now: UnixTime) -> Glance {
        let is_looked_for = now.is_within(REFRESH_AFTER, self.looked_at);
        let is_recent = now.is_within(2 * REFRESH_AFTER, self.read_at);
        if !is_looked_for {
            self.looked_at = now;
        }
        if is_looked_for && is_recent { Glance::Use } else { Glance::Look }
    }

    /// May an isolate that can read nothing go on with what it has?
    pub fn may_go_on(&self, now: UnixTime) -> bool {
        now.is_within(STALE_LIMIT, self.read_at)
    }
}
