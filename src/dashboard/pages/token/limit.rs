//! The rate limit beside what was really called.

use chrono::{DateTime, Utc};

use super::facts::Facts;
use crate::admin::series::per_minute;
use crate::dashboard::show::{Time, number};
use crate::usage::start_of;

/// The rate limit, and how near to it the token came in the range.
pub(super) struct LimitPanel {
    /// `60 requests per minute and 1,000 requests per hour`, or that there is none.
    pub(super) limit: String,
    /// None where use cannot be read.
    pub(super) reached: Option<Reached>,
}

/// How near to its limit a token came.
pub(super) struct Reached {
    /// The busiest minute; none where nothing was let in.
    pub(super) peak: Option<(String, Time)>,
    /// What was left of the limit per minute then, in hundredths; none without one.
    pub(super) headroom: Option<u64>,
    pub(super) minutes_limited: u64,
    pub(super) minutes: String,
    pub(super) refused: String,
}

pub(super) fn panel(facts: &Facts) -> LimitPanel {
    let limit = &facts.record.rate_limit;
    LimitPanel {
        limit: match limit.is_unlimited() {
            true => "No limit".to_owned(),
            false => limit.to_string(),
        },
        reached: facts.used.as_ref().map(|used| {
            let tally = &used.range.tally;
            let peak = tally.peak;
            Reached {
                peak: peak.map(|peak| (number(peak.granted), time(peak.minute, facts.now))),
                headroom: per_minute(limit).map(|limit| headroom(peak.map_or(0, |peak| peak.granted), limit)),
                minutes_limited: tally.minutes_limited,
                minutes: number(used.range.period.minutes().max(0) as u64),
                refused: number(tally.limited),
            }
        }),
    }
}

fn time(minute: i64, now: DateTime<Utc>) -> Time {
    Time::of(start_of(minute), now)
}

/// What is left, in whole hundredths, rounded down. A minute of the clock may hold more than any
/// limit of the past, or than the two windows it touches: then nothing is.
fn headroom(peak: u64, limit: u32) -> u64 {
    let limit = u64::from(limit.max(1));
    limit.saturating_sub(peak) * 100 / limit
}

#[cfg(test)]
mod tests {
    use super::headroom;

    #[test]
    fn headroom_is_rounded_down_and_never_below_nothing() {
        assert_eq!(
            [(57, 60), (0, 60), (60, 60), (61, 60), (u64::MAX, 1)].map(|(p, l)| headroom(p, l)),
            [5, 100, 0, 0, 0]
        );
    }
}
