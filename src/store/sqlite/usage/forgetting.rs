//! Forgetting what is outdated, and erasing what tokens have left behind.
//!
//! Each step is a transaction of its own and takes a few hundred rows at most: it is repeated as
//! long as there is more.

use rusqlite::{Connection, Row, params};

use super::super::outbox;
use super::running::roll_up_before;
use super::spans::{Long, forget_clients};
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

pub(in super::super) const OUTDATED: [Forget; 9] = [
    // First, so that nothing that is outdated is left where the steps below do not look.
    |connection, outdated| roll_up_before(connection, outdated.until()),
    |connection, outdated| delete(connection, MINUTES, outdated.minutes, ROWS),
    |connection, outdated| delete_spans(connection, HOURS, outdated.hours),
    |connection, outdated| delete_spans(connection, DAYS, outdated.days),
    |connection, outdated| forget(connection, Long::Spans, CLIENTS, params![outdated.clients, SPANS]),
    |connection, outdated| delete(connection, LAST_CLIENTS, outdated.clients.saturating_mul(60_000), ROWS),
    |connection, outdated| delete(connection, CALLS, outdated.calls.timestamp_millis(), ROWS),
    |connection, outdated| {
        let kept = outdated.calls_per_token;
        calls::cut(connection, kept, kept, ROWS).map(|deleted| deleted >= ROWS)
    },
    |connection, outdated| delete(connection, EVENTS, outdated.events.timestamp_millis(), ROWS),
];

/// What is running comes first: rolled up in between, it would be found again by the steps below,
/// and not the other way round.
pub(in super::super) const ERASED: [Erase; 7] = [
    |connection, token| delete(connection, TOTALS_OF, token.as_str(), 1).map(|_| false),
    |connection, token| delete(connection, RUNNING_OF, token.as_str(), SPANS),
    |connection, token| delete(connection, MINUTES_OF, token.as_str(), ROWS),
    |connection, token| delete(connection, TALLIES_OF, token.as_str(), ROWS),
    |connection, token| delete(connection, SPANS_OF, token.as_str(), SPANS),
    |connection, token| delete(connection, CALLS_OF, token.as_str(), ROWS),
    |connection, token| delete(connection, EVENTS_OF, token.as_str(), ROWS),
];

pub(in super::super) const CLIENTS_ERASED: [Erase; 5] = [
    |connection, token| delete(connection, CLIENT_OF, token.as_str(), 1).map(|_| false),
    |connection, token| forget(connection, Long::Running, RUNNING_CLIENTS_OF, params![token.as_str(), SPANS]),
    |connection, token| forget(connection, Long::Spans, CLIENTS_OF, params![token.as_str(), SPANS]),
    |connection, token| delete(connection, CLIENTS_OF_CALLS, token.as_str(), ROWS),
    |connection, token| delete(connection, CLIENTS_OF_EVENTS, token.as_str(), ROWS),
];

const MINUTES: &str = "DELETE FROM tokenward_usage_minutes WHERE (subject, minute) IN \
     (SELECT subject, minute FROM tokenward_usage_minutes INDEXED BY tokenward_usage_minutes_by_minute \
      WHERE minute < ?1 LIMIT ?2)";
const HOURS: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_start \
      WHERE level = 1 AND start < ?1 LIMIT ?2) RETURNING subject, level, start";
const DAYS: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_start \
      WHERE level = 2 AND start < ?1 LIMIT ?2) RETURNING subject, level, start";
const TALLY: &str = "DELETE FROM tokenward_usage_tallies WHERE subject = ?1 AND level = ?2 AND start = ?3";
const CLIENTS: &str = "SELECT number, detail FROM tokenward_usage_spans \
     INDEXED BY tokenward_usage_spans_with_clients WHERE clients IS NOT NULL AND start < ?1 LIMIT ?2";
const LAST_CLIENTS: &str = "UPDATE tokenward_usage SET last_client_address = NULL, last_client_agent = NULL \
     WHERE token IN (SELECT token FROM tokenward_usage INDEXED BY tokenward_usage_with_client \
     WHERE last_client_address IS NOT NULL AND last_used_at < ?1 LIMIT ?2)";
const CALLS: &str = "DELETE FROM tokenward_calls WHERE id IN \
     (SELECT id FROM tokenward_calls INDEXED BY tokenward_calls_by_time WHERE at < ?1 LIMIT ?2)";
const EVENTS: &str = "DELETE FROM tokenward_events WHERE sequence IN \
     (SELECT sequence FROM tokenward_events INDEXED BY tokenward_events_delivered \
      WHERE delivered_at IS NOT NULL AND delivered_at < ?1 LIMIT ?2)";

const TOTALS_OF: &str = "DELETE FROM tokenward_usage WHERE token = ?1 AND ?2 > 0";
const MINUTES_OF: &str = "DELETE FROM tokenward_usage_minutes WHERE subject = ?1 AND minute IN \
     (SELECT minute FROM tokenward_usage_minutes WHERE subject = ?1 LIMIT ?2)";
const RUNNING_OF: &str = "DELETE FROM tokenward_usage_running WHERE number IN \
     (SELECT number FROM tokenward_usage_running INDEXED BY tokenward_usage_running_by_subject \
      WHERE subject = ?1 LIMIT ?2)";
const TALLIES_OF: &str = "DELETE FROM tokenward_usage_tallies WHERE subject = ?1 AND (level, start) IN \
     (SELECT level, start FROM tokenward_usage_tallies WHERE subject = ?1 LIMIT ?2)";
const SPANS_OF: &str = "DELETE FROM tokenward_usage_spans WHERE number IN \
     (SELECT number FROM tokenward_usage_spans INDEXED BY tokenward_usage_spans_by_subject \
      WHERE subject = ?1 LIMIT ?2)";
const CALLS_OF: &str = calls::OLDEST;
const EVENTS_OF: &str = outbox::ERASE;

const CLIENT_OF: &str = "UPDATE tokenward_usage SET last_client_address = NULL, last_client_agent = NULL \
     WHERE token = ?1 AND ?2 > 0";
const CLIENTS_OF: &str = "SELECT number, detail FROM tokenward_usage_spans \
     INDEXED BY tokenward_usage_spans_by_subject WHERE subject = ?1 AND clients IS NOT NULL LIMIT ?2";
const RUNNING_CLIENTS_OF: &str = "SELECT number, detail FROM tokenward_usage_running \
     INDEXED BY tokenward_usage_running_by_subject WHERE subject = ?1 AND clients IS NOT NULL LIMIT ?2";
const CLIENTS_OF_CALLS: &str = "UPDATE tokenward_calls SET client_address = NULL, client_agent = NULL WHERE id IN \
     (SELECT id FROM tokenward_calls INDEXED BY tokenward_calls_by_token \
      WHERE token = ?1 AND client_address IS NOT NULL LIMIT ?2)";

const CLIENTS_OF_EVENTS: &str = outbox::ERASE_CLIENTS;

/// All of them, to look at their plans.
#[cfg(test)]
pub(in super::super) const STATEMENTS: [&str; 18] = [
    MINUTES,
    HOURS,
    DAYS,
    TALLY,
    CLIENTS,
    LAST_CLIENTS,
    CALLS,
    EVENTS,
    TOTALS_OF,
    RUNNING_OF,
    MINUTES_OF,
    TALLIES_OF,
    SPANS_OF,
    CALLS_OF,
    CLIENT_OF,
    RUNNING_CLIENTS_OF,
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

/// Deletes spans before a bound, with their figures; says whether there may be more.
fn delete_spans(connection: &Connection, sql: &str, bound: i64) -> rusqlite::Result<bool> {
    let key = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let deleted: Vec<(String, i64, i64)> =
        connection.prepare_cached(sql)?.query_map(params![bound, SPANS], key)?.collect::<Result<_, _>>()?;
    let mut tally = connection.prepare_cached(TALLY)?;
    let more = deleted.len() >= SPANS as usize;
    deleted.into_iter().try_for_each(|key| tally.execute(key).map(drop))?;
    Ok(more)
}

/// Forgets the clients of some rows that are told by their number and detail; says whether there
/// may be more.
fn forget(
    connection: &Connection,
    table: Long,
    sql: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<bool> {
    let long = |row: &Row<'_>| Ok((row.get(0)?, mended(row, 1)?));
    let rows: Vec<(i64, Detail)> =
        connection.prepare_cached(sql)?.query_map(values, long)?.collect::<Result<_, _>>()?;
    let more = rows.len() >= SPANS as usize;
    forget_clients(connection, table, rows)?;
    Ok(more)
}
