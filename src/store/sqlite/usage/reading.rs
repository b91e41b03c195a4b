//! Reading spans of time, for all subjects of a query in one state of the file: as they stand there,
//! with what is still running.

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::{read, spans, subject};
use crate::usage::{Clients, Detail, Level, SliceQuery, Span, StoredSlice, Subject, Tally};

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
    let spans = Level::ALL.map(|level| joined(&query.spans, level));
    let mut found = Vec::new();
    let mut mentioned = std::collections::HashSet::new();
    for subject in query.subjects.iter().filter(|subject| mentioned.insert(*subject)) {
        let first = found.len();
        for (level, spans) in Level::ALL.into_iter().zip(&spans) {
            for (from, until) in spans {
                add_stored(connection, (query.detailed, subject, level), *from, *until, &mut found)?;
            }
        }
        if spans.iter().any(|spans| !spans.is_empty()) {
            let mut of_subject = OfSubject { subject, spans: &spans, found: &mut found, first };
            of_subject.add_running(connection, query.detailed)?;
        }
    }
    Ok(found)
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

/// Adds what stands in the file of one level between two minutes.
fn add_stored(
    connection: &Connection,
    (detailed, subject, level): (bool, &Subject, Level),
    from: i64,
    until: i64,
    found: &mut Vec<StoredSlice>,
) -> rusqlite::Result<()> {
    let has_detail = detailed && level != Level::Minute;
    let mut values = vec![Value::Text(subject::text(subject)), Value::Integer(from), Value::Integer(until)];
    let sql = match level {
        Level::Minute => MINUTES,
        Level::Hour | Level::Day => {
            values.push(Value::Integer(subject::number(level)));
            if has_detail { DETAILED } else { FIGURES }
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let mut slice = empty(subject, level, row.get(0)?);
        slice.tally = read(row, 1)?;
        if has_detail {
            (slice.detail, slice.clients) = (read(row, 2)?, read(row, 3)?);
        }
        found.push(slice);
    }
    Ok(())
}

/// What is found of one subject, in order: all from the first on.
struct OfSubject<'a> {
    subject: &'a Subject,
    /// What is asked for, by level.
    spans: &'a [Vec<(i64, i64)>; 3],
    found: &'a mut Vec<StoredSlice>,
    first: usize,
}

impl OfSubject<'_> {
    /// Adds what a roll-up would add now.
    fn add_running(&mut self, connection: &Connection, detailed: bool) -> rusqlite::Result<()> {
        let text = subject::text(self.subject);
        let names = self.subject.names();
        let mut statement = connection.prepare_cached(RUNNING)?;
        let mut rows = statement.query(params![text, detailed])?;
        while let Some(row) = rows.next()? {
            let (minute, coarse): (i64, bool) = (row.get(0)?, row.get(1)?);
            if !Level::ALL.into_iter().any(|level| self.asks_for(level, minute)) {
                continue;
            }
            let mut tally: Tally = read(row, 2)?;
            if !coarse {
                let mut whole = spans::minute(connection, &text, minute)?;
                tally = whole.add_to_minute(minute, tally);
                if self.asks_for(Level::Minute, minute) {
                    self.span(Level::Minute, minute).tally = whole;
                }
            }
            let (detail, clients): (Detail, Clients) = (read(row, 3)?, read(row, 4)?);
            for level in [Level::Hour, Level::Day] {
                if self.asks_for(level, minute) {
                    let span = self.span(level, minute);
                    span.tally.merge(&tally);
                    span.detail.merge(&detail);
                    span.detail.shrink(names);
                    span.clients.merge(&clients);
                    span.clients.shrink(names);
                }
            }
        }
        Ok(())
    }

    /// Whether the span of this level that the minute is in is asked for.
    fn asks_for(&self, level: Level, minute: i64) -> bool {
        let start = level.start_of(minute);
        self.spans[level as usize].iter().any(|(from, until)| (*from..*until).contains(&start))
    }

    /// The span of this level that the minute is in, which is empty if it was not there.
    fn span(&mut self, level: Level, minute: i64) -> &mut StoredSlice {
        let start = level.start_of(minute);
        let of_subject = &self.found[self.first..];
        let before = |slice: &StoredSlice| (slice.level, slice.start) < (level, start);
        let place = self.first + of_subject.partition_point(before);
        let is_it = |slice: &StoredSlice| (slice.level, slice.start) == (level, start);
        let is_there = self.found.get(place).is_some_and(is_it);
        if !is_there {
            self.found.insert(place, empty(self.subject, level, start));
        }
        &mut self.found[place]
    }
}

fn empty(subject: &Subject, level: Level, start: i64) -> StoredSlice {
    StoredSlice {
        subject: subject.clone(),
        level,
        start,
        tally: Tally::default(),
        detail: Detail::default(),
        clients: Clients::default(),
    }
}
