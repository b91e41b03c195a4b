//! Reading spans of time, for all subjects of a query in one state of the file: as they stand there,
//! with what is still running.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{read, spans};
use crate::usage::running::{Asked, Found, Running};
use crate::usage::{Level, SliceQuery, StoredSlice, Tally, subject_text};

const MINUTES: &str = "SELECT minute, tally FROM tokenward_usage_minutes \
     WHERE subject = ?1 AND minute >= ?2 AND minute < ?3 ORDER BY minute";
const FIGURES: &str = "SELECT start, tally FROM tokenward_usage_tallies \
     WHERE subject = ?1 AND start >= ?2 AND start < ?3 AND level = ?4 ORDER BY start";
const DETAILED: &str = "SELECT u.start, u.tally, d.detail, d.clients FROM tokenward_usage_tallies AS u \
     LEFT JOIN tokenward_usage_spans AS d INDEXED BY tokenward_usage_spans_by_subject \
        ON d.subject = u.subject AND d.level = u.level AND d.start = u.start \
     WHERE u.subject = ?1 AND u.start >= ?2 AND u.start < ?3 AND u.level = ?4 ORDER BY u.start";
const RUNNING: &str = "SELECT minute, coarse, tally, iif(?2, detail, NULL), iif(?2, clients, NULL) \
     FROM tokenward_usage_running INDEXED BY tokenward_usage_running_by_subject \
     WHERE subject = ?1 ORDER BY minute, coarse";

/// All of them, to look at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 4] = [MINUTES, FIGURES, DETAILED, RUNNING];

/// In the order of the subjects' first mention, of the levels, and of time.
pub(in super::super) fn slices(
    connection: &Connection,
    query: &SliceQuery,
) -> rusqlite::Result<Vec<StoredSlice>> {
    let asked = Asked::of(&query.spans);
    let mut slices = Vec::new();
    let mut mentioned = std::collections::HashSet::new();
    if asked.is_empty() {
        return Ok(slices);
    }
    for subject in query.subjects.iter().filter(|subject| mentioned.insert(*subject)) {
        let text = subject_text::text(subject);
        let mut found = Found::of(subject, &asked);
        for level in Level::ALL {
            for (from, until) in asked.of_level(level) {
                add_stored(connection, (query.detailed, &text, level), *from, *until, &mut found)?;
            }
        }
        add_running(connection, &text, &asked, query.detailed, &mut found)?;
        slices.extend(found.into_slices());
    }
    Ok(slices)
}

/// Adds what stands in the file of one level between two minutes.
fn add_stored(
    connection: &Connection,
    (detailed, subject, level): (bool, &str, Level),
    from: i64,
    until: i64,
    found: &mut Found<'_>,
) -> rusqlite::Result<()> {
    let has_detail = detailed && level != Level::Minute;
    let mut values = vec![Value::Text(subject.to_owned()), Value::Integer(from), Value::Integer(until)];
    let sql = match level {
        Level::Minute => MINUTES,
        Level::Hour | Level::Day => {
            values.push(Value::Integer(subject_text::number(level)));
            if has_detail { DETAILED } else { FIGURES }
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let slice = found.span(level, row.get(0)?);
        slice.tally = read(row, 1)?;
        if has_detail {
            (slice.detail, slice.clients) = (read(row, 2)?, read(row, 3)?);
        }
    }
    Ok(())
}

/// Adds what a roll-up would add now.
fn add_running(
    connection: &Connection,
    subject: &str,
    asked: &Asked,
    detailed: bool,
    found: &mut Found<'_>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(RUNNING)?;
    let mut rows = statement.query(params![subject, detailed])?;
    while let Some(row) = rows.next()? {
        let (minute, coarse) = (row.get(0)?, row.get(1)?);
        if asked.includes_some(minute) {
            let (tally, detail, clients) = (read(row, 2)?, read(row, 3)?, read(row, 4)?);
            let stored = if coarse { Tally::default() } else { spans::minute(connection, subject, minute)? };
            found.add(Running { minute, coarse, tally, detail, clients }, stored);
        }
    }
    Ok(())
}
