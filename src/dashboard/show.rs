//! Numbers and times as people read them.

use chrono::{DateTime, Utc};

/// `48,211`.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

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
    /// `12 s ago`, `in 3 days`.
    pub(super) relative: String,
}

impl Time {
    pub(super) fn of(time: DateTime<Utc>, now: DateTime<Utc>) -> Time {
        Time {
            iso: time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            text: time.format("%-d %b %Y, %H:%M UTC").to_string(),
            relative: relative(time, now),
        }
    }
}

/// `12 s ago`, `in 3 days`; whole units, rounded down.
pub(super) fn relative(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - time).num_seconds();
    let length = span(seconds.unsigned_abs());
    match seconds {
        0 => "now".to_owned(),
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
