//! The endpoints: each parses, loads, asks `oauth` to decide, commits, replies.

pub(crate) mod admin_clients;
pub(crate) mod documents;
pub(crate) mod resource;
pub(crate) mod token;
