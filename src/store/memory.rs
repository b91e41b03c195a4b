//! Everything in this process's memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating};
use crate::event::{Event, Outbox};
use crate::randomness::{Randomness, SystemRandomness};
use crate::usage::{
    CallQuery, Counts, MemoryUsage, Outdated, RecordedCall, SliceQuery, StoredSlice, UsageBatch, UsageStore,
};
use crate::{HistoryDraft, HistoryEntry, Seal, StoreError, StoredToken, TokenId};

/// Everything in this process's memory: for tests, for trying things out, and for services whose
/// tokens need not outlive a restart.
///
/// A listing looks at every token.
#[derive(Default)]
pub struct MemoryStore {
    tokens: Mutex<Tables>,
    usage: MemoryUsage,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<TokenId, StoredToken>,
    history: Vec<HistoryEntry>,
    last_seals: HashMap<Option<String>, Seal>,
    sequence: u64,
    service_key: Option<[u8; 32]>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Every write below is prepared before the first row is touched, so that a panic leaves
        // whole tables behind.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn write_history(&mut self, draft: &HistoryDraft) -> u64 {
        self.sequence += 1;
        let entry = draft.clone().seal(self.sequence, self.last_seals.get(&draft.tenant));
        self.last_seals.insert(draft.tenant.clone(), entry.seal.clone());
        self.history.push(entry);
        self.sequence
    }

    fn replace(&mut self, mut token: StoredToken, history: &HistoryDraft) -> StoredToken {
        token.record.sequence = self.write_history(history);
        self.rows.insert(token.record.id, token.clone());
        token
    }

    fn has_version(&self, id: &TokenId, version: u64) -> bool {
        self.rows.get(id).is_some_and(|row| row.record.version == version)
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn open(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        let mut tables = self.tables();
        if tables.service_key.is_none() {
            let mut key = [0; 32];
            SystemRandomness.fill(&mut key).map_err(StoreError::unavailable)?;
            tables.service_key = Some(key);
        }
        Ok(tables.service_key.unwrap_or_default())
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        let mut tables = self.tables();
        if tables.rows.contains_key(&token.record.id) {
            return Ok(Insertion::Exists);
        }
        if let Some(cap) = cap {
            let is_living = |row: &&StoredToken| {
                let record = &row.record;
                record.tenant == token.record.tenant
                    && record.revoked_at.is_none()
                    && record.expires_at.is_none_or(|end| cap.now < end)
            };
            if tables.rows.values().filter(is_living).count() >= cap.greatest as usize {
                return Ok(Insertion::Full);
            }
        }
        let inserted = tables.replace(token.clone(), history);
        Ok(Insertion::Inserted(inserted.record.sequence))
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        let tables = self.tables();
        Ok(ids.iter().filter_map(|id| tables.rows.get(id)).cloned().collect())
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        Ok(self.tables().rows.get(id).cloned())
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        let mut tables = self.tables();
        // A token that is named twice cannot have the expected version the second time.
        let mut named = HashSet::new();
        let all_as_expected = changes.iter().all(|change| {
            let id = &change.token.record.id;
            named.insert(*id) && tables.has_version(id, change.expected_version)
        });
        if !all_as_expected {
            return Ok(Updating::Conflict);
        }
        let numbers = changes
            .iter()
            .map(|change| tables.replace(change.token.clone(), &change.history).record.sequence)
            .collect();
        Ok(Updating::Done(numbers))
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        let mut tables = self.tables();
        let chosen: Vec<_> = tables.rows.values().filter(|row| revocation.chooses(row)).cloned().collect();
        let revoke = |mut token: StoredToken| {
            let history = revocation.apply(&mut token);
            tables.replace(token, &history)
        };
        Ok(chosen.into_iter().map(revoke).collect())
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        let mut tables = self.tables();
        if !tables.has_version(id, version) {
            return Ok(Updating::Conflict);
        }
        tables.rows.remove(id);
        Ok(Updating::Done(vec![tables.write_history(history)]))
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        let tables = self.tables();
        let mut found: Vec<_> = tables
            .rows
            .values()
            .map(|row| &row.record)
            .filter(|record| query.matches(record))
            .map(|record| (query.order.position(record), record))
            .collect();
        let counted = found.len().min(query.count_up_to as usize) as u32;
        if let Some(after) = &query.after {
            found.retain(|(position, _)| query.order.compare(position, after).is_gt());
        }
        found.sort_by(|(left, _), (right, _)| query.order.compare(left, right));
        let more = found.len() > query.limit as usize;
        let records =
            found.into_iter().take(query.limit as usize).map(|(_, record)| record.clone()).collect();
        Ok(Listing { records, more, counted })
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let tables = self.tables();
        let entries = tables.history.iter().rev().filter(|entry| query.matches(entry));
        Ok(entries.take(query.limit as usize).cloned().collect())
    }
}

#[async_trait]
impl UsageStore for MemoryStore {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        self.usage.add(batch).await
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        self.usage.read(tokens).await
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        self.usage.slices(query).await
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        self.usage.calls(query).await
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        self.usage.forget(outdated).await
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.usage.erase(tokens).await
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.usage.erase_clients(tokens).await
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        self.usage.announce(events).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.usage.due(now, until, limit).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.usage.postpone(id, until).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.usage.delivered(id, now).await
    }
}
