//! The rules, independent of what the ring states about itself.

use edgemint::keyring::{Command, KeyId, LEAD, REFRESH_AFTER, Ring, STALE_LIMIT};
use edgemint::token::{Algorithm, UnixTime};

use super::world::{ALGORITHMS, World, number};

impl World {
    /// A key signs only if a ring that this isolate may still use says so. A change arrives at the latest after the staleness of
    /// KV and two minutes; an isolate that is cut off learns nothing, and stops after a day.
    pub(crate) fn may_sign(&self, place: usize, now: UnixTime, kid: &KeyId) -> Result<(), String> {
        let isolate = &self.isolates[place];
        let own = if isolate.cut_off { STALE_LIMIT } else { 2 * REFRESH_AFTER };
        let bound = self.setup.staleness + own;
        // The last ring that it must have heard of, and all that came later.
        let first = self.puts.iter().rposition(|put| put.at + bound < self.now).unwrap_or(0);
        let later = self.puts[first..].iter().map(|put| &*put.ring);
        let mut rings = later.chain(self.storage.ring().map(|ring| &**ring));
        if rings.any(|ring| Self::is_active(ring, kid, now)) {
            return Ok(());
        }
        // What stopped since an unpublished change signs again when that is published.
        let is_unpublished = isolate.is_provisional && self.storage.is_interrupted();
        let key = self.storage.ring().and_then(|ring| ring.find(kid.as_str())).filter(|_| is_unpublished);
        if key.is_some_and(|key| key.private().is_some() && key.signing().0 <= now) {
            return Ok(());
        }
        Err(format!("key {kid} signs, which no ring of the last {bound} seconds allows"))
    }

    /// A key may sign before every verifier has it only if there is no other way: it is one of the very first, or its predecessor
    /// was revoked, or no key at all could sign.
    pub(crate) fn may_change(
        &mut self,
        before: &Ring,
        command: &Command,
        after: &Ring,
        now: UnixTime,
    ) -> Result<(), String> {
        // Also by a clock that is ahead.
        let lasts = |ring: &Ring, algorithm: &Algorithm| {
            [now, now.plus(Self::SKEW)].iter().all(|at| ring.signer(*algorithm, *at).is_some())
        };
        let signs = |ring: &Ring| ALGORITHMS.iter().any(|algorithm| lasts(ring, algorithm));
        let revokes_active = match command {
            Command::Revoke(kid) => {
                self.revoked |= 1 << number(kid);
                Self::is_active(before, kid, now)
            }
            Command::Restored => {
                self.revoked |= before.keys().iter().fold(0, |keys, key| keys | 1 << number(&key.kid));
                true
            }
            _ => false,
        };
        for key in after.keys().iter().filter(|key| key.private().is_some()) {
            let (from, until) = key.signing();
            let published = key.validity().0;
            if from > until {
                return Err(format!("key {} ends before it begins", key.kid));
            }
            let is_new = before.find(key.kid.as_str()).is_none_or(|old| old.signing().0 != from);
            self.counts.successors += u64::from(is_new && from.0 >= published.0 + LEAD);
            if is_new && from.0 < published.0 + LEAD && now.0 < published.0 + LEAD {
                if !self.puts.is_empty() || self.storage.record.is_some() {
                    if !revokes_active && signs(before) {
                        return Err(format!("key {} signs before every verifier has it, for no reason", key.kid));
                    }
                    self.counts.emergencies += 1;
                    self.emergencies |= 1 << number(&key.kid);
                }
                if from.0 > now.0 {
                    return Err(format!("key {} is to sign later, and yet too early", key.kid));
                }
            }
            if from.0 + Self::SKEW < now.0 && is_new && before.find(key.kid.as_str()).is_none() {
                return Err(format!("key {} has signed before it was made", key.kid));
            }
        }
        Ok(())
    }
}
