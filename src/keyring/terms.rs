//! The settings that a change of the ring depends on.

use crate::token::Algorithm;

/// The operator's settings for signing keys.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The algorithms that tokens are signed with.
    pub algorithms: &'a [Algorithm],
    /// The time from a key's first signature until its successor signs, seconds.
    pub rotate_after: u64,
}
