//! Adding to minutes, hours and days what was counted in minutes that are over.

use rusqlite::types::Null;
use rusqlite::{Connection, OptionalExtension, params};

use super::mended;
use crate::usage::running::Running;
use crate::usage::{Clients, Detail, Encoded, Level, Tally, columns, subject_text};

/// Adds to spans. The hour and the day of the last addition are kept, and written once another is
/// added to: a token's minutes come in order, so that those of one hour follow each other.
pub(super) struct Spans<'a> {
    connection: &'a Connection,
    hour: Option<Open>,
    day: Option<Open>,
}

/// A span that is being added to.
struct Open {
    subject: String,
    level: Level,
    start: i64,
    tally: Tally,
    /// The row of what is long, if it has one.
    number: Option<i64>,
    detail: Detail,
    clients: Clients,
}

impl<'a> Spans<'a> {
    pub(super) fn new(connection: &'a Connection) -> Spans<'a> {
        Spans { connection, hour: None, day: None }
    }

    /// Adds to the spans of the subject with this text.
    pub(super) fn add(&mut self, subject: &str, mut running: Running) -> rusqlite::Result<()> {
        if !running.coarse {
            running.tally = add_to_minute(self.connection, subject, running.minute, running.tally)?;
        }
        for (level, open) in [(Level::Hour, &mut self.hour), (Level::Day, &mut self.day)] {
            let start = level.start_of(running.minute);
            if open.as_ref().is_none_or(|open| open.subject != subject || open.start != start) {
                write(self.connection, open.take())?;
            }
            let open = match open {
                Some(open) => open,
                None => open.insert(Open::find(self.connection, subject, level, start)?),
            };
            let long = (&mut open.detail, &mut open.clients);
            running.add_to(&mut open.tally, long, subject_text::names(subject));
        }
        Ok(())
    }

    /// Writes what is still open.
    pub(super) fn write(self) -> rusqlite::Result<()> {
        write(self.connection, self.hour)?;
        write(self.connection, self.day)
    }
}

const MINUTE: &str = "SELECT tally FROM tokenward_usage_minutes WHERE subject = ?1 AND minute = ?2";

/// Adds to a minute, and says what its hour and its day gain by that.
fn add_to_minute(
    connection: &Connection,
    subject: &str,
    minute: i64,
    more: Tally,
) -> rusqlite::Result<Tally> {
    let mut tally: Tally = connection
        .prepare_cached(MINUTE)?
        .query_row(params![subject, minute], |row| mended(row, 0))
        .optional()?
        .unwrap_or_default();
    let gained = tally.add_to_minute(minute, more);
    connection
        .prepare_cached(
            "INSERT INTO tokenward_usage_minutes (subject, minute, tally) VALUES (?1, ?2, ?3) \
             ON CONFLICT (subject, minute) DO UPDATE SET tally = excluded.tally",
        )?
        .execute(params![subject, minute, tally.encode()])?;
    Ok(gained)
}

/// A minute as it stands, for whoever only reads.
pub(super) fn minute(connection: &Connection, subject: &str, minute: i64) -> rusqlite::Result<Tally> {
    let found = connection
        .prepare_cached(MINUTE)?
        .query_row(params![subject, minute], |row| super::read(row, 0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

impl Open {
    fn find(connection: &Connection, subject: &str, level: Level, start: i64) -> rusqlite::Result<Open> {
        let key = params![subject, subject_text::number(level), start];
        let tally = connection
            .prepare_cached(
                "SELECT tally FROM tokenward_usage_tallies WHERE subject = ?1 AND level = ?2 AND start = ?3",
            )?
            .query_row(key, |row| mended(row, 0))
            .optional()?
            .unwrap_or_default();
        let long = connection
            .prepare_cached(
                "SELECT number, detail, clients FROM tokenward_usage_spans \
                 WHERE subject = ?1 AND level = ?2 AND start = ?3",
            )?
            .query_row(key, |row| Ok((Some(row.get(0)?), mended(row, 1)?, mended(row, 2)?)))
            .optional()?;
        let (number, detail, clients) = long.unwrap_or_default();
        Ok(Open { subject: subject.to_owned(), level, start, tally, number, detail, clients })
    }
}

fn write(connection: &Connection, open: Option<Open>) -> rusqlite::Result<()> {
    let Some(open) = open else { return Ok(()) };
    let level = subject_text::number(open.level);
    connection
        .prepare_cached(
            "INSERT INTO tokenward_usage_tallies (subject, level, start, tally) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (subject, level, start) DO UPDATE SET tally = excluded.tally",
        )?
        .execute(params![open.subject, level, open.start, open.tally.encode()])?;
    let (detail, clients) = columns::long(&open.detail, &open.clients);
    match open.number {
        Some(number) => connection
            .prepare_cached("UPDATE tokenward_usage_spans SET detail = ?2, clients = ?3 WHERE number = ?1")?
            .execute(params![number, detail, clients]),
        None => connection
            .prepare_cached(
                "INSERT INTO tokenward_usage_spans (subject, level, start, detail, clients) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![open.subject, level, open.start, detail, clients]),
    }
    .map(drop)
}

/// Tables whose rows have a number, a detail and clients.
#[derive(Clone, Copy)]
pub(super) enum Long {
    Spans,
    Running,
}

/// Forgets the clients of these rows, given by their number and detail.
pub(super) fn forget_clients(
    connection: &Connection,
    table: Long,
    rows: Vec<(i64, Detail)>,
) -> rusqlite::Result<()> {
    let sql = match table {
        Long::Spans => "UPDATE tokenward_usage_spans SET detail = ?2, clients = ?3 WHERE number = ?1",
        Long::Running => "UPDATE tokenward_usage_running SET detail = ?2, clients = ?3 WHERE number = ?1",
    };
    let mut statement = connection.prepare_cached(sql)?;
    for (number, mut detail) in rows {
        detail.forget_clients();
        statement.execute(params![number, detail.encode(), Null])?;
    }
    Ok(())
}
