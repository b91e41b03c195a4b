//! The range of time that a request asks about.

use chrono::{DateTime, TimeDelta, Utc};

use super::Fault;
use super::parameters::Parameters;
use crate::Period;

/// A range has at most so many days: ten years.
const MOST_DAYS: i64 = 3_660;

/// The last 24 hours.
pub(crate) const DAY: TimeDelta = TimeDelta::days(1);

/// Reads `from` and `to`. Without both it is as long as `usual`, up to now; what lies behind now is
/// cut off.
pub(crate) fn range(
    parameters: &mut Parameters,
    now: DateTime<Utc>,
    usual: TimeDelta,
) -> Result<Period, Fault> {
    let Times { from, to } = times(parameters, now)?;
    let to = to.map(|to| to.min(now));
    let Some(from) = from.or_else(|| to?.checked_sub_signed(usual)) else {
        return Ok(Period::last_minutes(now, usual.num_minutes() as u32));
    };
    // The running minute is in it.
    let until = to.filter(|to| *to < now).unwrap_or(now + TimeDelta::milliseconds(1));
    if until - from > TimeDelta::days(MOST_DAYS) {
        let detail = format!("from lies too far back: a range has at most {MOST_DAYS} days.");
        return Err(Fault::parameter("from", detail));
    }
    Ok(Period::new(from, until))
}

/// `from` and `to` as they were sent.
pub(crate) struct Times {
    pub(crate) from: Option<DateTime<Utc>>,
    pub(crate) to: Option<DateTime<Utc>>,
}

/// Reads `from` and `to`, each of which may be left out.
pub(crate) fn times(parameters: &mut Parameters, now: DateTime<Utc>) -> Result<Times, Fault> {
    let (from, to) = (parameters.time("from")?, parameters.time("to")?);
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(Fault::parameter("to", "to lies before from."));
    }
    if from.is_some_and(|from| from > now) {
        return Err(Fault::parameter("from", "from lies in the future."));
    }
    Ok(Times { from, to })
}
