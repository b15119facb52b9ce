//! The times of a key's life: how long a change takes to reach every verifier, and what follows from that.
//!
//! Every number is a bound on one step between the object that decides and the verifier that receives a token. A schedule is
//! sound if each sum below covers the whole way; `tests/core/keyring` simulates it.

pub use crate::limits::{JWKS_MAX_AGE, MAX_TOKEN_TTL, REFRESH_AFTER};

/// How long KV may return an old value, seconds. A minute is usual; ten minutes are possible.
pub const KV_STALENESS: u64 = 600;
/// From the decision of the keyring to the end of its write to KV, seconds. A change whose
/// write took longer is rescheduled.
pub const WRITE_SLACK: u64 = 60;
/// How far any two clocks of the keyring, the isolates and the verifiers may differ, seconds. Promised in `threats`.
pub const CLOCK_SKEW: u64 = 120;

/// From a decision to the last isolate that acts without knowing of it, seconds, by any clock: the write, the old
/// value in KV, the isolate's own view (a minute, and another while it reads).
pub const SPREAD: u64 = WRITE_SLACK + KV_STALENESS + 2 * REFRESH_AFTER + CLOCK_SKEW;
/// From publishing a key to signing with it, seconds: until every isolate publishes it, then the key sets that were
/// fetched a moment before, once in a shared cache and once more in the verifier behind it.
pub const LEAD: u64 = SPREAD + 2 * JWKS_MAX_AGE;
/// How long an isolate that cannot reach KV continues with the ring that it has, seconds.
pub const STALE_LIMIT: u64 = 24 * 3600;
/// From the end of signing to leaving the set, seconds: an isolate that learns of it last, and was then cut off from KV,
/// signs once more, and that token has the longest lifetime.
pub const TAIL: u64 = SPREAD + STALE_LIMIT + MAX_TOKEN_TTL;
/// How long a key continues to sign when its successor is due and none is generated, seconds: 60 days. Generating
/// successors may fail for that long before a token is refused.
pub const GRACE: u64 = 60 * DAY;
/// How long a successor may be due before an isolate asks for it, because cron does not, seconds.
pub(super) const OVERDUE: u64 = DAY;

pub(super) const DAY: u64 = 24 * 3600;

// A successor that cron did not ask for is asked for before the key stops.
const _: () = assert!(OVERDUE < GRACE);
