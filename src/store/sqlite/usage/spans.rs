//! Adding slices to minutes, hours and days.

use rusqlite::types::Null;
use rusqlite::{Connection, OptionalExtension, params};

use super::{mended, subject};
use crate::usage::{Clients, Detail, Encoded, Level, Slice, Tally};

/// Adds slices. The hour and the day of the last slice are kept, and written once another is added
/// to: slices come in order, so that of a token's minutes those of one hour follow each other.
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
    /// Its row, if it has one.
    number: Option<i64>,
    tally: Tally,
    detail: Detail,
    clients: Clients,
}

impl<'a> Spans<'a> {
    pub(super) fn new(connection: &'a Connection) -> Spans<'a> {
        Spans { connection, hour: None, day: None }
    }

    pub(super) fn add(&mut self, slice: &Slice) -> rusqlite::Result<()> {
        if slice.is_empty() {
            return Ok(());
        }
        let subject = subject::text(&slice.subject);
        let mut tally = slice.tally.without_minutes();
        if !slice.coarse {
            tally = add_to_minute(self.connection, &subject, slice.minute, tally)?;
        }
        for (level, open) in [(Level::Hour, &mut self.hour), (Level::Day, &mut self.day)] {
            let start = level.start_of(slice.minute);
            if open.as_ref().is_none_or(|open| open.subject != subject || open.start != start) {
                write(self.connection, open.take())?;
            }
            let open = match open {
                Some(open) => open,
                None => open.insert(Open::find(self.connection, &subject, level, start)?),
            };
            open.tally.merge(&tally);
            open.detail.merge(&slice.detail);
            open.detail.shrink(slice.subject.names());
            open.clients.merge(&slice.clients);
            open.clients.shrink(slice.subject.names());
        }
        Ok(())
    }

    /// Writes what is still open.
    pub(super) fn write(self) -> rusqlite::Result<()> {
        write(self.connection, self.hour)?;
        write(self.connection, self.day)
    }
}

/// Adds to a minute, and says what its hour and its day gain by that.
fn add_to_minute(
    connection: &Connection,
    subject: &str,
    minute: i64,
    more: Tally,
) -> rusqlite::Result<Tally> {
    let mut tally: Tally = connection
        .prepare_cached("SELECT tally FROM tokenward_usage_minutes WHERE subject = ?1 AND minute = ?2")?
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

impl Open {
    fn find(connection: &Connection, subject: &str, level: Level, start: i64) -> rusqlite::Result<Open> {
        let open = |number, tally, detail, clients| Open {
            subject: subject.to_owned(),
            level,
            start,
            number,
            tally,
            detail,
            clients,
        };
        let found = connection
            .prepare_cached(
                "SELECT number, tally, detail, clients FROM tokenward_usage_spans \
                 WHERE subject = ?1 AND level = ?2 AND start = ?3",
            )?
            .query_row(params![subject, subject::number(level), start], |row| {
                Ok(open(Some(row.get(0)?), mended(row, 1)?, mended(row, 2)?, mended(row, 3)?))
            })
            .optional()?;
        Ok(found.unwrap_or_else(|| open(None, Tally::default(), Detail::default(), Clients::default())))
    }
}

fn write(connection: &Connection, open: Option<Open>) -> rusqlite::Result<()> {
    let Some(open) = open else { return Ok(()) };
    let (tally, detail) = (open.tally.encode(), open.detail.encode());
    let tells_clients = !open.clients.is_empty() || open.detail.tells_clients();
    let clients = tells_clients.then(|| open.clients.encode());
    match open.number {
        Some(number) => connection
            .prepare_cached(
                "UPDATE tokenward_usage_spans SET tally = ?2, detail = ?3, clients = ?4 WHERE number = ?1",
            )?
            .execute(params![number, tally, detail, clients]),
        None => connection
            .prepare_cached(
                "INSERT INTO tokenward_usage_spans (subject, level, start, tally, detail, clients) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![open.subject, subject::number(open.level), open.start, tally, detail, clients]),
    }
    .map(drop)
}

/// Forgets the clients of these spans, given by their rows: number and detail.
pub(super) fn forget_clients(connection: &Connection, spans: Vec<(i64, Detail)>) -> rusqlite::Result<()> {
    let sql = "UPDATE tokenward_usage_spans SET detail = ?2, clients = ?3 WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    for (number, mut detail) in spans {
        detail.forget_clients();
        statement.execute(params![number, detail.encode(), Null])?;
    }
    Ok(())
}
