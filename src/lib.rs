#![doc = include_str!("manual/crate.md")]

#[cfg(all(target_arch = "wasm32", feature = "worker", feature = "js"))]
compile_error!("the Worker and the npm package are never one artifact: each would carry the exports of the other");

#[cfg(feature = "people")]
pub mod account;
#[cfg(feature = "people")]
pub mod identity;
#[cfg(all(target_arch = "wasm32", feature = "js"))]
mod js;
pub mod keyring;
pub mod limits;
#[cfg(feature = "people")]
pub mod names;
pub mod oauth;
#[cfg(feature = "people")]
pub mod pages;
pub mod records;
#[cfg(feature = "people")]
pub mod routes;
pub mod token;
pub mod wire;
#[cfg(all(target_arch = "wasm32", feature = "worker"))]
mod worker;

pub mod manual;
