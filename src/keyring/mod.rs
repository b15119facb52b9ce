//! The life of a signing key: next, active, retiring, gone. Pure: the clock and the key material are arguments.
//!
//! A life is a schedule, not a flag: every isolate reads the same four times and its own clock, so that a rotation
//! is one write and no isolate has to be notified. A new key is published long enough before it signs that every verifier
//! that follows the cache headers has it, and stays published until the last token that it signed has expired.
//!
//! [`schedule`] has the numbers, [`Ring`] is stored and read, [`Command`] changes it, [`keeper`] stores and publishes changes,
//! [`LastRead`] says how long an isolate uses the ring that it has read.

mod certificate;
mod change;
mod freshness;
mod import;
pub mod keeper;
mod key;
mod key_id;
mod public_half;
mod record;
mod reschedule;
mod ring;
pub mod schedule;
mod succession;
mod terms;
#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use change::{Command, Event, KeyringRefusal};
pub use freshness::{Freshness, LastRead};
pub use import::{Import, ImportError, ImportText, Private, Purpose};
pub use key::{KeyMaterial, PrivateJwk, RevokedKey, SigningKey, Stage};
pub use key_id::KeyId;
pub use record::{Kept, Stored};
pub use reschedule::Unpublished;
pub use ring::Ring;
pub use schedule::{JWKS_MAX_AGE, LEAD, MAX_TOKEN_TTL, REFRESH_AFTER, SPREAD, STALE_LIMIT};
pub use terms::Terms;

use crate::token::Algorithm;

/// The algorithms that this authorization server signs with.
pub const SIGNING_ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];
