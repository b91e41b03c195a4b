//! What is done while a limiter fails, and how that is told.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// What becomes of a request while the limiter does not answer.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WhenLimiterFails {
    /// It is not decided: an error, which the web layer answers with 503 and `Retry-After`.
    Refuse,
    /// This node admits its share of the limit: of n nodes the n-th part. All shares together are the
    /// limit. So a window that touches the failure holds at most twice the limit, and one beyond it
    /// never more than the limit; [the guide](crate::guide::limiting) says why.
    #[default]
    LocalShare,
    /// It passes, without any limit.
    Allow,
}

/// How the limiter does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct LimiterHealth {
    /// Whether it works.
    pub state: LimiterState,
    /// What the last failure said, if there was one since the start.
    pub last_error: Option<String>,
    /// What becomes of requests while it fails.
    pub when_it_fails: WhenLimiterFails,
    /// Calls that it has answered since the start.
    pub answered: u64,
    /// Calls that failed since the start.
    pub failed: u64,
    /// Requests that were decided without it since the start.
    pub decided_without: u64,
}

/// Whether a limiter works.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
#[non_exhaustive]
pub enum LimiterState {
    /// It answers.
    Working,
    /// It does not answer, since this moment.
    Failing {
        /// When it began.
        since: DateTime<Utc>,
    },
    /// It answers again, since this moment. It may have forgotten what it had counted, so that for
    /// the length of each window the local share holds beside it.
    Recovering {
        /// When it answered again.
        since: DateTime<Utc>,
    },
}
