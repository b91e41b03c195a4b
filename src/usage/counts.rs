//! What was counted for one token in all.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Client;

/// What was counted for one token: in all, or (in a batch) since the batch before.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// Requests that were let in.
    pub granted: u64,
    /// Requests of the right secret's holder that were refused by the limit.
    pub limited: u64,
    /// Requests of the right secret's holder that were refused for a missing scope.
    pub missing_scope: u64,
    /// Requests of the right secret's holder that were refused for any other reason: revoked,
    /// expired, paused, an address that is not allowed, a route that is not for tokens.
    pub refused: u64,
    /// Tries with a wrong secret. Anybody can make them: they are not among the calls.
    pub wrong_secret: u64,
    /// Granted requests whose response is known.
    pub finished: u64,
    /// Of those, the ones with a status below 400.
    pub succeeded: u64,
    /// How long those took in all, in microseconds.
    pub duration_us: u64,
    /// The last granted request.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Who made the last granted request that is finished, as far as that is recorded.
    pub last_client: Option<Client>,
    /// The last request that proved the secret, whatever became of it.
    pub last_seen_at: Option<DateTime<Utc>>,
}

impl Counts {
    /// Every request that proved the right secret in its own tenant, whatever became of it.
    pub fn total(&self) -> u64 {
        self.granted
            .saturating_add(self.limited)
            .saturating_add(self.missing_scope)
            .saturating_add(self.refused)
    }

    /// The share of requests with a status below 400, of all that the limit did not refuse and
    /// whose outcome is known: between 0 and 1, and none where there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let of = self.finished.saturating_add(self.missing_scope).saturating_add(self.refused);
        (of > 0).then(|| self.succeeded as f64 / of as f64)
    }

    /// The mean time to a finished response, in milliseconds; none where none is known.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.finished > 0).then(|| self.duration_us as f64 / self.finished as f64 / 1_000.0)
    }

    /// Adds what was counted elsewhere. Counters stop at their end instead of wrapping.
    pub fn add(&mut self, more: &Counts) {
        let counters = [
            (&mut self.granted, more.granted),
            (&mut self.limited, more.limited),
            (&mut self.missing_scope, more.missing_scope),
            (&mut self.refused, more.refused),
            (&mut self.wrong_secret, more.wrong_secret),
            (&mut self.finished, more.finished),
            (&mut self.succeeded, more.succeeded),
            (&mut self.duration_us, more.duration_us),
        ];
        for (counter, more) in counters {
            *counter = counter.saturating_add(more);
        }
        // What has no client says nothing of it. Of two at one moment the one that is added later
        // counts: a long call's end comes after its grant, with other calls in between.
        let is_later = more.last_used_at >= self.last_used_at;
        if more.last_client.is_some() && (is_later || self.last_client.is_none()) {
            self.last_client.clone_from(&more.last_client);
        }
        self.last_used_at = self.last_used_at.max(more.last_used_at);
        self.last_seen_at = self.last_seen_at.max(more.last_seen_at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::usage::arbitrary::{counters, times};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn order_of_adding_does_not_matter(one in counts(), other in counts(), third in counts()) {
            let sum = |one: &Counts, other: &Counts| {
                let mut sum = one.clone();
                sum.add(other);
                sum
            };
            prop_assert_eq!(sum(&one, &other), sum(&other, &one));
            prop_assert_eq!(sum(&sum(&one, &other), &third), sum(&one, &sum(&other, &third)));
            prop_assert_eq!(sum(&one, &Counts::default()), one);
        }
    }

    #[test]
    fn a_part_without_a_client_leaves_the_one_that_is_known() {
        let at = DateTime::from_timestamp_millis;
        let known =
            Counts { last_used_at: at(5), last_client: Some(Client::new("a", "")), ..Counts::default() };
        let without = Counts { last_used_at: at(9), ..Counts::default() };
        for (one, other) in [(&known, &without), (&without, &known)] {
            let mut sum = one.clone();
            sum.add(other);
            assert_eq!((sum.last_used_at, &sum.last_client), (at(9), &known.last_client));
        }
    }

    #[test]
    fn what_had_no_calls_has_no_rate_and_no_mean() {
        let counts = Counts { granted: 1, limited: 7, wrong_secret: 3, ..Counts::default() };
        assert_eq!((counts.success_rate(), counts.mean_ms(), counts.total()), (None, None, 8));
    }

    /// With a client wherever there is a last use, and the same one at the same moment.
    fn counts() -> impl Strategy<Value = Counts> {
        let last_use = times();
        (proptest::array::uniform8(counters()), last_use, times()).prop_map(
            |(counters, last_use, last_seen_at)| {
                let [
                    granted,
                    limited,
                    missing_scope,
                    refused,
                    wrong_secret,
                    finished,
                    succeeded,
                    duration_us,
                ] = counters;
                Counts {
                    granted,
                    limited,
                    missing_scope,
                    refused,
                    wrong_secret,
                    finished,
                    succeeded,
                    duration_us,
                    last_used_at: last_use,
                    last_client: last_use.map(|at| Client::new(at.to_string(), "")),
                    last_seen_at,
                }
            },
        )
    }
}
