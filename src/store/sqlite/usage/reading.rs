//! Reading spans of time, for all subjects of a query at once: as they stand in the file, with what
//! is still running.

mod merging;

#[cfg(test)]
pub(super) use merging::RUNNING;

use std::collections::HashMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::super::rows::{json, unreadable};
use super::super::statement::Statement;
use super::{read, subject};
use crate::usage::{Clients, Detail, Level, SliceQuery, Span, StoredSlice, Subject};

/// In the order of the subjects' first mention, of the levels, and of time.
pub(in super::super) fn slices(
    connection: &Connection,
    query: &SliceQuery,
) -> rusqlite::Result<Vec<StoredSlice>> {
    let subjects = mentioned_first(&query.subjects);
    let statement = statement(query)?;
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let mut rows = prepared.query(params_from_iter(statement.values))?;
    let mut found: Vec<Vec<StoredSlice>> = subjects.iter().map(|_| Vec::new()).collect();
    while let Some(row) = rows.next()? {
        let place = row.get::<_, u32>(0)? as usize;
        let subject = subjects.get(place).ok_or_else(|| unreadable("a span of nobody"))?;
        let (detail, clients) = match query.detailed {
            true => (read(row, 4)?, read(row, 5)?),
            false => (Detail::default(), Clients::default()),
        };
        found[place].push(StoredSlice {
            subject: (*subject).clone(),
            level: subject::level(row.get(1)?)?,
            start: row.get(2)?,
            tally: read(row, 3)?,
            detail,
            clients,
        });
    }
    for of_subject in &mut found {
        let order = |slice: &StoredSlice| (slice.level, slice.start);
        // The plan walks them in this order, without promising it.
        if !of_subject.is_sorted_by_key(order) {
            of_subject.sort_by_key(order);
        }
    }
    merging::add_running(connection, query, &subjects, &mut found)?;
    Ok(found.into_iter().flatten().collect())
}

/// Each subject once.
fn mentioned_first(subjects: &[Subject]) -> Vec<&Subject> {
    let mut places = HashMap::new();
    for subject in subjects {
        let next = places.len();
        places.entry(subject).or_insert(next);
    }
    let mut first: Vec<_> = places.into_iter().collect();
    first.sort_by_key(|(_, place)| *place);
    first.into_iter().map(|(subject, _)| subject).collect()
}

/// Of each subject its range in the index, for each span: both are walked in this order whatever
/// the planner thinks of it, by CROSS JOIN.
pub(in super::super) fn statement(query: &SliceQuery) -> rusqlite::Result<Statement> {
    let mut statement = Statement::new();
    let subjects = statement.place(texts(&mentioned_first(&query.subjects))?);
    let (long, tables) = match query.detailed {
        true => ("d.detail, d.clients", LONG),
        false => ("NULL, NULL", ""),
    };
    let mut parts = Vec::new();
    let minutes = joined(&query.spans, Level::Minute);
    if !minutes.is_empty() {
        let ranges = ranges(&mut statement, &minutes)?;
        parts.push(format!(
            "SELECT s.key, 0, u.minute, u.tally, NULL, NULL FROM json_each({subjects}) AS s CROSS JOIN {ranges} \
             CROSS JOIN tokenward_usage_minutes AS u \
             ON u.subject = s.value AND u.minute >= r.since AND u.minute < r.until"
        ));
    }
    for level in [Level::Hour, Level::Day] {
        let spans = joined(&query.spans, level);
        if !spans.is_empty() {
            let ranges = ranges(&mut statement, &spans)?;
            let level = statement.place(Value::Integer(subject::number(level)));
            parts.push(format!(
                "SELECT s.key, u.level, u.start, u.tally, {long} FROM json_each({subjects}) AS s CROSS JOIN {ranges} \
                 CROSS JOIN tokenward_usage_tallies AS u \
                 ON u.subject = s.value AND u.level = {level} AND u.start >= r.since AND u.start < r.until {tables}"
            ));
        }
    }
    if parts.is_empty() {
        parts.push(format!("SELECT {subjects}, NULL, NULL, NULL, NULL, NULL WHERE 0"));
    }
    statement.sql = parts.join(" UNION ALL ");
    Ok(statement)
}

const LONG: &str = "LEFT JOIN tokenward_usage_spans AS d INDEXED BY tokenward_usage_spans_by_subject \
     ON d.subject = u.subject AND d.level = u.level AND d.start = u.start";

fn texts(subjects: &[&Subject]) -> rusqlite::Result<Value> {
    json(&subjects.iter().copied().map(subject::text).collect::<Vec<_>>())
}

fn ranges(statement: &mut Statement, spans: &[(i64, i64)]) -> rusqlite::Result<String> {
    let ranges = statement.place(json(&spans)?);
    Ok(format!("(SELECT value ->> 0 AS since, value ->> 1 AS until FROM json_each({ranges})) AS r"))
}

/// The spans of a level, those that overlap or touch as one: each is read once.
fn joined(spans: &[Span], level: Level) -> Vec<(i64, i64)> {
    let of_level = spans.iter().filter(|span| span.level == level && span.from < span.until);
    let mut all: Vec<_> = of_level.map(|span| (span.from, span.until)).collect();
    all.sort();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, until) in all {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}
