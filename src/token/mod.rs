//! The craft of signed tokens: it knows no endpoint, has no clock and does no I/O.

mod algorithm;
mod any_key;
pub mod base64url;
mod checker;
mod claims;
mod decimal;
mod der;
mod disguise;
#[cfg(feature = "ed25519")]
mod ed25519;
mod error;
mod explain;
mod header;
mod issuer;
pub mod json;
mod jwk;
mod jwks;
mod key;
mod mac;
mod material;
mod mint;
mod pem;
mod pkcs8;
mod policy;
mod portable;
mod private_key;
mod spki;
mod verify;

pub use algorithm::{Algorithm, Curve, KeyShape};
pub use any_key::AnyKey;
pub use checker::{Checker, Finding, Times};
pub use claims::{Claims, UnixTime};
pub use error::VerifyError;
pub use explain::{Check, Explanation, explain};
pub use header::Header;
pub use issuer::Issuer;
pub use jwks::KeySet;
pub use key::{Key, KeyError};
pub use mint::{Draft, MintError, Minter, mint};
pub use pem::{Pem, PemError};
pub use pkcs8::Pkcs8;
pub use policy::{DEFAULT_MAX_BYTES, Expected, Policy};
pub use portable::check_signature;
pub use private_key::PrivateKey;
pub use verify::{Pending, Token, decode_unverified, verify};
