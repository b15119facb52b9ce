//! What must be exact about one sign-in name, one upstream subject or one network address: the account that it leads to,
//! the password that goes with it, and how often somebody has tried. One Durable Object each.
//!
//! Each command is one turn. An attempt is counted before the password is looked at, so that a thousand guesses at the
//! same moment are a thousand attempts. A name that nobody has is counted like any other.

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use crate::identity::throttle::{self, Bucket, Limits, RetryAfter};
use crate::oauth::handle::AccountId;
use crate::token::UnixTime;
use crate::worker::clock::now;
use crate::worker::report::Fault;

use super as objects;
use super::records::{Records, Table};

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
    /// Somebody tries.
    Attempt { who: Who },
    /// That was right.
    Succeeded { who: Who },
}

/// Whose attempts are counted together.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Everybody at this address.
    Address,
    /// A browser that this person has signed in with before.
    KnownBrowser(String),
    /// Everybody else who names this person.
    Stranger,
}

impl Who {
    fn id(&self) -> String {
        match self {
            Self::Address => "address".to_owned(),
            Self::KnownBrowser(browser) => format!("browser {browser}"),
            Self::Stranger => "stranger".to_owned(),
        }
    }

    const fn limits(&self) -> Limits {
        match self {
            Self::Address => Limits::ADDRESS,
            Self::KnownBrowser(_) => Limits::KNOWN_BROWSER,
            Self::Stranger => Limits::STRANGER,
        }
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
    /// Too many attempts: come back after so many seconds.
    Wait(u64),
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
        let records = Records::open(&self.state);
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

fn run(command: IdentifierCommand, records: &Records, now: UnixTime) -> Result<IdentifierAnswer, Fault> {
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
        IdentifierCommand::Attempt { who } => {
            let bucket = records.get::<Bucket>(Table::Attempts, &who.id())?.unwrap_or(Bucket::EMPTY);
            match throttle::attempt(bucket, who.limits(), now) {
                Err(RetryAfter(seconds)) => Ok(IdentifierAnswer::Wait(seconds)),
                Ok(counted) => {
                    records.put(Table::Attempts, &who.id(), Some(now.plus(REMEMBER_FOR)), &counted)?;
                    Ok(IdentifierAnswer::Entry(entry()?))
                }
            }
        }
        IdentifierCommand::Succeeded { who } => {
            if let Some(bucket) = records.get::<Bucket>(Table::Attempts, &who.id())? {
                let less = throttle::succeeded(bucket, who.limits());
                records.put(Table::Attempts, &who.id(), Some(now.plus(REMEMBER_FOR)), &less)?;
            }
            Ok(IdentifierAnswer::Done)
        }
    }
}
