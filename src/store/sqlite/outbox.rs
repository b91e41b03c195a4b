//! Events that wait to be delivered.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::rows::{json, next_millisecond};
use crate::Event;

pub(super) fn announce(connection: &Connection, events: &[Event]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tokenward_events (id, event, taken_until) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
    let mut statement = connection.prepare_cached(sql)?;
    events.iter().try_for_each(|event| statement.execute(params![event.id, json(event)?, i64::MIN]).map(drop))
}

pub(super) const DUE: &str = "SELECT sequence, event FROM tokenward_events INDEXED BY tokenward_events_waiting \
     WHERE delivered_at IS NULL AND likelihood(taken_until <= ?1, 1.0) ORDER BY sequence LIMIT ?2";

/// An event that cannot be read is taken like the others and left out, so that those behind it are
/// delivered.
pub(super) fn due(
    connection: &Connection,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    let found: Vec<(i64, String)> = connection
        .prepare_cached(DUE)?
        .query_map(params![now.timestamp_millis(), limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut take =
        connection.prepare_cached("UPDATE tokenward_events SET taken_until = ?2 WHERE sequence = ?1")?;
    let mut events = Vec::with_capacity(found.len());
    for (sequence, text) in found {
        take.execute(params![sequence, next_millisecond(until)])?;
        match serde_json::from_str(&text) {
            Ok(event) => events.push(event),
            Err(error) => tracing::error!(%error, "an event that waits to be delivered cannot be read"),
        }
    }
    Ok(events)
}

pub(super) fn postpone(connection: &Connection, id: &str, until: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE tokenward_events SET taken_until = ?2 WHERE id = ?1 AND delivered_at IS NULL",
        )?
        .execute(params![id, next_millisecond(until)])
        .map(drop)
}

pub(super) fn delivered(connection: &Connection, id: &str, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE tokenward_events SET delivered_at = ?2 WHERE id = ?1")?
        .execute(params![id, now.timestamp_millis()])
        .map(drop)
}
