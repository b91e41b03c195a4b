//! Numbers and times as people read them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

pub(super) use crate::denied::speech::number;

/// `99.2 %` of a share between 0 and 1; a dash where there is none. Never 100 % of anything less.
pub(super) fn percent(share: Option<f64>) -> String {
    let Some(share) = share else { return "–".to_owned() };
    let tenths = (share * 1_000.0).floor() / 10.0;
    if share >= 1.0 { "100 %".to_owned() } else { format!("{tenths:.1} %") }
}

/// `31 ms`, `1.2 s`; a dash where there is none.
pub(super) fn milliseconds(time: Option<f64>) -> String {
    match time {
        None => "–".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1} ms"),
        Some(ms) if ms < 1_000.0 => format!("{ms:.0} ms"),
        Some(ms) => format!("{:.1} s", ms / 1_000.0),
    }
}

/// A moment in a page: what a machine reads, and what a person does, in UTC. Scripts turn the
/// latter into the person's own zone.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// RFC 3339, for `<time datetime>`.
    pub(super) iso: String,
    /// `24 Nov 2026, 14:02 UTC`.
    pub(super) text: String,
    /// `24 Nov 2026`, in UTC.
    pub(super) date: String,
    /// `14:02:10 UTC`.
    pub(super) clock: String,
    /// `12 s ago`, `in 3 days`.
    pub(super) relative: String,
}

impl Time {
    pub(super) fn of(time: DateTime<Utc>, now: DateTime<Utc>) -> Time {
        Time {
            iso: time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            text: time.format("%-d %b %Y, %H:%M UTC").to_string(),
            date: time.format("%-d %b %Y").to_string(),
            clock: time.format("%H:%M:%S UTC").to_string(),
            relative: relative(time, now),
        }
    }
}

/// `12 s ago`, `in 3 days`; whole units, rounded down.
pub(super) fn relative(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - time).num_seconds();
    let length = span(seconds.unsigned_abs());
    match seconds {
        0 => "just now".to_owned(),
        1.. => format!("{length} ago"),
        _ => format!("in {length}"),
    }
}

/// `12 s`, `5 min`, `3 h`, `1 day`, `94 days`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..172_800 => "1 day".to_owned(),
        _ => format!("{} days", number(seconds / 86_400)),
    }
}

/// `1 token`, `1,204 tokens`: a number with its noun, which takes an s.
pub(super) fn count(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", self::number(number))
}

/// A text that somebody else has written, with characters that show nothing, or turn the direction
/// of what follows, as their numbers: `U+202E`.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_invisible(character) {
            shown.push_str(&format!("[U+{:04X}]", character as u32));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Joiners are none of them: scripts and emoji need them.
fn is_invisible(character: char) -> bool {
    (character.is_control() && character != '\n')
        || matches!(character,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{061c}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 7, 999, 1_000, 51_877, 1_000_000, u64::MAX].map(number);
        assert_eq!(shown, ["0", "7", "999", "1,000", "51,877", "1,000,000", "18,446,744,073,709,551,615"]);
        assert_eq!([0, 1, 2].map(|calls| count(calls, "call")), ["0 calls", "1 call", "2 calls"]);
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        let shown = [Some(1.0), Some(0.99999), Some(0.992), Some(0.0), None].map(percent);
        assert_eq!(shown, ["100 %", "99.9 %", "99.2 %", "0.0 %", "–"]);
    }

    #[test]
    fn times_of_responses_keep_what_matters_of_them() {
        let shown = [None, Some(0.25), Some(9.96), Some(31.4), Some(1_250.0)].map(milliseconds);
        assert_eq!(shown, ["–", "0.2 ms", "10.0 ms", "31 ms", "1.2 s"]);
    }

    #[test]
    fn moments_are_told_from_now_in_whole_units() {
        let now = at("2026-11-24T14:00:00Z");
        let told = |time: &str| relative(at(time), now);
        assert_eq!(told("2026-11-24T14:00:00Z"), "just now");
        assert_eq!(told("2026-11-24T13:59:48Z"), "12 s ago");
        assert_eq!(told("2026-11-24T13:00:01Z"), "59 min ago");
        assert_eq!(told("2026-11-23T14:00:01Z"), "23 h ago");
        assert_eq!(told("2026-11-22T14:00:01Z"), "1 day ago");
        assert_eq!(told("2026-11-27T14:00:00Z"), "in 3 days");
    }

    #[test]
    fn a_moment_is_told_in_full_by_its_date_and_by_its_time() {
        let time = Time::of(at("2027-02-01T00:05:09Z"), at("2026-11-24T14:00:00Z"));
        assert_eq!(time.iso, "2027-02-01T00:05:09Z");
        assert_eq!(time.text, "1 Feb 2027, 00:05 UTC");
        assert_eq!(time.date, "1 Feb 2027");
        assert_eq!(time.clock, "00:05:09 UTC");
        assert_eq!(time.relative, "in 68 days");
    }

    #[test]
    fn characters_that_turn_or_hide_text_are_shown_as_what_they_are() {
        assert_eq!(visible("safe\u{202e}txt"), "safe[U+202E]txt");
        assert_eq!(visible("zero\u{200b}width\u{7}"), "zero[U+200B]width[U+0007]");
        assert!(matches!(visible("Größe 👩\u{200d}🔧 שלום"), Cow::Borrowed(_)));
    }
}
