//! What the keyring object keeps beside the ring: whether KV has it. And what it does about it, decided without waiting.
//!
//! A change is stored first, marked as not published, then written to KV, then marked as published. It is never taken back:
//! a write to KV that failed may have happened all the same, and then isolates act on it already. What stays unpublished is
//! compared with what KV has, planned anew if KV does not have it, and written again.

use serde::{Deserialize, Serialize};

use super::change::{Command, Event, KeyringRefusal, Terms};
use super::key::KeyMaterial;
use super::ring::Ring;
use crate::token::UnixTime;

/// A ring as the keyring object has it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The newest ring.
    pub ring: Ring,
    /// What KV may not have; `None` if it has all.
    pub unpublished: Option<Unpublished>,
}

/// The changes that KV may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unpublished {
    /// When the first of them was decided.
    pub since: UnixTime,
    /// The version of the ring that KV surely has.
    pub known: u64,
}

impl Kept {
    /// Compares what the object has with what KV has. Says whether KV was ahead.
    ///
    /// KV is ahead where the object was restored from a backup: its ring takes the place of the object's, which would
    /// otherwise undo the changes that the object no longer knows. Revocations that only the object has are made in it again.
    ///
    /// KV is behind where the object died in the middle of its work, or KV refused: what KV lacks is planned anew,
    /// from now on. (Later than [`super::schedule::KV_STALENESS`] its answer is sure; before that, nothing that was
    /// planned to wait has begun, so that planning it anew does no harm.)
    pub fn catch_up(&mut self, in_kv: Option<&Ring>, terms: &Terms<'_>, now: UnixTime) -> bool {
        let is_ahead = |ring: &&Ring| {
            let counts = ring.version().cmp(&self.ring.version());
            counts.is_gt() || (counts.is_eq() && !ring.is_same(&self.ring))
        };
        if let Some(newer) = in_kv.filter(is_ahead) {
            let older = std::mem::replace(&mut self.ring, newer.clone());
            let is_changed = self.ring.take_revocations(&older);
            self.unpublished = is_changed.then_some(Unpublished { since: now, known: newer.version() });
            return true;
        }
        let Some(lacking) = self.unpublished else {
            return false;
        };
        if in_kv.is_some_and(|ring| ring.version() == self.ring.version()) {
            self.unpublished = None;
        } else {
            // What KV has got meanwhile, though it said that it had not, may be in use.
            let known = in_kv.map_or(lacking.known, |ring| ring.version().max(lacking.known));
            self.ring.plan_anew(Unpublished { known, ..lacking }, terms, now);
        }
        false
    }

    /// Does KV lack what was published? It may have been restored from a backup, or have lost the ring.
    pub fn is_to_be_published_again(&self, in_kv: Option<&Ring>) -> bool {
        self.unpublished.is_none() && in_kv.is_none_or(|ring| ring.version() < self.ring.version())
    }

    /// Makes a change. `Some` if the ring has to be written: then with what happened to which key.
    ///
    /// # Errors
    /// As for [`Ring::apply`].
    pub fn apply(
        &mut self,
        command: &Command,
        materials: impl IntoIterator<Item = KeyMaterial>,
        terms: &Terms<'_>,
        now: UnixTime,
    ) -> Result<Option<Vec<(Event, String)>>, KeyringRefusal> {
        let known = self.ring.version();
        let events = self.ring.apply(command, materials, terms, now)?;
        if events.is_none() && self.unpublished.is_none() {
            return Ok(None);
        }
        self.unpublished.get_or_insert(Unpublished { since: now, known });
        Ok(Some(events.unwrap_or_default()))
    }

    /// What an isolate may act on while KV cannot be written.
    pub fn surely_known(&self, terms: &Terms<'_>, now: UnixTime) -> Ring {
        match self.unpublished {
            Some(lacking) => self.ring.clone().without_newcomers(lacking, terms, now),
            None => self.ring.clone(),
        }
    }
}
