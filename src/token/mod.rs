//! The craft of signed tokens: it knows no endpoint, has no clock and does no I/O.

mod algorithm;
pub mod base64url;
mod claims;
mod error;
mod explain;
mod header;
pub mod json;
mod jwks;
mod key;
mod mint;
mod policy;
mod portable;
mod verify;

pub use algorithm::{Algorithm, Curve, KeyShape};
pub use claims::{Claims, UnixTime};
pub use error::VerifyError;
pub use explain::{Check, Explanation, explain};
pub use header::Header;
pub use jwks::KeySet;
pub use key::{Key, KeyError};
pub use mint::{Draft, MintError, Minter};
pub use policy::{DEFAULT_MAX_BYTES, Expected, Policy};
pub use portable::check_signature;
pub use verify::{Pending, Token, decode_unverified, verify};
