//! The use of tokens: what is counted, and the seam of the store that keeps it.
//!
//! Counters stand in memory and are handed to the store in batches, one for all tokens per
//! interval. Nothing of it is ever written to a token's record.

mod memory;

pub use memory::MemoryUsage;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{StoreError, TokenId};

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
        self.last_used_at = self.last_used_at.max(more.last_used_at);
        self.last_seen_at = self.last_seen_at.max(more.last_seen_at);
    }
}

/// The use of one token, as of a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
    /// The moment as of which it is true: the last flush. What came later may be in it or not.
    pub as_of: DateTime<Utc>,
}

impl std::ops::Deref for Usage {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        &self.counts
    }
}

/// What was counted since the batch before, for all tokens that were used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsageBatch {
    /// The process that counted: random, one per start.
    pub node: u64,
    /// Counts the batches of the process, from 1.
    pub number: u64,
    /// What was counted, in the order of the ids.
    pub counts: Vec<(TokenId, Counts)>,
}

impl UsageBatch {
    pub(crate) fn new(node: u64, number: u64, counts: Vec<(TokenId, Counts)>) -> UsageBatch {
        UsageBatch { node, number, counts }
    }
}

/// Where use is kept.
///
/// # Contract
/// - A batch is added once: a node hands over its batches in the order of their numbers, and one
///   whose number is not above that of the node's last whole one is a repetition. It is left out,
///   and the answer is `Ok`.
/// - `Ok` says that it was added whole. A large batch may be written in pieces; one that failed
///   half way is completed when it is handed over again, and no piece is ever added twice.
/// - What several nodes add is added up.
/// - Counters stop at the greatest number that the store can hold instead of wrapping or failing.
#[async_trait]
pub trait UsageStore: Send + Sync + 'static {
    /// Adds a batch.
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError>;

    /// What was added for these tokens, in one query. Tokens without any are left out; the order
    /// is free.
    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError>;

    /// Forgets these tokens.
    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError>;
}
