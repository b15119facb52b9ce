//! Changes that KV may not have. They are scheduled again from the time of their publication.

use serde::{Deserialize, Serialize};

use super::ring::Ring;
use super::schedule::LEAD;
use super::succession::backdated;
use super::terms::Terms;
use crate::token::UnixTime;

/// The changes that KV may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unpublished {
    /// When the first of them was decided.
    pub since: UnixTime,
    /// The version of the ring that KV is known to have.
    pub known: u64,
}

impl Ring {
    /// Schedules again what was decided and has not reached KV: keys that were to be published then are published now, and
    /// keys that stopped then sign until now. What KV has is never rescheduled: verifiers rely on it.
    pub fn reschedule(&mut self, lacking: Unpublished, terms: &Terms<'_>, now: UnixTime) {
        for key in self.keys.iter_mut().filter(|key| key.added > lacking.known) {
            let waits = key.sign_from > key.publish_at;
            key.publish_at = if waits { now } else { backdated(now) };
            key.sign_from = if waits { key.sign_from.max(now.plus(LEAD)) } else { key.publish_at };
            if key.private_jwk.is_none() {
                key.sign_until = key.sign_from;
            }
        }
        self.reopen(lacking.since, terms, now);
        self.version += 1;
    }

    /// Keeps the keys that stopped since the first unpublished change as if they stopped now: KV cannot be read, and isolates that
    /// follow it may still sign with them. The version stays: if KV has the change, its ring is the right one.
    pub fn hold(&mut self, lacking: Unpublished, terms: &Terms<'_>, now: UnixTime) {
        self.reopen(lacking.since, terms, now);
    }

    /// Returns the ring without waiting keys that KV may not have: the ring that may be used while KV cannot be written.
    #[must_use]
    pub fn without_newcomers(mut self, lacking: Unpublished, terms: &Terms<'_>, now: UnixTime) -> Self {
        self.keys.retain(|key| key.added <= lacking.known || key.sign_from <= key.publish_at);
        self.reopen(lacking.since, terms, now);
        self
    }

    /// Lets keys that stopped since then sign again: they stopped for a successor that may sign later, or never.
    fn reopen(&mut self, since: UnixTime, terms: &Terms<'_>, now: UnixTime) {
        for key in self.keys.iter_mut().filter(|key| key.private_jwk.is_some()) {
            if key.sign_until >= backdated(since) && key.sign_until <= now {
                key.sign_until = key.sign_from;
            }
        }
        self.relink(terms.rotate_after, now);
    }
}
