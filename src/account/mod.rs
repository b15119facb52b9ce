//! What the Durable Objects of users decide: an account (its record, sessions, consents, grants and passkeys) and a sign-in
//! name (the account that it leads to, its password and the attempts on it), and of devices that wait for a user.
//!
//! A command is a struct with an answer type of its own ([`turn::AccountCommand`],
//! [`identifier::IdentifierCommand`], [`device::DeviceCommand`]); [`commands::AccountRequest`], [`identifier::IdentifierRequest`]
//! and [`device::DeviceObjectRequest`] list them, one row each. All of it is synchronous over [`Records`](crate::records::Records): a command reads, decides and writes in one turn.
//!
//! Storage that fails in the middle of a turn keeps what was written before, so each command writes in an order that is
//! safe to stop in and to repeat: what revokes is stored before what it revokes is deleted.

pub mod asserted_grants;
pub mod command;
pub mod commands;
pub mod device;
pub mod device_grants;
pub mod exchanges;
pub mod grants;
pub mod identifier;
pub mod identity_assertions;
pub mod narrowing;
pub mod new_user;
pub mod outbox;
pub mod overview;
pub mod passkeys;
pub mod profile;
pub mod record;
pub mod sessions;
pub mod turn;
pub mod upstream_profile;

/// How long a form of a page can be submitted, seconds. A submitted consent form is remembered for as long.
pub const FORM_TTL: u64 = 3600;
