//! The bindings of the npm package over `token`: texts, bytes and numbers in, numbers and addresses in memory out.
//!
//! No option is checked and no default is set here: the shim does that, and passes complete values.
//! This room fetches nothing and reads no clock, and verifies only the signatures for which wasm is the fastest engine.
//!
//! Calls for every token pass numbers only. The text of a token is in a buffer here that the shim writes
//! to, and the results are in a row of numbers that the shim reads. Only calls that are made once pass text.

// wasm-bindgen exports public items only, and this room is private to the crate.
#![allow(unreachable_pub)]

mod issuer;
mod keys;
mod policy;
mod refusal;
mod row;
mod verifier;
