//! The pure core from outside: what is accepted, what is refused and for which reason.
//!
//! Every test uses the public interface; none depends on how the core works inside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "people")]
mod account;
mod case;
mod checklist;
mod costs;
mod explain;
mod grant;
mod jwks;
mod keyring;
mod keys;
mod mint;
mod properties;
mod reasons;
mod refusals;
mod rooms;
mod settings;
mod signer;
mod skip;
mod status;
mod strict;
mod vectors;
#[cfg(feature = "portable")]
mod wycheproof;
