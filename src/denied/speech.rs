//! Times as people say them.

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
    fn moments_and_spans() {
        let time: DateTime<Utc> = "2027-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(moment(time), "1 February 2027 at 00:00 UTC");
        assert_eq!(moment(time + chrono::TimeDelta::seconds(5)), "1 February 2027 at 00:00:05 UTC");
        for (ms, said) in
            [(60_000, "minute"), (2_000, "2 seconds"), (1_500, "1500 milliseconds"), (3_600_000, "hour")]
        {
            assert_eq!(span(Duration::from_millis(ms)), said);
        }
    }
}
