//! Minutes that may still go on: what was added to them, and how that is rolled up.
//!
//! A batch is only added to the rows of its minutes, which are small and stand beside each other.
//! Once a later batch tells of another minute, what is over is rolled up into minutes, hours and
//! days, in pieces that each delete the rows that they have rolled up: a kill loses nothing and
//! counts nothing twice. A row for a minute that was rolled up before is one more to be rolled up.
//!
//! Whoever reads adds what is still here to what is there.

#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::mended;
use super::spans::Spans;
use crate::usage::running::Running;
use crate::usage::{Clients, Detail, Encoded, Slice, Tally, UsageBatch, columns, subject_text};

/// Adds slices to what is running.
pub(super) fn add(connection: &Connection, slices: &[Slice]) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT number, tally, detail, clients FROM tokenward_usage_running \
         WHERE subject = ?1 AND minute = ?2 AND coarse = ?3",
    )?;
    let mut update = connection.prepare_cached(
        "UPDATE tokenward_usage_running SET tally = ?2, detail = ?3, clients = ?4 WHERE number = ?1",
    )?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO tokenward_usage_running (subject, minute, coarse, tally, detail, clients) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for slice in slices.iter().filter(|slice| !slice.is_empty()) {
        let subject = subject_text::text(&slice.subject);
        let names = slice.subject.names();
        let found: Option<(i64, Tally, Detail, Clients)> = find
            .query_row(params![subject, slice.minute, slice.coarse], |row| {
                Ok((row.get(0)?, mended(row, 1)?, mended(row, 2)?, mended(row, 3)?))
            })
            .optional()?;
        let more = slice.tally.without_minutes();
        let Some((number, mut tally, mut detail, mut clients)) = found else {
            let (detail, clients) = columns::long(&slice.detail, &slice.clients);
            insert.execute(params![subject, slice.minute, slice.coarse, more.encode(), detail, clients])?;
            continue;
        };
        tally.merge(&more);
        detail.merge(&slice.detail);
        detail.shrink(names);
        clients.merge(&slice.clients);
        clients.shrink(names);
        let (detail, clients) = columns::long(&detail, &clients);
        update.execute(params![number, tally.encode(), detail, clients])?;
    }
    Ok(())
}

/// A piece of a roll-up takes at most so many rows, and ends at the first that makes it longer than
/// so many bytes: a few milliseconds.
pub(super) const ROWS: usize = 50;
const BYTES: usize = 64 << 10;

/// At least so many rows of the minute that has just ended are rolled up with each batch, or a
/// fourth of the batch's slices.
const PACE: usize = 200;
const SHARE: usize = 4;

/// What is still to be rolled up with a batch: all but the newest minute that the batch tells of.
///
/// The minutes beside it, those that have just ended, take their time, so that one batch a minute
/// does not take much longer than the others. All that lies further away is rolled up at once: after
/// the next minute has ended, or when a clock was set.
#[derive(Clone, Copy)]
pub(in super::super) struct RollUp {
    newest: i64,
    /// How many rows of the minutes beside it.
    left: usize,
}

impl RollUp {
    /// None where the batch tells of no minute.
    pub(in super::super) fn after(batch: &UsageBatch) -> Option<RollUp> {
        let newest = batch.slices.iter().map(|slice| slice.minute).max()?;
        Some(RollUp { newest, left: PACE.max(batch.slices.len() / SHARE) })
    }

    /// Rolls up a piece; none where there was nothing more to do.
    pub(in super::super) fn piece(mut self, connection: &Connection) -> rusqlite::Result<Option<RollUp>> {
        let RollUp { newest, left } = self;
        let (before, behind) = (newest.saturating_sub(1), newest.saturating_add(1));
        let mut piece = Piece::new(connection, ROWS);
        piece.take(&BEFORE, before)?;
        piece.take(&BEHIND, behind)?;
        let far = piece.rows;
        piece.most = piece.most.min(far + left);
        piece.take(&BEFORE, newest)?;
        piece.take(&BEHIND, newest)?;
        self.left -= piece.rows - far;
        Ok(piece.write()?.then_some(self))
    }
}

/// Rolls up a piece of what is before this minute; says whether there may be more.
pub(super) fn roll_up_before(connection: &Connection, minute: i64) -> rusqlite::Result<bool> {
    let mut piece = Piece::new(connection, ROWS);
    piece.take(&BEFORE, minute)?;
    piece.write()
}

/// The two sides of a minute: whose row is the first there, and the rows of a subject there.
struct Side {
    first: &'static str,
    of: &'static str,
}

const BEFORE: Side = Side {
    first: "SELECT subject FROM tokenward_usage_running INDEXED BY tokenward_usage_running_by_minute \
            WHERE minute < ?1 ORDER BY minute LIMIT 1",
    of: "SELECT subject, minute, coarse, tally, detail, clients, number FROM tokenward_usage_running \
         INDEXED BY tokenward_usage_running_by_subject \
         WHERE subject = ?1 AND minute < ?2 ORDER BY minute, coarse LIMIT ?3",
};
const BEHIND: Side = Side {
    first: "SELECT subject FROM tokenward_usage_running INDEXED BY tokenward_usage_running_by_minute \
            WHERE minute > ?1 ORDER BY minute LIMIT 1",
    of: "SELECT subject, minute, coarse, tally, detail, clients, number FROM tokenward_usage_running \
         INDEXED BY tokenward_usage_running_by_subject \
         WHERE subject = ?1 AND minute > ?2 ORDER BY minute, coarse LIMIT ?3",
};

/// All of them, to look at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 4] = [BEFORE.first, BEFORE.of, BEHIND.first, BEHIND.of];

struct Piece<'a> {
    connection: &'a Connection,
    spans: Spans<'a>,
    rows: usize,
    most: usize,
    bytes: usize,
}

impl<'a> Piece<'a> {
    fn new(connection: &'a Connection, most: usize) -> Piece<'a> {
        Piece { connection, spans: Spans::new(connection), rows: 0, most, bytes: 0 }
    }

    fn is_full(&self) -> bool {
        self.rows >= self.most || self.bytes >= BYTES
    }

    /// Takes rows on a side of a minute: of the subject of the first one all that are there, since
    /// they have hours and days in common.
    fn take(&mut self, side: &Side, minute: i64) -> rusqlite::Result<()> {
        let mut first = self.connection.prepare_cached(side.first)?;
        let mut of = self.connection.prepare_cached(side.of)?;
        let mut delete =
            self.connection.prepare_cached("DELETE FROM tokenward_usage_running WHERE number = ?1")?;
        while !self.is_full() {
            let subject: Option<String> = first.query_row([minute], |row| row.get(0)).optional()?;
            let Some(subject) = subject else { break };
            let room = (self.most - self.rows) as i64;
            let mut rows = of.query(params![subject, minute, room])?;
            let mut numbers = Vec::new();
            while let Some(row) = rows.next()? {
                self.bytes += length(row)?;
                numbers.push(row.get::<_, i64>(6)?);
                self.spans.add(&subject, running(row)?)?;
                if self.bytes >= BYTES {
                    break;
                }
            }
            drop(rows);
            if numbers.is_empty() {
                break;
            }
            self.rows += numbers.len();
            for number in numbers {
                delete.execute([number])?;
            }
        }
        Ok(())
    }

    /// Says whether it has done anything.
    fn write(self) -> rusqlite::Result<bool> {
        self.spans.write()?;
        Ok(self.rows > 0)
    }
}

fn running(row: &Row<'_>) -> rusqlite::Result<Running> {
    Ok(Running {
        minute: row.get(1)?,
        coarse: row.get(2)?,
        tally: mended(row, 3)?,
        detail: mended(row, 4)?,
        clients: mended(row, 5)?,
    })
}

fn length(row: &Row<'_>) -> rusqlite::Result<usize> {
    let length = |column| Ok(row.get_ref(column)?.as_blob_or_null().ok().flatten().map_or(0, <[u8]>::len));
    (3..6).map(length).sum()
}
