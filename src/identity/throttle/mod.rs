//! Rate limiting of sign-in attempts, by account and by address (NIST SP 800-63B-4 section 3.2.2).
//!
//! An attempt is counted as failed before the password is checked, so that concurrent attempts cannot slip through
//! between checking and counting. It is counted against:
//!
//! | attempt | buckets |
//! |---|---|
//! | a password, from a browser that has signed in to this account before | [`Limits::KNOWN_BROWSER`] of this browser and this account, and no other |
//! | a password, from another browser | those of its address ([`Limits::ADDRESS`], and [`Limits::SITE`] for IPv6), and [`Limits::STRANGER`], which all such browsers share that name this user, whether or not there is such a user |
//! | a passkey, from a browser that has signed in to this account before | none: a passkey cannot be guessed |
//! | a passkey, from another browser | buckets of its address, which count passkeys alone |
//! | a device code | buckets of its address ([`Limits::DEVICE_ADDRESS`], [`Limits::DEVICE_SITE`]) and of its client there ([`Limits::DEVICE_CLIENT`]); each counts, also when it is used |
//! | a new account (self-registration) | buckets of its address, which count such accounts alone |
//!
//! Beyond the free attempts there is a wait that doubles with each failure, 15 minutes at most. With passwords, a proof
//! of work ([`proof_of_work`](super::proof_of_work)) takes the place of the wait: a person with the right password is
//! delayed by strangers who guess at the name, and never kept out. A proof lets one attempt through, which is counted in
//! buckets of its own: it makes the next proof harder and prolongs no wait. An address block has a limited number of
//! proofs ([`Limits::PROVEN_ADDRESS`]), since an attacker computes faster than a phone.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

use super::proof_of_work::Difficulty;

/// The attempts that are counted: how many failed, and when the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Bucket {
    /// The failures that count, after what time has forgiven.
    failures: u32,
    last: UnixTime,
}

/// How a kind of bucket is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many attempts may fail before one has to wait.
    pub free: u32,
    /// The longest wait, seconds.
    pub longest: u64,
    /// How long it takes for one failure to be forgiven, seconds.
    pub forgiven_after: u64,
    /// Do several people share it? Then a success takes back itself and forgives no failure of others.
    pub shared: bool,
}

impl Limits {
    /// All strangers on one user name. Beyond the first, they have about a hundred attempts a day together.
    pub const STRANGER: Self = Self { free: 10, longest: LONGEST, forgiven_after: LONGEST, shared: true };
    /// One browser on one account that it has signed in to before.
    pub const KNOWN_BROWSER: Self = Self { free: 10, longest: LONGEST, forgiven_after: LONGEST, shared: false };
    /// One IPv4 address or IPv6 /64, for all user names together. Many people may share it: it is more patient and forgets
    /// faster.
    pub const ADDRESS: Self = Self { free: 50, longest: LONGEST, forgiven_after: 60, shared: true };
    /// One IPv6 /48.
    pub const SITE: Self = Self { free: 60, longest: LONGEST, forgiven_after: 20, shared: true };
    /// Device codes for one client at one IPv4 address or IPv6 /64: each is an object. Many devices may share an address.
    pub const DEVICE_CLIENT: Self = Self { free: 100, longest: LONGEST, forgiven_after: 10, shared: true };
    /// Device codes for all clients at one IPv4 address or IPv6 /64.
    pub const DEVICE_ADDRESS: Self = Self { free: 200, longest: LONGEST, forgiven_after: 5, shared: true };
    /// Device codes for all clients at one IPv6 /48.
    pub const DEVICE_SITE: Self = Self { free: 400, longest: LONGEST, forgiven_after: 2, shared: true };
    /// Proofs of work on one user name. They never wait; each makes the next one harder.
    pub const PROVEN: Self = Self { free: u32::MAX, longest: LONGEST, forgiven_after: 60, shared: true };
    /// Proofs of work from one IPv4 address or IPv6 /64.
    pub const PROVEN_ADDRESS: Self = Self { free: 100, longest: LONGEST, forgiven_after: 60, shared: true };
    /// Proofs of work from one IPv6 /48.
    pub const PROVEN_SITE: Self = Self { free: 200, longest: LONGEST, forgiven_after: 20, shared: true };
}

/// The longest wait, seconds.
const LONGEST: u64 = 15 * 60;

/// Too many attempts: come back after so many seconds (the `Retry-After` of RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// A bucket and how it is treated.
pub type Counter = (Bucket, Limits);

/// An attempt that may be made, and the buckets with it counted: to be stored before the password is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// No wait was due: these are the waiting buckets.
    Waited(Vec<Bucket>),
    /// A proof took the place of the wait: these are the buckets of proofs.
    Proven(Vec<Bucket>),
}

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Throttled {
    /// How long to wait, seconds.
    pub seconds: u64,
    /// The proof of work that would do instead; `None` if none would.
    pub difficulty: Option<Difficulty>,
}

impl Throttled {
    /// Nothing is due here: with another one, the other one holds alone.
    pub const NOTHING: Self = Self { seconds: 0, difficulty: Some(Difficulty::LEAST) };

    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        let difficulty = self.difficulty.zip(other.difficulty).map(|(one, other)| one.max(other));
        Self { seconds: self.seconds.max(other.seconds), difficulty }
    }
}

/// Asks for an attempt that several buckets count: by waiting, or by a proof of work where there are buckets for proofs.
/// `proof` is the difficulty of one that is valid and has not been used.
///
/// # Errors
/// [`Throttled`] if one of the waits is still running and the proof is not hard enough, or too many have been used: no
/// bucket changes.
pub fn admit(
    waiting: &[Counter],
    proven: &[Counter],
    now: UnixTime,
    proof: Option<Difficulty>,
) -> Result<Admission, Throttled> {
    let seconds = match attempt_all(waiting, now) {
        Ok(counted) => return Ok(Admission::Waited(counted)),
        Err(RetryAfter(seconds)) => seconds,
    };
    if proven.is_empty() {
        return Err(Throttled { seconds, difficulty: None });
    }
    match attempt_all(proven, now) {
        Err(RetryAfter(longer)) => Err(Throttled { seconds: seconds.max(longer), difficulty: None }),
        Ok(counted) => {
            let difficulty = required(waiting, proven, now);
            if proof.is_some_and(|proof| proof >= difficulty) {
                Ok(Admission::Proven(counted))
            } else {
                Err(Throttled { seconds, difficulty: Some(difficulty) })
            }
        }
    }
}

/// Attempts in all the buckets, or says for how long the most patient has to wait.
fn attempt_all(counters: &[Counter], now: UnixTime) -> Result<Vec<Bucket>, RetryAfter> {
    let attempts: Vec<_> = counters.iter().map(|(bucket, limits)| attempt(*bucket, *limits, now)).collect();
    match attempts.iter().filter_map(|attempt| attempt.err()).map(|RetryAfter(seconds)| seconds).max() {
        Some(seconds) => Err(RetryAfter(seconds)),
        None => Ok(attempts.into_iter().flatten().collect()),
    }
}

/// How hard a proof has to be: it rises with the failures beyond the free ones, and with the proofs that failed.
fn required(waiting: &[Counter], proven: &[Counter], now: UnixTime) -> Difficulty {
    let beyond = waiting.iter().map(|(bucket, limits)| bucket.failures_at(*limits, now).saturating_sub(limits.free));
    let failed = proven.iter().map(|(bucket, limits)| bucket.failures_at(*limits, now));
    Difficulty::after(beyond.max().unwrap_or(0).saturating_add(failed.max().unwrap_or(0)))
}

impl Bucket {
    /// No attempt yet.
    pub const EMPTY: Self = Self { failures: 0, last: UnixTime(0) };

    /// The failures that count now.
    ///
    /// A clock that goes back forgives nothing.
    fn failures_at(self, limits: Limits, now: UnixTime) -> u32 {
        let passed = now.0.saturating_sub(self.last.0);
        let forgiven = passed.checked_div(limits.forgiven_after).unwrap_or(0);
        self.failures.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

/// Asks for an attempt. What comes back has it counted as failed already: store it before the password is looked at,
/// and [`succeeded`] in its place if it was right.
///
/// # Errors
/// [`RetryAfter`] if it is too early: the bucket stays as it is, so that trying during the wait does not prolong it.
pub fn attempt(bucket: Bucket, limits: Limits, now: UnixTime) -> Result<Bucket, RetryAfter> {
    let wait = wait_after(bucket.failures, limits);
    let open_at = bucket.last.plus(wait);
    if now < open_at && wait > 0 {
        // A clock that went back must not make the reported wait longer than the wait itself.
        return Err(RetryAfter(open_at.0.saturating_sub(now.0).min(wait)));
    }
    let last = bucket.last.max(now);
    Ok(Bucket { failures: bucket.failures_at(limits, now).saturating_add(1), last })
}

/// The bucket after an attempt that was right: the one that [`attempt`] gave, read again if others may have tried since.
///
/// An unshared bucket becomes empty. A shared one only loses this attempt: an attacker with an account must not be able
/// to clear the failures of guessing at others.
pub fn succeeded(bucket: Bucket, limits: Limits) -> Bucket {
    if limits.shared { Bucket { failures: bucket.failures.saturating_sub(1), ..bucket } } else { Bucket::EMPTY }
}

/// How long to wait after so many failures, seconds: nothing for the free ones, then 1, 2, 4, and so on to the longest.
fn wait_after(failures: u32, limits: Limits) -> u64 {
    match failures.checked_sub(limits.free) {
        None => 0,
        Some(beyond) => 1_u64.checked_shl(beyond).unwrap_or(u64::MAX).min(limits.longest),
    }
}
