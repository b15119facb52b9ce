//! The events that wait in an isolate until they are stored.
//!
//! The buffer is bounded, and counts what it drops. One batch is gathered at a time. Failed client authentications, which
//! anyone can cause without end, are counted instead of stored one by one.

use std::collections::BTreeMap;

use crate::oauth::admin::event::{About, Event};
use crate::oauth::admin::event_query::HOUR;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::UnixTime;

/// The maximum number of waiting events.
const MAX_WAITING: usize = 10_000;
/// The maximum number of different failures of client authentication. They differ by client, endpoint and reason, and are
/// searched one by one.
const MAX_FAILURES: usize = 1000;
/// Seconds after which a batch that is still being gathered counts as abandoned.
const GIVEN_UP: u64 = 60;

/// Client authentications that failed in the same way while one batch was gathered: stored as one event.
#[derive(Debug)]
pub struct Failure {
    /// The time of the first failure.
    pub time: UnixTime,
    /// The endpoint that refused.
    pub endpoint: &'static str,
    /// The word of the refusal.
    pub reason: Option<&'static str>,
    /// The client, if it exists.
    pub client: Option<ClientId>,
}

impl Failure {
    fn is_like(&self, other: &Self) -> bool {
        let same_hour = self.time.0 / HOUR == other.time.0 / HOUR;
        same_hour && (self.endpoint, self.reason, &self.client) == (other.endpoint, other.reason, &other.client)
    }

    fn into_line(self, count: u64) -> String {
        let event = EventKind::ClientAuthenticationFailed;
        let Self { time, endpoint, reason, client } = self;
        let (about, count) = (About { client, ..About::default() }, (count > 1).then_some(count));
        Event { event, severity: event.severity(), time, endpoint, reason, count, about: &about }.to_line()
    }
}

/// The waiting events.
#[derive(Debug, Default)]
pub struct EventBuffer {
    lines: Vec<(UnixTime, String)>,
    failures: Vec<(Failure, u64)>,
    /// Events that could not be stored, and that the store has not been notified of.
    dropped: u64,
    /// The start of the batch that is being gathered.
    gathering: Option<UnixTime>,
}

/// A batch of events to store.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// The lines of the events, by the hour since 1970 in which they happened.
    pub hours: BTreeMap<u64, Vec<String>>,
    /// The number of events that were dropped before.
    pub dropped: u64,
}

impl EventBuffer {
    /// Creates an empty buffer.
    pub const fn new() -> Self {
        Self { lines: Vec::new(), failures: Vec::new(), dropped: 0, gathering: None }
    }

    /// Adds the line of an event. A full buffer drops it.
    pub fn push(&mut self, time: UnixTime, line: String) {
        if self.lines.len() < MAX_WAITING {
            self.lines.push((time, line));
        } else {
            self.dropped += 1;
        }
    }

    /// Counts a failed client authentication. It never displaces other events.
    pub fn count_failure(&mut self, failure: Failure) {
        let is_full = self.failures.len() >= MAX_FAILURES;
        match self.failures.iter_mut().find(|(known, _)| known.is_like(&failure)) {
            Some((_, count)) => *count += 1,
            None if is_full => self.dropped += 1,
            None => self.failures.push((failure, 1)),
        }
    }

    /// Counts events that could not be stored.
    pub fn count_dropped(&mut self, count: u64) {
        self.dropped += count;
    }

    /// Returns whether the caller must gather a batch: something waits, and no other task gathers. A task that has not
    /// taken its batch after a minute counts as terminated.
    pub fn begin_batch(&mut self, now: UnixTime) -> bool {
        let is_gathering = self.gathering.is_some_and(|since| now < since.plus(GIVEN_UP));
        let is_empty = self.lines.is_empty() && self.failures.is_empty();
        let begins = !is_gathering && !is_empty;
        if begins {
            self.gathering = Some(now);
        }
        begins
    }

    /// Takes everything that waits, and ends the gathering.
    pub fn take_batch(&mut self) -> Batch {
        self.gathering = None;
        let mut hours: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (time, line) in self.lines.drain(..) {
            hours.entry(time.0 / HOUR).or_default().push(line);
        }
        for (failure, count) in self.failures.drain(..) {
            hours.entry(failure.time.0 / HOUR).or_default().push(failure.into_line(count));
        }
        Batch { hours, dropped: std::mem::take(&mut self.dropped) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixTime = UnixTime(7200);

    fn failure(client: &str, time: UnixTime) -> Failure {
        Failure { time, endpoint: "/oauth/token", reason: Some("client_secret"), client: ClientId::parse(client) }
    }

    #[test]
    fn one_task_gathers_at_a_time() {
        let mut buffer = EventBuffer::new();
        assert!(!buffer.begin_batch(T), "nothing waits");
        buffer.push(T, "a".to_owned());
        assert!(buffer.begin_batch(T));
        buffer.push(T, "b".to_owned());
        assert!(!buffer.begin_batch(UnixTime(T.0 + 59)), "the first task gathers");
        assert_eq!(buffer.take_batch().hours[&2], ["a", "b"]);
        assert!(!buffer.begin_batch(T), "everything was taken");
        buffer.count_failure(failure("c", T));
        assert!(buffer.begin_batch(T));
    }

    #[test]
    fn a_task_that_died_is_replaced_after_a_minute() {
        let mut buffer = EventBuffer::new();
        buffer.push(T, "a".to_owned());
        assert!(buffer.begin_batch(T));
        assert!(!buffer.begin_batch(UnixTime(T.0 + 59)));
        assert!(buffer.begin_batch(UnixTime(T.0 + 60)));
    }

    #[test]
    fn a_batch_is_sorted_by_hour() {
        let mut buffer = EventBuffer::new();
        for (time, line) in [(7199, "a"), (7200, "b"), (7198, "c")] {
            buffer.push(UnixTime(time), line.to_owned());
        }
        let Batch { hours, dropped } = buffer.take_batch();
        assert_eq!(dropped, 0);
        assert_eq!(hours, BTreeMap::from([(1, vec!["a".to_owned(), "c".to_owned()]), (2, vec!["b".to_owned()])]));
        assert_eq!(buffer.take_batch(), Batch { hours: BTreeMap::new(), dropped: 0 });
    }

    #[test]
    fn a_full_buffer_drops_and_counts() {
        let mut buffer = EventBuffer::new();
        for _ in 0..MAX_WAITING + 3 {
            buffer.push(T, String::new());
        }
        buffer.count_dropped(2);
        let batch = buffer.take_batch();
        assert_eq!((batch.hours[&2].len(), batch.dropped), (MAX_WAITING, 5));
        assert_eq!(buffer.take_batch().dropped, 0, "reported once");
    }

    #[test]
    fn failures_of_one_client_are_one_event_and_displace_no_other() {
        let mut buffer = EventBuffer::new();
        for _ in 0..3 {
            buffer.count_failure(failure("one", T));
        }
        buffer.count_failure(failure("one", UnixTime(T.0 - 1)));
        buffer.count_failure(failure("two", T));
        let batch = buffer.take_batch();
        let line = |client, time, count: &str| {
            format!(
                concat!(
                    r#"{{"event":"client_authentication_failed","severity":"notice","time":{},"endpoint":"/oauth/token","#,
                    r#""reason":"client_secret"{},"client":"{}"}}"#
                ),
                time, count, client
            )
        };
        assert_eq!(batch.hours[&2], [line("one", 7200, r#","count":3"#), line("two", 7200, "")]);
        assert_eq!(batch.hours[&1], [line("one", 7199, "")]);

        for index in 0..=MAX_FAILURES {
            buffer.count_failure(failure(&format!("client-{index}"), T));
        }
        buffer.push(T, "another".to_owned());
        let batch = buffer.take_batch();
        assert_eq!((batch.hours[&2].len(), batch.dropped), (MAX_FAILURES + 1, 1));
    }
}
