//! The span of time that a page tells of: an hour, a day, a week, a month, or what was asked for.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use super::form::Form;
use super::show::Time;
use crate::Period;

/// The span of time that a page tells of.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) period: Period,
    /// `the last 24 hours`.
    pub(super) words: String,
    pub(super) links: Vec<RangeLink>,
    /// What stands in the fields for another span, in UTC.
    pub(super) from: String,
    pub(super) to: String,
    /// Why what was asked for is not shown.
    pub(super) mistake: Option<&'static str>,
    chosen: Option<Chosen>,
}

/// One of the usual spans.
#[derive(Clone, Debug)]
pub(super) struct RangeLink {
    pub(super) word: &'static str,
    pub(super) text: &'static str,
    pub(super) is_current: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Chosen {
    word: &'static str,
    text: &'static str,
    words: &'static str,
    minutes: u32,
}

const USUAL: [Chosen; 4] = [
    Chosen { word: "1h", text: "1 h", words: "the last hour", minutes: 60 },
    Chosen { word: "24h", text: "24 h", words: "the last 24 hours", minutes: 1_440 },
    Chosen { word: "7d", text: "7 d", words: "the last 7 days", minutes: 10_080 },
    Chosen { word: "30d", text: "30 d", words: "the last 30 days", minutes: MONTH_MINUTES },
];
const DAY: Chosen = USUAL[1];
/// 30 days.
pub(super) const MONTH_MINUTES: u32 = 43_200;
/// A span has at most so many days.
const MOST_DAYS: i64 = 3_660;
/// As `<input type="datetime-local">` writes it.
const FIELD: &str = "%Y-%m-%dT%H:%M";

impl Range {
    /// Reads `range`, or `from` and `to`. What does not read is told, and the last 24 hours are
    /// shown.
    pub(super) fn of(query: &Form, now: DateTime<Utc>) -> Range {
        let asked = query.some("from").or(query.some("to")).is_some();
        let (period, chosen, mistake) = match asked.then(|| asked_for(query, now)) {
            Some(Ok(period)) => (period, None, None),
            Some(Err(mistake)) => (usual(DAY, now), Some(DAY), Some(mistake)),
            None => {
                let word = query.text("range");
                let chosen = USUAL.into_iter().find(|usual| usual.word == word).unwrap_or(DAY);
                (usual(chosen, now), Some(chosen), None)
            }
        };
        let (from, to) = match mistake {
            Some(_) => (query.text("from").to_owned(), query.text("to").to_owned()),
            None => {
                (period.from().format(FIELD).to_string(), period.until().min(now).format(FIELD).to_string())
            }
        };
        let words = match chosen {
            Some(chosen) => chosen.words.to_owned(),
            None => {
                let text = |time| Time::of(time, now).text;
                format!("{} to {}", text(period.from()), text(period.until().min(now)))
            }
        };
        let link = |usual: &Chosen| RangeLink {
            word: usual.word,
            text: usual.text,
            is_current: chosen == Some(*usual) && mistake.is_none(),
        };
        Range { period, words, links: USUAL.iter().map(link).collect(), from, to, mistake, chosen }
    }

    /// Whether it is one of the usual spans, up to now.
    pub(super) fn is_usual(&self) -> bool {
        self.chosen.is_some()
    }

    /// Whether it is the last 30 days.
    pub(super) fn is_month(&self) -> bool {
        self.chosen.is_some_and(|chosen| chosen.minutes == MONTH_MINUTES)
    }
}

fn usual(chosen: Chosen, now: DateTime<Utc>) -> Period {
    Period::last_minutes(now, chosen.minutes)
}

fn asked_for(query: &Form, now: DateTime<Utc>) -> Result<Period, &'static str> {
    let field = |name: &str, empty: Option<DateTime<Utc>>| match query.some(name) {
        None => empty.ok_or("Say from when on: a date and a time in UTC."),
        Some(text) => read(text).ok_or("Write a date and a time in UTC, such as 2026-11-24T14:00."),
    };
    let from = field("from", None)?;
    // What lies ahead holds nothing; the running minute is in it.
    let to = field("to", Some(now))?.min(now + TimeDelta::milliseconds(1));
    match () {
        () if from > now => Err("The beginning lies in the future."),
        () if to <= from => Err("The end is not after the beginning."),
        () if to - from > TimeDelta::days(MOST_DAYS) => Err("That is too long: at most ten years."),
        () => Ok(Period::new(from, to)),
    }
}

fn read(text: &str) -> Option<DateTime<Utc>> {
    let local = [FIELD, "%Y-%m-%dT%H:%M:%S"];
    let local = local.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let time = local.map(|time| time.and_utc());
    let time = time.or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()))?;
    // Years that a form can hold.
    (0..10_000).contains(&chrono::Datelike::year(&time)).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(query: &str) -> Range {
        let now = "2026-11-24T14:02:10Z".parse().unwrap();
        Range::of(&Form::read(query.as_bytes()).unwrap(), now)
    }

    #[test]
    fn the_last_24_hours_are_shown_where_nothing_else_is_asked_for() {
        for query in ["", "range=", "range=fortnight", "from=&to="] {
            let range = range(query);
            assert_eq!(
                (range.period.minutes(), range.words.as_str()),
                (1_440, "the last 24 hours"),
                "{query}"
            );
        }
    }

    #[test]
    fn a_span_of_ones_own_is_read_in_utc() {
        let range = range("from=2026-11-20T10%3A00&to=2026-11-20T12:30");
        assert_eq!((range.period.minutes(), range.mistake), (150, None));
        assert_eq!(range.words, "20 Nov 2026, 10:00 UTC to 20 Nov 2026, 12:30 UTC");
        assert_eq!((range.from.as_str(), range.to.as_str()), ("2026-11-20T10:00", "2026-11-20T12:30"));
        assert!(range.links.iter().all(|link| !link.is_current));
    }

    #[test]
    fn what_ends_ahead_ends_now() {
        let range = range("from=2026-11-24T14:00&to=2030-01-01T00:00");
        assert_eq!(range.period.minutes(), 3);
    }

    #[test]
    fn mistakes_are_told_and_kept_in_the_fields() {
        for query in [
            "from=yesterday",
            "to=2026-11-20T12:30",
            "from=2026-11-20T12:00&to=2026-11-20T11:00",
            "from=2030-01-01T00:00",
            "from=1000-01-01T00:00",
            "from=%2B200000-01-01T00:00",
            "from=-0001-01-01T00:00",
        ] {
            let range = range(query);
            assert!(range.mistake.is_some(), "{query}");
            assert_eq!(range.period.minutes(), 1_440, "{query}");
        }
        assert_eq!(range("from=yesterday").from, "yesterday");
    }
}
