//! The admin endpoint for events. The router has verified an access token with the admin scope.

use serde_json::json;

use crate::oauth::admin::event_query::{Cursor, EventQuery};
use crate::wire::Reply;
use crate::worker::env::Platform;
use crate::worker::http::Incoming;
use crate::worker::objects;
use crate::worker::objects::address::Hour;
use crate::worker::objects::events_do::{EventPage, ReadEvents};
use crate::worker::report::RequestError;

/// The maximum number of hours that one request covers: a day.
const HOURS_A_REQUEST: usize = 24;

/// `GET /admin/events`: a page of events, the newest first, and the cursor of the next page.
pub(crate) async fn list(platform: &Platform, request: &Incoming) -> Result<Reply, RequestError> {
    let form = request.query_form()?;
    let query = EventQuery::parse(&form, platform.authority().event_retention(), platform.now)?;
    let (first, mut cursor, mut events) = (query.first_hour(), query.start.clone(), Vec::new());
    for _ in 0..HOURS_A_REQUEST {
        if cursor.hour < first {
            return Ok(Reply::json(200, &json!({ "events": events })));
        }
        let left = query.limit.saturating_sub(events.len() as u64);
        let command = ReadEvents { before: cursor.position, filter: query.filter.clone(), limit: left };
        let EventPage { events: found, next } = objects::send(platform, &Hour(cursor.hour), &command).await?;
        events.extend(found);
        cursor = match next {
            Some(position) => Cursor { hour: cursor.hour, position: Some(position) },
            None => Cursor { hour: cursor.hour.saturating_sub(1), position: None },
        };
        if events.len() as u64 >= query.limit {
            break;
        }
    }
    let page = match cursor.hour < first {
        true => json!({ "events": events }),
        false => json!({ "events": events, "cursor": cursor.to_text() }),
    };
    Ok(Reply::json(200, &page))
}
