//! What was counted in a span of time.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Histogram, Outcome};

/// What was counted in a span of time: for a token, for a tenant, or for all.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tally {
    /// Requests that were let in.
    pub granted: u64,
    /// Requests of the right secret's holder that were refused by the limit.
    pub limited: u64,
    /// Requests of the right secret's holder that were refused for a missing scope.
    pub missing_scope: u64,
    /// Requests of the right secret's holder that were refused for another reason, by reason.
    pub refusals: Refusals,
    /// Tries with a wrong secret. Anybody can make them: they are not among the calls.
    pub wrong_secret: u64,
    /// Requests of whoever did not prove a secret. Only told for all tokens together.
    pub strangers: Strangers,
    /// Granted requests whose response is known.
    pub finished: u64,
    /// Of those, how many had a status of each class.
    pub statuses: StatusClasses,
    /// How long those took in all, in microseconds.
    pub duration_us: u64,
    /// How long the bodies of their responses were in all, as far as that is known.
    pub bytes: u64,
    /// How long each of them took.
    pub latency: Histogram,
    /// The minute with the most granted requests; none where there were none.
    pub peak: Option<Peak>,
    /// In how many minutes the limit refused anything.
    pub minutes_limited: u64,
}

/// Refusals of the right secret's holder, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusals {
    /// The token was revoked.
    pub revoked: u64,
    /// The token had expired.
    pub expired: u64,
    /// The token was not valid yet.
    pub not_yet_valid: u64,
    /// The token was paused.
    pub paused: u64,
    /// The secret was the one from before a rotation.
    pub rotated: u64,
    /// The address was none of those that the token is bound to.
    pub address: u64,
    /// The route is not for tokens.
    pub not_for_tokens: u64,
}

/// Refusals of whoever did not prove a secret, counted for the whole service.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Strangers {
    /// With the service's prefix, and a wrong shape or checksum: no store was asked.
    pub malformed: u64,
    /// With an id that is not known.
    pub unknown: u64,
    /// With a known id and a wrong secret.
    pub wrong_secret: u64,
    /// With the right secret of another tenant's token.
    pub foreign_tenant: u64,
}

/// Finished responses by the class of their status.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatusClasses {
    /// Below 200.
    pub informational: u64,
    /// 200 to 299.
    pub success: u64,
    /// 300 to 399.
    pub redirection: u64,
    /// 400 to 499; 499 is a client that went away before there was an answer.
    pub client_error: u64,
    /// 500 and above.
    pub server_error: u64,
}

/// The busiest minute of a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Peak {
    /// Its beginning, in minutes since 1970.
    pub minute: i64,
    /// The requests that were let in during it.
    pub granted: u64,
}

impl Peak {
    /// So many requests were let in during a minute.
    pub const fn new(minute: i64, granted: u64) -> Peak {
        Peak { minute, granted }
    }

    /// The busier of two; of equals the earlier.
    pub(crate) fn busier(one: Option<Peak>, other: Option<Peak>) -> Option<Peak> {
        let key = |peak: &Peak| (peak.granted, std::cmp::Reverse(peak.minute));
        one.into_iter().chain(other).max_by_key(key)
    }
}

impl Tally {
    /// Every request that proved the right secret in its own tenant, whatever became of it.
    pub fn calls(&self) -> u64 {
        [self.limited, self.missing_scope, self.refusals.total()]
            .into_iter()
            .fold(self.granted, u64::saturating_add)
    }

    /// Finished responses with a status below 400.
    pub fn succeeded(&self) -> u64 {
        let StatusClasses { informational, success, redirection, .. } = self.statuses;
        informational.saturating_add(success).saturating_add(redirection)
    }

    /// Everything that was refused for a reason other than the limit, a missing scope among it.
    pub fn denied(&self) -> u64 {
        self.missing_scope.saturating_add(self.refusals.total())
    }

    /// The share of requests with a status below 400, of all that the limit did not refuse and
    /// whose outcome is known: between 0 and 1, and none where there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let of = self.finished.saturating_add(self.denied());
        (of > 0).then(|| self.succeeded() as f64 / of as f64)
    }

    /// The mean time to a finished response, in milliseconds; none where none is known.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.finished > 0).then(|| self.duration_us as f64 / self.finished as f64 / 1_000.0)
    }

    /// The time within which this share of the responses was finished, in milliseconds, as
    /// [`Histogram::percentile`] says; none where none is known.
    pub fn percentile_ms(&self, share: f64) -> Option<f64> {
        self.latency.percentile_ms(share)
    }

    /// Adds what was counted elsewhere, or at another time. Counters stop at their end instead of
    /// wrapping. The peak is the busier of the two, and the minutes at the limit are added up: for
    /// spans that have no minute in common, as everything but a minute itself is told.
    pub fn merge(&mut self, more: &Tally) {
        let counters = [
            (&mut self.granted, more.granted),
            (&mut self.limited, more.limited),
            (&mut self.missing_scope, more.missing_scope),
            (&mut self.wrong_secret, more.wrong_secret),
            (&mut self.finished, more.finished),
            (&mut self.duration_us, more.duration_us),
            (&mut self.bytes, more.bytes),
            (&mut self.minutes_limited, more.minutes_limited),
        ];
        for (counter, more) in counters {
            *counter = counter.saturating_add(more);
        }
        self.refusals.merge(&more.refusals);
        self.strangers.merge(&more.strangers);
        self.statuses.merge(&more.statuses);
        self.latency.merge(&more.latency);
        self.peak = Peak::busier(self.peak, more.peak);
    }

    /// How many requests came to this outcome.
    pub fn of_outcome(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Granted => self.granted,
            Outcome::Limited => self.limited,
            Outcome::MissingScope => self.missing_scope,
            Outcome::Revoked => self.refusals.revoked,
            Outcome::Expired => self.refusals.expired,
            Outcome::NotYetValid => self.refusals.not_yet_valid,
            Outcome::Paused => self.refusals.paused,
            Outcome::Rotated => self.refusals.rotated,
            Outcome::Address => self.refusals.address,
            Outcome::NotForTokens => self.refusals.not_for_tokens,
        }
    }

    /// For a store: the same, without what only a store can say: the peak, and the minutes at the limit.
    pub fn without_minutes(&self) -> Tally {
        Tally { peak: None, minutes_limited: 0, ..self.clone() }
    }

    /// For a store: adds to this minute what [`Tally::without_minutes`] gives of a slice. Returns
    /// what its hour and its day gain by that: the minute as it is now stands in it as a peak, and
    /// it is one more at the limit if it was none before.
    pub fn add_to_minute(&mut self, minute: i64, more: Tally) -> Tally {
        let was_limited = self.minutes_limited;
        self.merge(&more);
        self.peak = (self.granted > 0).then(|| Peak::new(minute, self.granted));
        self.minutes_limited = u64::from(self.limited > 0);
        Tally { peak: self.peak, minutes_limited: self.minutes_limited.saturating_sub(was_limited), ..more }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&mut self, outcome: Outcome, number: u64) {
        let counter = match outcome {
            Outcome::Granted => &mut self.granted,
            Outcome::Limited => &mut self.limited,
            Outcome::MissingScope => &mut self.missing_scope,
            Outcome::Revoked => &mut self.refusals.revoked,
            Outcome::Expired => &mut self.refusals.expired,
            Outcome::NotYetValid => &mut self.refusals.not_yet_valid,
            Outcome::Paused => &mut self.refusals.paused,
            Outcome::Rotated => &mut self.refusals.rotated,
            Outcome::Address => &mut self.refusals.address,
            Outcome::NotForTokens => &mut self.refusals.not_for_tokens,
        };
        *counter = counter.saturating_add(number);
    }
}

impl Refusals {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.counters().into_iter().fold(0, u64::saturating_add)
    }

    pub(crate) fn counters(&self) -> [u64; 7] {
        let Refusals { revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens } = *self;
        [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens]
    }

    pub(crate) fn from_counters(counters: [u64; 7]) -> Refusals {
        let [revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens] = counters;
        Refusals { revoked, expired, not_yet_valid, paused, rotated, address, not_for_tokens }
    }

    fn merge(&mut self, more: &Refusals) {
        *self = Refusals::from_counters(sums(self.counters(), more.counters()));
    }
}

impl Strangers {
    pub(crate) fn counters(&self) -> [u64; 4] {
        let Strangers { malformed, unknown, wrong_secret, foreign_tenant } = *self;
        [malformed, unknown, wrong_secret, foreign_tenant]
    }

    /// What was counted since `before`.
    pub(crate) fn since(&self, before: &Strangers) -> Strangers {
        let mut counters = self.counters();
        counters.iter_mut().zip(before.counters()).for_each(|(now, then)| *now = now.saturating_sub(then));
        Strangers::from_counters(counters)
    }

    pub(crate) fn from_counters(counters: [u64; 4]) -> Strangers {
        let [malformed, unknown, wrong_secret, foreign_tenant] = counters;
        Strangers { malformed, unknown, wrong_secret, foreign_tenant }
    }

    fn merge(&mut self, more: &Strangers) {
        *self = Strangers::from_counters(sums(self.counters(), more.counters()));
    }
}

impl StatusClasses {
    /// Counts a response.
    pub(crate) fn count(&mut self, status: u16) {
        let counter = match status {
            ..200 => &mut self.informational,
            200..300 => &mut self.success,
            300..400 => &mut self.redirection,
            400..500 => &mut self.client_error,
            500.. => &mut self.server_error,
        };
        *counter = counter.saturating_add(1);
    }

    pub(crate) fn counters(&self) -> [u64; 5] {
        let StatusClasses { informational, success, redirection, client_error, server_error } = *self;
        [informational, success, redirection, client_error, server_error]
    }

    pub(crate) fn from_counters(counters: [u64; 5]) -> StatusClasses {
        let [informational, success, redirection, client_error, server_error] = counters;
        StatusClasses { informational, success, redirection, client_error, server_error }
    }

    fn merge(&mut self, more: &StatusClasses) {
        *self = StatusClasses::from_counters(sums(self.counters(), more.counters()));
    }
}

fn sums<const COUNT: usize>(mut ours: [u64; COUNT], theirs: [u64; COUNT]) -> [u64; COUNT] {
    ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours = ours.saturating_add(theirs));
    ours
}
