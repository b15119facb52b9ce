//! Changes of a ring: generating the keys that it lacks, rotating, revoking, importing. Decided in one turn of the keyring object.
//!
//! Generating a key waits for the platform, so a change has two steps: [`Ring::needs`] returns which keys to generate, and
//! [`Ring::apply`] adds them. Both see the same ring and the same time.

use serde::{Deserialize, Serialize};

use super::import::{Import, ImportError};
use super::key::{KeyMaterial, SigningKey, Stage};
use super::key_id::KeyId;
use super::ring::Ring;
use super::schedule::LEAD;
use super::succession::backdated;
use super::terms::Terms;
use crate::token::{Algorithm, UnixTime};

/// The number of keys in the ring from which on no more are imported. A key is at most 4 KB, and an object stores 2 MB under one
/// name.
const MOST_KEYS: usize = 64;

/// A command of the keyring.
#[derive(Clone, Debug)]
pub enum Command {
    /// Generates the keys that must sign now, and no others: the first request waits for it.
    Ensure,
    /// As [`Self::Ensure`]; the ring is sealed again, by the current key-encryption key.
    Reseal,
    /// Generates a next key for each algorithm, and rotates if that is due. Cron sends it.
    Tend,
    /// Lets the next key of each algorithm sign.
    Rotate,
    /// Revokes a key: it signs no more and leaves the key set.
    Revoke(KeyId),
    /// Imports a key of another issuer.
    Import(Box<Import>),
    /// The ring was restored from a backup: revokes every key in it, since any of them may have been revoked after the backup.
    Restored,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was generated.
    Created,
    /// It signs sooner than scheduled.
    Rotated,
    /// It was revoked.
    Revoked,
    /// It was imported.
    Imported,
}

impl Event {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "key_created",
            Self::Rotated => "key_rotated",
            Self::Revoked => "key_revoked",
            Self::Imported => "key_imported",
        }
    }
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringRefusal {
    /// There is no such key.
    Unknown,
    /// A key with this identifier or thumbprint is in the ring.
    Exists,
    /// A key with this identifier or thumbprint was revoked.
    Revoked,
    /// The ring is full.
    Full,
}

impl KeyringRefusal {
    /// The error of an import. `None` for a refusal of another command.
    pub const fn of_import(self) -> Option<ImportError> {
        match self {
            Self::Unknown => None,
            Self::Exists => Some(ImportError::Exists),
            Self::Revoked => Some(ImportError::Revoked),
            Self::Full => Some(ImportError::Full),
        }
    }
}

/// What has been decided in a turn before keys are generated.
#[derive(Default)]
struct Turn {
    /// Algorithms without a key that signs, that requests wait for: their next key signs at once.
    urgent: Vec<Algorithm>,
    /// Algorithms that are to be rotated, and have no next key.
    due: Vec<Algorithm>,
    events: Vec<(Event, KeyId)>,
    changed: bool,
}

impl Ring {
    /// Returns which keys to generate for this change, in the order in which [`Self::apply`] takes them.
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn needs(&self, command: &Command, terms: &Terms<'_>, now: UnixTime) -> Result<Vec<Algorithm>, KeyringRefusal> {
        let mut draft = self.clone();
        let turn = draft.turn(command, terms, now)?;
        let tends = !matches!(command, Command::Ensure | Command::Reseal);
        let mut lacking = Vec::new();
        for algorithm in terms.algorithms.iter().copied() {
            let (signs, waits) = (draft.lasting_signer(algorithm, now).is_some(), draft.next(algorithm, now).is_some());
            if !signs && !waits {
                lacking.push(algorithm);
            }
            if tends && !waits && (signs || turn.urgent.contains(&algorithm)) {
                lacking.push(algorithm);
            }
        }
        Ok(lacking)
    }

    /// Makes the change. Returns what happened to which key, or `None` if nothing changed.
    ///
    /// The first key of an algorithm waits for [`LEAD`] as every other, unless no key signs: the first keys of a ring sign at
    /// once, since no verifier can hold an older set. So does the successor of a key that was revoked while it signed, whether or
    /// not every verifier has it: without a signature all of them would fail, and a verifier that looks for an unknown `kid`
    /// (OpenID Connect Core section 10.1.1) finds it.
    ///
    /// # Errors
    /// [`KeyringRefusal`] says why a key cannot be revoked or imported.
    pub fn apply(
        &mut self,
        command: &Command,
        materials: impl IntoIterator<Item = KeyMaterial>,
        terms: &Terms<'_>,
        now: UnixTime,
    ) -> Result<Option<Vec<(Event, KeyId)>>, KeyringRefusal> {
        let mut turn = self.turn(command, terms, now)?;
        for material in materials {
            self.admit(material, &mut turn, terms, now);
            // The new key has no end yet, and so would not count as one that signs.
            self.relink(terms.rotate_after, now);
        }
        turn.changed |= self.relink(terms.rotate_after, now);
        self.version += u64::from(turn.changed);
        Ok(turn.changed.then_some(turn.events))
    }

    /// Decides everything but the new keys.
    fn turn(&mut self, command: &Command, terms: &Terms<'_>, now: UnixTime) -> Result<Turn, KeyringRefusal> {
        let mut turn = Turn { changed: self.prune(now), ..Turn::default() };
        turn.changed |= self.publish_overdue(now);
        turn.changed |= self.relink(terms.rotate_after, now);
        match command {
            Command::Ensure | Command::Reseal => {}
            Command::Tend => self.hasten(&mut turn, terms, now),
            Command::Rotate => self.rotate(&mut turn, terms, now),
            Command::Revoke(kid) => self.revoke(kid, &mut turn, terms, now)?,
            Command::Import(import) => self.import(import, &mut turn, now)?,
            Command::Restored => self.revoke_all(&mut turn, now),
        }
        if super::SIGNING_ALGORITHMS.iter().all(|algorithm| self.lasting_signer(*algorithm, now).is_none()) {
            turn.urgent.extend(terms.algorithms);
        }
        self.take_over(&mut turn, now);
        Ok(turn)
    }

    /// Brings forward the keys that were to sign later than is now due, as after a change of the settings.
    fn hasten(&mut self, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) {
        for algorithm in terms.algorithms.iter().copied() {
            let Some(due) = self.signer(algorithm, now).map(|key| key.sign_from.plus(terms.rotate_after)) else {
                continue;
            };
            if let Some(next) = self.next_mut(algorithm, now) {
                let earliest = due.max(next.publish_at.plus(LEAD)).max(now);
                turn.changed |= next.bring_forward(earliest);
            }
        }
    }

    /// A rotation within [`LEAD`] of another is the same one.
    fn rotate(&mut self, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) {
        for algorithm in terms.algorithms.iter().copied() {
            let is_near = |key: &SigningKey| {
                key.publish_at < key.sign_from && now < key.sign_from.plus(LEAD) && key.sign_from <= now.plus(LEAD)
            };
            if self.signer(algorithm, now).is_none() || self.of(algorithm).any(is_near) {
                continue;
            }
            match self.next_mut(algorithm, now) {
                Some(next) => {
                    let from = next.earliest_start(now);
                    turn.changed |= next.bring_forward(from);
                    turn.events.push((Event::Rotated, next.kid.clone()));
                }
                None => turn.due.push(algorithm),
            }
        }
    }

    fn revoke(&mut self, kid: &KeyId, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) -> Result<(), KeyringRefusal> {
        if self.revoked(kid.as_str()).is_some() {
            return Ok(());
        }
        let place = self.keys.iter().position(|key| key.kid == *kid).ok_or(KeyringRefusal::Unknown)?;
        let key = self.keys.remove(place);
        // A key that follows it signs by every clock; a key that was to stop for it continues.
        for other in self.keys.iter_mut().filter(|other| other.alg == key.alg && other.stage(now) == Stage::Active) {
            other.bring_forward(backdated(now));
        }
        self.relink(terms.rotate_after, now);
        self.revoked.push(key.to_revoked(now));
        if let Some(algorithm) = key.algorithm().filter(|_| key.private_jwk.is_some())
            && key.stage(now) == Stage::Active
            && self.signer(algorithm, now).is_none()
        {
            turn.urgent.push(algorithm);
        }
        turn.changed = true;
        turn.events.push((Event::Revoked, key.kid));
        Ok(())
    }

    /// The version continues above every version that the lost ring can have reached: an isolate that has seen a later ring than
    /// the restored one adopts the next.
    fn revoke_all(&mut self, turn: &mut Turn, now: UnixTime) {
        for key in std::mem::take(&mut self.keys) {
            self.revoked.push(key.to_revoked(now));
            turn.events.push((Event::Revoked, key.kid));
        }
        self.version = self.version.max(now.0);
        turn.changed = true;
    }

    fn import(&mut self, import: &Import, turn: &mut Turn, now: UnixTime) -> Result<(), KeyringRefusal> {
        if self.is_revoked(&import.kid, &import.thumbprint) {
            return Err(KeyringRefusal::Revoked);
        }
        if self.holds(&import.kid, &import.thumbprint) {
            return Err(KeyringRefusal::Exists);
        }
        if self.keys.len() >= MOST_KEYS {
            return Err(KeyringRefusal::Full);
        }
        self.add(import.to_key(now), turn);
        turn.events.push((Event::Imported, import.kid.clone()));
        Ok(())
    }

    /// Where no key signs any more and one waits, brings it forward: to now if requests wait for it.
    fn take_over(&mut self, turn: &mut Turn, now: UnixTime) {
        for algorithm in super::SIGNING_ALGORITHMS {
            if self.lasting_signer(algorithm, now).is_some() {
                continue;
            }
            let is_urgent = turn.urgent.contains(&algorithm);
            if let Some(next) = self.next_mut(algorithm, now) {
                let from = if is_urgent { backdated(now) } else { next.earliest_start(now) };
                turn.changed |= next.bring_forward(from);
            }
        }
    }

    /// Adds a generated key: the first of its algorithm, or the successor of the key that signs. Dropped if one waits already.
    fn admit(&mut self, material: KeyMaterial, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) {
        let algorithm = material.algorithm;
        if self.next(algorithm, now).is_some() {
            return;
        }
        let signs = self.lasting_signer(algorithm, now);
        let key = if signs.is_none() && turn.urgent.contains(&algorithm) {
            // Backdated: the isolate that asks for it may have a slower clock.
            let is_first = self.version == 0 && self.keys.iter().all(|key| key.publish_at == backdated(now));
            SigningKey { first: is_first, ..SigningKey::new(material, backdated(now), backdated(now)) }
        } else {
            let due =
                signs.filter(|_| !turn.due.contains(&algorithm)).map(|key| key.sign_from.plus(terms.rotate_after));
            SigningKey::new(material, now, due.unwrap_or(now).max(now.plus(LEAD)))
        };
        turn.events.push((Event::Created, key.kid.clone()));
        self.add(key, turn);
    }

    fn add(&mut self, key: SigningKey, turn: &mut Turn) {
        turn.changed = true;
        self.keys.push(SigningKey { added: self.version + 1, ..key });
    }
}
