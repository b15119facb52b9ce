//! Protocol decisions: what was asked, may it be, what is the answer. Pure: no waiting, no clock, no storage.

pub mod authenticate;
pub mod authority;
pub mod authorize;
pub mod bearer;
pub mod bulk;
pub mod claims;
pub mod client;
pub mod consent;
pub mod discovery;
pub mod event;
pub mod event_query;
pub mod exchange;
pub mod grant;
mod grant_refusal;
pub mod handle;
pub mod id_token;
pub mod introspect;
pub mod logout;
pub mod onward;
pub mod pkce;
pub mod redirect;
pub mod refusal;
pub mod register;
pub mod resource;
pub mod revoke;
pub mod rights;
pub mod scope;
pub mod secret;
pub mod status;
pub mod step_up;
pub mod upstream;
pub mod upstream_policy;
pub mod user;

pub use authority::{Authority, AuthorityError};
pub use client::{Client, ClientId};
pub use refusal::Refusal;
