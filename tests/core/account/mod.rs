//! What accounts and sign-in names decide, natively: over storage in a map that fails on purpose, before or after it stored.

mod invariants;
mod random;
mod simulation;
mod storage;
mod wire;
mod world;
