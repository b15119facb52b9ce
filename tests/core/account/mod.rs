//! The decisions of accounts, sign-in names, devices and status lists, natively: over storage in a map that fails on purpose, before or
//! after it stored.

mod asserted;
mod commands;
mod devices;
mod exchanges;
mod forms;
mod identity_assertions;
mod invariants;
mod lists;
mod names;
mod narrowing;
mod random;
mod redeemed;
mod simulation;
mod storage;
mod wire;
mod world;
