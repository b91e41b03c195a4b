//! What was added in minutes that may still go on, and how it becomes part of spans.

#[cfg(feature = "postgres")]
use std::collections::btree_map::Entry;

use super::{Clients, Detail, Level, Span, StoredSlice, Subject, Tally};

/// What was counted for a subject within a minute, and is not rolled up yet.
pub(crate) struct Running {
    /// In minutes since 1970.
    pub(crate) minute: i64,
    /// As in [`Slice`](super::Slice).
    pub(crate) coarse: bool,
    pub(crate) tally: Tally,
    pub(crate) detail: Detail,
    pub(crate) clients: Clients,
}

impl Running {
    /// Adds to an hour or to a day. Of a minute that is told by itself, the tally is what
    /// [`Tally::add_to_minute`] has given.
    pub(crate) fn add_to(
        &self,
        tally: &mut Tally,
        (detail, clients): (&mut Detail, &mut Clients),
        names: usize,
    ) {
        tally.merge(&self.tally);
        detail.merge(&self.detail);
        detail.shrink(names);
        clients.merge(&self.clients);
        clients.shrink(names);
    }

    /// Puts it where nothing is, or adds it to what several batches have told of the same minute.
    #[cfg(feature = "postgres")]
    pub(crate) fn sum<K: Ord>(sums: Entry<'_, K, Running>, more: Running, names: usize) {
        match sums {
            Entry::Vacant(place) => _ = place.insert(more),
            Entry::Occupied(mut sum) => {
                let Running { tally, detail, clients, .. } = sum.get_mut();
                more.add_to(tally, (detail, clients), names);
            }
        }
    }
}

/// What is asked for, by level: the spans of each, those that overlap or touch as one, so that each is
/// read once.
pub(crate) struct Asked([Vec<(i64, i64)>; 3]);

impl Asked {
    pub(crate) fn of(spans: &[Span]) -> Asked {
        Asked(Level::ALL.map(|level| joined(spans, level)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// From the first minute, and until before the second.
    pub(crate) fn of_level(&self, level: Level) -> &[(i64, i64)] {
        &self.0[level as usize]
    }

    /// Every minute that belongs to a span that is asked for is between these, the second not among them.
    #[cfg(feature = "postgres")]
    pub(crate) fn bounds(&self) -> (i64, i64) {
        let all = Level::ALL.into_iter().flat_map(|level| {
            self.of_level(level)
                .iter()
                .map(move |(from, until)| (*from, until.saturating_add(level.minutes())))
        });
        all.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default()
    }

    /// Whether the span of this level that the minute is in is asked for.
    fn includes(&self, level: Level, minute: i64) -> bool {
        let start = level.start_of(minute);
        self.of_level(level).iter().any(|(from, until)| (*from..*until).contains(&start))
    }

    /// Whether any span that the minute is in is asked for.
    pub(crate) fn includes_some(&self, minute: i64) -> bool {
        Level::ALL.into_iter().any(|level| self.includes(level, minute))
    }
}

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

/// What is found of one subject, in the order of levels and of time.
pub(crate) struct Found<'a> {
    subject: &'a Subject,
    asked: &'a Asked,
    slices: Vec<StoredSlice>,
}

impl<'a> Found<'a> {
    /// Nothing yet.
    pub(crate) fn of(subject: &'a Subject, asked: &'a Asked) -> Found<'a> {
        Found { subject, asked, slices: Vec::new() }
    }

    /// The span of this level that begins at a minute, which is empty if it was not there.
    pub(crate) fn span(&mut self, level: Level, start: i64) -> &mut StoredSlice {
        let place = self.slices.partition_point(|slice| (slice.level, slice.start) < (level, start));
        let is_there =
            self.slices.get(place).is_some_and(|slice| (slice.level, slice.start) == (level, start));
        if !is_there {
            self.slices.insert(place, StoredSlice::new(self.subject.clone(), level, start));
        }
        &mut self.slices[place]
    }

    /// Adds what a roll-up would add now. `minute` is the tally of the minute as it is stored.
    pub(crate) fn add(&mut self, mut running: Running, mut minute: Tally) {
        let at = running.minute;
        if !running.coarse {
            running.tally = minute.add_to_minute(at, std::mem::take(&mut running.tally));
            if self.asked.includes(Level::Minute, at) {
                self.span(Level::Minute, at).tally = minute;
            }
        }
        let names = self.subject.names();
        for level in [Level::Hour, Level::Day] {
            if self.asked.includes(level, at) {
                let StoredSlice { tally, detail, clients, .. } = self.span(level, level.start_of(at));
                running.add_to(tally, (detail, clients), names);
            }
        }
    }

    pub(crate) fn into_slices(self) -> Vec<StoredSlice> {
        self.slices
    }
}
