//! The times of a key's life: how long news takes to arrive, and what follows from that.
//!
//! Every number is a bound on one step between the object that decides and the verifier that is shown a token. A schedule is
//! sound if each sum below covers its whole way; `tests/core/keyring` plays it.

pub use crate::limits::{JWKS_MAX_AGE, REFRESH_AFTER};

/// How long KV may go on answering with an old value, seconds. A minute is what is usual; ten are what may happen.
pub const KV_STALENESS: u64 = 600;
/// From the decision of the keyring to the end of its write to KV, seconds. A write that took longer is planned anew.
pub const WRITE_SLACK: u64 = 60;
/// How far any two clocks may differ: of the keyring, of the isolates, of the verifiers, seconds. Promised in `threats`.
pub const CLOCK_SKEW: u64 = 120;

/// From a decision to the last isolate that acts without knowing of it, seconds, by whichever clock: the write, the old
/// value in KV, the isolate's own view (a minute, and another while it looks).
pub const SPREAD: u64 = WRITE_SLACK + KV_STALENESS + 2 * REFRESH_AFTER + CLOCK_SKEW;
/// From publishing a key to signing with it, seconds: until every isolate publishes it, then the key sets that were
/// fetched a moment before, once in a shared cache and once more in the verifier behind it.
pub const LEAD: u64 = SPREAD + 2 * JWKS_MAX_AGE;
/// How long an isolate that cannot reach the store goes on with the ring that it has, seconds.
pub const STALE_LIMIT: u64 = 24 * 3600;
/// The longest lifetime of a token, seconds.
pub const MAX_TOKEN_TTL: u64 = 24 * 3600;
/// From the end of signing to leaving the set, seconds: an isolate that heard of it last and was then cut off from its
/// store signs once more, and that token lives its longest.
pub const TAIL: u64 = SPREAD + STALE_LIMIT + MAX_TOKEN_TTL;
/// How long a key goes on signing when its successor is due and nobody makes one, seconds: 60 days. Whatever makes
/// successors may fail for that long before anybody is refused a token.
pub const GRACE: u64 = 60 * DAY;
/// How long a successor may be due before an isolate asks for it, because cron does not, seconds.
pub(super) const OVERDUE: u64 = DAY;

pub(super) const DAY: u64 = 24 * 3600;

// A key that the cron forgot is asked for before it stops.
const _: () = assert!(OVERDUE < GRACE);
