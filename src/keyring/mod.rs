//! The life of a signing key: next, active, retiring, gone. Pure: the clock and the key material are arguments.
//!
//! A life is a schedule, not a flag: every isolate reads the same four times and its own clock, so that a rotation
//! is one write and nobody has to be told. A new key is published long enough before it signs that every verifier
//! that follows the cache headers has it, and stays published until the last token that it signed has expired.
//!
//! [`schedule`] has the numbers, [`Ring`] is what is stored and read, [`Command`] changes it, [`Sight`] is what an isolate
//! makes of what it has read.

mod certificate;
mod change;
mod import;
mod key;
mod record;
mod ring;
pub mod schedule;
mod sight;
#[cfg(test)]
mod tests;

pub use certificate::Certificate;
pub use change::{Command, Event, KeyringRefusal, Terms};
pub use import::{Import, ImportError, ImportText, Private, Purpose};
pub use key::{KeyMaterial, PrivateJwk, RevokedKey, SigningKey, Stage};
pub use record::{Kept, Unpublished};
pub use ring::Ring;
pub use schedule::{JWKS_MAX_AGE, LEAD, MAX_TOKEN_TTL, REFRESH_AFTER, SPREAD, STALE_LIMIT};
pub use sight::{Glance, Sight};

use crate::token::Algorithm;

/// The algorithms that this authority signs with.
pub const SIGNING_ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];
