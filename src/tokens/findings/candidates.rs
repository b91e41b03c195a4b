//! Which tokens are likely to deserve attention: a bounded number, by a bounded number of questions.

use std::cmp::Reverse;
use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Tokens;
use crate::store::{Order, SortKey};
use crate::usage::{Level, Subject};
use crate::{Action, Error, Filter, HistoryQuery, Period, Query, Status, TenantFilter, TokenId, TokenRecord};

/// So many of each sort are looked at.
const EACH: u32 = 200;
/// So many of the newest entries of history are looked at.
const CHANGES: u32 = 500;
const SOON: TimeDelta = TimeDelta::days(14);

pub(super) struct Candidates {
    pub(super) records: Vec<TokenRecord>,
    /// Whether some were left out.
    pub(super) more: bool,
}

impl Tokens {
    /// Tokens that are likely to deserve attention. Some come twice.
    pub(super) async fn candidates(
        &self,
        tenant: &TenantFilter,
        now: DateTime<Utc>,
    ) -> Result<Candidates, Error> {
        let mut found = Candidates { records: Vec::new(), more: false };
        let living =
            || Filter::new().status(Status::Active).status(Status::Paused).status(Status::NotYetValid);
        let listings = [
            (living().expires_before(now + SOON), SortKey::ExpiresAt, false),
            // Whoever is unused for long is old.
            (Filter::new().status(Status::Active), SortKey::CreatedAt, false),
            (living(), SortKey::CreatedAt, true),
        ];
        for (filter, by, descending) in listings {
            let mut query = Query::new(tenant.clone(), now);
            query.filter = filter;
            query.order = Order { by, descending };
            query.limit = EACH;
            let page = self.list(&query).await?;
            found.more |= page.more;
            found.records.extend(page.records);
        }
        let known: HashSet<_> = found.records.iter().map(|record| record.id).collect();
        let mut ids = self.busy(tenant, now, &mut found.more).await?;
        ids.extend(self.changed(tenant, now, &mut found.more).await?);
        ids.retain(|id| !known.contains(id));
        ids.sort_unstable();
        ids.dedup();
        for ids in ids.chunks(super::AT_ONCE) {
            let engine = self.engine();
            let tokens = engine.store.load(ids).await?;
            let records = tokens.into_iter().map(|token| token.record);
            found.records.extend(records.filter(|record| tenant.matches(record.tenant.as_deref())));
        }
        Ok(found)
    }

    /// Those that failed or reached their limit most in the last 24 hours, by the hour.
    async fn busy(
        &self,
        tenant: &TenantFilter,
        now: DateTime<Utc>,
        more: &mut bool,
    ) -> Result<Vec<TokenId>, Error> {
        let subject = match tenant {
            TenantFilter::Any => Subject::All,
            TenantFilter::Only(tenant) => Subject::Tenant(tenant.clone()),
        };
        let day = Period::last_24_hours(now).widened_to(Level::Hour);
        let tokens = self.statistics(subject, day).await?.detail.tokens;
        *more |= tokens.error() > 0;
        let mut troubled: Vec<_> =
            tokens.iter().filter(|(_, used)| used.limited > 0 || used.errors > 0).collect();
        troubled.sort_by_key(|(_, used)| Reverse(used.limited.saturating_add(used.errors)));
        *more |= troubled.len() > EACH as usize;
        troubled.truncate(EACH as usize);
        Ok(troubled.into_iter().map(|(id, _)| *id).collect())
    }

    /// Those that were rotated, or whose grace period was changed, among the newest changes.
    async fn changed(
        &self,
        tenant: &TenantFilter,
        now: DateTime<Utc>,
        more: &mut bool,
    ) -> Result<Vec<TokenId>, Error> {
        let mut query = HistoryQuery::new(tenant.clone());
        query.limit = CHANGES;
        let entries = self.history(&query).await?;
        let longest_grace = super::super::manage::LONGEST_GRACE;
        *more |= entries.len() == CHANGES as usize
            && entries.last().is_some_and(|entry| now - entry.draft.at < longest_grace);
        let gave_grace = |action| matches!(action, Action::Rotated | Action::Updated);
        Ok(entries
            .iter()
            .filter(|entry| gave_grace(entry.draft.action))
            .map(|entry| entry.draft.token)
            .collect())
    }
}
