//! Users' names, passwords and passkeys, and the rate limits of sign-in. Pure: no async, no clock, no random numbers, no
//! storage.

pub mod address;
pub mod characters;
mod common_passwords;
pub mod passkey;
pub mod password;
pub mod profile;
pub mod proof_of_work;
pub mod throttle;
pub mod timing;
pub mod user_code_tries;
