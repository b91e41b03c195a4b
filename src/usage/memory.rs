//! Use in this process's memory.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{
    CallQuery, Clients, Counts, Detail, Level, Outdated, RecordedCall, Slice, SliceQuery, StoredSlice,
    Subject, Tally, UsageBatch, UsageStore, start_of,
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
    /// The ids of each token's calls, in order.
    calls_of: HashMap<TokenId, VecDeque<u64>>,
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

impl Kept {
    fn forget_clients(&mut self) {
        self.clients = Clients::default();
        self.detail.forget_clients();
    }
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
        let mut tally = slice.tally.without_minutes();
        if !slice.coarse {
            tally = self.kept(slice, Level::Minute).tally.add_to_minute(slice.minute, tally);
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

    fn add_call(&mut self, call: &RecordedCall) {
        self.last_call += 1;
        let id = self.last_call;
        self.calls.insert(id, RecordedCall { id, ..call.clone() });
        let of_token = self.calls_of.entry(call.token).or_default();
        of_token.push_back(id);
        let most = RecordedCall::KEPT_UNTIL_FORGOTTEN as usize;
        if of_token.len() > 2 * most {
            let oldest = of_token.drain(..of_token.len() - most);
            oldest.for_each(|id| _ = self.calls.remove(&id));
        }
    }

    /// Keeps the calls for which this is so.
    fn retain_calls(&mut self, is_kept: impl Fn(&RecordedCall) -> bool) {
        let calls = &mut self.calls;
        for ids in self.calls_of.values_mut() {
            ids.retain(|id| calls.get(id).is_some_and(&is_kept));
        }
        calls.retain(|_, call| is_kept(call));
        self.calls_of.retain(|_, ids| !ids.is_empty());
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
        for (id, counts) in batch.counts.iter().filter(|(_, counts)| *counts != Counts::default()) {
            tables.counts.entry(*id).or_default().add(counts);
        }
        batch.slices.iter().filter(|slice| !slice.is_empty()).for_each(|slice| tables.add(slice));
        batch.calls.iter().for_each(|call| tables.add_call(call));
        Ok(())
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        let tables = self.tables();
        Ok(tokens.iter().filter_map(|id| Some((*id, tables.counts.get(id)?.clone()))).collect())
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        let tables = self.tables();
        let mut found = Vec::new();
        let mut mentioned = HashSet::new();
        for subject in query.subjects.iter().filter(|subject| mentioned.insert(*subject)) {
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
        let clients_from = start_of(outdated.clients);
        for counts in tables.counts.values_mut().filter(|counts| counts.last_used_at < Some(clients_from)) {
            counts.last_client = None;
        }
        tables.slices.retain(|(_, level, start), kept| {
            if *start < outdated.clients {
                kept.forget_clients();
            }
            *start
                >= match level {
                    Level::Minute => outdated.minutes,
                    Level::Hour => outdated.hours,
                    Level::Day => outdated.days,
                }
        });
        tables.retain_calls(|call| call.at >= outdated.calls);
        let Tables { calls, calls_of, .. } = &mut *tables;
        for ids in calls_of.values_mut() {
            let surplus = ids.len().saturating_sub(outdated.calls_per_token as usize);
            ids.drain(..surplus).for_each(|id| _ = calls.remove(&id));
        }
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
        tables.retain_calls(|call| !tokens.contains(&call.token));
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
                kept.forget_clients();
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
