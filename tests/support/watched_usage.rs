//! A store of use that shows what it was given, and can be made to fail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
use tokenward::{
    Counts, Event, MemoryStore, Outbox, StoreError, TokenId, UsageBatch, UsageStore, async_trait,
};

/// Keeps use in memory, shows its batches, counts its questions, and fails when it is told to.
#[derive(Default)]
pub struct WatchedUsage {
    pub memory: Arc<MemoryStore>,
    /// Fails as long as this stands.
    pub is_away: AtomicBool,
    /// Fails so many calls of `add`, the next ones.
    pub failures: AtomicUsize,
    /// The batches that it was given and has taken.
    pub batches: Mutex<Vec<UsageBatch>>,
    /// How often it was asked for totals, spans or calls.
    pub questions: AtomicUsize,
}

impl WatchedUsage {
    fn there(&self) -> Result<&MemoryStore, StoreError> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("the disk is full")),
            false => Ok(&self.memory),
        }
    }

    fn asked(&self) -> Result<&MemoryStore, StoreError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.there()
    }
}

#[async_trait]
impl UsageStore for WatchedUsage {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let fail = |left: usize| left.checked_sub(1);
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fail).is_ok() {
            return Err(StoreError::unavailable("the disk is full"));
        }
        let memory = self.there()?;
        self.batches.lock().unwrap().push(batch.clone());
        memory.add(batch).await
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        self.asked()?.read(tokens).await
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        self.asked()?.slices(query).await
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        self.asked()?.calls(query).await
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        self.there()?.forget(outdated).await
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.there()?.erase(tokens).await
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.there()?.erase_clients(tokens).await
    }
}

#[async_trait]
impl Outbox for WatchedUsage {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        self.there()?.announce(events).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.there()?.due(now, until, limit).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.there()?.postpone(id, until).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.there()?.delivered(id, now).await
    }
}
