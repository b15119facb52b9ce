//! The keeper of the ring: which effects a command has, in which order, and what follows if one of them fails.
//!
//! Pure: the keyring object executes the effects, and so does the simulation in `tests/core/keyring`. [`Keeper::start`] returns
//! the first [`Step`]. Each step names one effect; its result, given to [`Then::with`], leads to the next step.
//!
//! A change is stored first, marked as unpublished, then written to KV, then marked as published. What was interrupted is
//! completed by the object's alarm, the next command or cron, as [`Kept`] decides.

use std::vec::IntoIter;

use super::change::{Command, Event, KeyringRefusal};
use super::key::KeyMaterial;
use super::key_id::KeyId;
use super::record::{Kept, Stored};
use super::ring::Ring;
use super::schedule::{CLOCK_SKEW, WRITE_SLACK};
use super::terms::Terms;
use crate::token::{Algorithm, UnixTime};

/// The values that the keeper passes on without reading them.
pub trait Host: 'static {
    /// A sealed ring.
    type Sealed: Clone;
    /// Why an effect failed.
    type Fault;
    /// Why a ring cannot be opened.
    type Unreadable;
}

/// What KV has under the name of the ring.
pub enum InKv<H: Host> {
    /// There is no ring.
    Nothing,
    /// There is one that cannot be opened.
    Unreadable(H::Unreadable),
    /// There is this one.
    Ring(Ring),
}

/// How a command ends.
pub enum Outcome<H: Host> {
    /// The ring as it is now.
    Ring(H::Sealed),
    /// The change is refused.
    Refused(KeyringRefusal),
}

/// Why a command fails.
pub enum Failure<H: Host> {
    /// An effect failed.
    Fault(H::Fault),
    /// The ring cannot be opened. No key is generated then: the keys in it may be in use.
    Unreadable(H::Unreadable),
}

/// The next effect, and what follows from its result.
pub enum Step<'k, H: Host> {
    /// Read the stored record.
    ReadStored(Then<'k, Option<Stored<H::Sealed>>, H>),
    /// Read the ring in KV.
    ReadKv(Then<'k, InKv<H>, H>),
    /// Open the stored ring.
    Open(H::Sealed, Then<'k, Result<Ring, H::Unreadable>, H>),
    /// Generate a key.
    Generate(Algorithm, Then<'k, KeyMaterial, H>),
    /// Seal a ring.
    Seal(Ring, Then<'k, H::Sealed, H>),
    /// Set the alarm that completes what is interrupted.
    SetAlarm(Then<'k, (), H>),
    /// Store the record.
    Store(Stored<H::Sealed>, Then<'k, (), H>),
    /// Report the keys that were generated.
    ReportCreated(Vec<KeyId>, Then<'k, (), H>),
    /// Write the ring to KV. The result is the time afterwards, by the object's own clock.
    Publish(H::Sealed, Then<'k, UnixTime, H>),
    /// Delete the alarm.
    DeleteAlarm(Then<'k, (), H>),
    /// There is nothing more to do.
    Done(Result<Outcome<H>, Failure<H>>),
}

type Next<'k, H> = Result<Step<'k, H>, Failure<H>>;
type Continuation<'k, R, H> = dyn FnOnce(Result<R, <H as Host>::Fault>) -> Next<'k, H> + 'k;

/// What follows from the result of an effect.
pub struct Then<'k, R, H: Host>(Box<Continuation<'k, R, H>>);

impl<'k, R, H: Host> Then<'k, R, H> {
    /// The command fails if the effect does.
    fn new(then: impl FnOnce(R) -> Next<'k, H> + 'k) -> Self {
        Self(Box::new(|result| then(result.map_err(Failure::Fault)?)))
    }

    /// The command goes on if the effect fails.
    fn either(then: impl FnOnce(Result<R, H::Fault>) -> Next<'k, H> + 'k) -> Self {
        Self(Box::new(then))
    }

    /// Takes the result of the effect. Returns the next step.
    pub fn with(self, result: Result<R, H::Fault>) -> Step<'k, H> {
        (self.0)(result).unwrap_or_else(|failure| Step::Done(Err(failure)))
    }
}

/// A command on its way through its steps.
pub struct Keeper<'k> {
    command: Command,
    terms: Terms<'k>,
    /// When the command arrived, by the object's own clock.
    started: UnixTime,
    /// The time by which it is decided.
    now: UnixTime,
}

impl<'k> Keeper<'k> {
    /// A command that an isolate sent at `asked_at` by its own clock, and that arrived at `started` by the object's.
    pub fn of_request(command: Command, asked_at: UnixTime, started: UnixTime, terms: Terms<'k>) -> Self {
        let now = decided_at(&command, asked_at, started);
        Self { command, terms, started, now }
    }

    /// The command of the object's alarm, where [`Stored::is_interrupted`].
    pub fn of_alarm(started: UnixTime, terms: Terms<'k>) -> Self {
        Self { command: Command::Tend, terms, started, now: started }
    }

    /// The time by which the command is decided.
    pub fn now(&self) -> UnixTime {
        self.now
    }

    /// Returns the first step of the command.
    pub fn start<H: Host>(self) -> Step<'k, H> {
        Step::ReadStored(Then::new(move |stored| Ok(self.read_kv(stored))))
    }

    fn read_kv<H: Host>(self, stored: Option<Stored<H::Sealed>>) -> Step<'k, H> {
        Step::ReadKv(Then::either(move |in_kv| self.load(Read { stored, in_kv })))
    }

    fn load<H: Host>(self, read: Read<H>) -> Next<'k, H> {
        if let Some(stored) = &read.stored {
            let (sealed, unpublished) = (stored.sealed.clone(), stored.lacking(self.now));
            let then = move |opened: Result<Ring, _>| {
                let ring = opened.map_err(Failure::Unreadable)?;
                self.decide(read, Kept { ring, unpublished })
            };
            return Ok(Step::Open(sealed, Then::new(then)));
        }
        // An object that lost its storage adopts the ring in KV, if it can be read.
        let ring = match read.in_kv {
            Ok(InKv::Ring(ref ring)) => ring.clone(),
            Ok(InKv::Nothing) => Ring::default(),
            Ok(InKv::Unreadable(why)) => return Err(Failure::Unreadable(why)),
            Err(fault) => return Err(Failure::Fault(fault)),
        };
        self.decide(read, Kept { ring, unpublished: None })
    }

    fn decide<H: Host>(self, read: Read<H>, mut kept: Kept) -> Next<'k, H> {
        let was_behind = match &read.in_kv {
            Ok(_) => kept.catch_up(read.ring_in_kv(), &self.terms, self.now),
            Err(_) => {
                kept.hold(&self.terms, self.now);
                false
            }
        };
        match kept.ring.needs(&self.command, &self.terms, self.now) {
            Ok(needs) => Decision { keeper: self, read, kept, was_behind }.generate(needs.into_iter(), Vec::new()),
            Err(refusal) => refused(refusal),
        }
    }
}

/// Returns the time by which a command is decided.
///
/// The clock of an object that keeps running never runs backwards: one that was ahead, and was corrected, stays ahead in the object
/// until it restarts. An isolate reads its clock for each request. And a key that is to sign for an isolate must have begun to
/// by the isolate's clock.
fn decided_at(command: &Command, asked_at: UnixTime, started: UnixTime) -> UnixTime {
    let is_off = asked_at.plus(CLOCK_SKEW) < started;
    if is_off || matches!(command, Command::Ensure) { asked_at.min(started) } else { started }
}

/// What a command has read.
struct Read<H: Host> {
    stored: Option<Stored<H::Sealed>>,
    /// A fault if KV could not be read. Then nothing is written to it either: it may be ahead.
    in_kv: Result<InKv<H>, H::Fault>,
}

impl<H: Host> Read<H> {
    fn ring_in_kv(&self) -> Option<&Ring> {
        match &self.in_kv {
            Ok(InKv::Ring(ring)) => Some(ring),
            Ok(InKv::Nothing | InKv::Unreadable(_)) | Err(_) => None,
        }
    }

    /// Whether KV lacks a ring that it had. A ring that cannot be opened is left for the operator.
    fn is_missing_in_kv(&self, kept: &Kept) -> bool {
        let is_readable = matches!(self.in_kv, Ok(InKv::Ring(_) | InKv::Nothing));
        is_readable && kept.is_to_be_published_again(self.ring_in_kv())
    }
}

/// A command whose keys are being generated.
struct Decision<'k, H: Host> {
    keeper: Keeper<'k>,
    read: Read<H>,
    kept: Kept,
    /// Whether KV was ahead of the object.
    was_behind: bool,
}

impl<'k, H: Host> Decision<'k, H> {
    fn generate(self, mut needs: IntoIter<Algorithm>, mut materials: Vec<KeyMaterial>) -> Next<'k, H> {
        let Some(algorithm) = needs.next() else {
            return self.apply(materials);
        };
        let then = move |material| {
            materials.push(material);
            self.generate(needs, materials)
        };
        Ok(Step::Generate(algorithm, Then::new(then)))
    }

    fn apply(self, materials: Vec<KeyMaterial>) -> Next<'k, H> {
        let Self { keeper, read, mut kept, was_behind } = self;
        let events = match kept.apply(&keeper.command, materials, &keeper.terms, keeper.now) {
            Ok(events) => events,
            Err(refusal) => return refused(refusal),
        };
        let is_missing = read.is_missing_in_kv(&kept);
        match (read.stored, events) {
            (Some(stored), None) if !matches!(keeper.command, Command::Reseal) => {
                confirm(kept.ring, stored, was_behind, is_missing)
            }
            (_, events) => {
                // An operator's change is reported by its endpoint, which knows the operator.
                let created = events.into_iter().flatten().filter(|(event, _)| matches!(event, Event::Created));
                let created = created.map(|(_, kid)| kid).collect();
                Change { keeper, kept, created, unknown: read.in_kv.err(), is_stored: false, is_late: false }.begin()
            }
        }
    }
}

/// Nothing changes. The record is corrected if KV was ahead, or had the ring although it was marked as unpublished.
fn confirm<'k, H: Host>(ring: Ring, stored: Stored<H::Sealed>, was_behind: bool, is_missing: bool) -> Next<'k, H> {
    if was_behind {
        return Ok(Step::Seal(ring, Then::new(move |sealed| mark(sealed, is_missing))));
    }
    if stored.published { republish(stored.sealed, is_missing) } else { mark(stored.sealed, is_missing) }
}

fn mark<'k, H: Host>(sealed: H::Sealed, is_missing: bool) -> Next<'k, H> {
    let record = Stored::published(sealed.clone());
    Ok(Step::Store(record, Then::new(move |()| republish(sealed, is_missing))))
}

/// Writes the ring to KV if it is missing there. The next command tries again if that fails: this one has its ring.
fn republish<'k, H: Host>(sealed: H::Sealed, is_missing: bool) -> Next<'k, H> {
    if !is_missing {
        return done(sealed);
    }
    Ok(Step::Publish(sealed.clone(), Then::either(move |_| done(sealed))))
}

fn done<'k, H: Host>(sealed: H::Sealed) -> Next<'k, H> {
    Ok(Step::Done(Ok(Outcome::Ring(sealed))))
}

fn refused<'k, H: Host>(refusal: KeyringRefusal) -> Next<'k, H> {
    Ok(Step::Done(Ok(Outcome::Refused(refusal))))
}

/// A change that is being stored and published.
struct Change<'k, H: Host> {
    keeper: Keeper<'k>,
    kept: Kept,
    created: Vec<KeyId>,
    /// Why KV could not be read.
    unknown: Option<H::Fault>,
    is_stored: bool,
    /// Whether the first write to KV took too long.
    is_late: bool,
}

impl<'k, H: Host> Change<'k, H> {
    fn begin(self) -> Next<'k, H> {
        Ok(Step::SetAlarm(self.then(|change, ()| change.seal())))
    }

    fn seal(self) -> Next<'k, H> {
        Ok(Step::Seal(self.kept.ring.clone(), self.then(Self::store)))
    }

    /// A change that cannot be published is stored nevertheless: a revocation must not be forgotten.
    fn store(self, sealed: H::Sealed) -> Next<'k, H> {
        let record = Stored::unpublished(sealed.clone(), &self.kept, self.keeper.now);
        Ok(Step::Store(record, self.then(|change, ()| Self { is_stored: true, ..change }.report(sealed))))
    }

    fn report(mut self, sealed: H::Sealed) -> Next<'k, H> {
        match std::mem::take(&mut self.created) {
            created if created.is_empty() => self.publish(sealed),
            created => Ok(Step::ReportCreated(created, self.then(|change, ()| change.publish(sealed)))),
        }
    }

    fn publish(mut self, sealed: H::Sealed) -> Next<'k, H> {
        match self.unknown.take() {
            Some(fault) => self.fall_back(fault),
            None => Ok(Step::Publish(sealed.clone(), self.then(|change, ended| change.mark(sealed, ended)))),
        }
    }

    fn mark(mut self, sealed: H::Sealed, ended: UnixTime) -> Next<'k, H> {
        let took = ended.0.saturating_sub(self.keeper.started.0);
        if took > WRITE_SLACK && !self.is_late {
            // The write has used up some of the time for which new keys wait.
            self.is_late = true;
            self.kept.catch_up(None, &self.keeper.terms, self.keeper.now.plus(took));
            return self.seal();
        }
        self.kept.unpublished = None;
        let record = Stored::published(sealed.clone());
        // An alarm that cannot be deleted finds nothing to complete.
        let delete_alarm = |_, ()| Ok(Step::DeleteAlarm(Then::either(move |_| done(sealed))));
        Ok(Step::Store(record, self.then(delete_alarm)))
    }

    /// An isolate that asks for a ring gets the part of it that it may use although the change is not published, if that part can
    /// sign. A ring that is not stored is never used: the next command would generate other keys.
    fn fall_back(self, fault: H::Fault) -> Next<'k, H> {
        let Keeper { command, terms, now, .. } = self.keeper;
        let may_be_used = self.is_stored && matches!(command, Command::Ensure);
        let usable = may_be_used.then(|| self.kept.surely_known(&terms, now));
        match usable.filter(|ring| ring.preferred_signer(terms.algorithms, now).is_some()) {
            Some(ring) => Ok(Step::Seal(ring, Then::new(done))),
            None => Err(Failure::Fault(fault)),
        }
    }

    /// What follows from an effect that the change depends on.
    fn then<R>(self, then: impl FnOnce(Self, R) -> Next<'k, H> + 'k) -> Then<'k, R, H> {
        Then::either(move |result| match result {
            Ok(value) => then(self, value),
            Err(fault) => self.fall_back(fault),
        })
    }
}
