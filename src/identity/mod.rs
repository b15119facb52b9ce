//! Who the user is: names, passwords, passkeys, and how often somebody may try. Pure: no waiting, no clock, no
//! source of chance, no storage.

pub mod address;
mod common_passwords;
pub mod passkey;
pub mod password;
pub mod profile;
pub mod proof_of_work;
pub mod throttle;
pub mod timing;
