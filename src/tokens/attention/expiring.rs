//! Tokens that expire soon.
//!
//! Each minute those are looked at whose expiry has just come within one of the thresholds; and at
//! the start and then every hour all that expire within the longest of them, since an expiry may
//! have been changed, or a process may not have run when a threshold was passed.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::shared::{DAYS, expires_within};
use super::{PAGE, Rounds, Watch};
use crate::store::{Filter, Order, Position, Query, SortKey, TenantFilter};
use crate::tokens::Engine;
use crate::{Event, EventKind, StoreError, TokenId, TokenRecord};

const LONGEST: TimeDelta = TimeDelta::days(14);

const CROSSED_EVERY: TimeDelta = TimeDelta::minutes(1);
const WHOLE_EVERY: TimeDelta = TimeDelta::hours(1);

/// Where the looking stands.
#[derive(Default)]
pub(super) struct ExpiringRounds {
    /// The moment until which what passed a threshold is looked at, or about to be.
    crossed_until: Option<DateTime<Utc>>,
    /// When the last round over everything began.
    whole_began: Option<DateTime<Utc>>,
    walks: VecDeque<Walk>,
    whole: Option<Walk>,
}

/// Tokens in the order of their expiry, from a place on until a moment.
struct Walk {
    after: Position,
    until: DateTime<Utc>,
}

impl Walk {
    /// Those that expire from `from` until `until`, both with it.
    fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Walk {
        let number = from.timestamp_millis().saturating_sub(1);
        Walk { after: Position { number, text: String::new(), id: TokenId::placeholder() }, until }
    }

    fn query(&self, limit: u32, now: DateTime<Utc>) -> Query {
        // The filter leaves the moment itself out.
        let end = self.until.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(self.until);
        let mut query = Query::new(TenantFilter::Any, now);
        query.filter = Filter::new().expires_before(end);
        query.order = Order { by: SortKey::ExpiresAt, descending: false };
        query.after = Some(self.after.clone());
        query.limit = limit;
        query
    }
}

impl ExpiringRounds {
    /// Begins the rounds for which it is time. One that is under way is ended first.
    fn begin(&mut self, now: DateTime<Utc>) {
        match self.crossed_until {
            Some(then) if now >= then => {
                if now - then >= CROSSED_EVERY && self.walks.is_empty() {
                    let ahead = |time: DateTime<Utc>, days| time.checked_add_signed(days).unwrap_or(time);
                    let days = DAYS.map(|days| TimeDelta::days(days.into()));
                    self.walks.extend(days.map(|days| Walk::new(ahead(then, days), ahead(now, days))));
                    self.crossed_until = Some(now);
                }
            }
            // The first time, or the clock was set back.
            _ => self.crossed_until = Some(now),
        }
        let is_time = self.whole_began.is_none_or(|began| (now - began).abs() >= WHOLE_EVERY);
        if is_time && self.whole.is_none() {
            self.whole = Some(Walk::new(now, now.checked_add_signed(LONGEST).unwrap_or(now)));
            self.whole_began = Some(now);
        }
    }

    /// What is to be looked at next: what has just come near, before the rest.
    fn next(&mut self) -> Option<&mut Walk> {
        self.walks.front_mut().or(self.whole.as_mut())
    }

    /// The next one is at its end.
    fn finish(&mut self) {
        if self.walks.pop_front().is_none() {
            self.whole = None;
        }
    }
}

impl Engine {
    /// Looks at one page of tokens at most.
    pub(super) async fn look_for_expiring(
        &self,
        watch: &Watch,
        rounds: &mut Rounds,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        rounds.expiring.begin(now);
        let mut room = PAGE;
        while room > 0
            && let Some(walk) = rounds.expiring.next()
        {
            let query = walk.query(room, now);
            let page = self.store.list(&query).await?;
            room -= (page.records.len() as u32).min(room);
            let events = page.records.iter().filter_map(|record| expiring(watch, record, now)).collect();
            // The place is kept where they cannot be announced: the page is looked at again.
            self.announce(rounds, events).await?;
            match page.records.last() {
                Some(last) if page.more => {
                    if let Some(walk) = rounds.expiring.next() {
                        walk.after = query.order.position(last);
                    }
                }
                _ => rounds.expiring.finish(),
            }
        }
        Ok(())
    }
}

fn expiring(watch: &Watch, record: &TokenRecord, now: DateTime<Utc>) -> Option<Event> {
    let (days, expires_at) = expires_within(record, now)?;
    let since = expires_at - TimeDelta::days(days.into());
    watch.event(EventKind::Expiring { days, expires_at }, record, since, now)
}
