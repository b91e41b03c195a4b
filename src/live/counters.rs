//! What is counted for a token between two flushes, apart from what every hit counts.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Reading;
use crate::usage::Counts;

/// What is counted between two flushes, apart from what every hit counts.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) limited: u32,
    pub(super) missing_scope: u32,
    pub(super) refused: u32,
    pub(super) wrong_secret: u32,
    pub(super) finished: u32,
    pub(super) succeeded: u32,
    pub(super) duration_us: u64,
    /// The last refused request that proved the secret: the low bits of the monotonic hand.
    pub(super) last_refused: Option<u32>,
}

impl Pending {
    /// A response was finished.
    pub(super) fn finish(&mut self, status: u16, duration: Duration) {
        self.finished = self.finished.saturating_add(1);
        self.succeeded = self.succeeded.saturating_add(u32::from(status < 400));
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.duration_us = self.duration_us.saturating_add(duration_us);
    }

    /// All of it, with what the hits counted.
    pub(super) fn into_counts(self, granted: u32, last_granted: Option<u32>, now: Reading) -> Counts {
        let last_used_at = last_granted.map(|low| moment(low, now));
        let last_refused_at = self.last_refused.map(|low| moment(low, now));
        Counts {
            granted: granted.into(),
            limited: self.limited.into(),
            missing_scope: self.missing_scope.into(),
            refused: self.refused.into(),
            wrong_secret: self.wrong_secret.into(),
            finished: self.finished.into(),
            succeeded: self.succeeded.into(),
            duration_us: self.duration_us,
            last_used_at,
            last_client: None,
            last_seen_at: last_used_at.max(last_refused_at),
        }
    }
}

/// The wall time at which the monotonic hand had these low bits, not long before `now`.
fn moment(low: u32, now: Reading) -> DateTime<Utc> {
    let ago = (now.monotonic_ms as u32).wrapping_sub(low);
    now.wall() - TimeDelta::milliseconds(ago.into())
}
