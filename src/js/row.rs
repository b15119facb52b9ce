//! What `Verifier::check` and `Issuer::mint` return, and the positions in the row of doubles that `check` fills.
//!
//! The same names and values as in `shim/wasm/row.js`; a test of the package compares the two.

/// All checks passed.
pub(super) const GOOD: u32 = 0;
/// All but the signature, which the platform must check.
pub(super) const UNSIGNED: u32 = 1;
/// From here on, a refusal: this number plus that of the reason.
pub(super) const REASONS: u32 = 2;

/// The number of the header and the key: see `Checker::number`.
pub(super) const KNOWN: usize = 0;
/// The fault of the claims, which counts if the signature is valid, in the form of a returned value.
pub(super) const DEFERRED: usize = 1;
pub(super) const PAYLOAD: usize = 2;
pub(super) const PAYLOAD_LENGTH: usize = 3;
pub(super) const SIGNATURE: usize = 4;
pub(super) const SIGNATURE_LENGTH: usize = 5;
/// The number of signed bytes of the input.
pub(super) const SIGNED_LENGTH: usize = 6;
/// Seconds since 1970, or NaN if the token has no such claim; so are the next two.
pub(super) const EXP: usize = 7;
pub(super) const NBF: usize = 8;
pub(super) const IAT: usize = 9;
/// The number of doubles.
pub(super) const ROW_LENGTH: usize = 10;
