//! Cron: asks the keyring to give every key a successor, published long before the key ends, and the maintenance object to set
//! its alarm if it is not set.

use worker::Env;

use super::env::Platform;
use super::jobs::maintenance_do::Wake;
use super::objects;
use super::objects::address::Maintenance;
use super::objects::keyring_do::Tend;
use super::ring;

/// Runs both. A fault has been logged where it was built, and the next run tries again.
pub(crate) async fn run(env: Env) {
    if let Ok(platform) = Platform::new(env).await {
        let _ = ring::ask(&platform, &Tend { asked_at: platform.now }).await;
        let _ = objects::send(&platform, &Maintenance, &Wake).await;
    }
}
