//! Use in this process's memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    CallQuery, Clients, Counts, Detail, Level, Outdated, Peak, RecordedCall, Slice, SliceQuery, StoredSlice,
    Subject, Tally, UsageBatch, UsageStore,
};
use crate::event::{Event, MemoryOutbox, Outbox};
use crate::{StoreError, TokenId};

/// Use in this process's memory, gone with it: what is used where no [`UsageStore`] is named.
///
/// Reading recent calls looks at each that is kept.
#[derive(Default)]
pub struct MemoryUsage {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    counts: HashMap<TokenId, Counts>,
    slices: BTreeMap<(Subject, Level, i64), Kept>,
    calls: BTreeMap<u64, RecordedCall>,
    last_call: u64,
    last_batches: HashMap<u64, u64>,
    events: MemoryOutbox,
}

#[derive(Default)]
struct Kept {
    tally: Tally,
    detail: Detail,
    clients: Clients,
}

impl MemoryUsage {
    /// An empty store.
    pub fn new() -> MemoryUsage {
        MemoryUsage::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn add(&mut self, slice: &Slice) {
        let mut tally = slice.tally.clone();
        (tally.peak, tally.minutes_limited) = (None, 0);
        if !slice.coarse {
            let minute = self.kept(slice, Level::Minute);
            let was_limited = minute.tally.limited > 0;
            minute.tally.merge(&tally);
            let granted = minute.tally.granted;
            let peak = (granted > 0).then(|| Peak::new(slice.minute, granted));
            let minutes_limited = u64::from(minute.tally.limited > 0);
            (minute.tally.peak, minute.tally.minutes_limited) = (peak, minutes_limited);
            (tally.peak, tally.minutes_limited) = (peak, minutes_limited - u64::from(was_limited));
        }
        for level in [Level::Hour, Level::Day] {
            let kept = self.kept(slice, level);
            kept.tally.merge(&tally);
            kept.detail.merge(&slice.detail);
            kept.detail.shrink(slice.subject.names());
            kept.clients.merge(&slice.clients);
            kept.clients.shrink(slice.subject.names());
        }
    }

    fn kept(&mut self, slice: &Slice, level: Level) -> &mut Kept {
        self.slices.entry((slice.subject.clone(), level, level.start_of(slice.minute))).or_default()
    }
}

#[async_trait]
impl UsageStore for MemoryUsage {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let last = tables.last_batches.entry(batch.node).or_default();
        if batch.number <= *last {
            return Ok(());
        }
        *last = batch.number;
        for (id, counts) in &batch.counts {
            tables.counts.entry(*id).or_default().add(counts);
        }
        batch.slices.iter().for_each(|slice| tables.add(slice));
        for call in &batch.calls {
            tables.last_call += 1;
            let id = tables.last_call;
            tables.calls.insert(id, RecordedCall { id, ..call.clone() });
        }
        Ok(())
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        let tables = self.tables();
        Ok(tokens.iter().filter_map(|id| Some((*id, tables.counts.get(id)?.clone()))).collect())
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        let tables = self.tables();
        let mut found = Vec::new();
        for subject in &query.subjects {
            for level in Level::ALL {
                let spans = query.spans.iter().filter(|span| span.level == level);
                let ranges = spans.filter(|span| span.from < span.until).flat_map(|span| {
                    tables
                        .slices
                        .range((subject.clone(), level, span.from)..(subject.clone(), level, span.until))
                });
                let mut of_level: BTreeMap<i64, &Kept> = BTreeMap::new();
                ranges.for_each(|((_, _, start), kept)| _ = of_level.insert(*start, kept));
                found.extend(of_level.into_iter().map(|(start, kept)| StoredSlice {
                    subject: subject.clone(),
                    level,
                    start,
                    tally: kept.tally.clone(),
                    detail: if query.detailed { kept.detail.clone() } else { Detail::default() },
                    clients: if query.detailed { kept.clients.clone() } else { Clients::default() },
                }));
            }
        }
        Ok(found)
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        let tables = self.tables();
        let fitting = tables.calls.values().filter(|call| query.fits(call));
        let most = query.limit as usize;
        Ok(match query.oldest_first {
            true => fitting.take(most).cloned().collect(),
            false => fitting.rev().take(most).cloned().collect(),
        })
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        let mut tables = self.tables();
        tables.slices.retain(|(_, level, start), kept| {
            if *start < outdated.clients {
                kept.clients = Clients::default();
            }
            *start
                >= match level {
                    Level::Minute => outdated.minutes,
                    Level::Hour => outdated.hours,
                    Level::Day => outdated.days,
                }
        });
        let mut of_token: HashMap<TokenId, u32> = HashMap::new();
        let mut gone = HashSet::new();
        for call in tables.calls.values().rev() {
            let newer = of_token.entry(call.token).or_default();
            if call.at < outdated.calls || *newer >= outdated.calls_per_token {
                gone.insert(call.id);
            }
            *newer = newer.saturating_add(1);
        }
        tables.calls.retain(|id, _| !gone.contains(id));
        tables.events.forget(outdated.events);
        Ok(false)
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for id in tokens {
            tables.counts.remove(id);
        }
        let of_none = |subject: &Subject| !matches!(subject, Subject::Token(id) if tokens.contains(id));
        tables.slices.retain(|(subject, ..), _| of_none(subject));
        tables.calls.retain(|_, call| !tokens.contains(&call.token));
        tables.events.erase(tokens);
        Ok(())
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        let mut tables = self.tables();
        for id in tokens {
            if let Some(counts) = tables.counts.get_mut(id) {
                counts.last_client = None;
            }
        }
        for ((subject, ..), kept) in &mut tables.slices {
            if matches!(subject, Subject::Token(id) if tokens.contains(id)) {
                kept.clients = Clients::default();
                kept.detail.forget_clients();
            }
        }
        for call in tables.calls.values_mut().filter(|call| tokens.contains(&call.token)) {
            call.client = None;
        }
        tables.events.erase_clients(tokens);
        Ok(())
    }
}

#[async_trait]
impl Outbox for MemoryUsage {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        self.tables().events.announce(events);
        Ok(())
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        Ok(self.tables().events.due(now, until, limit))
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.tables().events.postpone(id, until);
        Ok(())
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.tables().events.delivered(id, now);
        Ok(())
    }
}
