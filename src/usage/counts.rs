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
        if more.last_client.is_some() && more.last_used_at >= self.last_used_at {
            self.last_client.clone_from(&more.last_client);
        }
        self.last_used_at = self.last_used_at.max(more.last_used_at);
        self.last_seen_at = self.last_seen_at.max(more.last_seen_at);
    }
}
