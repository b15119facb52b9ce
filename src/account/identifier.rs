//! A sign-in name, an upstream subject or a block of network addresses: the account that it leads to, the password that
//! belongs to it, and the attempts to sign in. One Durable Object each.
//!
//! An attempt is counted before the password is checked, so that a thousand guesses at the same moment are a thousand
//! attempts. The attempts of strangers on a name are counted in an object of their own, one for each name and day, so that
//! the first attempt of a day creates an object whether or not the name exists.

use serde::{Deserialize, Serialize};

use crate::account::command::{Command, Identifiers, commands};
use crate::identity::proof_of_work::Difficulty;
use crate::identity::throttle::{self, Admission, Bucket, Counter, Limits, Throttled};
use crate::oauth::grant::handle::AccountId;
use crate::records::{ONLY, Records, StorageError, Table, ends_at};
use crate::token::UnixTime;

/// How long attempts are kept, seconds: longer than any wait.
const ATTEMPTS_TTL: u64 = 24 * 3600;

/// The age from which a name without account counts as left over from an interrupted creation, seconds.
pub const LEFT_OVER_AFTER: u64 = 60;

/// What a name leads to, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Identifier {
    /// The account.
    pub account: AccountId,
    /// The hash of the password, sealed. `None` for upstream subjects, and for users who have only passkeys.
    pub password: Option<String>,
    /// When the name was claimed.
    pub since: UnixTime,
}

impl Identifier {
    /// Returns how long a name without account stays claimed, seconds: its account may still be created. `None` once another
    /// account may claim the name. A name that was claimed in the future, by a clock that was ahead, is not waited for.
    pub fn pending_for(&self, now: UnixTime) -> Option<u64> {
        let free_from = self.since.plus(LEFT_OVER_AFTER);
        let is_ahead = free_from > now.plus(2 * LEFT_OVER_AFTER);
        free_from.0.checked_sub(now.0).filter(|wait| *wait > 0 && !is_ahead)
    }
}

/// One turn of an identifier's object.
pub struct IdentifierTurn<'t, R> {
    /// The object's records.
    pub records: &'t R,
    /// The time.
    pub now: UnixTime,
}

/// A command of an identifier's object.
pub trait IdentifierCommand: Command<Namespace = Identifiers> {
    /// Runs the command.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<Self::Answer, StorageError>;
}

commands! {
    /// A command that an identifier's object has received.
    IdentifierRequest in Identifiers, on IdentifierTurn {
        "attempt" => CountAttempt -> Result<Counted, Throttled>,
        "claim" => ClaimName -> Result<(), Identifier>,
        "read" => ReadIdentifier -> Option<Identifier>,
        "release" => ReleaseName -> (),
        "release_copied" => ReleaseCopied -> Option<Identifier>,
        "reseal" => ResealPassword -> bool,
        "set_password" => SetPassword -> bool,
        "succeeded" => AttemptSucceeded -> (),
    }
}

impl<'t, R: Records> IdentifierTurn<'t, R> {
    /// Begins a turn.
    pub const fn new(records: &'t R, now: UnixTime) -> Self {
        Self { records, now }
    }

    /// Runs a command.
    ///
    /// # Errors
    /// [`StorageError`]; then some of the writes may have been stored.
    // Each command is compiled apart: an isolate compiles what it runs.
    #[inline(never)]
    pub fn run<C: IdentifierCommand>(&self, command: C) -> Result<C::Answer, StorageError> {
        command.run(self)
    }

    fn entry(&self) -> Result<Option<Identifier>, StorageError> {
        self.records.get(Table::Identifier, ONLY)
    }

    fn store(&self, entry: &Identifier) -> Result<(), StorageError> {
        self.records.put(Table::Identifier, ONLY, None, entry)
    }
}

/// Reads what the name leads to.
#[derive(Deserialize, Serialize)]
pub struct ReadIdentifier;

impl IdentifierCommand for ReadIdentifier {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        turn.entry()
    }
}

/// Claims the name for an account. Returns the entry of another account that has it.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub struct ClaimName(pub Identifier);

impl IdentifierCommand for ClaimName {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        if let Some(other) = turn.entry()?.filter(|entry| entry.account != self.0.account) {
            return Ok(Err(other));
        }
        turn.store(&self.0)?;
        Ok(Ok(()))
    }
}

/// Releases the name, if it is this account's.
#[derive(Deserialize, Serialize)]
pub struct ReleaseName {
    /// The account.
    pub account: AccountId,
}

impl IdentifierCommand for ReleaseName {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<(), StorageError> {
        if turn.entry()?.is_some_and(|entry| entry.account == self.account) {
            turn.records.delete(Table::Identifier, ONLY)?;
        }
        Ok(())
    }
}

/// Releases the name, if it is this account's and the password is still the one that was copied. Returns the entry if the
/// password is another one: then nothing was changed.
#[derive(Deserialize, Serialize)]
pub struct ReleaseCopied {
    /// The account.
    pub account: AccountId,
    /// The sealed password that was copied.
    pub password: Option<String>,
}

impl IdentifierCommand for ReleaseCopied {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        match turn.entry()?.filter(|entry| entry.account == self.account) {
            Some(entry) if entry.password != self.password => Ok(Some(entry)),
            Some(_) => {
                turn.records.delete(Table::Identifier, ONLY)?;
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// Replaces the password, if the name is this account's and, with `was`, the password is still that one. Returns whether
/// it was replaced.
#[derive(Deserialize, Serialize)]
pub struct SetPassword {
    /// The account.
    pub account: AccountId,
    /// The sealed password that was read.
    pub was: Option<String>,
    /// The new one, sealed.
    pub password: String,
}

impl IdentifierCommand for SetPassword {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<bool, StorageError> {
        match turn.entry()? {
            Some(old) if old.account == self.account && (self.was.is_none() || self.was == old.password) => {
                turn.store(&Identifier { password: Some(self.password), ..old })?;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }
}

/// Replaces a sealed password with the same one under the current key-encryption key, if it is still stored. Returns
/// whether it was replaced.
#[derive(Deserialize, Serialize)]
pub struct ResealPassword {
    /// The sealed password that was read.
    pub was: String,
    /// The same password, sealed by the current key.
    pub sealed: String,
}

impl IdentifierCommand for ResealPassword {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<bool, StorageError> {
        match turn.entry()? {
            Some(entry) if entry.password.as_ref() == Some(&self.was) => {
                turn.store(&Identifier { password: Some(self.sealed), ..entry })?;
                Ok(true)
            }
            Some(_) | None => Ok(false),
        }
    }
}

/// Whose attempts are counted together.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Everyone at the address that this object is for; `part` is the smaller block that the address belongs to.
    Address {
        /// What is attempted.
        what: What,
        /// The smaller block.
        part: Option<String>,
    },
    /// A client that requests a device code from the address that this object is for. Each request counts, and none is taken back.
    Device {
        /// The client.
        client: String,
        /// The smaller block that the address belongs to.
        part: Option<String>,
    },
    /// A browser that has signed in to this account before.
    KnownBrowser(String),
    /// Every other browser.
    Stranger,
}

/// What is attempted from an address. Each is counted separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A sign-in with a passkey.
    Passkey,
    /// A sign-in with a password.
    Password,
    /// The creation of an account.
    SignUp,
}

/// A valid proof of work.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Proof {
    /// The challenge's random text.
    pub id: String,
    /// When the challenge expires.
    pub until: UnixTime,
    /// The difficulty.
    pub difficulty: Difficulty,
    /// Whether the address admitted the attempt because of this proof. Then the name refuses a proof that has been used,
    /// even if the name itself requires none: otherwise one proof would let an address try every free attempt of a name.
    pub opened_address: bool,
}

/// The identifier of one bucket of an attempt, and its limits.
type Place = (String, Limits);

impl Who {
    /// The buckets of an attempt that has waited.
    fn waiting(&self) -> Vec<Place> {
        match self {
            Self::Address { what, part } => {
                // All attempts from an address had the identifier `address` before they were told apart.
                let kind = match what {
                    What::Passkey => "passkey",
                    What::Password => "address",
                    What::SignUp => "sign_up",
                };
                places(kind, part.as_deref(), Limits::ADDRESS, Limits::SITE)
            }
            Self::Device { client, part } => {
                let mut all = places("device", part.as_deref(), Limits::DEVICE_ADDRESS, Limits::DEVICE_SITE);
                let host = part.as_deref().unwrap_or_default();
                all.push((format!("device_client {host} {client}"), Limits::DEVICE_CLIENT));
                all
            }
            Self::KnownBrowser(browser) => vec![(format!("browser {browser}"), Limits::KNOWN_BROWSER)],
            Self::Stranger => vec![("stranger".to_owned(), Limits::STRANGER)],
        }
    }

    /// The buckets of an attempt that presents a proof of work instead; none if no proof is accepted.
    fn proven(&self) -> Vec<Place> {
        match self {
            Self::Address { what: What::Password, part } => {
                places("proven", part.as_deref(), Limits::PROVEN_ADDRESS, Limits::PROVEN_SITE)
            }
            Self::Address { what: What::Passkey | What::SignUp, .. } | Self::Device { .. } | Self::KnownBrowser(_) => {
                Vec::new()
            }
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

/// Counts an attempt, as failed until [`AttemptSucceeded`], and uses up its proof of work in the same turn.
#[derive(Deserialize, Serialize)]
pub struct CountAttempt {
    /// Whose attempt.
    pub who: Who,
    /// The proof of work that it presents.
    pub proof: Option<Proof>,
}

/// An attempt that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counted {
    /// What the name leads to.
    pub entry: Option<Identifier>,
    /// Whether the proof of work admitted it.
    pub proven: bool,
    /// What another attempt would meet now.
    pub next: Option<Throttled>,
}

impl IdentifierCommand for CountAttempt {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<Self::Answer, StorageError> {
        let Self { who, proof } = self;
        let counters = |places: &[Place]| -> Result<Vec<Counter>, StorageError> {
            let counter = |(id, limits): &Place| {
                Ok((turn.records.get::<Bucket>(Table::Attempts, id)?.unwrap_or(Bucket::EMPTY), *limits))
            };
            places.iter().map(counter).collect()
        };
        let (waiting_places, proven_places) = (who.waiting(), who.proven());
        let (mut waiting, mut proven) = (counters(&waiting_places)?, counters(&proven_places)?);
        // The address does not use a proof up: the name does, which is called after it.
        let uses_up = matches!(who, Who::Stranger);
        let proof = match proof {
            Some(proof) if uses_up && turn.records.contains(Table::SpentProof, &proof.id)? => {
                if proof.opened_address {
                    let throttled = throttle::admit(&waiting, &proven, turn.now, None).err();
                    return Ok(Err(throttled.unwrap_or(Throttled::NOTHING)));
                }
                None
            }
            proof => proof,
        };
        let difficulty = proof.as_ref().map(|proof| proof.difficulty);
        let admission = match throttle::admit(&waiting, &proven, turn.now, difficulty) {
            Ok(admission) => admission,
            Err(throttled) => return Ok(Err(throttled)),
        };
        let (by_proof, places, counters, counted) = match admission {
            Admission::Waited(counted) => (false, &waiting_places, &mut waiting, counted),
            Admission::Proven(counted) => (true, &proven_places, &mut proven, counted),
        };
        for (((id, _), counter), bucket) in places.iter().zip(counters).zip(counted) {
            turn.records.put(Table::Attempts, id, Some(turn.now.plus(ATTEMPTS_TTL)), &bucket)?;
            counter.0 = bucket;
        }
        if let Some(proof) = proof.filter(|_| uses_up) {
            turn.records.put(Table::SpentProof, &proof.id, ends_at(proof.until), &())?;
        }
        let next = throttle::admit(&waiting, &proven, turn.now, None).err();
        Ok(Ok(Counted { entry: turn.entry()?, proven: by_proof, next }))
    }
}

/// Marks an attempt as successful: it does not count any more.
#[derive(Deserialize, Serialize)]
pub struct AttemptSucceeded {
    /// Whose attempt.
    pub who: Who,
    /// Whether a proof of work admitted it.
    pub proven: bool,
}

impl IdentifierCommand for AttemptSucceeded {
    fn run<R: Records>(self, turn: &IdentifierTurn<'_, R>) -> Result<(), StorageError> {
        for (id, limits) in if self.proven { self.who.proven() } else { self.who.waiting() } {
            if let Some(bucket) = turn.records.get::<Bucket>(Table::Attempts, &id)? {
                let less = throttle::succeeded(bucket, limits);
                turn.records.put(Table::Attempts, &id, Some(turn.now.plus(ATTEMPTS_TTL)), &less)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_account_is_free_after_a_minute() {
        let since = UnixTime(1_800_000_000);
        let entry = Identifier { account: AccountId::from_bytes([1; 16]), password: None, since };
        for (now, wait) in [(0, Some(60)), (1, Some(59)), (59, Some(1)), (60, None), (61, None)] {
            assert_eq!(entry.pending_for(since.plus(now)), wait, "{now}");
        }
        // Claimed in the future: within a minute like any other, beyond it not waited for.
        assert_eq!(entry.pending_for(UnixTime(since.0 - 60)), Some(120));
        assert_eq!(entry.pending_for(UnixTime(since.0 - 61)), None);
    }
}
