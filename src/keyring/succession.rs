//! How the keys of one algorithm follow each other.

use super::SIGNING_ALGORITHMS;
use super::key::{SigningKey, Stage};
use super::ring::Ring;
use super::schedule::{CLOCK_SKEW, GRACE, LEAD};
use crate::token::{Algorithm, UnixTime};

impl Ring {
    /// Lets each key sign until the next of its algorithm does, and the last one until long after a successor was due. A key
    /// that has stopped does not sign again. Returns whether anything changed.
    pub(super) fn relink(&mut self, rotate_after: u64, now: UnixTime) -> bool {
        let mut changed = false;
        for algorithm in SIGNING_ALGORITHMS {
            let mut chain: Vec<_> = self.keys.iter_mut().filter(|key| key.is_of(algorithm)).collect();
            chain.sort_by_key(|key| key.sign_from);
            let mut successor: Option<UnixTime> = None;
            for key in chain.into_iter().rev() {
                let has_stopped = key.sign_until <= now && key.sign_from < key.sign_until;
                // A shorter period of the settings ends nothing by itself.
                let last = key.sign_from.plus(rotate_after + GRACE).max(key.sign_until);
                // Nor does a key end while its successor would not be known everywhere.
                let last = if last <= now.plus(2 * LEAD) { now.plus(GRACE) } else { last };
                let end = successor.unwrap_or(last);
                if !has_stopped && end != key.sign_until {
                    key.stop_signing(end, now);
                    changed = true;
                }
                successor = Some(key.sign_from);
            }
        }
        changed
    }

    /// Publishes the keys whose publication is further ahead than clocks may differ. Every key is published when it is
    /// generated, so the clock was ahead then. When they sign does not change. Returns whether there were any.
    pub(super) fn publish_overdue(&mut self, now: UnixTime) -> bool {
        let mut changed = false;
        for key in self.keys.iter_mut().filter(|key| key.publish_at > now.plus(CLOCK_SKEW)) {
            key.publish_at = now;
            changed = true;
        }
        changed
    }

    /// Removes the keys that are gone. Returns whether there were any.
    pub fn prune(&mut self, now: UnixTime) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.stage(now) != Stage::Gone);
        self.keys.len() != before
    }

    /// Returns the key that signs now, if a key also signs by a clock that is ahead.
    pub(super) fn lasting_signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        let signer = self.signer(algorithm, now)?;
        self.signer(algorithm, now.plus(CLOCK_SKEW)).map(|_| signer)
    }

    /// Returns the first key that waits to sign.
    pub(super) fn next_mut(&mut self, algorithm: Algorithm, now: UnixTime) -> Option<&mut SigningKey> {
        let waiting = self.keys.iter_mut().filter(|key| key.is_of(algorithm) && key.stage(now) == Stage::Next);
        waiting.min_by_key(|key| key.sign_from)
    }
}

impl SigningKey {
    /// Returns when every verifier can have the key; if they already can, a time that has come for every clock.
    pub(super) fn earliest_start(&self, now: UnixTime) -> UnixTime {
        let ready = self.publish_at.plus(LEAD);
        if ready <= now { backdated(now) } else { ready }
    }

    /// Lets the key sign from then on, if that is sooner. Returns whether it is.
    pub(super) fn bring_forward(&mut self, from: UnixTime) -> bool {
        let sooner = from < self.sign_from;
        if sooner {
            self.sign_from = from;
            // A key that signs is published, by every clock that sees it sign.
            self.publish_at = self.publish_at.min(from);
        }
        sooner
    }
}

/// Returns the time that is `now` by the slowest clock: what begins then has begun for every clock.
pub(super) fn backdated(now: UnixTime) -> UnixTime {
    UnixTime(now.0.saturating_sub(CLOCK_SKEW))
}
