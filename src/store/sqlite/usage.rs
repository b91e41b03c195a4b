//! The use of tokens.
//!
//! A batch of many tokens is added in pieces, each a transaction of its own, so that the lock of
//! writes is never held for long and changes of tokens go in between. The row of the node says how
//! many tokens of its last batch are added, in the same transaction that adds them: a repetition
//! goes on where the pieces ended, and once the batch is whole it adds nothing. So whatever goes
//! wrong in between, nothing is counted twice, and what is repeated is counted whole. Only a
//! process that dies half way, whose batches nobody repeats, leaves a part: less than the truth,
//! by at most what any kill loses.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::rows::{id, json, optional_moment, time};
use crate::TokenId;
use crate::usage::{Counts, UsageBatch};

/// So many tokens are added in one transaction: a few milliseconds.
pub(super) const PIECE: usize = 500;

/// A part of a batch.
pub(super) struct Piece {
    node: u64,
    number: u64,
    /// How many tokens of the batch stand before it.
    before: usize,
    counts: Vec<(TokenId, Counts)>,
    is_last: bool,
}

/// The pieces of a batch, in order. An empty batch has one, which is empty.
pub(super) fn pieces(batch: &UsageBatch) -> impl Iterator<Item = Piece> + '_ {
    let number_of_pieces = batch.counts.len().div_ceil(PIECE).max(1);
    (0..number_of_pieces).map(move |place| Piece {
        node: batch.node,
        number: batch.number,
        before: place * PIECE,
        counts: batch.counts.iter().skip(place * PIECE).take(PIECE).cloned().collect(),
        is_last: place + 1 == number_of_pieces,
    })
}

/// Adds a piece, unless it was added before.
pub(super) fn add(connection: &Connection, piece: &Piece) -> rusqlite::Result<()> {
    if !is_next(connection, piece)? {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(ADD)?;
    for (token, counts) in &piece.counts {
        let counters = [
            counts.granted,
            counts.limited,
            counts.missing_scope,
            counts.refused,
            counts.wrong_secret,
            counts.finished,
            counts.succeeded,
            counts.duration_us,
        ];
        let counters = counters.map(|counter| Value::Integer(i64::try_from(counter).unwrap_or(i64::MAX)));
        let mut values = vec![Value::Text(token.as_str().to_owned())];
        values.extend(counters);
        values.extend([time(counts.last_used_at), time(counts.last_seen_at)]);
        statement.execute(params_from_iter(values))?;
    }
    let added = piece.before + piece.counts.len();
    connection
        .prepare_cached(
            "INSERT INTO tokenward_usage_batches (node, number, added, whole) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (node) DO UPDATE SET number = excluded.number, added = excluded.added, whole = excluded.whole",
        )?
        .execute(params![piece.node as i64, piece.number as i64, added as i64, piece.is_last])
        .map(drop)
}

fn is_next(connection: &Connection, piece: &Piece) -> rusqlite::Result<bool> {
    let last = connection
        .prepare_cached("SELECT number, added, whole FROM tokenward_usage_batches WHERE node = ?1")?
        .query_row([piece.node as i64], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as usize, row.get::<_, bool>(2)?))
        })
        .optional()?;
    Ok(match last {
        None => piece.number > 0,
        Some((number, added, whole)) if number == piece.number => !whole && added <= piece.before,
        Some((number, ..)) => piece.number > number,
    })
}

/// Adding stops at the greatest integer: the sum alone would turn into a floating point number.
const ADD: &str = "INSERT INTO tokenward_usage (token, granted, limited, missing_scope, refused, wrong_secret, \
        finished, succeeded, duration_us, last_used_at, last_seen_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
     ON CONFLICT (token) DO UPDATE SET \
        granted = granted + min(excluded.granted, 9223372036854775807 - granted), \
        limited = limited + min(excluded.limited, 9223372036854775807 - limited), \
        missing_scope = missing_scope + min(excluded.missing_scope, 9223372036854775807 - missing_scope), \
        refused = refused + min(excluded.refused, 9223372036854775807 - refused), \
        wrong_secret = wrong_secret + min(excluded.wrong_secret, 9223372036854775807 - wrong_secret), \
        finished = finished + min(excluded.finished, 9223372036854775807 - finished), \
        succeeded = succeeded + min(excluded.succeeded, 9223372036854775807 - succeeded), \
        duration_us = duration_us + min(excluded.duration_us, 9223372036854775807 - duration_us), \
        last_used_at = max(ifnull(last_used_at, excluded.last_used_at), ifnull(excluded.last_used_at, last_used_at)), \
        last_seen_at = max(ifnull(last_seen_at, excluded.last_seen_at), ifnull(excluded.last_seen_at, last_seen_at))";

pub(super) const READ: &str =
    "SELECT * FROM tokenward_usage WHERE token IN (SELECT value FROM json_each(?1))";

pub(super) fn read(connection: &Connection, tokens: &[TokenId]) -> rusqlite::Result<Vec<(TokenId, Counts)>> {
    connection.prepare_cached(READ)?.query_map([ids(tokens)?], counts)?.collect()
}

pub(super) fn erase(connection: &Connection, tokens: &[TokenId]) -> rusqlite::Result<()> {
    let sql = "DELETE FROM tokenward_usage WHERE token IN (SELECT value FROM json_each(?1))";
    connection.prepare_cached(sql)?.execute([ids(tokens)?]).map(drop)
}

fn ids(tokens: &[TokenId]) -> rusqlite::Result<Value> {
    json(&tokens.iter().map(TokenId::as_str).collect::<Vec<_>>())
}

fn counts(row: &Row<'_>) -> rusqlite::Result<(TokenId, Counts)> {
    let counter = |column: &str| row.get::<_, i64>(column).map(|counter| counter as u64);
    let counts = Counts {
        granted: counter("granted")?,
        limited: counter("limited")?,
        missing_scope: counter("missing_scope")?,
        refused: counter("refused")?,
        wrong_secret: counter("wrong_secret")?,
        finished: counter("finished")?,
        succeeded: counter("succeeded")?,
        duration_us: counter("duration_us")?,
        last_used_at: optional_moment(row, "last_used_at")?,
        last_client: None,
        last_seen_at: optional_moment(row, "last_seen_at")?,
    };
    Ok((id(row, "token")?, counts))
}
