//! How often somebody may try to sign in: rate limiting by account and by address (NIST SP 800-63B-4 section 3.2.2).
//!
//! An attempt is counted as failed before the password is looked at, so that attempts at the same time cannot slip through
//! between checking and counting. What it is counted against:
//!
//! - of a stranger: the bucket of the address ([`Limits::ADDRESS`]), and the one that all strangers who name this user
//!   share ([`Limits::STRANGER`]), whether or not there is such a user;
//! - of a browser that has signed in to this account before, and proves it: the bucket of this browser and this account
//!   ([`Limits::KNOWN_BROWSER`]), and no other;
//! - without a user name (a passkey, or text that no name can be): the bucket of the address.
//!
//! Strangers who guess at a user name wait longer and longer, wherever they come from. The owner's browser shares no bucket
//! with them, not even behind the same address, so nobody locks the owner out. The owner on a new device, with a password,
//! while strangers are at it, waits as they do: 15 minutes at most.

use serde::{Deserialize, Serialize};

use crate::token::UnixTime;

/// What is remembered of attempts: how many failed, and when the last one was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Bucket {
    /// The failures that count, after what time has forgiven.
    failures: u32,
    last: UnixTime,
}

/// How a kind of bucket is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many attempts may fail before anybody waits.
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
    /// One address, whatever user is named. Many people may share it: it is more patient and forgets faster.
    pub const ADDRESS: Self = Self { free: 50, longest: LONGEST, forgiven_after: 60, shared: true };
}

/// The longest wait, seconds.
const LONGEST: u64 = 15 * 60;

/// Too many attempts: come back after so many seconds (the `Retry-After` of RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u64);

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

    /// May it be forgotten? Then an empty one in its place answers the same.
    pub fn is_idle(self, limits: Limits, now: UnixTime) -> bool {
        self.failures_at(limits, now) == 0
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
        // However far the clock has gone back, nobody is told to wait longer than the wait itself.
        return Err(RetryAfter(open_at.0.saturating_sub(now.0).min(wait)));
    }
    let last = bucket.last.max(now);
    Ok(Bucket { failures: bucket.failures_at(limits, now).saturating_add(1), last })
}

/// The bucket after an attempt that was right: the one that [`attempt`] gave, read again if others may have tried since.
///
/// A bucket of one's own is empty again. A shared one only loses this attempt: whoever has an account of their own must
/// not be able to clear the way for guessing at others.
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

/// The address that a bucket is for: an IPv4 address as it is, of an IPv6 address the network (its first 64 bits), since
/// whoever has one has all of them. Anything else shares one bucket.
pub fn address_bucket(ip: &str) -> String {
    match ip.trim().parse() {
        Ok(std::net::IpAddr::V4(address)) => address.to_string(),
        Ok(std::net::IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                format!("{}/64", std::net::Ipv6Addr::from(network))
            }
        },
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime(1_900_000_000);
    const KINDS: [Limits; 3] = [Limits::STRANGER, Limits::KNOWN_BROWSER, Limits::ADDRESS];

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
                // What the address forgives meanwhile is counted anew, to see the doubling alone.
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
    fn time_forgives() {
        let (bucket, _) = failures_at_once(Limits::STRANGER);
        assert!(!bucket.is_idle(Limits::STRANGER, NOW.plus(9 * 900)));
        assert!(bucket.is_idle(Limits::STRANGER, NOW.plus(10 * 900)));
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

    #[test]
    fn addresses_have_one_bucket_a_network() {
        for (ip, bucket) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
            ("", "unknown"),
            ("192.0.2.1, 192.0.2.2", "unknown"),
            ("192.0.2.01", "unknown"),
            ("fe80::1%eth0", "unknown"),
            ("a.example", "unknown"),
        ] {
            assert_eq!(address_bucket(ip), bucket, "{ip}");
        }
    }

    /// What an attempt is counted against, as the module's documentation has it.
    fn buckets(ip: &str, username: &str, known_browser: Option<&str>) -> Vec<(String, Limits)> {
        match known_browser {
            Some(browser) => vec![(format!("browser {browser} of {username}"), Limits::KNOWN_BROWSER)],
            None => vec![
                (format!("address {}", address_bucket(ip)), Limits::ADDRESS),
                (format!("strangers for {username}"), Limits::STRANGER),
            ],
        }
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
        /// Whatever strangers try, from the owner's address too, with this user name or another, with browsers that they
        /// know their way in with: the owner's browser may try.
        #[test]
        fn strangers_never_block_a_known_browser(tries in vec((0..2000_u64, 0..3_usize, 0..3_usize, 0..3_usize), 0..200)) {
            let names = ["owner", "stranger", "another"];
            let (ips, browsers) = (["192.0.2.1", "2001:db8::1", "x"], [None, Some("theirs"), Some("browser")]);
            let mut kept = std::collections::HashMap::new();
            let mut now = NOW;
            for (pause, ip, name, browser) in tries {
                now = now.plus(pause);
                // Nobody but the owner has a browser that has signed in to the owner's account.
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

        /// Nothing panics, nobody is told to wait longer than the longest wait, and after that wait the door is open.
        #[test]
        fn no_wait_is_longer_than_the_longest(bucket in any_bucket(), now in any::<u64>(), kind in 0..3_usize) {
            let limits = KINDS[kind];
            if let Err(RetryAfter(wait)) = attempt(bucket, limits, UnixTime(now)) {
                prop_assert!((1..=limits.longest).contains(&wait));
            }
            // The very end of time aside, where there is no later.
            if let Some(later) = bucket.last.0.checked_add(limits.longest) {
                prop_assert!(attempt(bucket, limits, UnixTime(later)).is_ok());
            }
        }

        /// A clock that goes back opens no door and forgives nothing.
        #[test]
        fn a_clock_that_goes_back_unblocks_nobody(bucket in any_bucket(), now in any::<u64>(), back in any::<u64>(), kind in 0..3_usize) {
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
                prop_assert!(counted.is_ok(), "whoever is always right never waits");
                bucket = succeeded(counted.unwrap(), Limits::ADDRESS);
                prop_assert!(bucket.failures == 0);
            }
        }
    }
}
