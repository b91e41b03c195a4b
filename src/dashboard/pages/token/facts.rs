//! What the page of a token is made of: read in as few queries as will do.

use chrono::{DateTime, TimeDelta, Utc};

use crate::admin::fault::Fault;
use crate::admin::series::usual_step;
use crate::dashboard::range::{MONTH_MINUTES, Range};
use crate::dashboard::visit::Visit;
use crate::usage::{CallQuery, RecordedCall, Tally};
use crate::{
    Error, Finding, HistoryEntry, HistoryQuery, Period, PreviousSecret, Statistics, Status, Subject,
    TimeSeries, TokenRecord, Usage,
};

/// What the page of a token is made of.
pub(super) struct Facts {
    pub(super) record: TokenRecord,
    pub(super) now: DateTime<Utc>,
    pub(super) status: Status,
    /// None where use cannot be read: the page is shown all the same.
    pub(super) used: Option<Used>,
    pub(super) findings: Vec<Finding>,
    /// The newest entries; none for whoever may not look at them.
    pub(super) history: Vec<HistoryEntry>,
}

/// How the token was used.
pub(super) struct Used {
    pub(super) usage: Usage,
    /// The 24 hours before the last 24.
    pub(super) day_before: Tally,
    /// The range that was chosen.
    pub(super) range: Statistics,
    pub(super) series: TimeSeries,
    /// The last 30 days, for its scopes; none where the range is that.
    month: Option<Statistics>,
    /// The newest calls; none for whoever may not look at them.
    pub(super) calls: Vec<RecordedCall>,
    /// Since the rotation, while the old secret still works.
    pub(super) rotation: Option<Statistics>,
    /// How many calls were refused since it was paused, while it is.
    pub(super) refused_while_paused: Option<u64>,
}

impl Used {
    /// The last 30 days.
    pub(super) fn month(&self) -> &Statistics {
        self.month.as_ref().unwrap_or(&self.range)
    }
}

/// So many calls are shown, and so many entries of history are looked at for marks in the charts.
const CALLS: u32 = 20;
const ENTRIES: u32 = 40;

impl Facts {
    pub(super) async fn of(visit: &Visit<'_>, range: &Range) -> Result<Facts, Fault> {
        let context = &visit.context;
        let record = context.record().await?;
        let now = context.now();
        let status = record.status(now);
        let unread = |error: Error| {
            tracing::warn!(%error, "the use of a token cannot be read");
        };
        let used = Used::of(visit, &record, status, range, now).await.map_err(unread).ok();
        let findings = match &used {
            Some(used) => {
                let told = context.tokens.findings_told(&record, Some(&used.usage), Some(used.month()));
                told.await.map_err(unread).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let mut history = Vec::new();
        if context.permissions.view_history {
            let mut query = HistoryQuery::new(context.actor.tenants()).token(record.id);
            query.limit = ENTRIES;
            history = context.tokens.history(&query).await?;
        }
        Ok(Facts { record, now, status, used, findings, history })
    }

    /// The secret before the last rotation, while it still works.
    pub(super) fn old_secret(&self) -> Option<&PreviousSecret> {
        old_secret(&self.record, self.now)
    }
}

fn old_secret(record: &TokenRecord, now: DateTime<Utc>) -> Option<&PreviousSecret> {
    record.previous_secret.as_ref().filter(|old| now < old.ends_at)
}

impl Used {
    async fn of(
        visit: &Visit<'_>,
        record: &TokenRecord,
        status: Status,
        range: &Range,
        now: DateTime<Utc>,
    ) -> Result<Used, Error> {
        let tokens = visit.context.tokens;
        let subject = Subject::Token(record.id);
        let usage = tokens.usage(&record.id).await?;
        let statistics = tokens.statistics(subject.clone(), range.period).await?;
        let series = tokens.time_series(subject.clone(), range.period, usual_step(range.period)).await?;
        let month = match range.is_month() {
            true => None,
            false => {
                let month = Period::last_minutes(now, MONTH_MINUTES);
                Some(tokens.statistics(subject.clone(), month).await?)
            }
        };
        let mut query = CallQuery::new(subject.clone());
        query.limit = CALLS;
        let calls = match visit.context.permissions.view_calls {
            true => tokens.recent_calls(&query).await?.calls,
            false => Vec::new(),
        };
        let rotation = match old_secret(record, now) {
            Some(_) => {
                let since = Period::new(record.secret.created_at, now + TimeDelta::milliseconds(1));
                Some(tokens.statistics(subject.clone(), since).await?)
            }
            None => None,
        };
        let refused_while_paused = match record.paused_at.filter(|_| status == Status::Paused) {
            Some(since) => {
                let since = Period::new(since, now + TimeDelta::milliseconds(1));
                let told = tokens.figures(std::slice::from_ref(&subject), since).await?;
                told.first().map(|(_, tally)| tally.refusals.paused)
            }
            None => None,
        };
        let yesterday = Period::last_24_hours(now).from();
        let before = Period::new(yesterday - TimeDelta::days(1), yesterday);
        let before = tokens.figures(&[subject], before).await?;
        let day_before = before.into_iter().next().map(|(_, tally)| tally).unwrap_or_default();
        Ok(Used {
            usage,
            day_before,
            range: statistics,
            series,
            month,
            calls,
            rotation,
            refused_while_paused,
        })
    }
}
