//! The JWK Sets that other parties publish, as an isolate remembers them: when a set is used, and when it is fetched again.
//!
//! Times are milliseconds since 1970: a request that finds a key missing must know whether the set is older than itself.

use std::collections::HashMap;
use std::rc::Rc;

use crate::oauth::vocabulary::remote_url::RemoteUrl;
use crate::token::KeySet;

/// The age at which a set is fetched again before it is used, seconds.
pub const FRESH_FOR: u64 = 300;
/// How long the last good set is used while a newer one cannot be fetched, seconds.
pub const KEPT_FOR: u64 = 24 * 3600;
/// The shortest time between two fetches that look for an unknown key, seconds: anyone can send a token that names one.
pub const SEARCH_EVERY: u64 = 60;
/// The shortest time between a failed fetch and the next one, seconds: with a set that can be used meanwhile, and without one.
pub const RETRY_EVERY: u64 = 60;
/// See [`RETRY_EVERY`].
pub const RETRY_EVERY_WITHOUT: u64 = 5;
/// The longest fetch, seconds. One that has lasted longer belongs to a request that was cancelled.
pub const LONGEST_FETCH: u64 = 6;
/// The maximum number of sets that an isolate remembers.
pub const MAX_SETS: usize = 100;
/// The maximum number of keys in a set.
pub const MAX_KEYS: usize = 100;

/// What a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The current set.
    Current,
    /// A set that may have a key which the current one lacks: one that was read after this time, the start of the request.
    ReadAfter(u64),
}

/// What a request does next.
#[derive(Clone, Debug)]
pub enum Step {
    /// It uses this set.
    Use(Rc<KeySet>),
    /// It fetches the set, and reports the result to [`RemoteKeys::fetched`].
    Fetch,
    /// It waits for the fetch of another request, and asks again.
    Wait,
    /// No set can be had for this number of seconds.
    Unavailable {
        /// Seconds until the next fetch.
        seconds: u64,
    },
}

/// The sets that an isolate remembers.
#[derive(Debug, Default)]
pub struct RemoteKeys {
    sets: HashMap<RemoteUrl, Remembered>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// The last good set, and when it was read.
    set: Option<(Rc<KeySet>, u64)>,
    fetching_since: Option<u64>,
    failed_at: Option<u64>,
    searched_at: Option<u64>,
}

impl RemoteKeys {
    /// Decides what a request does. After [`Step::Fetch`], other requests wait or use the last good set.
    pub fn next(&mut self, url: &RemoteUrl, need: Need, now: u64) -> Step {
        if !self.sets.contains_key(url) {
            self.make_room();
            self.sets.insert(url.clone(), Remembered::default());
        }
        self.sets.get_mut(url).map_or(Step::Fetch, |set| set.next(need, now))
    }

    /// Notes the result of a fetch; `None` if it failed or returned no usable set. The last good set is kept then.
    pub fn fetched(&mut self, url: &RemoteUrl, set: Option<KeySet>, now: u64) {
        let remembered = self.sets.entry(url.clone()).or_default();
        remembered.fetching_since = None;
        match set.filter(|set| !set.is_empty() && set.len() <= MAX_KEYS) {
            Some(set) => {
                remembered.set = Some((Rc::new(set), now));
                remembered.failed_at = None;
            }
            None => remembered.failed_at = Some(now),
        }
    }

    /// Forgets the set that was read the longest ago.
    fn make_room(&mut self) {
        if self.sets.len() < MAX_SETS {
            return;
        }
        let oldest = self.sets.iter().min_by_key(|(_, set)| set.set.as_ref().map(|(_, read_at)| *read_at));
        if let Some(url) = oldest.map(|(url, _)| url.clone()) {
            self.sets.remove(&url);
        }
    }
}

impl Remembered {
    fn next(&mut self, need: Need, now: u64) -> Step {
        let usable = self.set.as_ref().filter(|(_, read_at)| is_within(KEPT_FOR, *read_at, now));
        let (set, read_at) = (usable.map(|(set, _)| Rc::clone(set)), usable.map(|(_, read_at)| *read_at));
        let is_enough = match need {
            Need::Current => read_at.is_some_and(|read_at| is_within(FRESH_FOR, read_at, now)),
            Need::ReadAfter(start) => read_at.is_some_and(|read_at| start < read_at),
        };
        // Without a newer set, an older one is enough for a request that does not look for a newer key.
        let fallback = set.clone().filter(|_| need == Need::Current);
        let retry_every = if set.is_some() { RETRY_EVERY } else { RETRY_EVERY_WITHOUT };
        let failed = remaining(self.failed_at, retry_every, now);
        let searched = remaining(self.searched_at.filter(|_| need != Need::Current), SEARCH_EVERY, now);
        match (set, fallback, failed.max(searched)) {
            (Some(set), _, _) if is_enough => Step::Use(set),
            (_, Some(old), _) if self.is_being_fetched(now) => Step::Use(old),
            (_, None, _) if self.is_being_fetched(now) => Step::Wait,
            (_, Some(old), Some(_)) => Step::Use(old),
            (_, None, Some(seconds)) => Step::Unavailable { seconds },
            (_, _, None) => {
                self.fetching_since = Some(now);
                if need != Need::Current {
                    self.searched_at = Some(now);
                }
                Step::Fetch
            }
        }
    }

    fn is_being_fetched(&self, now: u64) -> bool {
        self.fetching_since.is_some_and(|since| is_within(LONGEST_FETCH, since, now))
    }
}

/// Returns how many seconds of a span that began at `since` remain, if any.
fn remaining(since: Option<u64>, span: u64, now: u64) -> Option<u64> {
    let since = since.filter(|since| is_within(span, *since, now))?;
    Some(span.saturating_sub(now.saturating_sub(since) / 1000))
}

/// Returns whether two times are less than a number of seconds apart. A clock that was set back makes nothing last longer.
const fn is_within(seconds: u64, of: u64, now: u64) -> bool {
    now.abs_diff(of) < 1000 * seconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Key;
    use serde_json::json;

    const START: u64 = 1_000_000_000;

    fn url(name: &str) -> RemoteUrl {
        RemoteUrl::parse(&format!("https://{name}.example/jwks")).unwrap()
    }

    fn set(kids: &[&str]) -> KeySet {
        KeySet::new(kids.iter().map(|kid| {
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
            Key::from_jwk(jwk.as_object().unwrap()).unwrap()
        }))
    }

    /// One party's set, and a readable form of the steps.
    #[derive(Default)]
    struct One(RemoteKeys);

    impl One {
        fn at(&mut self, seconds: u64, need: Need) -> String {
            match self.0.next(&url("a"), need, START + 1000 * seconds) {
                Step::Use(set) => format!("use {}", set.get(0).unwrap().kid().unwrap()),
                Step::Fetch => "fetch".to_owned(),
                Step::Wait => "wait".to_owned(),
                Step::Unavailable { seconds } => format!("unavailable {seconds}"),
            }
        }

        fn current(&mut self, seconds: u64) -> String {
            self.at(seconds, Need::Current)
        }

        /// A request that began at this time and found a key missing.
        fn search(&mut self, seconds: u64) -> String {
            self.at(seconds, Need::ReadAfter(START + 1000 * seconds))
        }

        fn fetched(&mut self, seconds: u64, kid: Option<&str>) {
            self.0.fetched(&url("a"), kid.map(|kid| set(&[kid])), START + 1000 * seconds);
        }

        fn with_set() -> Self {
            let mut one = Self::default();
            assert_eq!(one.current(0), "fetch");
            one.fetched(0, Some("k1"));
            one
        }
    }

    #[test]
    fn a_set_is_used_for_five_minutes_and_then_fetched_by_one_request() {
        let mut one = One::with_set();
        assert_eq!(one.current(0), "use k1");
        assert_eq!(one.current(299), "use k1");
        assert_eq!(one.current(300), "fetch");
        assert_eq!(one.current(300), "use k1", "the others do not wait");
        one.fetched(301, Some("k2"));
        assert_eq!(one.current(302), "use k2");
    }

    #[test]
    fn requests_that_need_a_set_wait_for_the_fetch_of_the_first() {
        let mut one = One::default();
        assert_eq!(one.current(0), "fetch");
        assert_eq!(one.current(0), "wait");
        assert_eq!(one.current(5), "wait");
        assert_eq!(one.current(6), "fetch", "the first request was cancelled");
        one.fetched(6, Some("k1"));
        assert_eq!(one.current(6), "use k1");
    }

    #[test]
    fn the_last_good_set_is_kept_for_a_day_and_a_failing_server_is_asked_once_a_minute() {
        let mut one = One::with_set();
        assert_eq!(one.current(300), "fetch");
        one.fetched(300, None);
        assert_eq!(one.current(301), "use k1");
        assert_eq!(one.current(359), "use k1");
        assert_eq!(one.current(360), "fetch");
        one.fetched(360, None);
        assert_eq!(one.current(420), "fetch");
        one.fetched(420, None);
        assert_eq!(one.current(KEPT_FOR - 1), "fetch");
        one.fetched(KEPT_FOR - 1, None);
        assert_eq!(one.current(KEPT_FOR), "unavailable 4");
    }

    #[test]
    fn without_a_set_a_failing_server_is_asked_every_five_seconds() {
        let mut one = One::default();
        assert_eq!(one.current(0), "fetch");
        one.fetched(1, None);
        assert_eq!(one.current(1), "unavailable 5");
        assert_eq!(one.current(5), "unavailable 1");
        assert_eq!(one.current(6), "fetch");
    }

    #[test]
    fn an_unknown_key_causes_one_fetch_a_minute() {
        let mut one = One::with_set();
        assert_eq!(one.search(10), "fetch", "the first fetch is not a search");
        assert_eq!(one.search(10), "wait");
        one.fetched(11, Some("k2"));
        assert_eq!(one.search(10), "use k2", "read after the request began");
        assert_eq!(one.search(11), "unavailable 59", "read before the request began");
        assert_eq!(one.search(12), "unavailable 58");
        assert_eq!(one.current(12), "use k2", "requests with known keys are served");
        assert_eq!(one.search(69), "unavailable 1");
        assert_eq!(one.search(70), "fetch");
        one.fetched(70, None);
        assert_eq!(one.search(71), "unavailable 59");
        assert_eq!(one.current(71), "use k2");
    }

    #[test]
    fn a_set_that_the_request_has_just_fetched_is_not_fetched_again() {
        let mut one = One::default();
        assert_eq!(one.current(0), "fetch");
        one.fetched(1, Some("k1"));
        assert_eq!(one.search(0), "use k1");
    }

    #[test]
    fn an_empty_set_and_one_with_too_many_keys_are_failures() {
        let mut keys = RemoteKeys::default();
        let many = (0..=MAX_KEYS).map(|number| number.to_string()).collect::<Vec<_>>();
        let many = many.iter().map(String::as_str).collect::<Vec<_>>();
        for (name, unusable) in [("a", set(&[])), ("b", set(&many))] {
            keys.fetched(&url(name), Some(unusable), START);
            assert!(matches!(keys.next(&url(name), Need::Current, START), Step::Unavailable { seconds: 5 }), "{name}");
        }
        keys.fetched(&url("c"), Some(set(&many[1..])), START);
        assert!(matches!(keys.next(&url("c"), Need::Current, START), Step::Use(_)));
    }

    #[test]
    fn the_number_of_sets_is_bounded_and_the_oldest_goes_first() {
        let mut keys = RemoteKeys::default();
        for number in 0..=MAX_SETS {
            let (url, now) = (url(&format!("n{number}")), START + number as u64);
            assert!(matches!(keys.next(&url, Need::Current, now), Step::Fetch));
            keys.fetched(&url, Some(set(&["k"])), now);
        }
        assert_eq!(keys.sets.len(), MAX_SETS);
        assert!(!keys.sets.contains_key(&url("n0")) && keys.sets.contains_key(&url("n1")));
    }
}
