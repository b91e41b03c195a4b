//! The figures at the top: all time, and the last 24 hours.

use super::facts::Used;
use crate::dashboard::show::{milliseconds, number, percent};

/// One figure.
pub(in crate::dashboard) struct Card {
    pub(in crate::dashboard) title: &'static str,
    pub(in crate::dashboard) value: String,
    /// What is meant by it.
    pub(in crate::dashboard) help: &'static str,
    /// A few words below it.
    pub(in crate::dashboard) more: Option<String>,
}

impl Card {
    /// A figure; a dash where it cannot be told.
    pub(in crate::dashboard) fn new(
        title: &'static str,
        help: &'static str,
        value: Option<String>,
        more: Option<String>,
    ) -> Card {
        Card { title, value: value.unwrap_or_else(|| "–".to_owned()), help, more }
    }
}

const TOTAL: &str = "Every request with the right secret since the token was created, whatever became of it.";
pub(in crate::dashboard) const CALLS: &str = "Every request with the right secret, whatever became of it.";
pub(in crate::dashboard) const SUCCESS: &str =
    "Answers with a status below 400, of all calls but those refused by the limit.";
pub(in crate::dashboard) const MEAN: &str =
    "The mean time from a request’s arrival to the end of its response.";
pub(in crate::dashboard) const P95: &str =
    "95 of 100 responses were finished within this time. It is exact to 3 %.";
pub(in crate::dashboard) const LIMITED: &str =
    "Calls that the rate limit refused with 429. They are not counted as failed.";
pub(in crate::dashboard) const DENIED: &str =
    "Calls that were refused for another reason than the limit: a missing scope, a pause, an expiry.";

/// The cards. Where use cannot be read, each shows a dash.
pub(super) fn cards(used: Option<&Used>) -> Vec<Card> {
    let day = used.map(|used| &used.usage.last_24_hours);
    let change = used.and_then(|used| change(used.usage.last_24_hours.calls(), used.day_before.calls()));
    vec![
        Card::new("Calls in all", TOTAL, used.map(|used| number(used.usage.total())), None),
        Card::new("Calls, 24 h", CALLS, day.map(|day| number(day.calls())), change),
        Card::new("Success, 24 h", SUCCESS, day.map(|day| percent(day.success_rate())), None),
        Card::new("Mean time, 24 h", MEAN, day.map(|day| milliseconds(day.mean_ms())), None),
        Card::new("p95, 24 h", P95, day.map(|day| milliseconds(day.percentile_ms(0.95))), None),
        Card::new("Limited, 24 h", LIMITED, day.map(|day| number(day.limited)), None),
    ]
}

/// How one day's calls lie beside those of the day before. Nothing is said of nothing.
fn change(now: u64, before: u64) -> Option<String> {
    if before == 0 {
        return (now > 0).then(|| "none in the 24 h before".to_owned());
    }
    let share = (now as f64 - before as f64) / before as f64 * 100.0;
    Some(match share.abs().round() {
        rounded if rounded < 1.0 => "as many as in the 24 h before".to_owned(),
        rounded if rounded > 999.0 => format!("▲ {} in the 24 h before", number(before)),
        rounded if share > 0.0 => format!("▲ {rounded:.0} % more than in the 24 h before"),
        rounded => format!("▼ {rounded:.0} % less than in the 24 h before"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_compared_with_the_one_before() {
        let told = |now, before| change(now, before).unwrap_or_default();
        assert_eq!(told(1_204, 1_115), "▲ 8 % more than in the 24 h before");
        assert_eq!(told(50, 100), "▼ 50 % less than in the 24 h before");
        assert_eq!(told(0, 100), "▼ 100 % less than in the 24 h before");
        assert_eq!(told(1_001, 1_000), "as many as in the 24 h before");
        assert_eq!(told(u64::MAX, 1), "▲ 1 in the 24 h before");
        assert_eq!(told(7, 0), "none in the 24 h before");
        assert_eq!(change(0, 0), None);
    }
}
