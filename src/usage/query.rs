//! Which recent calls are read, and what may be forgotten.

use std::time::Duration;

use chrono::{DateTime, Utc};

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::Level;
use super::{RecordedCall, Subject};

/// Which of the most recent calls are read: all that fit every part that is set.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CallQuery {
    /// Whose calls.
    pub subject: Subject,
    /// Only calls with a greater id.
    pub after: Option<u64>,
    /// Only calls with a smaller id.
    pub before: Option<u64>,
    /// Only calls at this moment or later.
    pub from: Option<DateTime<Utc>>,
    /// Only calls before this moment.
    pub until: Option<DateTime<Utc>>,
    /// Only calls with a status from the first to the last of these.
    pub status: Option<(u16, u16)>,
    /// Only calls of this route: the method and the template.
    pub route: Option<String>,
    /// Only calls of routes with this method.
    pub method: Option<String>,
    /// Only calls from this address, as it is recorded.
    pub address: Option<String>,
    /// Only calls that took at least so long.
    pub at_least: Option<Duration>,
    /// The oldest first; otherwise the newest.
    pub oldest_first: bool,
    /// At most so many.
    pub limit: u32,
}

impl CallQuery {
    /// The 100 newest calls of a subject.
    pub fn new(subject: Subject) -> CallQuery {
        CallQuery {
            subject,
            after: None,
            before: None,
            from: None,
            until: None,
            status: None,
            route: None,
            method: None,
            address: None,
            at_least: None,
            oldest_first: false,
            limit: 100,
        }
    }

    /// Whether a call fits, its place in the order and the limit apart.
    pub fn fits(&self, call: &RecordedCall) -> bool {
        let is_of_subject = match &self.subject {
            Subject::All => true,
            Subject::Tenant(tenant) => call.tenant == *tenant,
            Subject::Token(token) => call.token == *token,
        };
        let method = call.route.split_once(' ').map_or("", |(method, _)| method);
        let address = || call.client.as_ref().map_or("", |client| &client.address);
        is_of_subject
            && self.after.is_none_or(|after| call.id > after)
            && self.before.is_none_or(|before| call.id < before)
            && self.from.is_none_or(|from| call.at >= from)
            && self.until.is_none_or(|until| call.at < until)
            && self.status.is_none_or(|(first, last)| (first..=last).contains(&call.status))
            && self.route.as_ref().is_none_or(|route| call.route == *route)
            && self.method.as_ref().is_none_or(|wanted| method == wanted)
            && self.address.as_ref().is_none_or(|wanted| address() == wanted)
            && self.at_least.is_none_or(|least| u128::from(call.duration_us) >= least.as_micros())
    }
}

/// What a store may forget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Outdated {
    /// Minutes that begin before this one, in minutes since 1970.
    pub minutes: i64,
    /// Hours that begin before this minute.
    pub hours: i64,
    /// Days that begin before this minute.
    pub days: i64,
    /// The clients of hours and days that begin before this minute, and the last client of tokens that
    /// were not used since it began.
    pub clients: i64,
    /// Calls before this moment.
    pub calls: DateTime<Utc>,
    /// Of each token all calls but so many of the newest.
    pub calls_per_token: u32,
    /// Events that were delivered before this moment.
    pub events: DateTime<Utc>,
}

impl Outdated {
    /// Nothing is outdated.
    pub fn nothing() -> Outdated {
        Outdated {
            minutes: i64::MIN,
            hours: i64::MIN,
            days: i64::MIN,
            clients: i64::MIN,
            calls: DateTime::<Utc>::MIN_UTC,
            calls_per_token: u32::MAX,
            events: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// The minute before which everything belongs to a span of which something is outdated: all spans
    /// that begin before a bound have ended when the day of the bound has.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn until(&self) -> i64 {
        let Outdated { minutes, hours, days, clients, .. } = *self;
        // Far from the ends of the numbers, and farther away than any time.
        let farthest = i64::MAX / 4;
        Level::Day.end_of(minutes.max(hours).max(days).max(clients).clamp(-farthest, farthest))
    }
}
