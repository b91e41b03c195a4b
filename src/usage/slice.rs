//! What was counted in which span of time, and for whom.

use serde::{Deserialize, Serialize};

use super::{Clients, Detail, Tally};
use crate::TokenId;

/// Whose use it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Subject {
    /// Of all tokens of the service.
    All,
    /// Of all tokens of a tenant; of those without one.
    Tenant(Option<String>),
    /// Of one token.
    Token(TokenId),
}

impl Subject {
    /// How many names of a kind are told apart for it in one span: 100, and 1,000 for all tokens
    /// together.
    pub const fn names(&self) -> usize {
        match self {
            Subject::All => 1_000,
            Subject::Tenant(_) | Subject::Token(_) => 100,
        }
    }
}

/// How long a span is. Spans begin at whole minutes, hours and days of UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Level {
    /// All of them, the shortest first.
    pub const ALL: [Level; 3] = [Level::Minute, Level::Hour, Level::Day];

    /// How many minutes a span has.
    pub const fn minutes(self) -> i64 {
        match self {
            Level::Minute => 1,
            Level::Hour => 60,
            Level::Day => 1_440,
        }
    }

    /// The beginning of the span that this minute is in, in minutes since 1970.
    pub const fn start_of(self, minute: i64) -> i64 {
        minute - minute.rem_euclid(self.minutes())
    }

    /// The first beginning of a span that is not before this minute.
    pub const fn end_of(self, minute: i64) -> i64 {
        minute + (-minute).rem_euclid(self.minutes())
    }
}

/// What was counted for a subject within one minute, to be added to that minute, to its hour and
/// to its day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Slice {
    /// Whose use it is.
    pub subject: Subject,
    /// The minute, in minutes since 1970.
    pub minute: i64,
    /// Whether it was counted by the hour alone, while the store was away for long: it is added to
    /// its hour and its day, and to no minute.
    pub coarse: bool,
    /// What was counted. Its peak and its minutes at the limit say nothing here: a store finds
    /// them by the minute as it is after adding.
    pub tally: Tally,
    /// What stands behind the figures, for the hour and the day.
    pub detail: Detail,
    /// The clients, for the hour and the day.
    pub clients: Clients,
}

impl Slice {
    /// An empty one.
    pub fn new(subject: Subject, minute: i64) -> Slice {
        Slice {
            subject,
            minute,
            coarse: false,
            tally: Tally::default(),
            detail: Detail::default(),
            clients: Clients::default(),
        }
    }

    /// Whether nothing was counted. A store leaves it out.
    pub fn is_empty(&self) -> bool {
        self.tally.without_minutes() == Tally::default()
            && self.detail == Detail::default()
            && self.clients == Clients::default()
    }

    /// How many names stand in it: what it weighs, beside its figures.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn names(&self) -> usize {
        let Detail { endpoints, scopes, secrets, tokens } = &self.detail;
        endpoints.len() + scopes.len() + secrets.len() + tokens.len() + self.clients.len()
    }
}

/// What was counted for a subject in one span, as a store keeps it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredSlice {
    /// Whose use it is.
    pub subject: Subject,
    /// How long the span is.
    pub level: Level,
    /// Its beginning, in minutes since 1970.
    pub start: i64,
    /// What was counted, with the busiest minute and the minutes at the limit.
    pub tally: Tally,
    /// What stands behind the figures; empty for a minute, and where it was not asked for.
    pub detail: Detail,
    /// The clients; empty for a minute, where they were erased, and where they were not asked for.
    pub clients: Clients,
}

impl StoredSlice {
    /// An empty one, for a store to add to.
    pub fn new(subject: Subject, level: Level, start: i64) -> StoredSlice {
        StoredSlice {
            subject,
            level,
            start,
            tally: Tally::default(),
            detail: Detail::default(),
            clients: Clients::default(),
        }
    }
}

/// Which spans are read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SliceQuery {
    /// Whose use.
    pub subjects: Vec<Subject>,
    /// Which spans: all that begin within one of these.
    pub spans: Vec<Span>,
    /// Whether what stands behind the figures, and the clients, are wanted as well.
    pub detailed: bool,
}

impl SliceQuery {
    /// The figures alone.
    pub fn new(subjects: Vec<Subject>, spans: Vec<Span>) -> SliceQuery {
        SliceQuery { subjects, spans, detailed: false }
    }

    /// What stands behind them as well.
    pub fn detailed(mut self) -> SliceQuery {
        self.detailed = true;
        self
    }
}

/// Spans of one level that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// How long each is.
    pub level: Level,
    /// The beginning of the first, in minutes since 1970.
    pub from: i64,
    /// The minute after the last.
    pub until: i64,
}

impl Span {
    /// Whether a stored slice is one of these spans.
    pub(crate) fn contains(&self, slice: &StoredSlice) -> bool {
        slice.level == self.level && (self.from..self.until).contains(&slice.start)
    }
}
