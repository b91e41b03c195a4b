//! Tokens that nobody uses: a slow round over all of them, once a day.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::shared::idle_from;
use super::{PAGE, Rounds, Watch};
use crate::record::Status;
use crate::store::{Filter, Order, Position, Query, SortKey, TenantFilter};
use crate::tokens::Engine;
use crate::{Event, EventKind, StoreError, TokenRecord};

const EVERY: TimeDelta = TimeDelta::days(1);

/// Where the round stands.
#[derive(Default)]
pub(super) struct UnusedRound {
    began: Option<DateTime<Utc>>,
    /// The place that it has reached; none while there is no round.
    reached: Option<Option<Position>>,
}

impl Engine {
    /// Looks at one page of tokens at most.
    pub(super) async fn look_for_unused(
        &self,
        watch: &Watch,
        rounds: &mut Rounds,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Some(days) = watch.settings.unused_days else { return Ok(()) };
        let round = &mut rounds.unused;
        if round.reached.is_none() && round.began.is_none_or(|began| (now - began).abs() >= EVERY) {
            (round.began, round.reached) = (Some(now), Some(None));
        }
        let Some(reached) = &round.reached else { return Ok(()) };
        let Some(since) = now.checked_sub_signed(TimeDelta::days(days.into())) else { return Ok(()) };
        let mut query = Query::new(TenantFilter::Any, now);
        // The filter leaves the moment itself out.
        query.filter = Filter::new().created_before(since + TimeDelta::milliseconds(1));
        query.order = Order { by: SortKey::CreatedAt, descending: false };
        query.after.clone_from(reached);
        query.limit = PAGE;
        let page = self.store.list(&query).await?;
        let is_active = |record: &&TokenRecord| record.status(now) == Status::Active;
        let active: Vec<_> = page.records.iter().filter(is_active).collect();
        let ids: Vec<_> = active.iter().map(|record| record.id).collect();
        let used = if ids.is_empty() { Vec::new() } else { self.usage.read(&ids).await? };
        let used: HashMap<_, _> = used.into_iter().collect();
        let events = active.iter().filter_map(|record| {
            let last_used_at = used.get(&record.id).and_then(|counts| counts.last_used_at);
            unused(watch, record, days, last_used_at, now)
        });
        self.announce(rounds, events.collect()).await?;
        rounds.unused.reached = match page.records.last() {
            Some(last) if page.more => Some(Some(query.order.position(last))),
            _ => None,
        };
        Ok(())
    }
}

fn unused(
    watch: &Watch,
    record: &TokenRecord,
    days: u32,
    last_used_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Event> {
    let idle_from = idle_from(record, last_used_at);
    let since = idle_from.checked_add_signed(TimeDelta::days(days.into())).filter(|since| *since <= now)?;
    watch.event(EventKind::Unused { days, last_used_at }, record, since, now)
}
