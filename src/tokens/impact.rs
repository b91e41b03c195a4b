//! What would break if something were done to a token, told from what was recorded of it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Tokens;
use crate::usage::{Client, ClientUse, EndpointUse, RecordedCall};
use crate::{Error, RateLimit, TokenRecord};

/// Something that somebody is about to do to a token.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Intent {
    /// To revoke it.
    Revoke,
    /// To pause it.
    Pause,
    /// To give it a new secret, the old one being dead at once.
    Rotate,
    /// To take these scopes away from it.
    RemoveScopes(Vec<String>),
    /// To give it this limit.
    RateLimit(RateLimit),
    /// To let it expire then.
    ExpireAt(DateTime<Utc>),
}

/// What would break if something were done to a token: told from the use of its last 24 hours, and
/// for scopes of its last 30 days, as of the last flush.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Impact {
    /// Calls in the last 24 hours.
    pub calls_24h: u64,
    /// Calls in the last 7 days.
    pub calls_7d: u64,
    /// When it last let a request in.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The last call that is kept, if any is.
    pub last_call: Option<RecordedCall>,
    /// Whoever called in the last 24 hours, the busiest first, at most ten.
    pub clients: Vec<(Client, ClientUse)>,
    /// How many there were in all; at least so many where more were not told apart.
    pub clients_total: usize,
    /// What was called in the last 24 hours, the busiest first, at most ten.
    pub endpoints: Vec<(String, EndpointUse)>,
    /// How many there were in all; at least so many where more were not told apart.
    pub endpoints_total: usize,
    /// How many of the last 24 hours' calls would have failed.
    pub would_fail_24h: u64,
    /// In how many of the last 1,440 minutes the limit would have refused something: for a limit.
    pub minutes_over: Option<u64>,
    /// The scopes that would go, with their use in the last 30 days.
    pub scopes: Vec<ScopeImpact>,
    /// The moment as of which it is true.
    pub as_of: DateTime<Utc>,
}

/// What a scope that would go was used for in the last 30 days.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct ScopeImpact {
    /// The scope.
    pub scope: String,
    /// Calls that it authorised.
    pub calls_30d: u64,
    /// The last of them.
    pub last_used_at: Option<DateTime<Utc>>,
    /// What they called, as far as recent calls tell; at most five.
    pub endpoints: Vec<String>,
}

impl Impact {
    /// How many calls an hour would fail, at the pace of the last 24 hours.
    pub fn would_fail_per_hour(&self) -> f64 {
        self.would_fail_24h as f64 / 24.0
    }

    /// Whether anything called with the token in so many days before `now`.
    pub fn is_used_within(&self, days: i64, now: DateTime<Utc>) -> bool {
        self.last_used_at.is_some_and(|last| (now - last).num_days() < days)
    }

    /// The same in plain sentences, the weightiest first.
    pub fn sentences(&self, intent: &Intent, now: DateTime<Utc>) -> Vec<String> {
        _ = (intent, now);
        Vec::new()
    }
}

impl Tokens {
    /// What would break if this were done to a token. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn impact(&self, record: &TokenRecord, intent: &Intent) -> Result<Impact, Error> {
        _ = (record, intent);
        todo!("the helper of the engine")
    }
}
