//! Rate limiting of sign-in attempts, by account and by address (NIST SP 800-63B-4 section 3.2.2).
//!
//! An attempt is counted as failed before the password is checked, so that concurrent attempts cannot slip through
//! between checking and counting. It is counted against:
//!
//! | attempt | buckets |
//! |---|---|
//! | a password, from a browser that has signed in to this account before | [`Limits::KNOWN_BROWSER`] of this browser and this account, and no other |
//! | a password, from another browser | those of its address ([`Limits::ADDRESS`], and [`Limits::SITE`] for IPv6), and [`Limits::STRANGER`], which all such browsers share that name this user, whether or not there is such a user |
//! | a passkey, from a browser that has signed in to this account before | none: a passkey cannot be guessed |
//! | a passkey, from another browser | buckets of its address, which count passkeys alone |
//! | a device code | buckets of its address ([`Limits::DEVICE_ADDRESS`], [`Limits::DEVICE_SITE`]) and of its client there ([`Limits::DEVICE_CLIENT`]); each counts, also when it is used |
//! | a new account (self-registration) | buckets of its address, which count such accounts alone |
//!
//! Beyond the free attempts there is a wait that doubles with each failure, 15 minutes at most. With passwords, a proof
//! of work ([`proof_of_work`](super::proof_of_work)) takes the place of the wait: a person with the right password is
//! delayed by strangers who guess at the name, and never kept out. A proof lets one attempt through, which is counted in
//! buckets of its own: it makes the next proof harder and prolongs no wait. An address block has a limited number of
//! proofs ([`Limits::PROVEN_ADDRESS`]), since an attacker computes faster than a phone.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

use super::proof_of_work::Difficulty;

/// The attempts that are counted: how many failed, and when the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Bucket {
    /// The failures that count, after what time has forgiven.
    failures: u32,
    last: UnixTime,
}

/// How a kind of bucket is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many attempts may fail before one has to wait.
    pub free: u32,
    /// The longest wait, seconds.
    pub longest: u64,
    /// How long it takes for one failure to be forgiven, seconds.
    pub forgiven_after: u64,
    /// Do several people share it? Then a success takes back itself and forgives no failure of others.
    pub shared: bool,
}

impl Limits {
    /// All strangers on one user name. Beyond the first, they have about a hundred attempts a day together.
    pub const STRANGER: Self = Self { free: 10, longest: LONGEST, forgiven_after: LONGEST, shared: true };
    /// One browser on one account that it has signed in to before.
    pub const KNOWN_BROWSER: Self = Self { free: 10, longest: LONGEST, forgiven_after: LONGEST, shared: false };
    /// One IPv4 address or IPv6 /64, for all user names together. Many people may share it: it is more patient and forgets
    /// faster.
    pub const ADDRESS: Self = Self { free: 50, longest: LONGEST, forgiven_after: 60, shared: true };
    /// One IPv6 /48.
    pub const SITE: Self = Self { free: 60, longest: LONGEST, forgiven_after: 20, shared: true };
    /// Device codes for one client at one IPv4 address or IPv6 /64: each is an object. Many devices may share an address.
    pub const DEVICE_CLIENT: Self = Self { free: 100, longest: LONGEST, forgiven_after: 10, shared: true };
    /// Device codes for all clients at one IPv4 address or IPv6 /64.
    pub const DEVICE_ADDRESS: Self = Self { free: 200, longest: LONGEST, forgiven_after: 5, shared: true };
    /// Device codes for all clients at one IPv6 /48.
    pub const DEVICE_SITE: Self = Self { free: 400, longest: LONGEST, forgiven_after: 2, shared: true };
    /// Proofs of work on one user name. They never wait; each makes the next one harder.
    pub const PROVEN: Self = Self { free: u32::MAX, longest: LONGEST, forgiven_after: 60, shared: true };
    /// Proofs of work from one IPv4 address or IPv6 /64.
    pub const PROVEN_ADDRESS: Self = Self { free: 100, longest: LONGEST, forgiven_after: 60, shared: true };
    /// Proofs of work from one IPv6 /48.
    pub const PROVEN_SITE: Self = Self { free: 200, longest: LONGEST, forgiven_after: 20, shared: true };
}

/// The longest wait, seconds.
const LONGEST: u64 = 15 * 60;

/// Too many attempts: come back after so many seconds (the `Retry-After` of RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

/// A bucket and how it is treated.
pub type Counter = (Bucket, Limits);

/// An attempt that may be made, and the buckets with it counted: to be stored before the password is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// No wait was due: these are the waiting buckets.
    Waited(Vec<Bucket>),
    /// A proof took the place of the wait: these are the buckets of proofs.
    Proven(Vec<Bucket>),
}

/// Too many attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Throttled {
    /// How long to wait, seconds.
    pub seconds: u64,
    /// The proof of work that would do instead; `None` if none would.
    pub difficulty: Option<Difficulty>,
}

impl Throttled {
    /// Nothing is due here: with another one, the other one holds alone.
    pub const NOTHING: Self = Self { seconds: 0, difficulty: Some(Difficulty::LEAST) };

    /// Both hold.
    pub fn and(self, other: Self) -> Self {
        let difficulty = self.difficulty.zip(other.difficulty).map(|(one, other)| one.max(other));
        Self { seconds: self.seconds.max(other.seconds), difficulty }
    }
}

/// Asks for an attempt that several buckets count: by waiting, or by a proof of work where there are buckets for proofs.
/// `proof` is the difficulty of one that is valid and has not been used.
///
/// # Errors
/// [`Throttled`] if one of the waits is still running and the proof is not hard enough, or too many have been used: no
/// bucket changes.
pub fn admit(
    waiting: &[Counter],
    proven: &[Counter],
    now: UnixTime,
    proof: Option<Difficulty>,
) -> Result<Admission, Throttled> {
    let seconds = match attempt_all(waiting, now) {
        Ok(counted) => return Ok(Admission::Waited(counted)),
        Err(RetryAfter(seconds)) => seconds,
    };
    if proven.is_empty() {
        return Err(Throttled { seconds, difficulty: None });
    }
    match attempt_all(proven, now) {
        Err(RetryAfter(longer)) => Err(Throttled { seconds: seconds.max(longer), difficulty: None }),
        Ok(counted) => {
            let difficulty = required(waiting, proven, now);
            if proof.is_some_and(|proof| proof >= difficulty) {
                Ok(Admission::Proven(counted))
            } else {
                Err(Throttled { seconds, difficulty: Some(difficulty) })
            }
        }
    }
}

/// Attempts in all the buckets, or says for how long the most patient has to wait.
fn attempt_all(counters: &[Counter], now: UnixTime) -> Result<Vec<Bucket>, RetryAfter> {
    let attempts: Vec<_> = counters.iter().map(|(bucket, limits)| attempt(*bucket, *limits, now)).collect();
    match attempts.iter().filter_map(|attempt| attempt.err()).map(|RetryAfter(seconds)| seconds).max() {
        Some(seconds) => Err(RetryAfter(seconds)),
        None => Ok(attempts.into_iter().flatten().collect()),
    }
}

/// How hard a proof has to be: it rises with the failures beyond the free ones, and with the proofs that failed.
fn required(waiting: &[Counter], proven: &[Counter], now: UnixTime) -> Difficulty {
    let beyond = waiting.iter().map(|(bucket, limits)| bucket.failures_at(*limits, now).saturating_sub(limits.free));
    let failed = proven.iter().map(|(bucket, limits)| bucket.failures_at(*limits, now));
    Difficulty::after(beyond.max().unwrap_or(0).saturating_add(failed.max().unwrap_or(0)))
}

impl Bucket {
    /// No attempt yet.
    pub const EMPTY: Self = Self { failures: 0, last: UnixTime(0) };

    /// The failures that count now.
    ///
    /// A clock that goes back forgives nothing.
    fn failures_at(self, limits: Limits, now: UnixTime) -> u32 {
        let passed = now.0.saturating_sub(self.last.0);
        let forgiven = passed.checked_div(limits.forgiven_after).unwrap_or(0);
        self.failures.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }
}

/// Asks for an attempt. What comes back has it counted as failed already: store it before the password is looked at,
/// and [`succeeded`] in its place if it was right.
///
/// # Errors
/// [`RetryAfter`] if it is too early: the bucket stays as it is, so that trying during the wait does not prolong it.
pub fn attempt(bucket: Bucket, limits: Limits, now: UnixTime) -> Result<Bucket, RetryAfter> {
    let wait = wait_after(bucket.failures, limits);
    let open_at = bucket.last.plus(wait);
    if now < open_at && wait > 0 {
        // A clock that went back must not make the reported wait longer than the wait itself.
        return Err(RetryAfter(open_at.0.saturating_sub(now.0).min(wait)));
    }
    let last = bucket.last.max(now);
    Ok(Bucket { failures: bucket.failures_at(limits, now).saturating_add(1), last })
}

/// The bucket after an attempt that was right: the one that [`attempt`] gave, read again if others may have tried since.
///
/// An unshared bucket becomes empty. A shared one only loses this attempt: an attacker with an account must not be able
/// to clear the failures of guessing at others.
pub fn succeeded(bucket: Bucket, limits: Limits) -> Bucket {
    if limits.shared { Bucket { failures: bucket.failures.saturating_sub(1), ..bucket } } else { Bucket::EMPTY }
}

/// How long to wait after so many failures, seconds: nothing for the free ones, then 1, 2, 4, and so on to the longest.
fn wait_after(failures: u32, limits: Limits) -> u64 {
    match failures.checked_sub(limits.free) {
        None => 0,
        Some(beyond) => 1_u64.checked_shl(beyond).unwrap_or(u64::MAX).min(limits.longest),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::address::AddressBlocks;
    use super::*;

    const NOW: UnixTime = UnixTime(1_900_000_000);
    const KINDS: [Limits; 9] = [
        Limits::DEVICE_CLIENT,
        Limits::DEVICE_ADDRESS,
        Limits::DEVICE_SITE,
        Limits::STRANGER,
        Limits::KNOWN_BROWSER,
        Limits::ADDRESS,
        Limits::SITE,
        Limits::PROVEN_ADDRESS,
        Limits::PROVEN_SITE,
    ];

    /// As many failures as the bucket takes at this time.
    fn failures_at_once(limits: Limits) -> (Bucket, u32) {
        let (mut bucket, mut count) = (Bucket::EMPTY, 0);
        while let Ok(next) = attempt(bucket, limits, NOW) {
            (bucket, count) = (next, count + 1);
            assert!(count < 1000);
        }
        (bucket, count)
    }

    #[test]
    fn the_free_ones_are_free_then_the_wait_doubles() {
        for limits in KINDS {
            let (mut bucket, count) = failures_at_once(limits);
            assert_eq!(count, limits.free);
            let mut now = NOW;
            for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
                assert_eq!(attempt(bucket, limits, now), Err(RetryAfter(wait)));
                assert_eq!(attempt(bucket, limits, now.plus(wait - 1)), Err(RetryAfter(1)));
                now = now.plus(wait);
                let earlier = bucket;
                bucket = attempt(bucket, limits, now).unwrap();
                // Restores what the address forgave meanwhile, to see the doubling alone.
                bucket.failures = earlier.failures + 1;
            }
            assert_eq!(attempt(bucket, limits, now), Err(RetryAfter(900)));
        }
    }

    #[test]
    fn strangers_have_a_hundred_attempts_a_day() {
        let (mut bucket, mut count) = (Bucket::EMPTY, 0);
        for second in 0..10 * 86_400 {
            if let Ok(next) = attempt(bucket, Limits::STRANGER, NOW.plus(second)) {
                (bucket, count) = (next, count + 1);
            }
        }
        assert!((960..=1000).contains(&count), "{count}");
    }

    #[test]
    fn where_nothing_is_due_the_other_place_decides() {
        for difficulty in [None, Some(Difficulty::LEAST), Some(Difficulty::MOST)] {
            let due = Throttled { seconds: 5, difficulty };
            assert_eq!((due.and(Throttled::NOTHING), Throttled::NOTHING.and(due)), (due, due));
        }
    }

    #[test]
    fn time_forgives() {
        let (bucket, _) = failures_at_once(Limits::STRANGER);
        assert_eq!(bucket.failures_at(Limits::STRANGER, NOW.plus(9 * 900)), 1);
        assert_eq!(bucket.failures_at(Limits::STRANGER, NOW.plus(10 * 900)), 0);
        let bucket = attempt(bucket, Limits::STRANGER, NOW.plus(10 * 900)).unwrap();
        assert_eq!(bucket.failures, 1);
        let bucket = Bucket { failures: 5, last: NOW };
        let earlier = attempt(bucket, Limits::STRANGER, UnixTime(NOW.0 - 9000)).unwrap();
        assert_eq!(earlier, Bucket { failures: 6, last: NOW }, "a clock that goes back forgives nothing");
    }

    #[test]
    fn a_success_empties_ones_own_bucket_and_no_shared_one() {
        for limits in KINDS {
            let mut bucket = Bucket::EMPTY;
            for _ in 0..5 {
                bucket = attempt(bucket, limits, NOW).unwrap();
            }
            assert_eq!(succeeded(bucket, limits).failures, if limits.shared { 4 } else { 0 });
            assert_eq!(succeeded(Bucket::EMPTY, limits), Bucket::EMPTY);
        }
    }

    /// What an attempt is counted against, as the module's documentation has it.
    fn buckets(ip: &str, username: &str, known_browser: Option<&str>) -> Vec<(String, Limits)> {
        match known_browser {
            Some(browser) => vec![(format!("browser {browser} of {username}"), Limits::KNOWN_BROWSER)],
            None => vec![
                (format!("address {}", AddressBlocks::of(ip).host()), Limits::ADDRESS),
                (format!("strangers for {username}"), Limits::STRANGER),
            ],
        }
    }

    /// One user name, as strangers meet it.
    #[derive(Clone, Copy)]
    struct Strangers {
        waited: Bucket,
        proven: Bucket,
    }

    impl Strangers {
        const NONE: Self = Self { waited: Bucket::EMPTY, proven: Bucket::EMPTY };

        fn attempt(&mut self, now: UnixTime, proof: Option<Difficulty>) -> Result<(), Throttled> {
            let (waiting, proven) = ([(self.waited, Limits::STRANGER)], [(self.proven, Limits::PROVEN)]);
            match admit(&waiting, &proven, now, proof)? {
                Admission::Waited(counted) => self.waited = counted[0],
                Admission::Proven(counted) => self.proven = counted[0],
            }
            Ok(())
        }

        fn exhausted() -> Self {
            let mut strangers = Self::NONE;
            while strangers.attempt(NOW, None).is_ok() {}
            strangers
        }
    }

    #[test]
    fn a_proof_takes_the_place_of_the_wait_and_gets_harder_with_each_failure() {
        let mut strangers = Strangers::exhausted();
        for bits in [12, 13, 14, 15, 16, 17, 18, 18] {
            let difficulty = Difficulty::parse(&bits.to_string()).unwrap();
            let throttled = Err(Throttled { seconds: 1, difficulty: Some(difficulty) });
            assert_eq!(strangers.attempt(NOW, None), throttled);
            let easier = Difficulty::parse(&(bits - 1).to_string());
            assert_eq!(strangers.attempt(NOW, easier), throttled, "a proof of {} bits", bits - 1);
            assert_eq!(strangers.attempt(NOW, Some(difficulty)), Ok(()));
        }
        // The wait is that of the failures that waited.
        assert_eq!(strangers.attempt(NOW.plus(1), None), Ok(()));
    }

    #[test]
    fn failures_that_waited_make_the_proof_harder_too() {
        let mut strangers = Strangers::exhausted();
        let mut now = NOW;
        for bits in [12, 13, 14] {
            let throttled = strangers.attempt(now, None).unwrap_err();
            assert_eq!(throttled.difficulty.map(Difficulty::bits), Some(bits));
            now = now.plus(throttled.seconds);
            assert_eq!(strangers.attempt(now, None), Ok(()));
        }
    }

    #[test]
    fn an_address_block_has_a_limited_number_of_proofs() {
        let (waited, _) = failures_at_once(Limits::ADDRESS);
        let mut proven = Bucket::EMPTY;
        let ask = |proven| {
            let counters = [(proven, Limits::PROVEN_ADDRESS)];
            admit(&[(waited, Limits::ADDRESS)], &counters, NOW, Some(Difficulty::MOST))
        };
        for _ in 0..Limits::PROVEN_ADDRESS.free {
            let Ok(Admission::Proven(counted)) = ask(proven) else { panic!("refused") };
            proven = counted[0];
        }
        assert_eq!(ask(proven), Err(Throttled { seconds: 1, difficulty: None }));
    }

    #[test]
    fn no_proof_helps_where_none_is_counted() {
        let (bucket, _) = failures_at_once(Limits::KNOWN_BROWSER);
        let refused = admit(&[(bucket, Limits::KNOWN_BROWSER)], &[], NOW, Some(Difficulty::MOST));
        assert_eq!(refused, Err(Throttled { seconds: 1, difficulty: None }));
    }

    #[test]
    fn the_bucket_that_waits_longest_decides_and_none_counts_an_attempt_that_is_refused() {
        let (full, _) = failures_at_once(Limits::ADDRESS);
        let counters = [(full, Limits::ADDRESS), (Bucket::EMPTY, Limits::SITE)];
        assert_eq!(admit(&counters, &[], NOW, None), Err(Throttled { seconds: 1, difficulty: None }));
        let empty = [(Bucket::EMPTY, Limits::ADDRESS), (Bucket::EMPTY, Limits::SITE)];
        let once = Bucket { failures: 1, last: NOW };
        assert_eq!(admit(&empty, &[], NOW, None), Ok(Admission::Waited(vec![once, once])));
    }

    #[test]
    fn seventy_hosts_of_one_site_do_not_all_pass() {
        let mut site = Bucket::EMPTY;
        let passed = (0..70).filter(|_| {
            let counters = [(Bucket::EMPTY, Limits::ADDRESS), (site, Limits::SITE)];
            let Ok(Admission::Waited(counted)) = admit(&counters, &[], NOW, None) else { return false };
            site = counted[1];
            true
        });
        assert_eq!(passed.count(), 60);
    }

    #[test]
    fn a_bucket_survives_being_stored() {
        let bucket = Bucket { failures: 3, last: NOW };
        let text = serde_json::to_string(&bucket).unwrap();
        assert_eq!(text, r#"{"failures":3,"last":1900000000}"#);
        assert_eq!(serde_json::from_str::<Bucket>(&text).unwrap(), bucket);
    }

    fn any_bucket() -> impl Strategy<Value = Bucket> {
        let time = prop_oneof![any::<u64>(), NOW.0 - 2000..NOW.0 + 2000];
        (prop_oneof![any::<u32>(), 0..40_u32], time)
            .prop_map(|(failures, last)| Bucket { failures, last: UnixTime(last) })
    }

    proptest! {
        /// No attempts of strangers block the owner's browser, from whichever address and with whichever user name.
        #[test]
        fn strangers_never_block_a_known_browser(tries in vec((0..2000_u64, 0..3_usize, 0..3_usize, 0..3_usize), 0..200)) {
            let names = ["owner", "stranger", "another"];
            let (ips, browsers) = (["192.0.2.1", "2001:db8::1", "x"], [None, Some("theirs"), Some("browser")]);
            let mut kept = std::collections::HashMap::new();
            let mut now = NOW;
            for (pause, ip, name, browser) in tries {
                now = now.plus(pause);
                // Only the owner has a browser that has signed in to the owner's account.
                let browser = browsers[browser].filter(|_| name != 0);
                for (bucket, limits) in buckets(ips[ip], names[name], browser) {
                    let bucket = kept.entry(bucket).or_insert(Bucket::EMPTY);
                    *bucket = attempt(*bucket, limits, now).unwrap_or(*bucket);
                }
                for (bucket, limits) in buckets(ips[0], names[0], Some("browser")) {
                    prop_assert!(attempt(*kept.get(&bucket).unwrap_or(&Bucket::EMPTY), limits, now).is_ok());
                }
            }
        }

        /// Nothing panics, no reported wait exceeds the longest wait, and after that wait an attempt is allowed.
        #[test]
        fn no_wait_is_longer_than_the_longest(bucket in any_bucket(), now in any::<u64>(), kind in 0..6_usize) {
            let limits = KINDS[kind];
            if let Err(RetryAfter(wait)) = attempt(bucket, limits, UnixTime(now)) {
                prop_assert!((1..=limits.longest).contains(&wait));
            }
            // The very end of time aside, where there is no later.
            if let Some(later) = bucket.last.0.checked_add(limits.longest) {
                prop_assert!(attempt(bucket, limits, UnixTime(later)).is_ok());
            }
        }

        /// A clock that goes back lifts no wait and forgives nothing.
        #[test]
        fn a_clock_that_goes_back_lifts_no_wait(bucket in any_bucket(), now in any::<u64>(), back in any::<u64>(), kind in 0..6_usize) {
            let limits = KINDS[kind];
            let earlier = UnixTime(now.saturating_sub(back));
            match (attempt(bucket, limits, UnixTime(now)), attempt(bucket, limits, earlier)) {
                (Err(_), then) => prop_assert!(then.is_err()),
                (Ok(at_now), Ok(then)) => prop_assert!(then.failures >= at_now.failures && then.last <= at_now.last),
                (Ok(_), Err(_)) => {}
            }
        }

        /// Attempts one after another count, and a success after each takes exactly itself back.
        #[test]
        fn a_success_takes_back_itself(pauses in vec(0..3000_u64, 0..100)) {
            let (mut bucket, mut now) = (Bucket::EMPTY, NOW);
            for pause in pauses {
                now = now.plus(pause);
                let counted = attempt(bucket, Limits::ADDRESS, now);
                prop_assert!(counted.is_ok(), "successful attempts never wait");
                bucket = succeeded(counted.unwrap(), Limits::ADDRESS);
                prop_assert!(bucket.failures == 0);
            }
        }

        /// After any attempts of strangers, by waiting or by proofs, a proof of the most difficulty lets the owner in, at once.
        #[test]
        fn strangers_keep_nobody_out_who_has_a_proof(tries in vec((0..2000_u64, 0..8_u32), 0..200)) {
            let (mut strangers, mut now) = (Strangers::NONE, NOW);
            for (pause, proof) in tries {
                now = now.plus(pause);
                let _ = strangers.attempt(now, proof.checked_sub(1).map(Difficulty::after));
                let mut owner = strangers;
                prop_assert!(owner.attempt(now, Some(Difficulty::MOST)).is_ok());
            }
        }

        /// Proofs prolong no wait: a user who waits gets in as soon as without them.
        #[test]
        fn proofs_prolong_no_wait(tries in vec((0..2000_u64, any::<bool>()), 0..200)) {
            let (mut with, mut without, mut now) = (Strangers::NONE, Strangers::NONE, NOW);
            for (pause, proves) in tries {
                now = now.plus(pause);
                let expected = without.attempt(now, None).map_err(|throttled| throttled.seconds);
                if proves && expected.is_err() {
                    prop_assert!(with.attempt(now, Some(Difficulty::MOST)).is_ok());
                } else {
                    let outcome = with.attempt(now, None).map_err(|throttled| throttled.seconds);
                    prop_assert_eq!(outcome, expected);
                }
            }
        }
    }
}
