//! Stores the waiting events of an isolate, after the response (`waitUntil`).
//!
//! The first waiting event schedules a batch one second later, so an isolate makes at most one call a second. A batch that
//! fails is sent twice more under the same key, which the store accepts once; then its events count as dropped. An isolate that
//! is terminated within that second loses its last events from the store; the log has them.

use std::cell::Cell;
use std::time::Duration;

use worker::{Delay, Env, console_log};

use crate::oauth::admin::event::{About, Event};
use crate::oauth::admin::event_buffer::{Batch, EventBuffer};
use crate::oauth::vocabulary::event_kind::EventKind;
use crate::token::{UnixTime, base64url};

use super::audit::with_buffer;
use super::clock::now;
use super::env::EVENTS;
use super::objects;
use super::objects::address::Hour;
use super::objects::events_do::AppendBatch;
use super::random::random;
use super::report;
use super::tasks;

/// The maximum number of events in a row.
const MAX_ROW: usize = 500;
/// How long a batch is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// Pauses before a batch is sent again.
const RETRY_AFTER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

thread_local! {
    /// Whether the missing binding has been logged.
    static REPORTED: Cell<bool> = const { Cell::new(false) };
}

/// Schedules the storage of waiting events, unless another task has. No response waits for it.
pub(crate) fn deliver(env: &Env) {
    if with_buffer(|buffer| buffer.begin_batch(now())) {
        tasks::start_background(gather(env.clone()));
    }
}

/// Gathers a batch and stores it.
async fn gather(env: Env) {
    Delay::from(GATHER).await;
    let Batch { hours, dropped: mut missed } = with_buffer(EventBuffer::take_batch);
    for (hour, mut lines) in hours {
        let count = lines.len() as u64;
        if missed > 0 {
            lines.push(dropped_line(missed, now()));
        }
        if store(&env, hour, &lines).await {
            missed = 0;
        } else {
            console_log!("{}", dropped_line(count, now()));
            missed += count;
        }
    }
    // The next batch reports them.
    with_buffer(|buffer| buffer.count_dropped(missed));
}

/// Stores a batch. Returns whether it was stored.
async fn store(env: &Env, hour: u64, lines: &[String]) -> bool {
    if let Err(cause) = env.durable_object(EVENTS) {
        // Logged once: the log would contain nothing else.
        if !REPORTED.replace(true) {
            let _ = objects::unavailable(cause);
        }
        return false;
    }
    let Ok(random) = random::<9>() else {
        return false;
    };
    let key = format!("{}.{}", now().0, base64url::encode(&random));
    let rows: Vec<_> = lines.chunks(MAX_ROW).map(|row| format!("[{}]", row.join(","))).collect();
    let command = AppendBatch { key, rows };
    let mut pauses = RETRY_AFTER.into_iter();
    loop {
        report::background_costs(env, "events", 1, lines.len());
        match objects::send_unbilled(env, &Hour(hour), &command).await {
            Ok(()) => return true,
            Err(_) => match pauses.next() {
                Some(pause) => Delay::from(pause).await,
                None => return false,
            },
        }
    }
}

fn dropped_line(count: u64, time: UnixTime) -> String {
    let event = EventKind::EventsDropped;
    let (severity, about) = (event.severity(), &About::default());
    Event { event, severity, time, endpoint: "", reason: None, count: Some(count), about }.to_line()
}
