//! Lifetimes of codes, grants and access tokens.

use crate::token::UnixTime;

/// Lifetimes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A code, until it is redeemed.
    pub code: u64,
    /// How long the same request gets the same response; 0 disables replay.
    pub replay_window: u64,
    /// A grant with refresh tokens.
    pub refresh: u64,
    /// A grant with refresh tokens that is not used.
    pub refresh_idle: u64,
    /// An access token.
    pub access: u64,
}

impl Lifetimes {
    /// Returns whether a request that was answered at `answered_at` and is repeated now is a replay within the window.
    pub fn is_replay(&self, answered_at: UnixTime, now: UnixTime) -> bool {
        self.replay_window > 0 && now <= answered_at.plus(self.replay_window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replay_window_includes_its_last_second() {
        let lifetimes =
            |replay_window| Lifetimes { code: 60, replay_window, refresh: 90, refresh_idle: 14, access: 600 };
        let is_replay = |window, later: u64| lifetimes(window).is_replay(UnixTime(1000), UnixTime(1000 + later));
        assert!(is_replay(30, 0) && is_replay(30, 30) && is_replay(1, 1));
        assert!(!is_replay(30, 31) && !is_replay(0, 0));
    }
}
