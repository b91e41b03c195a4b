//! What is judged alike wherever it is told: by the hook's rounds, and on pages.

use chrono::{DateTime, TimeDelta, Utc};

use super::Attention;
use crate::TokenRecord;
use crate::usage::Tally;

/// How near an expiry is, in days: the thresholds, the tightest first.
pub(super) const DAYS: [u32; 3] = [1, 3, 14];

/// The tightest threshold that a token has passed, of those that are shorter than its lifetime:
/// that a token issued for twelve hours expires within a day is no news.
pub(in crate::tokens) fn expires_within(
    record: &TokenRecord,
    now: DateTime<Utc>,
) -> Option<(u32, DateTime<Utc>)> {
    let expires_at = record.expires_at.filter(|end| now < *end)?;
    let (left, lifetime) = (expires_at - now, expires_at - record.created_at);
    let is_passed = |threshold: TimeDelta| left <= threshold && lifetime > threshold;
    let days = DAYS.into_iter().find(|days| is_passed(TimeDelta::days((*days).into())))?;
    Some((days, expires_at))
}

/// Since when a token counts as idle: from its last use on, or from the moment at which it could
/// first be used.
pub(in crate::tokens) fn idle_from(
    record: &TokenRecord,
    last_used_at: Option<DateTime<Utc>>,
) -> DateTime<Utc> {
    let usable_from = record.not_before.unwrap_or(record.created_at).max(record.created_at);
    last_used_at.unwrap_or(usable_from)
}

impl Attention {
    /// The share of successful calls and the number of calls, where that share is too low.
    pub(in crate::tokens) fn failing(&self, tally: &Tally) -> Option<(f64, u64)> {
        let calls = tally.finished.saturating_add(tally.denied());
        let success_rate = tally.success_rate()?;
        (calls >= self.least_calls && success_rate < self.success_below).then_some((success_rate, calls))
    }
}
