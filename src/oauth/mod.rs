//! Protocol decisions: what was asked, may it be, what is the answer. Pure: no waiting, no clock, no storage.

pub mod authenticate;
pub mod authority;
pub mod bearer;
pub mod client;
pub mod discovery;
pub mod exchange;
pub mod introspect;
pub mod refusal;
pub mod register;
pub mod resource;
pub mod revoke;
pub mod scope;

pub use authority::{Authority, AuthorityError};
pub use client::{Client, ClientId};
pub use refusal::Refusal;
