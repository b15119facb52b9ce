//! What changes a ring: making what it lacks, rotating, revoking, importing. Decided in one turn of the keyring object.
//!
//! Making a key waits for the platform, so a change has two steps: [`Ring::needs`] says which keys to make, and
//! [`Ring::apply`] takes them in. Both see the same ring and the same time.

use serde::{Deserialize, Serialize};

use super::import::{Import, ImportError};
use super::key::{KeyMaterial, SigningKey, Stage};
use super::record::Unpublished;
use super::ring::Ring;
use super::schedule::{CLOCK_SKEW, GRACE, LEAD};
use crate::token::{Algorithm, UnixTime};

/// With how many keys in the ring no more are imported. Each is at most 4 KB, and an object stores 2 MB under one name.
const MOST_KEYS: usize = 64;

/// What is asked of the keyring.
#[derive(Clone, Debug)]
pub enum Command {
    /// What must sign, and no more: the first request waits for it.
    Ensure,
    /// A next key for every algorithm, and a rotation that is due: what cron asks for.
    Tend,
    /// The next key of every algorithm takes over.
    Rotate,
    /// This key signs no more and leaves the set.
    Revoke(String),
    /// A key of another issuer comes in.
    Import(Box<Import>),
    /// The ring was restored from a backup: revokes every key in it, since any of them may have been revoked after the backup.
    Restored,
}

/// What the operator has configured.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// What is signed with.
    pub algorithms: &'a [Algorithm],
    /// When a successor takes over, counted from the first signature, seconds.
    pub rotate_after: u64,
}

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was made.
    Created,
    /// It was called to sign before its time.
    Rotated,
    /// It was revoked.
    Revoked,
    /// It was imported.
    Imported,
}

impl Event {
    /// A word for it.
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
    /// It is in the ring already, by its name or by itself.
    Exists,
    /// It was revoked.
    Revoked,
    /// The ring is full.
    Full,
}

impl KeyringRefusal {
    /// The same, said of an import. `None` for what no import is told.
    pub const fn of_import(self) -> Option<ImportError> {
        match self {
            Self::Unknown => None,
            Self::Exists => Some(ImportError::Exists),
            Self::Revoked => Some(ImportError::Revoked),
            Self::Full => Some(ImportError::Full),
        }
    }
}

/// What has been decided in a turn, before anything is made.
#[derive(Default)]
struct Turn {
    /// Nobody signs with it any more and everybody waits: whatever is there signs at once.
    urgent: Vec<Algorithm>,
    /// It was to be rotated, and nothing was there to take over.
    due: Vec<Algorithm>,
    events: Vec<(Event, String)>,
    changed: bool,
}

impl Ring {
    /// Which keys have to be made for this change, in the order in which [`Self::apply`] takes them.
    ///
    /// # Errors
    /// As for [`Self::apply`].
    pub fn needs(&self, command: &Command, terms: &Terms<'_>, now: UnixTime) -> Result<Vec<Algorithm>, KeyringRefusal> {
        let mut draft = self.clone();
        let turn = draft.turn(command, terms, now)?;
        let tends = !matches!(command, Command::Ensure);
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

    /// Makes the change. `Some` if there is something new to store; then with what happened to which key.
    ///
    /// A first key of its algorithm waits for [`LEAD`] as every other, unless nobody signs: the first keys of a ring sign at
    /// once, for nobody can hold an older set. So does the successor of a key that was revoked while it signed, whether or not
    /// every verifier has it: silence would fail all of them, and a verifier that looks for a name that it does not know
    /// (OpenID Connect Core section 10.1.1) finds it.
    ///
    /// # Errors
    /// [`KeyringRefusal`] says why the key that was named, or brought along, cannot be.
    pub fn apply(
        &mut self,
        command: &Command,
        materials: impl IntoIterator<Item = KeyMaterial>,
        terms: &Terms<'_>,
        now: UnixTime,
    ) -> Result<Option<Vec<(Event, String)>>, KeyringRefusal> {
        let mut turn = self.turn(command, terms, now)?;
        for material in materials {
            self.admit(material, &mut turn, terms, now);
            // It has no end yet, and so does not count as one that signs.
            self.relink(terms.rotate_after, now);
        }
        turn.changed |= self.relink(terms.rotate_after, now);
        self.version += u64::from(turn.changed);
        Ok(turn.changed.then_some(turn.events))
    }

    /// Everything but the new keys.
    fn turn(&mut self, command: &Command, terms: &Terms<'_>, now: UnixTime) -> Result<Turn, KeyringRefusal> {
        let mut turn = Turn { changed: self.prune(now), ..Turn::default() };
        turn.changed |= self.publish_overdue(now);
        turn.changed |= self.relink(terms.rotate_after, now);
        match command {
            Command::Ensure => {}
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

    /// Brings forward what was to sign later than is now due, as after a change of the settings.
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

    fn revoke(&mut self, kid: &str, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) -> Result<(), KeyringRefusal> {
        if self.revoked(kid).is_some() {
            return Ok(());
        }
        let place = self.keys.iter().position(|key| key.kid == kid).ok_or(KeyringRefusal::Unknown)?;
        let key = self.keys.remove(place);
        // Whoever follows it does so for every clock; whoever was to stop for it goes on.
        for other in self.keys.iter_mut().filter(|other| other.alg == key.alg && other.stage(now) == Stage::Active) {
            other.bring_forward(earlier(now));
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

    /// The count of changes goes on above every count that the lost ring can have reached: an isolate that has seen a later ring
    /// than the restored one takes over what follows.
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

    /// Where nobody signs any more and a key waits, it is called: at once if everybody waits for it.
    fn take_over(&mut self, turn: &mut Turn, now: UnixTime) {
        for algorithm in super::SIGNING_ALGORITHMS {
            if self.lasting_signer(algorithm, now).is_some() {
                continue;
            }
            let is_urgent = turn.urgent.contains(&algorithm);
            if let Some(next) = self.next_mut(algorithm, now) {
                let from = if is_urgent { earlier(now) } else { next.earliest_start(now) };
                turn.changed |= next.bring_forward(from);
            }
        }
    }

    /// Takes in a new key: the first of its algorithm, or the successor of what signs. Dropped if one is waiting already.
    fn admit(&mut self, material: KeyMaterial, turn: &mut Turn, terms: &Terms<'_>, now: UnixTime) {
        let algorithm = material.algorithm;
        if self.next(algorithm, now).is_some() {
            return;
        }
        let signs = self.lasting_signer(algorithm, now);
        let key = if signs.is_none() && turn.urgent.contains(&algorithm) {
            // It has done so for a while: the isolate that asked for it may have a slower clock.
            let is_first = self.version == 0 && self.keys.iter().all(|key| key.publish_at == earlier(now));
            SigningKey { first: is_first, ..SigningKey::new(material, earlier(now), earlier(now)) }
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

    /// Each key signs until the next of its algorithm does; the last one until long after a successor was due. Whoever
    /// has stopped stays so. Says whether anything changed.
    fn relink(&mut self, rotate_after: u64, now: UnixTime) -> bool {
        let mut changed = false;
        for algorithm in super::SIGNING_ALGORITHMS {
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

    /// Publishes the keys whose publication lies further ahead than clocks may differ: every key is published when it is made, so
    /// the clock was ahead then. What signs with them, and when, is not changed by that. Says whether there were any.
    fn publish_overdue(&mut self, now: UnixTime) -> bool {
        let mut changed = false;
        for key in self.keys.iter_mut().filter(|key| key.publish_at > now.plus(CLOCK_SKEW)) {
            key.publish_at = now;
            changed = true;
        }
        changed
    }

    /// Forgets the keys that are gone. Says whether there were any.
    pub fn prune(&mut self, now: UnixTime) -> bool {
        let before = self.keys.len();
        self.keys.retain(|key| key.stage(now) != Stage::Gone);
        self.keys.len() != before
    }

    /// Plans anew what was decided and never reached KV: what was to be published then is published now, and
    /// what stopped then is still used until now. What KV has is never planned anew: see the keyring object.
    pub fn plan_anew(&mut self, lacking: Unpublished, terms: &Terms<'_>, now: UnixTime) {
        for key in self.keys.iter_mut().filter(|key| key.added > lacking.known) {
            let waits = key.sign_from > key.publish_at;
            key.publish_at = if waits { now } else { earlier(now) };
            key.sign_from = if waits { key.sign_from.max(now.plus(LEAD)) } else { key.publish_at };
            if key.private_jwk.is_none() {
                key.sign_until = key.sign_from;
            }
        }
        self.reopen(lacking.since, terms, now);
        self.version += 1;
    }

    /// The ring without the keys that wait and that KV may never have had: what may be acted upon while KV cannot be written.
    #[must_use]
    pub fn without_newcomers(mut self, lacking: Unpublished, terms: &Terms<'_>, now: UnixTime) -> Self {
        self.keys.retain(|key| key.added <= lacking.known || key.sign_from <= key.publish_at);
        self.reopen(lacking.since, terms, now);
        self
    }

    /// What stopped since then did so for a successor that may sign later, or not at all.
    fn reopen(&mut self, since: UnixTime, terms: &Terms<'_>, now: UnixTime) {
        for key in self.keys.iter_mut().filter(|key| key.private_jwk.is_some()) {
            if key.sign_until >= earlier(since) && key.sign_until <= now {
                key.sign_until = key.sign_from;
            }
        }
        self.relink(terms.rotate_after, now);
    }

    /// The key that signs now, if there is still one for whoever's clock is ahead.
    fn lasting_signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&SigningKey> {
        let signer = self.signer(algorithm, now)?;
        self.signer(algorithm, now.plus(CLOCK_SKEW)).map(|_| signer)
    }

    fn next_mut(&mut self, algorithm: Algorithm, now: UnixTime) -> Option<&mut SigningKey> {
        let waiting = self.keys.iter_mut().filter(|key| key.is_of(algorithm) && key.stage(now) == Stage::Next);
        waiting.min_by_key(|key| key.sign_from)
    }
}

impl SigningKey {
    /// When every verifier can have it; for a while already if they do.
    fn earliest_start(&self, now: UnixTime) -> UnixTime {
        let ready = self.publish_at.plus(LEAD);
        if ready <= now { earlier(now) } else { ready }
    }

    fn bring_forward(&mut self, from: UnixTime) -> bool {
        let sooner = from < self.sign_from;
        if sooner {
            self.sign_from = from;
            // What signs is published, by every clock that sees it sign.
            self.publish_at = self.publish_at.min(from);
        }
        sooner
    }
}

/// What begins at once has begun for every clock.
fn earlier(now: UnixTime) -> UnixTime {
    UnixTime(now.0.saturating_sub(CLOCK_SKEW))
}
