//! Limits how many user codes of devices an account may try (RFC 8628 section 5.1).

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

/// How many codes an account may try within [`WINDOW`].
pub const MOST_TRIES: usize = 10;
/// The time that a try counts, seconds: the lifetime of a code.
pub const WINDOW: u64 = 900;

/// The times of the tries that still count, the oldest first. A code that was right counts too: otherwise an attacker could
/// enter the code of an own device between guesses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct UserCodeTries(Vec<UnixTime>);

impl UserCodeTries {
    /// Counts a try. Returns what to store before the code is looked up.
    ///
    /// # Errors
    /// The seconds to wait, if there were [`MOST_TRIES`] within the last [`WINDOW`]: trying during the wait does not prolong it.
    pub fn count(&self, now: UnixTime) -> Result<Self, u64> {
        // A clock that went back forgets nothing and makes no wait longer than the window.
        let counting = self.0.iter().copied().filter(|at| now < at.plus(WINDOW)).map(|at| at.min(now));
        let mut tries: Vec<UnixTime> = counting.collect();
        if tries.len() >= MOST_TRIES {
            let oldest = tries.first().copied().unwrap_or(now);
            return Err(oldest.plus(WINDOW).0.saturating_sub(now.0).max(1));
        }
        tries.push(now);
        Ok(Self(tries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_900_000_000);

    #[test]
    fn ten_tries_are_free_and_the_eleventh_waits_until_the_first_is_forgotten() {
        let mut tries = UserCodeTries::default();
        for second in 0..10 {
            tries = tries.count(NOW.plus(second)).unwrap();
        }
        for second in [10, 100, 899] {
            assert_eq!(tries.count(NOW.plus(second)), Err(900 - second));
        }
        let later = tries.count(NOW.plus(900)).unwrap();
        assert_eq!(later.0.len(), 10);
        assert_eq!(later.count(NOW.plus(900)), Err(1));
        assert_eq!(tries.count(NOW.plus(909)).unwrap().0.len(), 1);
    }

    #[test]
    fn no_window_of_fifteen_minutes_has_more_than_ten() {
        let (mut tries, mut counted) = (UserCodeTries::default(), Vec::new());
        for second in (0..7200).step_by(7) {
            if let Ok(next) = tries.count(NOW.plus(second)) {
                tries = next;
                counted.push(second);
            }
        }
        for window in counted.windows(11) {
            assert!(window[10] - window[0] >= 900, "{window:?}");
        }
        assert!((70..=90).contains(&counted.len()), "{}", counted.len());
    }

    #[test]
    fn a_clock_that_goes_back_forgets_no_try_and_waits_no_longer_than_the_window() {
        let mut tries = UserCodeTries::default();
        for _ in 0..10 {
            tries = tries.count(NOW).unwrap();
        }
        assert_eq!(tries.count(UnixTime(NOW.0 - 10_000)), Err(900));
    }
}
