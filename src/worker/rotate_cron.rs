//! Once in a while, the keyring is asked whether a key needs a successor: then there is one long before the old one ends.

use worker::Env;

use super::env::Platform;
use super::objects::keyring_do::KeyringCommand;
use super::ring;

/// Looks after the keys. A fault has been logged where it was built, and the next run tries again.
pub(crate) async fn run(env: Env) {
    if let Ok(platform) = Platform::new(env).await {
        let _ = ring::ask(&platform, KeyringCommand::Ensure).await;
    }
}
