//! The craft of signed tokens: it knows no endpoint, has no clock and does no I/O.

mod algorithm;
pub mod base64url;
mod calendar;
mod checker;
mod claims;
mod decimal;
#[cfg(feature = "ed25519")]
mod ed25519;
mod error;
mod explain;
mod header;
mod issuer;
pub mod json;
mod jwks;
mod key;
mod mac;
mod mint;
mod policy;
mod portable;
pub mod status;
mod verify;

pub use algorithm::{Algorithm, Curve, KeyShape};
pub use calendar::Calendar;
pub use checker::{Checker, Finding, Times};
pub use claims::{Claims, NumericDate, UnixTime};
pub use error::VerifyError;
pub use explain::{Check, Explanation, explain};
pub use header::Header;
pub use issuer::Issuer;
pub use jwks::KeySet;
pub use key::{AnyKey, Key, KeyError, Pem, PemError, Pkcs8, PrivateKey};
pub(crate) use key::{der, write_pem};
pub use mint::{Draft, MintError, Minter, mint};
pub use policy::{DEFAULT_MAX_BYTES, Expected, Policy};
pub use portable::check_signature;
pub use verify::{Pending, Token, decode_unverified, verify};
