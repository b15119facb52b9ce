//! What is to be known afterwards: each event is one line of the log at once, and soon a record of the store.
//!
//! No answer waits for the store. Events lie in a buffer of the isolate; the first one has a batch sent, a second later
//! and after the answer (`waitUntil`), with all that has come by then: one call an isolate and second at the most. The
//! buffer is bounded, and what cannot be stored is counted and told. An isolate that dies within that second takes its
//! last events with it; the log has them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use worker::{Delay, Env, console_log};

use crate::account::turn::Ended;
use crate::oauth::admin::event::{About, Event};
use crate::oauth::admin::event_query::HOUR;
use crate::oauth::endpoints::token_endpoint::AccessToken;
use crate::oauth::grant::handle::{AccountId, GrantId};
use crate::oauth::vocabulary::client::GrantType;
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::oauth::{ClientId, Refusal};
use crate::token::{Token, UnixTime, base64url};

use super::background;
use super::clock::now;
use super::env::{self, EVENTS};
use super::objects;
use super::objects::events_do::{EventsAnswer, EventsCommand};
use super::random::random;
use super::report::{self, Fault};

/// How many events wait in an isolate at the most.
const MAX_WAITING: usize = 10_000;
/// How many different failures of client authentication wait in an isolate at the most. They differ by client, endpoint
/// and reason, and are searched one by one.
const MAX_FAILURES: usize = 1000;
/// How many events a row holds at the most.
const MAX_ROW: usize = 500;
/// How long a batch is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How long to wait before a batch is sent again.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// After this many seconds without an end, whoever sent a batch is taken to have died.
const GIVEN_UP: u64 = 60;

/// What is known of one request, as far as it is known to exist, and what comes of it.
pub(crate) struct Audit {
    now: UnixTime,
    keeps: bool,
    endpoint: Cell<&'static str>,
    by_operator: Cell<bool>,
    about: RefCell<About>,
}

impl Audit {
    /// A request at that time. `keeps`: are events stored?
    pub(crate) fn new(now: UnixTime, keeps: bool) -> Self {
        let (endpoint, by_operator) = (Cell::new(""), Cell::new(false));
        Self { now, keeps, endpoint, by_operator, about: RefCell::default() }
    }

    /// Where the request is.
    pub(crate) fn at(&self, endpoint: &'static str, by_operator: bool) -> &Self {
        self.endpoint.set(endpoint);
        self.by_operator.set(by_operator);
        self
    }

    /// It is about a client that is there.
    pub(crate) fn client(&self, id: &ClientId) -> &Self {
        self.about.borrow_mut().client = Some(id.clone());
        self
    }

    /// It is about an account that is there.
    pub(crate) fn user(&self, id: &AccountId) -> &Self {
        self.about.borrow_mut().user = Some(id.clone());
        self
    }

    /// It is about a grant that this authority made.
    pub(crate) fn grant(&self, id: &GrantId) -> &Self {
        self.about.borrow_mut().grant = Some(id.clone());
        self
    }

    /// It is about a signing key, or a token that it signed.
    pub(crate) fn key(&self, kid: &str) -> &Self {
        self.about.borrow_mut().kid = Some(kid.to_owned());
        self
    }

    /// It is about a token that was minted or verified here.
    pub(crate) fn jti(&self, jti: &str) -> &Self {
        self.about.borrow_mut().jti = Some(jti.to_owned());
        self
    }

    /// It is about this bulk revocation.
    pub(crate) fn revocation(&self, id: &str) -> &Self {
        self.about.borrow_mut().revocation = Some(id.to_owned());
        self
    }

    /// Whoever holds this token acts.
    pub(crate) fn by(&self, token: &Token) -> &Self {
        let mut about = self.about.borrow_mut();
        about.by = token.claims().text("client_id").and_then(ClientId::parse);
        let subject = token.claims().text("sub").filter(|sub| token.claims().text("client_id") != Some(*sub));
        about.by_user = subject.and_then(AccountId::parse);
        drop(about);
        self
    }

    /// This happened.
    pub(crate) fn note(&self, happening: EventKind) {
        self.leave(happening, None, None);
    }

    /// This happened, so many times.
    pub(crate) fn note_count(&self, happening: EventKind, count: u64) {
        self.leave(happening, None, Some(count));
    }

    /// This happened in that way.
    pub(crate) fn note_way(&self, happening: EventKind, way: &'static str) {
        self.leave(happening, Some(way), None);
    }

    /// An access token has been minted. The same token once more is what a client got that asked again.
    pub(crate) fn minted(&self, claims: &AccessToken, way: GrantType, repeated: bool) {
        let happening = if repeated { EventKind::RefreshRepeated } else { EventKind::TokenIssued };
        self.jti(claims.jti()).note_way(happening, way.name());
    }

    /// A change of credentials has ended this much: one event for each kind of which there was something.
    pub(crate) fn ended(&self, ended: Ended) {
        for (happening, count) in [
            (EventKind::PasskeyRemoved, ended.passkeys),
            (EventKind::SessionsEnded, ended.sessions),
            (EventKind::GrantsEnded, ended.grants),
        ] {
            if count > 0 {
                self.note_count(happening, count);
            }
        }
    }

    /// A request was refused: an event, if it is worth one, else a line of the log.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        match refusal.event(self.by_operator.get()) {
            Some(happening) => self.note_way(happening, refusal.kind()),
            None => report::refused(self.endpoint.get(), refusal),
        }
    }

    fn leave(&self, event: EventKind, reason: Option<&'static str>, count: Option<u64>) {
        let (severity, endpoint) = (event.severity(), self.endpoint.get());
        let about = &*self.about.borrow();
        let line = Event { event, severity, time: self.now, endpoint, reason, count, about }.to_line();
        console_log!("{line}");
        if !self.keeps {
            return;
        }
        BUFFER.with_borrow_mut(|buffer| match event {
            // Anyone can cause these without end: they must not push other events out of the store.
            EventKind::ClientAuthenticationFailed => {
                let client = about.client.clone();
                buffer.count_failure(Failure { time: self.now, endpoint, reason, client, count: 1 });
            }
            _ => buffer.push(self.now, line),
        });
    }
}

/// Client authentications that failed in the same way while one batch was gathered: stored as one event.
struct Failure {
    /// When the first failed.
    time: UnixTime,
    endpoint: &'static str,
    reason: Option<&'static str>,
    client: Option<ClientId>,
    count: u64,
}

impl Failure {
    fn is_like(&self, other: &Self) -> bool {
        let same_hour = self.time.0 / HOUR == other.time.0 / HOUR;
        same_hour && (self.endpoint, self.reason, &self.client) == (other.endpoint, other.reason, &other.client)
    }

    fn into_line(self) -> String {
        let event = EventKind::ClientAuthenticationFailed;
        let Self { time, endpoint, reason, client, count } = self;
        let (about, count) = (About { client, ..About::default() }, (count > 1).then_some(count));
        Event { event, severity: event.severity(), time, endpoint, reason, count, about: &about }.to_line()
    }
}

/// What waits to be stored.
struct Buffer {
    lines: Vec<(UnixTime, String)>,
    failures: Vec<Failure>,
    /// How many could not be stored, and have not been told of in the store.
    dropped: u64,
    /// Since when somebody is gathering the next batch.
    gathering: Option<UnixTime>,
    /// Whether it has been said that there is no store.
    missed: bool,
}

thread_local! {
    static BUFFER: RefCell<Buffer> =
        const {
            RefCell::new(Buffer { lines: Vec::new(), failures: Vec::new(), dropped: 0, gathering: None, missed: false })
        };
}

impl Buffer {
    fn push(&mut self, time: UnixTime, line: String) {
        if self.lines.len() < MAX_WAITING {
            self.lines.push((time, line));
        } else {
            self.dropped += 1;
        }
    }

    fn count_failure(&mut self, failure: Failure) {
        let is_full = self.failures.len() >= MAX_FAILURES;
        match self.failures.iter_mut().find(|known| known.is_like(&failure)) {
            Some(known) => known.count += 1,
            None if is_full => self.dropped += 1,
            None => self.failures.push(failure),
        }
    }

    /// Has somebody to gather a batch? If so, it is whoever asks.
    fn begins(&mut self, now: UnixTime) -> bool {
        let somebody = self.gathering.is_some_and(|since| now < since.plus(GIVEN_UP));
        let is_empty = self.lines.is_empty() && self.failures.is_empty();
        let begins = !somebody && !is_empty;
        if begins {
            self.gathering = Some(now);
        }
        begins
    }

    /// Everything that waits, by the hour, and how many events the store has missed so far. From now on somebody else gathers.
    fn take(&mut self) -> (BTreeMap<u64, Vec<String>>, u64) {
        self.gathering = None;
        let mut hours: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (time, line) in self.lines.drain(..) {
            hours.entry(time.0 / HOUR).or_default().push(line);
        }
        for failure in self.failures.drain(..) {
            hours.entry(failure.time.0 / HOUR).or_default().push(failure.into_line());
        }
        (hours, std::mem::take(&mut self.dropped))
    }
}

/// Has what waits stored, if nobody is about to. No answer waits for that.
pub(crate) fn deliver(env: &Env) {
    if BUFFER.with_borrow_mut(|buffer| buffer.begins(now())) {
        background::run(gather(env.clone()));
    }
}

/// Gathers a batch and stores it.
async fn gather(env: Env) {
    Delay::from(GATHER).await;
    let (hours, mut missed) = BUFFER.with_borrow_mut(Buffer::take);
    for (hour, mut lines) in hours {
        let count = lines.len() as u64;
        if missed > 0 {
            lines.push(told_dropped(missed, now()));
        }
        if store(&env, hour, &lines).await {
            missed = 0;
        } else {
            console_log!("{}", told_dropped(count, now()));
            missed += count;
        }
    }
    // To be told with the next batch.
    BUFFER.with_borrow_mut(|buffer| buffer.dropped += missed);
}

/// Stores a batch. The same batch that is sent again counts once.
async fn store(env: &Env, hour: u64, lines: &[String]) -> bool {
    if let Err(cause) = env.durable_object(EVENTS) {
        // Said once: the log would hold nothing else.
        if !BUFFER.with_borrow_mut(|buffer| std::mem::replace(&mut buffer.missed, true)) {
            let _ = objects::unavailable(cause);
        }
        return false;
    }
    let Ok(random) = random::<9>() else {
        return false;
    };
    let key = format!("{}.{}", now().0, base64url::encode(&random));
    let rows: Vec<_> = lines.chunks(MAX_ROW).map(|row| format!("[{}]", row.join(","))).collect();
    let command = EventsCommand::Append { key, rows };
    let mut again = AGAIN.into_iter();
    loop {
        report::background_costs(env, "events", 1, lines.len());
        match ask(env, hour, &command).await {
            Ok(_) => return true,
            Err(_) => match again.next() {
                Some(pause) => Delay::from(pause).await,
                None => return false,
            },
        }
    }
}

/// Asks the object of an hour.
async fn ask(env: &Env, hour: u64, command: &EventsCommand) -> Result<EventsAnswer, Fault> {
    let name = object_name(env::authority(env)?.issuer(), hour);
    objects::ask(env, EVENTS, &name, command).await
}

/// The name of the object that has the events of an hour.
pub(crate) fn object_name(issuer: &str, hour: u64) -> String {
    format!("{issuer}|{hour}")
}

fn told_dropped(count: u64, time: UnixTime) -> String {
    let event = EventKind::EventsDropped;
    let (severity, about) = (event.severity(), &About::default());
    Event { event, severity, time, endpoint: "", reason: None, count: Some(count), about }.to_line()
}
