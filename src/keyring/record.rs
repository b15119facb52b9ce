//! The keyring object's record: the ring, and whether KV has it.
//!
//! A change is stored first, marked as unpublished, then written to KV, then marked as published. It is never withdrawn:
//! a write to KV that failed may have happened nevertheless, and then isolates already act on it. Unpublished changes are
//! compared with KV, rescheduled if KV does not have them, and written again.

use serde::{Deserialize, Serialize};

use super::change::{Command, Event, KeyringRefusal};
use super::key::KeyMaterial;
use super::key_id::KeyId;
use super::reschedule::Unpublished;
use super::ring::Ring;
use super::terms::Terms;
use crate::token::UnixTime;

/// The record as it is stored: `S` is the sealed ring.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Stored<S> {
    /// The sealed ring.
    pub sealed: S,
    /// Whether KV has it.
    pub published: bool,
    /// Which changes KV may not have.
    #[serde(default)]
    pub lacking: Option<Unpublished>,
}

impl<S> Stored<S> {
    /// The record of a ring that KV has.
    pub(super) fn published(sealed: S) -> Self {
        Self { sealed, published: true, lacking: None }
    }

    /// The record of a ring that KV may not have.
    pub(super) fn unpublished(sealed: S, kept: &Kept, now: UnixTime) -> Self {
        // Where nothing has changed, nothing is rescheduled.
        let nothing = Unpublished { since: now, known: kept.ring.version() };
        Self { sealed, published: false, lacking: Some(kept.unpublished.unwrap_or(nothing)) }
    }

    /// Whether a change was interrupted: the object's alarm completes it.
    pub fn is_interrupted(&self) -> bool {
        !self.published
    }

    /// Returns which changes KV may not have; `None` if it has all.
    pub fn lacking(&self, now: UnixTime) -> Option<Unpublished> {
        // An earlier version did not note it: its whole ring may be new.
        let all = Unpublished { since: now, known: 0 };
        (!self.published).then(|| self.lacking.unwrap_or(all))
    }
}

/// A ring as the keyring object has it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The newest ring.
    pub ring: Ring,
    /// What KV may not have; `None` if it has all.
    pub unpublished: Option<Unpublished>,
}

impl Kept {
    /// Compares the object's ring with the one in KV. Returns whether KV was ahead.
    ///
    /// KV is ahead where the object was restored from a backup: its ring replaces the object's, which would otherwise undo the
    /// changes that the object no longer knows. Revocations that only the object has are repeated in it.
    ///
    /// KV is behind where the object stopped in the middle of its work, or KV refused: what KV lacks is rescheduled from now
    /// on. (Later than [`super::schedule::KV_STALENESS`] its response is certain; before that, no key that was scheduled to
    /// wait has begun to sign, so that rescheduling it does no harm.)
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
            // KV may have received a change that it reported as failed, and isolates may use it.
            let known = in_kv.map_or(lacking.known, |ring| ring.version().max(lacking.known));
            self.ring.reschedule(Unpublished { known, ..lacking }, terms, now);
        }
        false
    }

    /// KV cannot be read: what isolates act on is unknown. No key that they may sign with may leave the ring.
    pub fn hold(&mut self, terms: &Terms<'_>, now: UnixTime) {
        if let Some(lacking) = self.unpublished {
            self.ring.hold(lacking, terms, now);
        }
    }

    /// Whether KV lacks a ring that was published: it may have been restored from a backup, or have lost the ring.
    pub fn is_to_be_published_again(&self, in_kv: Option<&Ring>) -> bool {
        self.unpublished.is_none() && in_kv.is_none_or(|ring| ring.version() < self.ring.version())
    }

    /// Makes a change. Returns its events if the ring must be written, `None` if nothing changed.
    ///
    /// # Errors
    /// As for [`Ring::apply`].
    pub fn apply(
        &mut self,
        command: &Command,
        materials: impl IntoIterator<Item = KeyMaterial>,
        terms: &Terms<'_>,
        now: UnixTime,
    ) -> Result<Option<Vec<(Event, KeyId)>>, KeyringRefusal> {
        let known = self.ring.version();
        let events = self.ring.apply(command, materials, terms, now)?;
        if events.is_none() && self.unpublished.is_none() {
            return Ok(None);
        }
        self.unpublished.get_or_insert(Unpublished { since: now, known });
        Ok(Some(events.unwrap_or_default()))
    }

    /// Returns the ring that an isolate may use while KV cannot be written.
    pub fn surely_known(&self, terms: &Terms<'_>, now: UnixTime) -> Ring {
        match self.unpublished {
            Some(lacking) => self.ring.clone().without_newcomers(lacking, terms, now),
            None => self.ring.clone(),
        }
    }
}
