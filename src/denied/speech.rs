//! Times and numbers as people say them.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// `1 February 2027 at 00:00 UTC`; with seconds where there are any.
pub(crate) fn moment(time: DateTime<Utc>) -> String {
    let seconds = time.timestamp() % 60 != 0;
    let format = if seconds { "%-d %B %Y at %H:%M:%S UTC" } else { "%-d %B %Y at %H:%M UTC" };
    time.format(format).to_string()
}

/// How long a wait is, rounded up to whole seconds: `12 seconds`, `1 minute`, `2 minutes and 5 seconds`.
pub(crate) fn wait(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000).max(1);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // Two units say enough, and the seconds of an hour's wait say too much.
    let parts = match (hours, minutes, seconds) {
        (0, 0, seconds) => [count(seconds, "second"), None],
        (0, minutes, seconds) => [count(minutes, "minute"), count(seconds, "second")],
        // What is cut off here is added to the minutes, so that nobody comes back too early.
        (hours, minutes, seconds) => {
            let minutes = hours * 60 + minutes + u64::from(seconds > 0);
            [count(minutes / 60, "hour"), count(minutes % 60, "minute")]
        }
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// The length of a window behind "in the last": `minute`, `2 seconds`, `hour`.
pub(crate) fn span(time: Duration) -> String {
    let ms = time.as_millis() as u64;
    let (number, unit) = match ms {
        _ if ms.is_multiple_of(86_400_000) => (ms / 86_400_000, "day"),
        _ if ms.is_multiple_of(3_600_000) => (ms / 3_600_000, "hour"),
        _ if ms.is_multiple_of(60_000) => (ms / 60_000, "minute"),
        _ if ms.is_multiple_of(1_000) => (ms / 1_000, "second"),
        _ => (ms, "millisecond"),
    };
    if number == 1 { unit.to_owned() } else { format!("{number} {unit}s") }
}

/// How long ago a moment was, in whole units, rounded down: `12 seconds ago`, `94 days ago`.
pub(crate) fn ago(time: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - time).num_seconds();
    let (number, unit) = match seconds {
        ..1 => return "just now".to_owned(),
        1..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{} ago", several(number.unsigned_abs(), unit))
}

/// `22 Aug 2026`.
pub(crate) fn day(time: DateTime<Utc>) -> String {
    time.format("%-d %b %Y").to_string()
}

/// `1 call`, `48,211 calls`.
pub(crate) fn several(count: u64, what: &str) -> String {
    format!("{} {what}{}", number(count), if count == 1 { "" } else { "s" })
}

/// `48,211`.
pub(crate) fn number(number: u64) -> String {
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

/// `99.2 %` of a share between 0 and 1, rounded down, so that nothing less than all is 100 %.
pub(crate) fn percent(share: f64) -> String {
    if share >= 1.0 { "100 %".to_owned() } else { format!("{:.1} %", (share * 1_000.0).floor() / 10.0) }
}

/// `A`, `A and B`, `A, B and C`.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    match names {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

fn count(number: u64, unit: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {unit}")),
        _ => Some(format!("{number} {unit}s")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_read_like_speech() {
        for (ms, said) in [
            (0, "1 second"),
            (1, "1 second"),
            (1_001, "2 seconds"),
            (12_000, "12 seconds"),
            (59_001, "1 minute"),
            (61_000, "1 minute and 1 second"),
            (3_600_000, "1 hour"),
            (3_600_001, "1 hour and 1 minute"),
            (7_199_001, "2 hours"),
            (86_400_000, "24 hours"),
        ] {
            assert_eq!(wait(ms), said, "{ms} ms");
        }
    }

    #[test]
    fn numbers_shares_and_lists() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1.0, 0.99999, 0.714, 0.0].map(percent), ["100 %", "99.9 %", "71.4 %", "0.0 %"]);
        assert_eq!(several(1, "call"), "1 call");
        assert_eq!(list(&["A", "B", "C"]), "A, B and C");
        assert_eq!(list(&["A", "B"]), "A and B");
        assert_eq!(list::<&str>(&[]), "");
    }

    #[test]
    fn moments_and_spans() {
        let time: DateTime<Utc> = "2027-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(moment(time), "1 February 2027 at 00:00 UTC");
        assert_eq!(moment(time + chrono::TimeDelta::seconds(5)), "1 February 2027 at 00:00:05 UTC");
        let ago_is = |seconds| ago(time, time + chrono::TimeDelta::seconds(seconds));
        assert_eq!(
            [-5, 0, 1, 59, 61, 7_200, 86_400, 8_121_600].map(ago_is),
            [
                "just now",
                "just now",
                "1 second ago",
                "59 seconds ago",
                "1 minute ago",
                "2 hours ago",
                "1 day ago",
                "94 days ago"
            ]
        );
        assert_eq!(day(time), "1 Feb 2027");
        for (ms, said) in
            [(60_000, "minute"), (2_000, "2 seconds"), (1_500, "1500 milliseconds"), (3_600_000, "hour")]
        {
            assert_eq!(span(Duration::from_millis(ms)), said);
        }
    }
}
