//! A resource that a grant has lost.

use serde::{Deserialize, Serialize};

use crate::keyring::MAX_TOKEN_TTL;
use crate::oauth::vocabulary::resource::Resource;
use crate::token::UnixTime;

/// A resource that a grant has lost. An access token that was minted before may still name it in its audience.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct LostResource {
    /// The resource.
    pub resource: Resource,
    /// When the grant lost it.
    pub at: UnixTime,
}

impl LostResource {
    /// Returns whether a token may still name it.
    pub(super) fn matters(&self, now: UnixTime) -> bool {
        now < self.at.plus(MAX_TOKEN_TTL)
    }
}
