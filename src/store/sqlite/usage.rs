//! The use of tokens: how a batch is added.
//!
//! A batch is added in pieces, each a transaction of its own, so that the lock of writes is never
//! held for long and changes of tokens go in between. The row of the node says how much of its last
//! batch is added, in the same transaction that adds it: a repetition goes on where the pieces
//! ended, and once the batch is whole it adds nothing. So whatever goes wrong in between, nothing is
//! counted twice, and what is repeated is counted whole. Only a process that dies half way, whose
//! batches nobody repeats, leaves a part: less than the truth, by at most what any kill loses.
//!
//! Minutes that may still go on are kept apart, and rolled up when they are over: see [`running`].

pub(super) mod calls;
pub(super) mod forgetting;
#[cfg(test)]
mod plans;
pub(super) mod reading;
pub(super) mod running;
mod spans;
#[cfg(test)]
mod tests;
pub(super) mod totals;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::unreadable;
use crate::TokenId;
use crate::usage::{Counts, Encoded, RecordedCall, Slice, UsageBatch, columns};

/// What is added in one transaction weighs at most so much: a few milliseconds. The totals of one
/// token weigh 1.
pub(super) const PIECE: usize = 500;

/// A call has its row and three indices.
const CALL: usize = 2;

/// A slice is merged into a row, and each name in it read and written.
const SLICE: usize = 4;
const NAMES_OF_WEIGHT: usize = 8;

/// A part of a batch.
pub(super) struct Piece {
    node: u64,
    number: u64,
    /// How many parts of the batch stand before it.
    before: usize,
    counts: Vec<(TokenId, Counts)>,
    slices: Vec<Slice>,
    calls: Vec<RecordedCall>,
    pub(super) is_last: bool,
}

/// The pieces of a batch, in order. An empty batch has one, which is empty.
pub(super) fn pieces(batch: &UsageBatch) -> impl Iterator<Item = Piece> + '_ {
    let slices_from = batch.counts.len();
    let calls_from = slices_from + batch.slices.len();
    let all = calls_from + batch.calls.len();
    let weight = move |place: usize| match place {
        place if place < slices_from => 1,
        place if place < calls_from => weight_of(&batch.slices[place - slices_from]),
        _ => CALL,
    };
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let before = next?;
        let mut until = before;
        let mut heavy = 0;
        while until < all && (until == before || heavy + weight(until) <= PIECE) {
            heavy += weight(until);
            until += 1;
        }
        next = (until < all).then_some(until);
        Some(Piece {
            node: batch.node,
            number: batch.number,
            before,
            counts: part(&batch.counts, 0, before, until).to_vec(),
            slices: part(&batch.slices, slices_from, before, until).to_vec(),
            calls: part(&batch.calls, calls_from, before, until).to_vec(),
            is_last: until == all,
        })
    })
}

/// What of `parts`, the first of which stands at `from` in the batch, stands between two places.
fn part<T>(parts: &[T], from: usize, before: usize, until: usize) -> &[T] {
    let place = |place: usize| place.saturating_sub(from).min(parts.len());
    &parts[place(before)..place(until)]
}

fn weight_of(slice: &Slice) -> usize {
    SLICE + slice.names() / NAMES_OF_WEIGHT
}

/// Adds a piece, except for what of it was added before.
pub(super) fn add(connection: &Connection, piece: &Piece) -> rusqlite::Result<()> {
    let until = piece.before + piece.counts.len() + piece.slices.len() + piece.calls.len();
    let Some(from) = added(connection, piece)? else { return Ok(()) };
    if from >= until && !piece.is_last {
        return Ok(());
    }
    let skipped = from.saturating_sub(piece.before);
    let (counts, slices) = (piece.counts.len(), piece.counts.len() + piece.slices.len());
    totals::add(connection, part(&piece.counts, 0, skipped, counts))?;
    running::add(connection, part(&piece.slices, counts, skipped, slices))?;
    calls::add(connection, part(&piece.calls, slices, skipped, usize::MAX))?;
    connection
        .prepare_cached(
            "INSERT INTO tokenward_usage_batches (node, number, added, whole) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (node) DO UPDATE SET number = excluded.number, added = excluded.added, whole = excluded.whole",
        )?
        .execute(params![piece.node as i64, piece.number as i64, until as i64, piece.is_last])
        .map(drop)
}

/// How much of the piece's batch was added before; none where all of it was.
fn added(connection: &Connection, piece: &Piece) -> rusqlite::Result<Option<usize>> {
    let last = connection
        .prepare_cached("SELECT number, added, whole FROM tokenward_usage_batches WHERE node = ?1")?
        .query_row([piece.node as i64], |row| {
            Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as usize, row.get::<_, bool>(2)?))
        })
        .optional()?;
    Ok(match last {
        None => (piece.number > 0).then_some(0),
        Some((number, added, whole)) if number == piece.number => (!whole).then_some(added),
        Some((number, ..)) => (piece.number > number).then_some(0),
    })
}

/// What a column holds, for [`columns`]: where it holds no bytes there is nothing that can be read.
fn bytes<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<Option<&'a [u8]>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Blob(bytes) => Some(bytes),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Some(&[]),
    })
}

/// What was counted, for whoever wants to know.
fn read<T: Encoded + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    columns::kept(bytes(row, column)?)
        .ok_or_else(|| unreadable("what was counted in a span of time cannot be read"))
}

/// The same for whoever writes to it next.
fn mended<T: Encoded + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    Ok(columns::mended(bytes(row, column)?))
}
