//! What must be exact about one sign-in name, one upstream subject or one network address: the account that it leads to,
//! the password that goes with it, and how often somebody has tried. One Durable Object each.
//!
//! Each command is one turn. An attempt is counted before the password is looked at, so that a thousand guesses at the
//! same moment are a thousand attempts. Strangers' attempts on a name are counted in an object of their own, one a name
//! and day, so that the first of a day makes an object whether or not the name exists.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::identity::proof_of_work::Difficulty;
use crate::identity::throttle::{self, Admission, Bucket, Counter, Limits, Throttled};
use crate::oauth::grant::handle::AccountId;
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::report::Fault;

use super as objects;
use super::records::SqliteRecords;
use crate::records::{Records as _, Table, ends_at};

/// What can be asked about a sign-in name, a subject or an address.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentifierCommand {
    /// Takes the name for an account.
    Claim { entry: Identifier },
    /// Gives it up, if it is this account's.
    Release { account: AccountId },
    /// Gives it up, if it is this account's and the password still is the one that was copied: else the answer is what is.
    ReleaseCopied { account: AccountId, password: Option<String> },
    /// Replaces the password, if it is this account's: else the answer is what is. With `was`, only the password that was read.
    SetPassword { account: AccountId, was: Option<String>, password: String },
    /// Puts a password that was sealed anew in the place of the one that was opened for that, if it still is there: else the
    /// answer is what is.
    Reseal { was: String, sealed: String },
    /// What it leads to.
    Read,
    /// Counts an attempt, as failed for now.
    Attempt { who: Who, proof: Option<Proof> },
    /// Takes back an attempt that was right; `proven` is what the answer to it was.
    Succeeded { who: Who, proven: bool },
}

/// Whose attempts are counted together.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Everyone at an address that this object is for; `part` is the smaller block that the address belongs to.
    Address { what: What, part: Option<String> },
    /// A browser that this person has signed in with before.
    KnownBrowser(String),
    /// Every other browser that names this person.
    Stranger,
}

/// What is attempted from an address. Each is counted by itself.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Passkey,
    Password,
    SignUp,
}

/// A proof of work that is valid.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Proof {
    /// The challenge's random text.
    pub(crate) id: String,
    /// When the challenge expires.
    pub(crate) until: UnixTime,
    pub(crate) difficulty: Difficulty,
    /// Whether the address has let the attempt through by it: then the name refuses one that has been used, also where
    /// the name itself asks for none. Else one proof would let an address try every free attempt of a name.
    pub(crate) opened_address: bool,
}

/// One kind of bucket of one attempt: under which identifier it is stored, and its limits.
type Place = (String, Limits);

impl Who {
    /// Where an attempt is counted that has waited.
    fn waiting(&self) -> Vec<Place> {
        match self {
            Self::Address { what, part } => {
                // The identifier that all attempts from an address had before there were several kinds.
                let kind = match what {
                    What::Passkey => "passkey",
                    What::Password => "address",
                    What::SignUp => "sign_up",
                };
                places(kind, part.as_deref(), Limits::ADDRESS, Limits::SITE)
            }
            Self::KnownBrowser(browser) => vec![(format!("browser {browser}"), Limits::KNOWN_BROWSER)],
            Self::Stranger => vec![("stranger".to_owned(), Limits::STRANGER)],
        }
    }

    /// Where an attempt is counted that has a proof of work instead; nowhere if none is taken.
    fn proven(&self) -> Vec<Place> {
        match self {
            Self::Address { what: What::Password, part } => {
                places("proven", part.as_deref(), Limits::PROVEN_ADDRESS, Limits::PROVEN_SITE)
            }
            Self::Address { what: What::Passkey | What::SignUp, .. } | Self::KnownBrowser(_) => Vec::new(),
            Self::Stranger => vec![("proven".to_owned(), Limits::PROVEN)],
        }
    }
}

fn places(kind: &str, part: Option<&str>, host: Limits, site: Limits) -> Vec<Place> {
    match part {
        Some(part) => vec![(format!("{kind} {part}"), host), (kind.to_owned(), site)],
        None => vec![(kind.to_owned(), host)],
    }
}

/// What a name leads to.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Identifier {
    /// Whose it is.
    pub(crate) account: AccountId,
    /// The password's hash, sealed. None for upstream subjects, and for people who have only passkeys.
    pub(crate) password: Option<String>,
    /// Since when.
    pub(crate) since: UnixTime,
}

/// What comes back.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentifierAnswer {
    /// It is done.
    Done,
    /// It is another's.
    Exists(Identifier),
    /// What it leads to.
    Entry(Option<Identifier>),
    /// The attempt is counted. `proven`: by its proof of work. `next` is what another one would meet now.
    Counted { entry: Option<Identifier>, proven: bool, next: Option<Throttled> },
    /// Too many attempts.
    Throttled(Throttled),
}

/// One sign-in name, subject or address.
#[durable_object(alarm)]
pub struct IdentifierObject {
    state: State,
    env: Env,
    sweeping: Cell<bool>,
}

impl DurableObject for IdentifierObject {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, sweeping: Cell::new(false) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let command = objects::command(&mut request).await?;
        let records = SqliteRecords::open(&self.state);
        let outcome = run(command, &records, now());
        if records.has_written() && !self.sweeping.replace(true) {
            objects::sweep_later(&self.state).await?;
        }
        records.tell_costs(&self.env, "identifier");
        objects::reply(outcome)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.sweeping.set(false);
        objects::sweep(&self.state).await
    }
}

const ENTRY: &str = "";
/// How long attempts are remembered, seconds: longer than any wait.
const REMEMBER_FOR: u64 = 24 * 3600;

fn run(command: IdentifierCommand, records: &SqliteRecords, now: UnixTime) -> Result<IdentifierAnswer, Fault> {
    let entry = || records.get::<Identifier>(Table::Identifier, ENTRY);
    let store = |entry: &Identifier| records.put(Table::Identifier, ENTRY, None, entry);
    match command {
        IdentifierCommand::Read => Ok(IdentifierAnswer::Entry(entry()?)),
        IdentifierCommand::Claim { entry: new } => {
            if let Some(old) = entry()?.filter(|old| old.account != new.account) {
                return Ok(IdentifierAnswer::Exists(old));
            }
            store(&new)?;
            Ok(IdentifierAnswer::Done)
        }
        IdentifierCommand::Release { account } => {
            if entry()?.is_some_and(|entry| entry.account == account) {
                records.delete(Table::Identifier, ENTRY)?;
            }
            Ok(IdentifierAnswer::Done)
        }
        IdentifierCommand::ReleaseCopied { account, password } => match entry()? {
            Some(entry) if entry.account == account && entry.password != password => {
                Ok(IdentifierAnswer::Entry(Some(entry)))
            }
            Some(entry) if entry.account == account => {
                records.delete(Table::Identifier, ENTRY)?;
                Ok(IdentifierAnswer::Done)
            }
            Some(_) | None => Ok(IdentifierAnswer::Done),
        },
        IdentifierCommand::SetPassword { account, was, password } => match entry()? {
            Some(old) if old.account == account && (was.is_none() || was == old.password) => {
                store(&Identifier { password: Some(password), ..old })?;
                Ok(IdentifierAnswer::Done)
            }
            other => Ok(IdentifierAnswer::Entry(other)),
        },
        IdentifierCommand::Reseal { was, sealed } => match entry()? {
            Some(entry) if entry.password.as_ref() == Some(&was) => {
                store(&Identifier { password: Some(sealed), ..entry })?;
                Ok(IdentifierAnswer::Done)
            }
            other => Ok(IdentifierAnswer::Entry(other)),
        },
        IdentifierCommand::Attempt { who, proof } => match attempt(&who, proof.as_ref(), records, now)? {
            Ok((proven, next)) => Ok(IdentifierAnswer::Counted { entry: entry()?, proven, next }),
            Err(throttled) => Ok(IdentifierAnswer::Throttled(throttled)),
        },
        IdentifierCommand::Succeeded { who, proven } => {
            for (id, limits) in if proven { who.proven() } else { who.waiting() } {
                if let Some(bucket) = records.get::<Bucket>(Table::Attempts, &id)? {
                    let less = throttle::succeeded(bucket, limits);
                    records.put(Table::Attempts, &id, Some(now.plus(REMEMBER_FOR)), &less)?;
                }
            }
            Ok(IdentifierAnswer::Done)
        }
    }
}

/// Counts an attempt, and uses up its proof of work in the same turn. Says whether it is the proof that lets it through,
/// and what the next attempt would meet.
fn attempt(
    who: &Who,
    proof: Option<&Proof>,
    records: &SqliteRecords,
    now: UnixTime,
) -> Result<Result<(bool, Option<Throttled>), Throttled>, Fault> {
    let counters = |places: &[Place]| -> Result<Vec<Counter>, Fault> {
        let counter =
            |(id, limits): &Place| Ok((records.get::<Bucket>(Table::Attempts, id)?.unwrap_or(Bucket::EMPTY), *limits));
        places.iter().map(counter).collect()
    };
    let (waiting_places, proven_places) = (who.waiting(), who.proven());
    let (mut waiting, mut proven) = (counters(&waiting_places)?, counters(&proven_places)?);
    // An address does not use a proof up: the name does, which is asked after it.
    let uses_up = matches!(who, Who::Stranger);
    let proof = match proof {
        Some(proof) if uses_up && records.contains(Table::SpentProof, &proof.id)? => {
            if proof.opened_address {
                return Ok(Err(throttle::admit(&waiting, &proven, now, None).err().unwrap_or(Throttled::NOTHING)));
            }
            None
        }
        proof => proof,
    };
    let admission = match throttle::admit(&waiting, &proven, now, proof.map(|proof| proof.difficulty)) {
        Ok(admission) => admission,
        Err(throttled) => return Ok(Err(throttled)),
    };
    let (by_proof, places, counters, counted) = match admission {
        Admission::Waited(counted) => (false, &waiting_places, &mut waiting, counted),
        Admission::Proven(counted) => (true, &proven_places, &mut proven, counted),
    };
    for (((id, _), counter), bucket) in places.iter().zip(counters).zip(counted) {
        records.put(Table::Attempts, id, Some(now.plus(REMEMBER_FOR)), &bucket)?;
        counter.0 = bucket;
    }
    if let Some(proof) = proof.filter(|_| uses_up) {
        records.put(Table::SpentProof, &proof.id, ends_at(proof.until), &())?;
    }
    Ok(Ok((by_proof, throttle::admit(&waiting, &proven, now, None).err())))
}
