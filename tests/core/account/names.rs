//! Random histories of one sign-in name that several accounts claim, and of the attempts to sign in with it, over storage
//! that fails.

use std::collections::BTreeMap;

use edgemint::account::identifier::{
    AttemptSucceeded, ClaimName, CountAttempt, Counted, Identifier, Proof, ReadIdentifier, ReleaseCopied, ReleaseName,
    ResealPassword, SetPassword, What, Who,
};
use edgemint::identity::proof_of_work::Difficulty;
use edgemint::identity::throttle::Limits;
use edgemint::oauth::grant::handle::AccountId;
use edgemint::records::{ONLY, Records as _, StorageError, Table};
use edgemint::token::UnixTime;

use super::random::{Random, play_all};
use super::storage::{Fault, Storage};
use super::wire::ask_name;

const START: u64 = 1_800_000_000;

#[derive(Clone, Copy, Debug)]
struct Happening {
    act: Act,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Claim { account: u8, password: bool },
    Release { account: u8 },
    ReleaseCopied { account: u8, outdated: bool },
    SetPassword { account: u8, was: Was },
    Reseal { outdated: bool },
    Attempt { who: Attempter, proof: Option<u8>, opened_address: bool },
    Succeed { who: Attempter },
    Sweep,
    Wait { seconds: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Attempter {
    Stranger,
    KnownBrowser,
    Address,
}

#[derive(Clone, Copy, Debug)]
enum Was {
    Any,
    Current,
    Outdated,
}

fn any(random: &mut Random) -> Happening {
    let account = u8::try_from(random.below(3)).unwrap();
    let who = random.one_of(&[Attempter::Stranger, Attempter::Stranger, Attempter::KnownBrowser, Attempter::Address]);
    let act = match random.below(100) {
        0..20 => Act::Claim { account, password: random.chance(70) },
        20..28 => Act::Release { account },
        28..36 => Act::ReleaseCopied { account, outdated: random.chance(50) },
        36..46 => Act::SetPassword { account, was: random.one_of(&[Was::Any, Was::Current, Was::Outdated]) },
        46..52 => Act::Reseal { outdated: random.chance(50) },
        52..85 => Act::Attempt {
            who,
            proof: random.chance(40).then(|| u8::try_from(random.below(6)).unwrap()),
            opened_address: random.chance(30),
        },
        85..92 => Act::Succeed { who },
        92..94 => Act::Sweep,
        _ => Act::Wait { seconds: random.one_of(&[1, 2, 60, 900]) },
    };
    Happening { act, fault: Fault::random(random, 25, 5) }
}

/// The entry that must be stored; beside the failure, if the response was lost.
type Expected = Result<Option<Identifier>, (StorageError, Option<Identifier>)>;

struct World {
    storage: Storage,
    now: u64,
    /// Numbers for passwords, so that all differ.
    passwords: u32,
    /// The attempts that were admitted without a proof at the current time, without those that succeeded.
    admitted: BTreeMap<Attempter, u32>,
    /// The attempts that may still succeed.
    open: BTreeMap<Attempter, Vec<bool>>,
    /// The proofs that have admitted an attempt on this name.
    used_proofs: Vec<u8>,
}

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number + 1; 16])
}

fn who(attempter: Attempter) -> Who {
    match attempter {
        Attempter::Stranger => Who::Stranger,
        Attempter::KnownBrowser => Who::KnownBrowser("browser-1".to_owned()),
        Attempter::Address => Who::Address { what: What::Password, part: Some("192.0.2.7".to_owned()) },
    }
}

impl World {
    fn new() -> Self {
        Self {
            storage: Storage::default(),
            now: START,
            passwords: 0,
            admitted: BTreeMap::new(),
            open: BTreeMap::new(),
            used_proofs: Vec::new(),
        }
    }

    fn entry(&self) -> Option<Identifier> {
        self.storage.peek_one(Table::Identifier, ONLY)
    }

    fn password(&mut self) -> String {
        self.passwords += 1;
        format!("password {}", self.passwords)
    }

    /// Plays one act. A name never moves from one account to another, and changes only as its command says.
    fn play(&mut self, Happening { act, fault }: &Happening) -> Result<(), String> {
        let before = self.entry();
        let expected = self.run(*act, *fault)?;
        let after = self.entry();
        if let (Some(before), Some(after)) = (&before, &after)
            && before.account != after.account
        {
            return Err("a name passes to another account".to_owned());
        }
        match expected {
            // The response is lost: the command took effect as a whole, or not at all.
            Err((_, expected)) if after == before || after == expected => Ok(()),
            Ok(expected) if after == expected => Ok(()),
            Ok(expected) | Err((_, expected)) => Err(format!("{after:?} instead of {expected:?}")),
        }
    }

    /// Runs an act. Returns the entry that must be stored then; beside the failure, if its response was lost.
    fn run(&mut self, act: Act, fault: Option<Fault>) -> Result<Expected, String> {
        let before = self.entry();
        let is_owner = |number: u8| before.as_ref().is_some_and(|entry| entry.account == account(number));
        let current = before.as_ref().and_then(|entry| entry.password.clone());
        self.storage.begin(fault);
        let (now, storage) = (self.now, &self.storage);
        let (expected, failed) = match act {
            Act::Claim { account: number, password } => {
                let new = Identifier {
                    account: account(number),
                    password: password.then(|| format!("claimed at {now} by {number}")),
                    since: UnixTime(now),
                };
                let is_free = before.is_none() || is_owner(number);
                let expected = if is_free { Some(new.clone()) } else { before.clone() };
                match ask_name(storage, now, &ClaimName(new)) {
                    Ok(answer) if answer != before.clone().filter(|_| !is_free).map_or(Ok(()), Err) => {
                        return Err(format!("a claim is answered {answer:?}"));
                    }
                    answer => (expected, answer.err()),
                }
            }
            Act::Release { account: number } => {
                let expected = before.clone().filter(|_| !is_owner(number));
                (expected, ask_name(storage, now, &ReleaseName { account: account(number) }).err())
            }
            Act::ReleaseCopied { account: number, outdated } => {
                let password = if outdated { Some("outdated".to_owned()) } else { current };
                let is_refused = is_owner(number) && outdated;
                let expected = before.clone().filter(|_| !is_owner(number) || is_refused);
                match ask_name(storage, now, &ReleaseCopied { account: account(number), password }) {
                    Ok(answer) if answer.is_some() != is_refused => return Err("a copied name is released".to_owned()),
                    answer => (expected, answer.err()),
                }
            }
            Act::SetPassword { account: number, was } => {
                let password = format!("set {}", self.passwords);
                let was = match was {
                    Was::Any => None,
                    Was::Current => current.clone(),
                    Was::Outdated => Some("outdated".to_owned()),
                };
                let is_set = is_owner(number) && (was.is_none() || was == current);
                let set = |entry: Identifier| Identifier { password: Some(password.clone()), ..entry };
                let expected = if is_set { before.clone().map(set) } else { before.clone() };
                match ask_name(storage, now, &SetPassword { account: account(number), was, password: password.clone() })
                {
                    Ok(answer) if answer != is_set => return Err(format!("a password is set: {answer}")),
                    answer => (expected, answer.err()),
                }
            }
            Act::Reseal { outdated } => {
                let sealed = format!("resealed {}", self.passwords);
                let was = if outdated { "outdated".to_owned() } else { current.clone().unwrap_or_default() };
                let is_sealed = current.as_ref() == Some(&was);
                let set = |entry: Identifier| Identifier { password: Some(sealed.clone()), ..entry };
                let expected = if is_sealed { before.clone().map(set) } else { before.clone() };
                match ask_name(storage, now, &ResealPassword { was, sealed: sealed.clone() }) {
                    Ok(answer) if answer != is_sealed => return Err(format!("a password is resealed: {answer}")),
                    answer => (expected, answer.err()),
                }
            }
            Act::Attempt { who, proof, opened_address } => {
                let failed = self.attempt(who, proof, opened_address)?.err();
                (before.clone(), failed)
            }
            Act::Succeed { who: attempter } => {
                let Some(proven) = self.open.entry(attempter).or_default().pop() else {
                    self.storage.end();
                    return Ok(Ok(before));
                };
                if !proven {
                    // A sign-in resets the count of a known browser.
                    let admitted = self.admitted.entry(attempter).or_default();
                    *admitted = if attempter == Attempter::KnownBrowser { 0 } else { *admitted - 1 };
                }
                (before.clone(), ask_name(&self.storage, now, &AttemptSucceeded { who: who(attempter), proven }).err())
            }
            Act::Sweep => (before.clone(), storage.sweep(UnixTime(now)).err()),
            Act::Wait { seconds } => {
                self.now += seconds;
                self.admitted.clear();
                self.open.clear();
                (before.clone(), None)
            }
        };
        let occurred = self.storage.end();
        self.password();
        assert!(occurred == failed.is_some(), "a failure of storage is reported");
        let read = ask_name(&self.storage, self.now, &ReadIdentifier).unwrap();
        if read != self.entry() {
            return Err("another entry is read than is stored".to_owned());
        }
        Ok(match failed {
            Some(error) => Err((error, expected)),
            None => Ok(expected),
        })
    }

    /// Counts an attempt. At one moment no more are admitted than the free ones, and a proof admits one.
    fn attempt(
        &mut self,
        attempter: Attempter,
        proof: Option<u8>,
        opened_address: bool,
    ) -> Result<Result<(), StorageError>, String> {
        let until = UnixTime(self.now + 600);
        // Proofs are valid for ten minutes only, and the attempts on a name have another object each day.
        let valid = |number: u8| Proof { id: number.to_string(), until, difficulty: Difficulty::MOST, opened_address };
        let command = CountAttempt { who: who(attempter), proof: proof.map(valid) };
        let counted = match ask_name(&self.storage, self.now, &command) {
            Err(error) => return Ok(Err(error)),
            Ok(Err(_)) => return Ok(Ok(())),
            Ok(Ok(counted)) => counted,
        };
        let Counted { entry, proven, .. } = counted;
        if entry != self.entry() {
            return Err("an attempt reads another entry than is stored".to_owned());
        }
        self.open.entry(attempter).or_default().push(proven);
        if proven {
            let number = proof.ok_or("an attempt is proven without a proof")?;
            if attempter == Attempter::Stranger {
                if self.used_proofs.contains(&number) {
                    return Err("a proof of work is used twice".to_owned());
                }
                self.used_proofs.push(number);
            }
            return Ok(Ok(()));
        }
        let admitted = self.admitted.entry(attempter).or_default();
        *admitted += 1;
        let free = match attempter {
            Attempter::Stranger => Limits::STRANGER.free,
            Attempter::KnownBrowser => Limits::KNOWN_BROWSER.free,
            Attempter::Address => Limits::ADDRESS.free,
        };
        if *admitted > free { Err(format!("{admitted} attempts at one moment")) } else { Ok(Ok(())) }
    }
}

fn play(history: &[Happening]) -> Result<(), String> {
    let mut world = World::new();
    for (at, happening) in history.iter().enumerate() {
        world.play(happening).map_err(|what| format!("turn {at}: {what}"))?;
    }
    Ok(())
}

#[test]
fn a_name_belongs_to_one_account_however_calls_interleave_and_fail() {
    play_all(1_500, 80, any, play);
}

#[test]
fn guesses_at_the_same_moment_are_counted_one_by_one() {
    let guess = |_: &mut Random| Happening {
        act: Act::Attempt { who: Attempter::Stranger, proof: None, opened_address: false },
        fault: None,
    };
    play_all(1, 1_000, guess, play);
}
