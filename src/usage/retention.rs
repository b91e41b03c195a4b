//! For how long use is kept.

use chrono::{DateTime, TimeDelta, Utc};

use super::Outdated;
use super::period::{Kept, minute_of};

/// For how long use is kept, by its kind. The totals of a token are kept as long as the token.
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
    /// Figures, endpoints, scopes and secrets by the hour: 35 days unless set.
    pub hours: TimeDelta,
    /// The same by the day: 400 days unless set.
    pub days: TimeDelta,
    /// Clients, by the hour and by the day: 35 days unless set.
    pub clients: TimeDelta,
    /// The most recent calls, one by one: 7 days unless set.
    pub calls: TimeDelta,
    /// Of each token at most so many calls, one by one: 100 unless set.
    pub calls_per_token: u32,
    /// Events that were delivered, so that they are not found again: 120 days unless set.
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

impl Retention {
    /// What is outdated at this moment.
    pub(crate) fn outdated(&self, now: DateTime<Utc>) -> Outdated {
        let before = |kept: TimeDelta| now.checked_sub_signed(kept).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let kept = self.kept(now);
        Outdated {
            minutes: kept.minutes,
            hours: kept.hours,
            days: minute_of(before(self.days)),
            clients: minute_of(before(self.clients)),
            calls: before(self.calls),
            calls_per_token: self.calls_per_token,
            events: before(self.events),
        }
    }

    /// Since when there are minutes and hours.
    pub(crate) fn kept(&self, now: DateTime<Utc>) -> Kept {
        let before = |kept: TimeDelta| now.checked_sub_signed(kept).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let minutes = self.minutes.max(LEAST_MINUTES);
        Kept { minutes: minute_of(before(minutes)), hours: minute_of(before(self.hours.max(minutes))) }
    }
}
