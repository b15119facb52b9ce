//! Sequences of attempts: what is free, how long the waits are, what time and success forgive.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::identity::address::AddressBlocks;

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
    (prop_oneof![any::<u32>(), 0..40_u32], time).prop_map(|(failures, last)| Bucket { failures, last: UnixTime(last) })
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
