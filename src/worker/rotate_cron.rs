//! Once in a while, the keyring is asked to see that every key has a successor: published long before the old one ends.
//! And the maintenance object, whether its alarm is set.

use worker::Env;

use super::env::Platform;
use super::jobs::maintenance_do::Wake;
use super::objects;
use super::objects::address::Maintenance;
use super::objects::keyring_do::KeyringCommand;
use super::ring;

/// Looks after the keys. A fault has been logged where it was built, and the next run tries again.
pub(crate) async fn run(env: Env) {
    if let Ok(platform) = Platform::new(env).await {
        let _ = ring::ask(&platform, KeyringCommand::Tend).await;
        let _ = objects::send(&platform, &Maintenance, &Wake).await;
    }
}
