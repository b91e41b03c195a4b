//! Forgetting what is outdated, and erasing what tokens have left behind.
//!
//! Each step is a transaction of its own and takes a few hundred rows at most: it is repeated as
//! long as there is more.

use rusqlite::{Connection, Row, params};

use super::spans::forget_clients;
use super::{calls, mended};
use crate::TokenId;
use crate::usage::{Detail, Outdated};

/// At most so many rows are deleted in one step.
const ROWS: u32 = 500;
/// Of spans, which are long, so many.
const SPANS: u32 = 100;

/// A step; says whether there may be more for it to do.
pub(in super::super) type Forget = fn(&Connection, &Outdated) -> rusqlite::Result<bool>;
pub(in super::super) type Erase = fn(&Connection, &TokenId) -> rusqlite::Result<bool>;

pub(in super::super) const OUTDATED: [Forget; 7] = [
    |connection, outdated| delete(connection, MINUTES, outdated.minutes, ROWS),
    |connection, outdated| delete(connection, HOURS, outdated.hours, SPANS),
    |connection, outdated| delete(connection, DAYS, outdated.days, SPANS),
    |connection, outdated| {
        let spans = told(connection, CLIENTS, params![outdated.clients, SPANS])?;
        let more = spans.len() == SPANS as usize;
        forget_clients(connection, spans)?;
        Ok(more)
    },
    |connection, outdated| delete(connection, CALLS, outdated.calls.timestamp_millis(), ROWS),
    |connection, outdated| {
        let kept = outdated.calls_per_token;
        calls::cut(connection, kept, kept, ROWS).map(|deleted| deleted >= ROWS)
    },
    |connection, outdated| delete(connection, EVENTS, outdated.events.timestamp_millis(), ROWS),
];

pub(in super::super) const ERASED: [Erase; 4] = [
    |connection, token| delete(connection, TOTALS_OF, token.as_str(), 1).map(|_| false),
    |connection, token| delete(connection, MINUTES_OF, token.as_str(), ROWS),
    |connection, token| delete(connection, SPANS_OF, token.as_str(), SPANS),
    |connection, token| delete(connection, CALLS_OF, token.as_str(), ROWS),
];

pub(in super::super) const CLIENTS_ERASED: [Erase; 3] = [
    |connection, token| delete(connection, CLIENT_OF, token.as_str(), 1).map(|_| false),
    |connection, token| {
        let spans = told(connection, CLIENTS_OF, params![token.as_str(), SPANS])?;
        let more = spans.len() == SPANS as usize;
        forget_clients(connection, spans)?;
        Ok(more)
    },
    |connection, token| delete(connection, CLIENTS_OF_CALLS, token.as_str(), ROWS),
];

const MINUTES: &str = "DELETE FROM tokenward_usage_minutes WHERE (subject, minute) IN \
     (SELECT subject, minute FROM tokenward_usage_minutes INDEXED BY tokenward_usage_minutes_by_minute \
      WHERE minute < ?1 LIMIT ?2)";
const HOURS: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_start \
      WHERE level = 1 AND start < ?1 LIMIT ?2)";
const DAYS: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_start \
      WHERE level = 2 AND start < ?1 LIMIT ?2)";
const CLIENTS: &str = "SELECT number, detail FROM tokenward_usage_spans \
     INDEXED BY tokenward_usage_spans_with_clients WHERE clients IS NOT NULL AND start < ?1 LIMIT ?2";
const CALLS: &str = "DELETE FROM tokenward_calls WHERE id IN \
     (SELECT id FROM tokenward_calls INDEXED BY tokenward_calls_by_time WHERE at < ?1 LIMIT ?2)";
const EVENTS: &str = "DELETE FROM tokenward_events WHERE sequence IN \
     (SELECT sequence FROM tokenward_events INDEXED BY tokenward_events_delivered \
      WHERE delivered_at IS NOT NULL AND delivered_at < ?1 LIMIT ?2)";

const TOTALS_OF: &str = "DELETE FROM tokenward_usage WHERE token = ?1 AND ?2 > 0";
const MINUTES_OF: &str = "DELETE FROM tokenward_usage_minutes WHERE subject = ?1 AND minute IN \
     (SELECT minute FROM tokenward_usage_minutes WHERE subject = ?1 LIMIT ?2)";
const SPANS_OF: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_subject \
      WHERE subject = ?1 LIMIT ?2)";
const CALLS_OF: &str = calls::OLDEST;

const CLIENT_OF: &str = "UPDATE tokenward_usage SET last_client_address = NULL, last_client_agent = NULL \
     WHERE token = ?1 AND ?2 > 0";
const CLIENTS_OF: &str = "SELECT number, detail FROM tokenward_usage_spans \
     INDEXED BY tokenward_usage_spans_by_subject WHERE subject = ?1 AND clients IS NOT NULL LIMIT ?2";
const CLIENTS_OF_CALLS: &str = "UPDATE tokenward_calls SET client_address = NULL, client_agent = NULL WHERE id IN \
     (SELECT id FROM tokenward_calls INDEXED BY tokenward_calls_by_token \
      WHERE token = ?1 AND client_address IS NOT NULL LIMIT ?2)";

/// All of them, to look at their plans.
#[cfg(test)]
pub(in super::super) const STATEMENTS: [&str; 13] = [
    MINUTES,
    HOURS,
    DAYS,
    CLIENTS,
    CALLS,
    EVENTS,
    TOTALS_OF,
    MINUTES_OF,
    SPANS_OF,
    CALLS_OF,
    CLIENT_OF,
    CLIENTS_OF,
    CLIENTS_OF_CALLS,
];

/// Runs a statement that takes what it is about, and how many rows; says whether it took so many.
fn delete(
    connection: &Connection,
    sql: &str,
    about: impl rusqlite::ToSql,
    rows: u32,
) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached(sql)?.execute(params![about, rows])? >= rows as usize)
}

fn told(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<(i64, Detail)>> {
    let span = |row: &Row<'_>| Ok((row.get(0)?, mended(row, 1)?));
    connection.prepare_cached(sql)?.query_map(values, span)?.collect()
}
