//! The bindings of the npm package over `token`: texts, bytes and numbers in, numbers and places in memory out.
//!
//! No option is judged and no default is set here: the shim does that, and what reaches this room is complete.
//! Nothing is fetched, no clock is read, and only those signatures are checked that wasm checks best.
//!
//! What is called for every token crosses the border with numbers only. Its text goes into a buffer here that the shim writes
//! to, and what comes out stands in a row of numbers that the shim reads. Texts cross where nothing repeats.

// wasm-bindgen exports public items only, and this room is private to the crate.
#![allow(unreachable_pub)]

mod issuer;
mod keys;
mod policy;
mod refusal;
mod row;
mod verifier;
