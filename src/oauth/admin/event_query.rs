//! Queries of audit events: filter, cursor and retention.

use crate::oauth::refusal::EventQueryError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::token::UnixTime;
use crate::wire::Form;

use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::refusal::Refusal;
use crate::oauth::vocabulary::client::ClientId;
use crate::oauth::vocabulary::event_kind::{EventKind, Severity};

/// The span of one event object, seconds: an hour.
pub const HOUR: u64 = 3600;
/// A day, seconds.
pub const DAY: u64 = 24 * HOUR;
const LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;

/// A filter of events.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Filter {
    since: u64,
    until: u64,
    members: Vec<(String, String)>,
}

impl Filter {
    /// Returns whether an event matches.
    pub fn matches(&self, event: &Map<String, Value>) -> bool {
        let time = event.get("time").and_then(Value::as_u64);
        time.is_some_and(|time| self.since <= time && time < self.until)
            && self.members.iter().all(|(name, value)| event.get(name).and_then(Value::as_str) == Some(value))
    }

    /// Returns texts that the line of every matching event contains; lines without them are skipped.
    pub fn needles(&self) -> impl Iterator<Item = String> {
        self.members.iter().map(|(name, value)| format!("\"{name}\":{}", Value::from(value.as_str())))
    }
}

/// A position within an hour: before this event of this batch.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Position {
    /// The batch.
    pub key: String,
    /// The number of its events that have not been returned.
    pub left: u64,
}

/// A position within all hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The hour since 1970.
    pub hour: u64,
    /// The position in it; its end by default.
    pub position: Option<Position>,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('~');
        let hour = number(parts.next()?)?;
        let position = match (parts.next(), parts.next(), parts.next()) {
            (None, None, None) => None,
            (Some(key), Some(left), None) if is_key(key) => Some(Position { key: key.to_owned(), left: number(left)? }),
            _ => return None,
        };
        Some(Self { hour, position })
    }

    /// Returns the text for `cursor`.
    pub fn to_text(&self) -> String {
        match &self.position {
            None => self.hour.to_string(),
            Some(Position { key, left }) => format!("{}~{key}~{left}", self.hour),
        }
    }
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A query of events.
#[derive(Debug)]
pub struct EventQuery {
    /// The filter.
    pub filter: Filter,
    /// The maximum number of events.
    pub limit: u64,
    /// The position to start at.
    pub start: Cursor,
}

impl EventQuery {
    /// Parses a query. Without `since` it covers the whole retention; `until` itself is not included.
    ///
    /// # Errors
    /// [`Refusal::EventQuery`] names the wrong parameter; [`Refusal::CursorMalformed`] for `cursor`; [`Refusal::EventsNotKept`] if
    /// this server stores no events.
    pub fn parse(form: &Form, retention_days: u64, now: UnixTime) -> Result<Self, Refusal> {
        use crate::oauth::refusal::EventQueryError as Wrong;
        if retention_days == 0 {
            return Err(Refusal::EventsNotKept);
        }
        let oldest = now.0.saturating_sub(retention_days.saturating_mul(DAY));
        let (mut since, mut until, mut limit, mut cursor) = (oldest, now.0.saturating_add(1), LIMIT, None);
        let mut members = Vec::new();
        for (name, value) in form.named() {
            let checked = |good: bool, wrong: Wrong| if good { Ok(value.to_owned()) } else { Err(wrong) };
            let member = match name {
                "since" => {
                    since = number(value).ok_or(Wrong::Since)?;
                    continue;
                }
                "until" => {
                    until = number(value).ok_or(Wrong::Until)?;
                    continue;
                }
                "limit" => {
                    limit = number(value).filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or(Wrong::Limit)?;
                    continue;
                }
                "cursor" => {
                    cursor = Some(Cursor::parse(value).ok_or(Refusal::CursorMalformed)?);
                    continue;
                }
                "event" => checked(EventKind::ALL.iter().any(|known| known.word() == value), Wrong::Event),
                "severity" => checked(Severity::ALL.iter().any(|known| known.word() == value), Wrong::Severity),
                "client" => checked(ClientId::parse(value).is_some(), Wrong::Client),
                "user" => checked(AccountId::parse(value).is_some(), Wrong::User),
                "grant" => checked(GrantId::parse(value).is_some(), Wrong::Grant),
                "kid" => checked(is_identifier(value), Wrong::Kid),
                "jti" => checked(is_identifier(value), Wrong::Jti),
                _ => Err(Wrong::Unknown),
            };
            members.push((name.to_owned(), member?));
        }
        if since > until {
            return Err(Wrong::Range.into());
        }
        let filter = Filter { since: since.max(oldest), until: until.min(now.0.saturating_add(DAY)), members };
        let last = filter.until.saturating_sub(1) / HOUR;
        let start = cursor.unwrap_or(Cursor { hour: last, position: None });
        if start.hour > last.saturating_add(1) {
            return Err(Refusal::CursorMalformed);
        }
        Ok(Self { filter, limit, start })
    }

    /// The last hour to search.
    pub fn first_hour(&self) -> u64 {
        self.filter.since / HOUR
    }
}

impl From<EventQueryError> for Refusal {
    fn from(error: EventQueryError) -> Self {
        Self::EventQuery(error)
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| *number < 1 << 40 && number.to_string() == text)
}

fn is_identifier(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte))
}

/// The decision about an hour of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Delete it.
    Forget,
    /// Decide again at this time: within a day, since the operator may shorten the retention.
    Until(UnixTime),
}

/// Decides about an hour whose last batch was written at that time.
pub fn keeping(last: UnixTime, retention_days: u64, now: UnixTime) -> Keeping {
    let due = last.plus(retention_days.saturating_mul(DAY));
    if due <= now { Keeping::Forget } else { Keeping::Until(due.min(now.plus(DAY))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_800_000_000);

    fn parse(query: &str) -> Result<EventQuery, Refusal> {
        EventQuery::parse(&Form::parse(query).unwrap(), 30, NOW)
    }

    #[test]
    fn questions() {
        let all = parse("").unwrap();
        assert_eq!((all.limit, all.start.hour, all.first_hour()), (100, NOW.0 / HOUR, (NOW.0 - 30 * DAY) / HOUR));
        let some = parse("since=1799999000&until=1799999500&event=sign_in&client=a%22b&limit=7").unwrap();
        assert_eq!((some.limit, some.start.hour), (7, 1_799_999_499 / HOUR));
        let needles: Vec<_> = some.filter.needles().collect();
        assert_eq!(needles, [r#""event":"sign_in""#, r#""client":"a\"b""#]);
        for (query, error) in [
            ("since=x", EventQueryError::Since),
            ("since=-1", EventQueryError::Since),
            ("until=1.5", EventQueryError::Until),
            ("until=01", EventQueryError::Until),
            ("limit=0", EventQueryError::Limit),
            ("limit=1001", EventQueryError::Limit),
            ("since=2&until=1", EventQueryError::Range),
            ("event=other", EventQueryError::Event),
            ("event=", EventQueryError::Event),
            ("severity=bad", EventQueryError::Severity),
            ("client=%C3%A9", EventQueryError::Client),
            ("user=x", EventQueryError::User),
            ("grant=x", EventQueryError::Grant),
            ("kid=%20", EventQueryError::Kid),
            ("jti=", EventQueryError::Jti),
            ("username=ada", EventQueryError::Unknown),
        ] {
            assert_eq!(parse(query).unwrap_err(), Refusal::EventQuery(error), "{query}");
        }
        for cursor in ["x", "", "1~", "1~key", "1~key~x", "1~k%25y~1", "1~key~1~1", "900000", "-1"] {
            let refused = parse(&format!("cursor={cursor}")).unwrap_err();
            assert_eq!(refused, Refusal::CursorMalformed, "{cursor}");
        }
        assert_eq!(EventQuery::parse(&Form::parse("").unwrap(), 0, NOW).unwrap_err(), Refusal::EventsNotKept);
    }

    #[test]
    fn cursors_come_back() {
        for text in ["500000", "500000~1799999000.abc-_.000~17"] {
            let query = parse(&format!("cursor={text}")).unwrap();
            assert_eq!(query.start.to_text(), text);
        }
    }

    #[test]
    fn matching_events_are_found() {
        let filter = parse("since=1799999000&until=1799999500&event=sign_in").unwrap().filter;
        let event = |time: u64, word: &str| {
            Map::from_iter([("time".to_owned(), Value::from(time)), ("event".to_owned(), Value::from(word))])
        };
        assert!(filter.matches(&event(1_799_999_000, "sign_in")));
        assert!(filter.matches(&event(1_799_999_499, "sign_in")));
        assert!(!filter.matches(&event(1_799_998_999, "sign_in")));
        assert!(!filter.matches(&event(1_799_999_500, "sign_in")));
        assert!(!filter.matches(&event(1_799_999_000, "sign_in_failed")));
        assert!(!filter.matches(&Map::new()));
    }

    #[test]
    fn a_query_never_goes_back_beyond_the_retention() {
        let query = parse("since=0").unwrap();
        assert_eq!(query.first_hour(), (NOW.0 - 30 * DAY) / HOUR);
        assert!(parse("since=0&until=1").unwrap().start.hour < query.first_hour());
    }

    #[test]
    fn an_hour_is_kept_for_as_long_as_said_and_looked_at_once_a_day() {
        let last = UnixTime(NOW.0 - 2 * DAY);
        assert_eq!(keeping(last, 2, NOW), Keeping::Forget);
        assert_eq!(keeping(last, 0, NOW), Keeping::Forget);
        assert_eq!(keeping(UnixTime(last.0 + 1), 2, NOW), Keeping::Until(NOW.plus(1)));
        assert_eq!(keeping(last, 30, NOW), Keeping::Until(NOW.plus(DAY)));
    }
}
