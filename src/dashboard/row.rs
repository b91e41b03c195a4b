//! A token as a row of a list.

use chrono::{DateTime, TimeDelta, Utc};

use super::chart::trend::trend;
use super::frame::Frame;
use super::html::Html;
use super::reasons::Reason;
use super::show::{Time, count, number, percent, visible};
use crate::{Finding, Status, TokenRecord, Usage};

/// A token as a row of a list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) start: String,
    pub(super) last4: String,
    pub(super) status: Status,
    /// Whether nothing can be done with it any more, or at the moment.
    pub(super) is_over: bool,
    /// The most pressing of what was found about it.
    pub(super) reason: Option<Reason>,
    /// How many more were found.
    pub(super) more_reasons: usize,
    /// None where use cannot be read.
    pub(super) usage: Option<RowUsage>,
    pub(super) expires: Option<Time>,
    pub(super) expires_soon: bool,
}

/// How a token of a row was used.
pub(super) struct RowUsage {
    pub(super) last_used: Option<Time>,
    pub(super) calls: String,
    pub(super) trend: Html,
    pub(super) success: String,
    pub(super) peak: Peak,
}

/// The busiest minute of the last hour, beside the limit.
pub(super) struct Peak {
    /// `57 / 60`.
    pub(super) text: String,
    pub(super) sentence: String,
    /// Whether nine tenths of the limit were reached.
    pub(super) is_near: bool,
}

impl Row {
    pub(super) fn of(
        record: &TokenRecord,
        usage: Option<&Usage>,
        findings: &[Finding],
        frame: &Frame<'_>,
        now: DateTime<Utc>,
    ) -> Row {
        let status = record.status(now);
        let mut found = findings.iter().filter(|finding| finding.token == record.id);
        let reason = found.next().map(|finding| Reason::of(finding, frame));
        let is_over = matches!(status, Status::Expired | Status::Revoked);
        let soon = |end: DateTime<Utc>| end - now <= TimeDelta::days(14);
        Row {
            id: record.id.to_string(),
            name: visible(&record.name).into_owned(),
            start: record.secret.start.clone(),
            last4: record.secret.last4.clone(),
            status,
            is_over,
            reason,
            more_reasons: found.count(),
            usage: usage.map(|usage| RowUsage::of(record, usage, now)),
            expires: record.expires_at.map(|end| Time::of(end, now)),
            expires_soon: record.expires_at.is_some_and(soon) && status != Status::Revoked,
        }
    }
}

impl RowUsage {
    pub(super) fn of(record: &TokenRecord, usage: &Usage, now: DateTime<Utc>) -> RowUsage {
        let day = &usage.last_24_hours;
        RowUsage {
            last_used: usage.last_used_at.map(|last| Time::of(last, now)),
            calls: number(day.calls()),
            trend: trend(&usage.trend, now),
            success: percent(day.success_rate()),
            peak: Peak::of(record, usage),
        }
    }
}

impl Peak {
    fn of(record: &TokenRecord, usage: &Usage) -> Peak {
        let reached = usage.peak_of_last_hour.map_or(0, |peak| peak.granted);
        let calls = count(reached, "call");
        let minute = record.rate_limit.quota_for(std::time::Duration::from_secs(60));
        let Some(limit) = minute.map(|quota| u64::from(quota.limit())) else {
            let limit = match record.rate_limit.is_unlimited() {
                true => "There is no limit".to_owned(),
                false => format!("The limit is {}", record.rate_limit),
            };
            let sentence = format!("{calls} in the busiest minute of the last hour. {limit}.");
            return Peak { text: number(reached), sentence, is_near: false };
        };
        let sentence = format!(
            "{calls} in the busiest minute of the last hour, of {} that the limit allows.",
            number(limit)
        );
        Peak {
            text: format!("{} / {}", number(reached), number(limit)),
            sentence,
            is_near: reached > 0 && u128::from(reached) * 10 >= u128::from(limit) * 9,
        }
    }
}
