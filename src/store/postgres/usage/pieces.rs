//! The pieces in which a batch is added.

use crate::TokenId;
use crate::usage::{Counts, RecordedCall, Slice, UsageBatch};

/// A part of a batch that is added in one statement. Unlike those of a file, which all wait for one
/// lock, each is of one kind: they lock different things.
pub(super) struct Piece<'a> {
    pub(super) node: u64,
    pub(super) number: u64,
    /// How many parts of the batch stand before it.
    pub(super) before: usize,
    /// And how many until its end.
    pub(super) until: usize,
    pub(super) part: Part<'a>,
    pub(super) is_last: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    Counts(&'a [(TokenId, Counts)]),
    Slices(&'a [Slice]),
    Calls(&'a [RecordedCall]),
}

/// Some ten milliseconds each: as long as other nodes wait for the rows of its tokens.
const COUNTS: usize = 4_000;
/// As long as other nodes wait to give numbers to their calls.
const CALLS: usize = 1_000;
/// Slices wait for nobody; but what one statement carries should stay within some megabytes.
const SLICES: usize = 4_000;
const NAMES: usize = 20_000;

impl<'a> Piece<'a> {
    /// The piece that begins with this part of the batch. Behind the end it is empty.
    pub(super) fn of(batch: &'a UsageBatch, before: usize) -> Piece<'a> {
        let (counts, slices) = (batch.counts.len(), batch.counts.len() + batch.slices.len());
        let all = slices + batch.calls.len();
        let (part, length) = if before < counts {
            let part = first(&batch.counts[before..], COUNTS);
            (Part::Counts(part), part.len())
        } else if before < slices {
            let part = first_slices(&batch.slices[before - counts..]);
            (Part::Slices(part), part.len())
        } else {
            let part = first(&batch.calls[(before - slices).min(batch.calls.len())..], CALLS);
            (Part::Calls(part), part.len())
        };
        let until = before + length;
        Piece { node: batch.node, number: batch.number, before, until, part, is_last: until >= all }
    }

    /// The last minute that it tells of.
    pub(super) fn last_minute(&self) -> Option<i64> {
        let minute = |at: chrono::DateTime<chrono::Utc>| at.timestamp().div_euclid(60);
        match self.part {
            Part::Counts(counts) => counts.iter().filter_map(|(_, of)| of.last_seen_at).max().map(minute),
            Part::Slices(slices) => slices.iter().map(|slice| slice.minute).max(),
            Part::Calls(calls) => calls.iter().map(|call| call.at).max().map(minute),
        }
    }
}

fn first<T>(parts: &[T], most: usize) -> &[T] {
    &parts[..parts.len().min(most)]
}

fn first_slices(slices: &[Slice]) -> &[Slice] {
    let mut names = 0;
    let has_room = |slice: &&Slice| {
        let is_first = names == 0;
        names += 1 + slice.names();
        is_first || names <= NAMES
    };
    let length = first(slices, SLICES).iter().take_while(has_room).count();
    &slices[..length]
}
