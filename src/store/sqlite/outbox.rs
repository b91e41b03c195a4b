//! Events that wait to be delivered.
//!
//! Of a token's events the first that waits is marked: only those are looked at. Whoever asks frees
//! what was taken until then, and takes what is free in its order. So a call takes what it gives and
//! what it frees, however many others wait or are taken.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{json, next_millisecond};
use crate::Event;

const ANNOUNCE: &str = "INSERT INTO tokenward_events (id, token, event, is_first) VALUES (?1, ?2, ?3, \
        NOT EXISTS (SELECT 1 FROM tokenward_events INDEXED BY tokenward_events_by_token \
            WHERE token = ?2 AND delivered_at IS NULL)) \
     ON CONFLICT (id) DO NOTHING";
const FREE: &str = "UPDATE tokenward_events INDEXED BY tokenward_events_taken SET taken_until = NULL \
     WHERE taken_until IS NOT NULL AND taken_until <= ?1";
const DUE: &str = "SELECT id, event FROM tokenward_events INDEXED BY tokenward_events_free \
     WHERE is_first = 1 AND taken_until IS NULL ORDER BY sequence LIMIT ?1";
const POSTPONE: &str = "UPDATE tokenward_events SET taken_until = ?2 WHERE id = ?1 AND delivered_at IS NULL";
/// From then on the id is all that is needed.
const DELIVERED: &str = "UPDATE tokenward_events \
     SET delivered_at = ?2, token = NULL, event = NULL, is_first = 0, taken_until = NULL \
     WHERE id = ?1 AND delivered_at IS NULL";
const TOKEN: &str = "SELECT token FROM tokenward_events WHERE id = ?1 AND delivered_at IS NULL";
const NEXT: &str = "UPDATE tokenward_events SET is_first = 1 WHERE sequence = \
     (SELECT sequence FROM tokenward_events INDEXED BY tokenward_events_by_token \
      WHERE token = ?1 AND delivered_at IS NULL ORDER BY sequence LIMIT 1)";

/// The newest first: if the rest is never dropped, there is still a first.
pub(super) const ERASE: &str = "DELETE FROM tokenward_events WHERE sequence IN \
     (SELECT sequence FROM tokenward_events INDEXED BY tokenward_events_by_token \
      WHERE token = ?1 AND delivered_at IS NULL ORDER BY sequence DESC LIMIT ?2)";
pub(super) const ERASE_CLIENTS: &str = "UPDATE tokenward_events \
     SET event = json_set(event, '$.client.address', '', '$.client.agent', '') WHERE sequence IN \
     (SELECT sequence FROM tokenward_events INDEXED BY tokenward_events_by_token \
      WHERE token = ?1 AND delivered_at IS NULL AND CASE WHEN json_valid(event) \
        THEN event ->> '$.client.address' <> '' OR event ->> '$.client.agent' <> '' END LIMIT ?2)";

/// All of them, to look at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 9] =
    [ANNOUNCE, FREE, DUE, POSTPONE, DELIVERED, TOKEN, NEXT, ERASE, ERASE_CLIENTS];

pub(super) fn announce(connection: &Connection, events: &[Event]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(ANNOUNCE)?;
    events.iter().try_for_each(|event| {
        statement.execute(params![event.id, event.token.as_str(), json(event)?]).map(drop)
    })
}

/// An event that cannot be read counts as delivered: nobody ever could, and it would hold up those
/// behind it for ever.
pub(super) fn due(
    connection: &Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    connection.prepare_cached(FREE)?.execute([now.timestamp_millis()])?;
    let found: Vec<(String, Option<Event>)> = connection
        .prepare_cached(DUE)?
        .query_map([limit], |row| {
            let event = row.get_ref(1)?.as_str().ok().and_then(|text| serde_json::from_str(text).ok());
            Ok((row.get(0)?, event))
        })?
        .collect::<Result<_, _>>()?;
    let mut events = Vec::with_capacity(found.len());
    for (id, event) in found {
        match event {
            Some(event) => {
                postpone(connection, &id, until)?;
                events.push(event);
            }
            None => {
                tracing::error!(id, "an event that waits to be delivered cannot be read; it is left out");
                delivered(connection, &id, now)?;
            }
        }
    }
    Ok(events)
}

pub(super) fn postpone(connection: &Connection, id: &str, until: DateTime<Utc>) -> rusqlite::Result<()> {
    let until = next_millisecond(until);
    connection.prepare_cached(POSTPONE)?.execute(params![id, until]).map(drop)
}

pub(super) fn delivered(connection: &Connection, id: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let token: Option<Option<String>> =
        connection.prepare_cached(TOKEN)?.query_row([id], |row| row.get(0)).optional()?;
    connection.prepare_cached(DELIVERED)?.execute(params![id, now.timestamp_millis()])?;
    connection.prepare_cached(NEXT)?.execute([token.flatten()]).map(drop)
}
