//! A span of time that is asked about, and the stored spans that make it up.

#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Level, Span};

/// A span of time in whole minutes, in minutes, hours or days.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Period {
    from: i64,
    until: i64,
}

#[derive(Deserialize)]
struct Unchecked {
    from: i64,
    until: i64,
}

impl TryFrom<Unchecked> for Period {
    type Error = &'static str;

    fn try_from(Unchecked { from, until }: Unchecked) -> Result<Period, &'static str> {
        let times = minute_of(DateTime::<Utc>::MIN_UTC)..=minute_of(DateTime::<Utc>::MAX_UTC) + 1;
        let is_period = times.contains(&from) && times.contains(&until) && from <= until;
        is_period.then_some(Period { from, until }).ok_or("a period ends no earlier than it begins")
    }
}

impl Period {
    /// From the minute that `from` is in to the minute before the one that `until` is in, or with
    /// it if that minute has begun. What ends before it begins is empty.
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Period {
        let from = minute_of(from);
        let whole = minute_of(until);
        let until = whole + i64::from(until > start_of(whole));
        Period { from, until: until.max(from) }
    }

    /// The running minute and those before it, so many in all: 1,440 are the last 24 hours.
    pub fn last_minutes(now: DateTime<Utc>, minutes: u32) -> Period {
        let until = minute_of(now).saturating_add(1);
        Period { from: until - i64::from(minutes), until }
    }

    /// The running minute and the 1,439 before it.
    pub fn last_24_hours(now: DateTime<Utc>) -> Period {
        Period::last_minutes(now, 1_440)
    }

    /// Its beginning.
    pub fn from(&self) -> DateTime<Utc> {
        start_of(self.from)
    }

    /// The moment after it.
    pub fn until(&self) -> DateTime<Utc> {
        start_of(self.until)
    }

    /// How many minutes it has.
    pub fn minutes(&self) -> i64 {
        self.until - self.from
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.from == self.until
    }

    /// The same, widened to what is kept: before that, hours stand in for minutes, and days for
    /// hours. What is empty stays so.
    pub(crate) fn widened(self, kept: Kept) -> Period {
        let mut period = self;
        for (level, kept_since) in [(Level::Hour, kept.minutes), (Level::Day, kept.hours)] {
            if period.is_empty() || period.from >= kept_since {
                continue;
            }
            period.from = level.start_of(period.from);
            // In the span in which the shorter ones begin, some of them are gone.
            if period.until < level.end_of(kept_since) {
                period.until = level.end_of(period.until);
            }
        }
        period
    }

    /// The same, widened to whole spans of this level. What is empty stays so.
    pub(crate) fn widened_to(self, level: Level) -> Period {
        match self.is_empty() {
            true => self,
            false => Period { from: level.start_of(self.from), until: level.end_of(self.until) },
        }
    }

    /// The stored spans that make it up, as few as will do: whole days, whole hours at either end
    /// of them, and minutes at either end of those.
    pub(crate) fn spans(self) -> Vec<Span> {
        let mut spans = Vec::new();
        let hours_before = |spans: &mut Vec<Span>, part: Period| {
            part.split(Level::Hour, spans, |spans, part| part.push(Level::Minute, spans));
        };
        self.split(Level::Day, &mut spans, hours_before);
        spans
    }

    /// The whole spans of this level, with `rest` of what is left at either end.
    fn split(self, level: Level, spans: &mut Vec<Span>, rest: impl Fn(&mut Vec<Span>, Period)) {
        let whole = Period { from: level.end_of(self.from), until: level.start_of(self.until) };
        if whole.from >= whole.until {
            return rest(spans, self);
        }
        rest(spans, Period { from: self.from, until: whole.from });
        whole.push(level, spans);
        rest(spans, Period { from: whole.until, until: self.until });
    }

    fn push(self, level: Level, spans: &mut Vec<Span>) {
        if !self.is_empty() {
            spans.push(Span { level, from: self.from, until: self.until });
        }
    }

    /// Its first minute, and the one after its last.
    pub(crate) fn bounds(self) -> (i64, i64) {
        (self.from, self.until)
    }
}

/// Since which minute a level is kept, in minutes since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) minutes: i64,
    pub(crate) hours: i64,
}

const MINUTE_MS: i64 = 60_000;

/// The minute that a moment is in, counted from 1970.
pub(crate) fn minute_of(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis().div_euclid(MINUTE_MS)
}

/// The beginning of a minute that is counted from 1970; the first or the last time that there is,
/// where there is none so far away.
pub fn start_of(minute: i64) -> DateTime<Utc> {
    let since_1970 = TimeDelta::try_minutes(minute);
    let farthest = if minute < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    since_1970.and_then(|time| DateTime::UNIX_EPOCH.checked_add_signed(time)).unwrap_or(farthest)
}
