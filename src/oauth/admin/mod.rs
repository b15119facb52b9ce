//! Decisions of the admin API: users, bulk revocation, audit events and their queries.

pub mod bulk;
pub mod event;
pub mod event_buffer;
pub mod event_query;
pub mod exchange_rule;
pub mod resource;
pub mod trusted_issuer;
pub mod user;
