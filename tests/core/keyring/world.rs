//! KV, the isolates and the verifiers, as far as they wait for each other; the keyring object is in `object`. The real keyring
//! decides.

use std::rc::Rc;
use std::sync::LazyLock;

use edgemint::keyring::schedule::{CLOCK_SKEW, JWKS_MAX_AGE};
use edgemint::keyring::{Command, Freshness, Import, KeyId, KeyMaterial, LastRead, PrivateJwk, Ring, Stage, Terms};
use edgemint::token::{Algorithm, Key, UnixTime, base64url};
use serde_json::json;

use super::history::{Act, Age, Ask, Fate, Look, Setup, Turn, Wait};
use super::object::Storage;

const START: u64 = 1_800_000_000;
const DAY: u64 = 24 * 3600;
pub(crate) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];
/// A set of keys has a bit for each.
const MOST_KEYS: usize = 64;

/// Generated keys: their names are their numbers.
static POOL: LazyLock<[Vec<KeyMaterial>; 2]> = LazyLock::new(|| {
    ALGORITHMS.map(|algorithm| {
        let material = |number: usize| {
            let mut bytes = [7; 32];
            bytes[0] = number as u8;
            let bytes = base64url::encode(&bytes);
            let jwk = match algorithm {
                Algorithm::EdDsa => json!({ "kty": "OKP", "crv": "Ed25519", "x": bytes }),
                _ => json!({ "kty": "EC", "crv": "P-256", "x": bytes, "y": bytes }),
            };
            let public = Key::from_jwk(jwk.as_object().unwrap()).unwrap().named(number.to_string());
            KeyMaterial { algorithm, public, private: PrivateJwk::new(json!(null)) }
        };
        (0..MOST_KEYS).map(material).collect()
    })
});

/// How often something happened, over all histories: what never happens is not tested.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) tokens: u64,
    pub(crate) checks: u64,
    pub(crate) old_answers: u64,
    pub(crate) emergencies: u64,
    pub(crate) rescheduled: u64,
    pub(crate) successors: u64,
    pub(crate) cut_off: u64,
    pub(crate) restored: u64,
    pub(crate) jumps: u64,
    /// Effects of the object that failed, and writes to KV that took too long.
    pub(crate) failures: u64,
    pub(crate) late: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.checks += other.checks;
        self.old_answers += other.old_answers;
        self.emergencies += other.emergencies;
        self.rescheduled += other.rescheduled;
        self.successors += other.successors;
        self.cut_off += other.cut_off;
        self.restored += other.restored;
        self.jumps += other.jumps;
        self.failures += other.failures;
        self.late += other.late;
    }

    pub(crate) fn are_worth_something(&self, clock_jumps: bool) {
        // With a wrong clock, what verifiers hold and how early a key signs is not checked.
        let own = match clock_jumps {
            true => [self.jumps; 4],
            false => [self.checks, self.emergencies, self.successors, self.cut_off],
        };
        let all = [self.tokens, self.old_answers, self.rescheduled, self.restored, self.failures, self.late];
        assert!(own.into_iter().chain(all).all(|count| count > 1_000), "{self:?}");
    }
}

/// A write to KV, and when KV had it.
pub(crate) struct Put {
    pub(crate) at: u64,
    pub(crate) ring: Rc<Ring>,
}

#[derive(Default)]
pub(crate) struct Isolate {
    pub(crate) cut_off: bool,
    view: Option<(Rc<Ring>, LastRead)>,
    /// Whether it has a part of a ring that the object stored, and could not publish.
    pub(crate) is_provisional: bool,
}

/// A key set, and until when it may be used.
#[derive(Clone, Copy)]
struct Set {
    keys: u64,
    until: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) key: usize,
    pub(crate) expires: u64,
}

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) now: u64,
    pub(crate) puts: Vec<Put>,
    pub(crate) storage: Storage,
    /// How far the clock of the machine that issues tokens is off, and how far the object's, which does not run backwards.
    off: i64,
    object_clock: u64,
    pub(crate) isolates: [Isolate; 2],
    verifiers: [Option<Set>; 2],
    cache: Option<Set>,
    pub(crate) tokens: Vec<Token>,
    made: usize,
    both: bool,
    /// Keys that had to sign before every verifier had them, and keys that were revoked.
    pub(crate) emergencies: u64,
    pub(crate) revoked: u64,
    pub(crate) counts: Counts,
}

pub(crate) fn number(kid: &KeyId) -> usize {
    kid.as_str().parse().unwrap()
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            now: START,
            puts: Vec::new(),
            storage: Storage::default(),
            off: 0,
            object_clock: 0,
            isolates: [Isolate::default(), Isolate::default()],
            verifiers: [None; 2],
            cache: None,
            tokens: Vec::new(),
            made: 0,
            both: setup.both_algorithms,
            emergencies: 0,
            revoked: 0,
            counts: Counts::default(),
        }
    }

    /// Plays one turn. The error says which rule it breaks.
    pub(crate) fn turn(&mut self, turn: &Turn) -> Result<(), String> {
        self.pass(turn.wait);
        // A history ends before the bits for its keys do.
        if self.made + 6 > MOST_KEYS {
            return Ok(());
        }
        match turn.act {
            Act::Sign { isolate, wanted, lives, look } => self.sign(isolate, wanted, lives, look)?,
            Act::Verify { verifier, isolate, by_cache, look } => self.fetch(verifier, isolate, by_cache, look)?,
            Act::Ask { what, isolate, fate } => self.operate(what, isolate, fate)?,
            Act::Alarm { fate } => self.alarm(fate)?,
            Act::CutOff { isolate } => self.isolates[isolate].cut_off ^= true,
            Act::Restart { isolate } => self.isolates[isolate].view = None,
            Act::Settings { both } => self.both = both,
            Act::Clock { off, restarts } => {
                self.counts.jumps += u64::from(off != self.off);
                self.off = off;
                if restarts {
                    self.object_clock = 0;
                    self.isolates.iter_mut().for_each(|isolate| isolate.view = None);
                }
            }
            Act::RestoreObject { ago } => self.restore_object(ago),
        }
        self.will_be_completed()?;
        (0..self.verifiers.len()).try_for_each(|verifier| self.check(verifier))
    }

    fn pass(&mut self, wait: Wait) {
        self.now = match wait {
            Wait::Seconds(seconds) => self.now + seconds,
            Wait::Turning(around) => {
                let keys = self.storage.ring().into_iter().flat_map(|ring| ring.keys());
                let times = keys.flat_map(|key| [key.signing().0, key.signing().1, key.validity().1]);
                let next = times.map(|at| at.0.saturating_add_signed(around)).filter(|at| *at > self.now).min();
                next.unwrap_or(self.now)
            }
        };
    }

    fn clock(&self, place: usize) -> UnixTime {
        let off = if place < 3 { self.off } else { 0 };
        let clock = self.now.saturating_add_signed(self.setup.skews[place] + off);
        UnixTime(if place == 0 { clock.max(self.object_clock) } else { clock })
    }

    /// The object's clock, which does not run backwards.
    pub(crate) fn object_time(&mut self) -> UnixTime {
        let time = self.clock(0);
        self.object_clock = time.0;
        time
    }

    /// Only when the newest ring has been in KV for as long as KV may be stale: nothing tells an object that was restored at the
    /// very moment of a change, or that has lost a key which an isolate uses and KV never had.
    fn restore_object(&mut self, ago: usize) {
        let is_settled = self.puts.last().is_some_and(|put| put.at + self.setup.staleness <= self.now)
            && !self.isolates.iter().any(|isolate| isolate.is_provisional);
        self.counts.restored += u64::from(is_settled && self.storage.restore(ago));
    }

    pub(crate) fn terms(&self) -> Terms<'static> {
        let algorithms = if self.both { &ALGORITHMS[..] } else { &ALGORITHMS[..1] };
        Terms { algorithms, rotate_after: self.setup.rotation_days * DAY }
    }

    fn sign(&mut self, place: usize, wanted: Option<usize>, lives: u64, look: Look) -> Result<(), String> {
        let now = self.clock(1 + place);
        let Some(ring) = self.view(place, look)? else {
            return Ok(());
        };
        let wanted = wanted.map(|which| ALGORITHMS[which]);
        let Some(key) = ring.signing_key(wanted, self.terms().algorithms, now) else {
            return self.may_be_silent(wanted.is_some());
        };
        let token = Token { key: number(&key.kid), expires: now.0 + lives };
        if wanted.is_some_and(|wanted| key.algorithm() != Some(wanted)) {
            return Err("signed with another algorithm than was wanted".to_owned());
        }
        if !ring.published(now).any(|published| published.kid == key.kid) {
            return Err(format!("key {} signs and is not published", key.kid));
        }
        if !self.setup.clock_jumps {
            self.may_sign(place, now, &key.kid)?;
        }
        self.counts.tokens += 1;
        self.tokens.push(token);
        Ok(())
    }

    /// A verifier whose set is too old fetches another: from an isolate, or from a cache in front of it.
    fn fetch(&mut self, verifier: usize, place: usize, by_cache: bool, look: Look) -> Result<(), String> {
        let now = self.now;
        if self.verifiers[verifier].is_some_and(|set| now < set.until) {
            return Ok(());
        }
        let cached = self.cache.filter(|set| by_cache && now < set.until);
        let keys = match cached {
            Some(set) => set.keys,
            None => {
                // One that is cut off responds with what it has; see `threats`.
                let place = if self.isolates[place].cut_off { 1 - place } else { place };
                if self.isolates[place].cut_off {
                    return Ok(());
                }
                let at = self.clock(1 + place);
                let Some(ring) = self.view(place, look)? else {
                    return Ok(());
                };
                let keys = ring.published(at).fold(0, |keys, key| keys | 1 << number(&key.kid));
                if by_cache {
                    self.cache = Some(Set { keys, until: now + JWKS_MAX_AGE });
                }
                keys
            }
        };
        self.verifiers[verifier] = Some(Set { keys, until: now + JWKS_MAX_AGE });
        Ok(())
    }

    /// The verifier has the key of every token that is valid by its clock.
    fn check(&mut self, verifier: usize) -> Result<(), String> {
        if self.setup.clock_jumps {
            return Ok(());
        }
        let Some(set) = self.verifiers[verifier].filter(|set| self.now < set.until) else {
            return Ok(());
        };
        let clock = self.clock(3 + verifier).0;
        for token in &self.tokens {
            let bit = 1 << token.key;
            if clock < token.expires && (self.emergencies | self.revoked) & bit == 0 {
                self.counts.checks += 1;
                if set.keys & bit == 0 {
                    return Err(format!("verifier {verifier} does not have key {} of a valid token", token.key));
                }
            }
        }
        Ok(())
    }

    /// As `worker::ring` does it. `None` if it never returns.
    fn view(&mut self, place: usize, look: Look) -> Result<Option<Rc<Ring>>, String> {
        let (now, terms) = (self.clock(1 + place), self.terms());
        let Some((old, last_read)) = &mut self.isolates[place].view else {
            return self.look(place, None, look);
        };
        let freshness = last_read.check(now);
        let (old, last_read) = (Rc::clone(old), *last_read);
        let signs = old.preferred_signer(terms.algorithms, now).is_some();
        if freshness == Freshness::Fresh && signs {
            return Ok(Some(old));
        }
        if look.hangs {
            return Ok(None);
        }
        match self.look(place, Some(&old), look)? {
            Some(ring) => Ok(Some(ring)),
            None if last_read.may_continue(now) && signs => {
                self.counts.cut_off += 1;
                Ok(Some(old))
            }
            None => Ok(None),
        }
    }

    fn look(&mut self, place: usize, old: Option<&Rc<Ring>>, look: Look) -> Result<Option<Rc<Ring>>, String> {
        let (now, terms) = (self.clock(1 + place), self.terms());
        if self.isolates[place].cut_off {
            return Ok(None);
        }
        if let Some(ring) = self.read(look.age) {
            let ring = match old {
                Some(old) if !ring.supersedes(old) => Rc::clone(old),
                _ => {
                    self.isolates[place].is_provisional = false;
                    ring
                }
            };
            if ring.preferred_signer(terms.algorithms, now).is_some() {
                self.isolates[place].view = Some((Rc::clone(&ring), LastRead::at(now)));
                if !ring.is_overdue(&terms, now) {
                    return Ok(Some(ring));
                }
                let answer = self.ask(&Command::Tend, now, look.fate)?;
                return Ok(Some(self.remember(place, answer).unwrap_or(ring)));
            }
        }
        let answer = self.ask(&Command::Ensure, now, look.fate)?;
        Ok(self.remember(place, answer))
    }

    fn remember(&mut self, place: usize, answer: Option<Rc<Ring>>) -> Option<Rc<Ring>> {
        let now = self.clock(1 + place);
        let mut ring = answer?;
        if let Some((known, _)) = &self.isolates[place].view
            && !ring.supersedes(known)
        {
            ring = Rc::clone(known);
        }
        self.isolates[place].is_provisional = !self.storage.ring().is_some_and(|stored| Rc::ptr_eq(stored, &ring));
        self.isolates[place].view = Some((Rc::clone(&ring), LastRead::at(now)));
        Some(ring)
    }

    /// Reads KV, which may be stale.
    pub(crate) fn read(&mut self, age: Age) -> Option<Rc<Ring>> {
        let staleness = match age {
            Age::Fresh => 0,
            Age::Half => self.setup.staleness / 2,
            Age::Oldest => self.setup.staleness,
        };
        let answer = self.puts.iter().rposition(|put| put.at + staleness <= self.now);
        self.counts.old_answers += u64::from(answer.is_none_or(|at| at + 1 < self.puts.len()));
        answer.map(|at| Rc::clone(&self.puts[at].ring))
    }

    fn operate(&mut self, what: Ask, place: usize, fate: Fate) -> Result<(), String> {
        let keys = self.storage.ring().map_or(&[][..], |ring| ring.keys());
        let command = match what {
            Ask::Cron => Command::Tend,
            Ask::Reseal => Command::Reseal,
            Ask::Rotate => Command::Rotate,
            Ask::Revoke(nth) => match keys.get(nth) {
                Some(key) => Command::Revoke(key.kid.clone()),
                None => return Ok(()),
            },
            Ask::ImportToSign(which) => {
                let KeyMaterial { algorithm, public, private } = self.make(ALGORITHMS[which]);
                let kid = public.kid().and_then(KeyId::parse);
                Command::Import(Box::new(Import::to_sign(kid, algorithm, &public, private)))
            }
            Ask::ImportToVerify(lives) => {
                let KeyMaterial { algorithm, public, .. } = self.make(ALGORITHMS[0]);
                let kid = public.kid().and_then(KeyId::parse);
                let until = UnixTime(self.now + lives);
                Command::Import(Box::new(Import::to_verify(kid, algorithm, &public, until)))
            }
            Ask::Restored => Command::Restored,
        };
        let answer = self.ask(&command, self.clock(1 + place), fate)?;
        if !self.isolates[place].cut_off {
            self.remember(place, answer);
        }
        Ok(())
    }

    pub(crate) fn make(&mut self, algorithm: Algorithm) -> KeyMaterial {
        let pool = ALGORITHMS.iter().position(|each| *each == algorithm).unwrap();
        self.made += 1;
        POOL[pool][self.made - 1].clone()
    }

    /// No key signs: only where an algorithm is requested whose first key still waits.
    fn may_be_silent(&self, is_requested: bool) -> Result<(), String> {
        if is_requested { Ok(()) } else { Err("no key signs".to_owned()) }
    }

    pub(crate) fn is_active(ring: &Ring, kid: &KeyId, now: UnixTime) -> bool {
        ring.find(kid.as_str()).is_some_and(|key| key.private().is_some() && key.stage(now) == Stage::Active)
    }

    pub(crate) const SKEW: u64 = CLOCK_SKEW;
}
