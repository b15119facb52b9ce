//! The keyring object: it executes the effects of the real keeper, over storage and KV that fail before or after they stored.

use std::convert::Infallible;
use std::rc::Rc;

use edgemint::keyring::keeper::{Failure, Host, InKv, Keeper, Outcome, Step, Then};
use edgemint::keyring::{Command, Kept, Ring, Stored};
use edgemint::token::UnixTime;

use super::history::{Effect, Fate, Mishap};
use super::world::{Put, World};

/// Rings are not sealed, and shared.
pub(crate) struct Simulated;

impl Host for Simulated {
    type Sealed = Rc<Ring>;
    type Fault = Failed;
    type Unreadable = Infallible;
}

/// An effect failed.
pub(crate) struct Failed;

/// The object's storage.
#[derive(Default)]
pub(crate) struct Storage {
    pub(crate) record: Option<Stored<Rc<Ring>>>,
    /// Earlier records, the oldest first.
    backups: Vec<Stored<Rc<Ring>>>,
    has_alarm: bool,
}

impl Storage {
    pub(crate) fn ring(&self) -> Option<&Rc<Ring>> {
        self.record.as_ref().map(|record| &record.sealed)
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.record.as_ref().is_some_and(Stored::is_interrupted)
    }

    /// Restores the record of so many changes ago, and its alarm.
    pub(crate) fn restore(&mut self, ago: usize) -> bool {
        let Some(place) = self.backups.len().checked_sub(ago) else {
            return false;
        };
        self.record = Some(self.backups[place].clone());
        self.has_alarm |= self.is_interrupted();
        true
    }
}

/// How a turn of the object ends.
enum End {
    /// The object died.
    Died,
    /// The turn failed.
    Failed,
    /// The ring, if the command is not refused.
    Ring(Option<Rc<Ring>>),
}

/// What a turn has seen and done.
struct Turn<'t> {
    command: &'t Command,
    now: UnixTime,
    fate: Fate,
    in_kv: Option<Rc<Ring>>,
    kv_failed: bool,
    has_stored: bool,
    has_published: bool,
}

impl World {
    /// Sends a command to the object. `None` if there is no ring in the response.
    pub(crate) fn ask(
        &mut self,
        command: &Command,
        asked_at: UnixTime,
        fate: Fate,
    ) -> Result<Option<Rc<Ring>>, String> {
        let keeper = Keeper::of_request(command.clone(), asked_at, self.object_time(), self.terms());
        let now = keeper.now();
        match self.run(keeper.start(), command, now, fate)? {
            End::Ring(ring) => Ok(ring),
            End::Died | End::Failed => Ok(None),
        }
    }

    /// Calls the object's alarm, if it is set.
    pub(crate) fn alarm(&mut self, fate: Fate) -> Result<(), String> {
        if !std::mem::take(&mut self.storage.has_alarm) || !self.storage.is_interrupted() {
            return Ok(());
        }
        let keeper = Keeper::of_alarm(self.object_time(), self.terms());
        let now = keeper.now();
        let end = self.run(keeper.start(), &Command::Tend, now, fate)?;
        // The platform calls an alarm again that throws.
        self.storage.has_alarm |= matches!(end, End::Died | End::Failed);
        Ok(())
    }

    /// A change that was interrupted is completed by the alarm, whether or not another command follows.
    pub(crate) fn will_be_completed(&self) -> Result<(), String> {
        match self.storage.is_interrupted() && !self.storage.has_alarm {
            true => Err("an unpublished change without an alarm".to_owned()),
            false => Ok(()),
        }
    }

    fn run(
        &mut self,
        mut step: Step<'_, Simulated>,
        command: &Command,
        now: UnixTime,
        fate: Fate,
    ) -> Result<End, String> {
        let (has_stored, has_published) = (false, false);
        let mut turn = Turn { command, now, fate, in_kv: None, kv_failed: false, has_stored, has_published };
        loop {
            let next = match step {
                Step::Done(end) => return Ok(ended(end)),
                Step::ReadStored(then) => self.attempt(&mut turn, Effect::ReadStored, then, Self::read_stored)?,
                Step::ReadKv(then) => self.attempt(&mut turn, Effect::ReadKv, then, Self::read_kv)?,
                Step::Open(sealed, then) => {
                    self.attempt(&mut turn, Effect::Open, then, |_, _| Ok(Ok(Ring::clone(&sealed))))?
                }
                Step::Generate(algorithm, then) => {
                    self.attempt(&mut turn, Effect::Generate, then, |world, _| Ok(world.make(algorithm)))?
                }
                Step::Seal(ring, then) => self.attempt(&mut turn, Effect::Seal, then, |_, _| Ok(Rc::new(ring)))?,
                Step::SetAlarm(then) => self.attempt(&mut turn, Effect::SetAlarm, then, |world, _| {
                    world.storage.has_alarm = true;
                    Ok(())
                })?,
                Step::Store(record, then) if record.published => {
                    self.attempt(&mut turn, Effect::Mark, then, |world, _| world.mark(record))?
                }
                Step::Store(record, then) => {
                    self.attempt(&mut turn, Effect::Store, then, |world, turn| world.store(record, turn))?
                }
                Step::ReportCreated(_, then) => Some(then.with(Ok(()))),
                Step::Publish(sealed, then) => {
                    if !std::mem::replace(&mut turn.has_published, true) {
                        self.now += fate.takes;
                    }
                    self.attempt(&mut turn, Effect::Publish, then, |world, _| world.publish(&sealed))?
                }
                Step::DeleteAlarm(then) => self.attempt(&mut turn, Effect::DeleteAlarm, then, |world, _| {
                    world.storage.has_alarm = false;
                    Ok(())
                })?,
            };
            match next {
                Some(next) => step = next,
                None => return Ok(End::Died),
            }
        }
    }

    /// Executes an effect, unless the turn's fate is another. `None` if the object dies.
    fn attempt<'k, R>(
        &mut self,
        turn: &mut Turn<'_>,
        effect: Effect,
        then: Then<'k, R, Simulated>,
        act: impl FnOnce(&mut Self, &mut Turn<'_>) -> Result<R, String>,
    ) -> Result<Option<Step<'k, Simulated>>, String> {
        let mishap = turn.fate.mishap.take_if(|(at, _)| *at == effect).map(|(_, mishap)| mishap);
        // Nothing tells an object that it was restored while KV cannot be read.
        let mishap = mishap.filter(|_| effect != Effect::ReadKv || !self.is_behind());
        Ok(match mishap {
            None => Some(then.with(Ok(act(self, turn)?))),
            Some(Mishap::FailsFirst) => {
                self.counts.failures += 1;
                turn.kv_failed |= effect == Effect::ReadKv;
                Some(then.with(Err(Failed)))
            }
            Some(Mishap::FailsDone) => {
                self.counts.failures += 1;
                turn.kv_failed |= effect == Effect::ReadKv;
                act(self, turn)?;
                Some(then.with(Err(Failed)))
            }
            Some(Mishap::DiesFirst) => None,
            Some(Mishap::DiesDone) => {
                act(self, turn)?;
                None
            }
        })
    }

    /// Whether the object was restored, and has not adopted the ring in KV yet.
    fn is_behind(&self) -> bool {
        let newest = self.puts.last().map(|put| put.ring.version());
        newest > self.storage.ring().map(|ring| ring.version())
    }

    fn read_stored(&mut self, _: &mut Turn<'_>) -> Result<Option<Stored<Rc<Ring>>>, String> {
        Ok(self.storage.record.clone())
    }

    fn read_kv(&mut self, turn: &mut Turn<'_>) -> Result<InKv<Simulated>, String> {
        turn.in_kv = self.read(turn.fate.age);
        Ok(match &turn.in_kv {
            Some(ring) => InKv::Ring(Ring::clone(ring)),
            None => InKv::Nothing,
        })
    }

    fn store(&mut self, record: Stored<Rc<Ring>>, turn: &mut Turn<'_>) -> Result<(), String> {
        if !std::mem::replace(&mut turn.has_stored, true) {
            let before = self.before(turn);
            self.counts.rescheduled += u64::from(before.unpublished.is_some());
            if !self.setup.clock_jumps {
                self.may_change(&before.ring, turn.command, &record.sealed, turn.now)?;
            }
        } else {
            self.counts.late += 1;
        }
        self.replace(record);
        Ok(())
    }

    /// What the object had when it decided.
    fn before(&self, turn: &Turn<'_>) -> Kept {
        let in_kv = turn.in_kv.as_ref().filter(|_| !turn.kv_failed);
        let mut kept = match &self.storage.record {
            Some(record) => Kept { ring: Ring::clone(&record.sealed), unpublished: record.lacking(turn.now) },
            None => Kept { ring: in_kv.map(|ring| Ring::clone(ring)).unwrap_or_default(), unpublished: None },
        };
        match turn.kv_failed {
            true => kept.hold(&self.terms(), turn.now),
            false => _ = kept.catch_up(in_kv.map(|ring| &**ring), &self.terms(), turn.now),
        }
        kept
    }

    /// Marks a ring as published: KV has had it.
    fn mark(&mut self, record: Stored<Rc<Ring>>) -> Result<(), String> {
        let version = record.sealed.version();
        if !self.puts.iter().any(|put| put.ring.version() == version) {
            return Err(format!("a ring of {version} changes is marked as published, which the store never had"));
        }
        self.replace(record);
        Ok(())
    }

    fn replace(&mut self, record: Stored<Rc<Ring>>) {
        self.storage.backups.extend(self.storage.record.replace(record));
    }

    /// Writes to KV. It never gets a ring that has seen fewer changes than the one that it has, or that is not stored.
    fn publish(&mut self, ring: &Rc<Ring>) -> Result<UnixTime, String> {
        if let Some(last) = self.puts.last().filter(|last| last.ring.version() > ring.version()) {
            return Err(format!("a ring of {} changes replaces one of {}", ring.version(), last.ring.version()));
        }
        if !self.storage.ring().is_some_and(|stored| Rc::ptr_eq(stored, ring)) {
            return Err(format!("a ring of {} changes is published, and not stored", ring.version()));
        }
        self.puts.push(Put { at: self.now, ring: Rc::clone(ring) });
        Ok(self.object_time())
    }
}

fn ended(end: Result<Outcome<Simulated>, Failure<Simulated>>) -> End {
    match end {
        Ok(Outcome::Ring(ring)) => End::Ring(Some(ring)),
        Ok(Outcome::Refused(_)) => End::Ring(None),
        Err(Failure::Fault(Failed)) => End::Failed,
        Err(Failure::Unreadable(never)) => match never {},
    }
}
