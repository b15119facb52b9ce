//! How long it takes to look up a user name, whether or not there is such a user.

/// The step to which the time of a look-up is rounded up where a sign-in is refused, milliseconds.
///
/// A name that exists and one that does not take different times on most platforms: an object's storage is opened, or is
/// found to be empty. Rounded up, both take the same.
const STEP: u64 = 100;

/// Returns how much longer to wait so that a look-up that has taken this long takes a whole number of steps,
/// milliseconds. It takes at least one.
pub fn rest_of_step(elapsed: u64) -> u64 {
    let steps = elapsed.saturating_sub(1) / STEP + 1;
    steps.saturating_mul(STEP).saturating_sub(elapsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_takes_whole_steps() {
        for (elapsed, rest) in [(0, 100), (1, 99), (99, 1), (100, 0), (101, 99), (220, 80), (u64::MAX, 0)] {
            assert_eq!(rest_of_step(elapsed), rest, "{elapsed}");
        }
    }
}
