//! Everything in this process's memory.

mod feed;
mod usage;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use self::feed::Feed;
use super::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating};
use crate::changes::{Hints, Mark};
use crate::randomness::{Randomness, SystemRandomness};
use crate::usage::MemoryUsage;
use crate::{HistoryDraft, HistoryEntry, Seal, StoreError, StoredToken, TokenId};

/// Everything in this process's memory: for tests, for trying things out, and for services whose
/// tokens need not outlive a restart.
///
/// A listing looks at every token.
#[derive(Default)]
pub struct MemoryStore {
    is_shared: bool,
    tokens: Mutex<Tables>,
    usage: MemoryUsage,
    hints: Hints,
}

#[derive(Default)]
struct Tables {
    rows: BTreeMap<TokenId, StoredToken>,
    history: Vec<HistoryEntry>,
    last_seals: HashMap<Option<String>, Seal>,
    sequence: u64,
    service_key: Option<[u8; 32]>,
    feed: Feed,
}

impl MemoryStore {
    /// An empty store, for one [`Tokens`](crate::Tokens).
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// An empty store for several [`Tokens`](crate::Tokens) over it in one process: each is told by its
    /// [`ChangeFeed`](crate::ChangeFeed) of what the others change, as the nodes of a fleet are.
    pub fn shared() -> MemoryStore {
        MemoryStore { is_shared: true, ..MemoryStore::default() }
    }

    /// How many of the last changes its [`ChangeFeed`](crate::ChangeFeed) keeps, 10,000 unless set and
    /// at least one. Whoever asks from an older one finds a gap.
    pub fn keeping_changes(self, number: usize) -> MemoryStore {
        self.tables().feed.keep(number);
        self
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Every write below is prepared before the first row is touched, so that a panic leaves
        // whole tables behind.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes with these tables, and then tells whoever wants to know, if anything was changed.
    fn write<T>(&self, write: impl FnOnce(&mut Tables) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut tables = self.tables();
        let before = tables.sequence;
        let written = write(&mut tables);
        let is_changed = tables.sequence != before;
        drop(tables);
        if is_changed {
            self.hints.give();
        }
        written
    }
}

/// Marks for so many changes, drawn before anything is written.
fn marks(number: usize) -> Result<Vec<Mark>, StoreError> {
    let mut bytes = vec![0; 16 * number];
    SystemRandomness.fill(&mut bytes).map_err(StoreError::unavailable)?;
    Ok(bytes.as_chunks().0.iter().copied().map(Mark).collect())
}

fn mark() -> Result<Mark, StoreError> {
    Ok(marks(1)?[0])
}

impl Tables {
    fn write_history(&mut self, draft: &HistoryDraft, mark: Mark) -> u64 {
        self.sequence += 1;
        let entry = draft.clone().seal(self.sequence, self.last_seals.get(&draft.tenant));
        self.last_seals.insert(draft.tenant.clone(), entry.seal.clone());
        self.history.push(entry);
        self.feed.changed(self.sequence, mark, draft.token);
        self.sequence
    }

    fn replace(&mut self, mut token: StoredToken, history: &HistoryDraft, mark: Mark) -> StoredToken {
        token.record.sequence = self.write_history(history, mark);
        self.rows.insert(token.record.id, token.clone());
        token
    }

    fn has_version(&self, id: &TokenId, version: u64) -> bool {
        self.rows.get(id).is_some_and(|row| row.record.version == version)
    }

    fn insert(
        &mut self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        if self.rows.contains_key(&token.record.id) {
            return Ok(Insertion::Exists);
        }
        if let Some(cap) = cap {
            let is_living = |row: &&StoredToken| {
                let record = &row.record;
                record.tenant == token.record.tenant
                    && record.revoked_at.is_none()
                    && record.expires_at.is_none_or(|end| cap.now < end)
            };
            if self.rows.values().filter(is_living).count() >= cap.greatest as usize {
                return Ok(Insertion::Full);
            }
        }
        let inserted = self.replace(token.clone(), history, mark()?);
        Ok(Insertion::Inserted(inserted.record.sequence))
    }

    fn update(&mut self, changes: &[Change]) -> Result<Updating, StoreError> {
        // A token that is named twice cannot have the expected version the second time.
        let mut named = HashSet::new();
        let all_as_expected = changes.iter().all(|change| {
            let id = &change.token.record.id;
            named.insert(*id) && self.has_version(id, change.expected_version)
        });
        if !all_as_expected {
            return Ok(Updating::Conflict);
        }
        let marked = changes.iter().zip(marks(changes.len())?);
        let numbers = marked
            .map(|(change, mark)| self.replace(change.token.clone(), &change.history, mark).record.sequence)
            .collect();
        Ok(Updating::Done(numbers))
    }

    fn revoke_all(&mut self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        let chosen: Vec<_> = self.rows.values().filter(|row| revocation.chooses(row)).cloned().collect();
        let marks = marks(chosen.len())?;
        let revoke = |(mut token, mark): (StoredToken, Mark)| {
            let history = revocation.apply(&mut token);
            self.replace(token, &history, mark)
        };
        Ok(chosen.into_iter().zip(marks).map(revoke).collect())
    }

    fn purge(&mut self, id: &TokenId, version: u64, history: &HistoryDraft) -> Result<Updating, StoreError> {
        if !self.has_version(id, version) {
            return Ok(Updating::Conflict);
        }
        let mark = mark()?;
        self.rows.remove(id);
        Ok(Updating::Done(vec![self.write_history(history, mark)]))
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn open(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        !self.is_shared
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
        self.write(|tables| tables.insert(token, history, cap))
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        let tables = self.tables();
        Ok(ids.iter().filter_map(|id| tables.rows.get(id)).cloned().collect())
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        Ok(self.tables().rows.get(id).cloned())
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        self.write(|tables| tables.update(changes))
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        self.write(|tables| tables.revoke_all(revocation))
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        self.write(|tables| tables.purge(id, version, history))
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
