//! For how long use is kept.

use chrono::{DateTime, TimeDelta, Utc};

use super::Outdated;
use super::period::{Kept, minute_of};

/// For how long use is kept, by its kind. The totals of a token are kept as long as the token. Less
/// than nothing is nothing.
///
/// ```
/// use chrono::TimeDelta;
/// use tokenward::usage::Retention;
/// let retention = Retention { clients: TimeDelta::days(7), ..Retention::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Figures by the minute: 2 days unless set, and never less than the 25 hours that "the last
    /// 24 hours, exact to the minute" needs.
    pub minutes: TimeDelta,
    /// Figures, endpoints, scopes and secrets by the hour: 35 days unless set, and never less than
    /// the minutes.
    pub hours: TimeDelta,
    /// The same by the day: 400 days unless set, and never less than the hours.
    pub days: TimeDelta,
    /// Clients, by the hour and by the day, and the last client of a token: 35 days unless set.
    pub clients: TimeDelta,
    /// The most recent calls, one by one: 7 days unless set, and no longer than clients.
    pub calls: TimeDelta,
    /// Of each token at most so many calls, one by one: 100 unless set, and at most 1,000.
    pub calls_per_token: u32,
    /// Events that were delivered, so that they are not found again: 120 days unless set, and
    /// never less than 30.
    pub events: TimeDelta,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            minutes: TimeDelta::days(2),
            hours: TimeDelta::days(35),
            days: TimeDelta::days(400),
            clients: TimeDelta::days(35),
            calls: TimeDelta::days(7),
            calls_per_token: 100,
            events: TimeDelta::days(120),
        }
    }
}

const LEAST_MINUTES: TimeDelta = TimeDelta::hours(25);
const LEAST_EVENTS: TimeDelta = TimeDelta::days(30);

impl Retention {
    /// What is outdated at this moment.
    pub(crate) fn outdated(&self, now: DateTime<Utc>) -> Outdated {
        let kept = self.kept(now);
        Outdated {
            minutes: kept.minutes,
            hours: kept.hours,
            // A longer span of time is made of days wherever it can be.
            days: minute_of(before(now, self.days)).min(kept.hours),
            clients: minute_of(before(now, self.clients)),
            // They tell clients as well.
            calls: before(now, self.calls.min(self.clients)),
            calls_per_token: self.calls_per_token,
            events: before(now, self.events_kept()),
        }
    }

    /// For how long a delivered event is known.
    pub(crate) fn events_kept(&self) -> TimeDelta {
        self.events.max(LEAST_EVENTS)
    }

    /// Since when there are minutes and hours.
    pub(crate) fn kept(&self, now: DateTime<Utc>) -> Kept {
        let minutes = self.minutes.max(LEAST_MINUTES);
        let hours = self.hours.max(minutes);
        Kept { minutes: minute_of(before(now, minutes)), hours: minute_of(before(now, hours)) }
    }
}

/// The moment that lies so far back.
fn before(now: DateTime<Utc>, kept: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(kept.max(TimeDelta::zero())).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Level;

    #[test]
    fn absurd_times_are_no_harm() {
        let absurd = [TimeDelta::MIN, TimeDelta::days(-1), TimeDelta::zero(), TimeDelta::MAX];
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        for now in [DateTime::<Utc>::MIN_UTC, now, DateTime::<Utc>::MAX_UTC] {
            for time in absurd {
                let retention = of(time);
                let (outdated, kept) = (retention.outdated(now), retention.kept(now));
                assert_eq!((outdated.minutes, outdated.hours), (kept.minutes, kept.hours));
                assert!(outdated.days <= outdated.hours && outdated.hours <= outdated.minutes);
                assert!(outdated.clients <= minute_of(now));
                assert!(outdated.calls <= now && outdated.events <= now);
            }
        }
    }

    #[test]
    fn the_running_hour_and_day_are_never_outdated() {
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let outdated = of(TimeDelta::zero()).outdated(now);
        assert_eq!(outdated.minutes, minute_of(now) - 25 * 60);
        assert!(Level::Hour.start_of(minute_of(now)) >= outdated.hours);
        assert!(Level::Day.start_of(minute_of(now)) >= outdated.days);
    }

    fn of(time: TimeDelta) -> Retention {
        Retention {
            minutes: time,
            hours: time,
            days: time,
            clients: time,
            calls: time,
            calls_per_token: 0,
            events: time,
        }
    }
}
