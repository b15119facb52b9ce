//! Protocol decisions of the authorization server and OpenID provider. Pure: no clock, no randomness, no storage, no `async`.
//!
//! Each room uses only the rooms before it: [`vocabulary`]; [`status`] and [`grant`]; [`refusal`]; [`endpoints`]; [`admin`].

pub mod admin;
pub mod endpoints;
pub mod grant;
pub mod refusal;
pub mod status;
pub mod vocabulary;

pub use refusal::Refusal;
pub use vocabulary::authority::{Authority, AuthorityError};
pub use vocabulary::client::{Client, ClientId};
