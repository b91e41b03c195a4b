//! A store of use that shows what it was given, and can be made to fail.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
use tokenward::{
    Counts, Event, MemoryStore, Outbox, StoreError, TokenId, UsageBatch, UsageStore, async_trait,
};

/// Hands everything on to another store, shows its batches, counts its questions, and fails when it is
/// told to.
pub struct WatchedUsage {
    pub inner: Arc<dyn UsageStore>,
    /// Fails as long as this stands.
    pub is_away: AtomicBool,
    /// So does what concerns events.
    pub outbox_is_away: AtomicBool,
    /// What becomes of the next batches; of all further ones nothing but good.
    pub fates: Mutex<VecDeque<Fate>>,
    /// The batches that it was given and has taken.
    pub batches: Mutex<Vec<UsageBatch>>,
    /// How often it was asked for totals, spans or calls.
    pub questions: AtomicUsize,
    /// How many events were announced.
    pub announced: AtomicUsize,
}

/// What becomes of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Taken,
    Lost,
    /// It is taken, and the answer is an error.
    TakenInSecret,
}

impl Default for WatchedUsage {
    fn default() -> Self {
        WatchedUsage::over(Arc::new(MemoryStore::new()))
    }
}

impl WatchedUsage {
    pub fn over(inner: Arc<dyn UsageStore>) -> WatchedUsage {
        WatchedUsage {
            inner,
            is_away: Default::default(),
            outbox_is_away: Default::default(),
            fates: Default::default(),
            batches: Default::default(),
            questions: Default::default(),
            announced: Default::default(),
        }
    }

    /// The next so many batches are lost.
    pub fn lose(&self, batches: usize) {
        self.fates.lock().unwrap().extend(std::iter::repeat_n(Fate::Lost, batches));
    }

    fn there(&self) -> Result<&dyn UsageStore, StoreError> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("the disk is full")),
            false => Ok(&*self.inner),
        }
    }

    fn asked(&self) -> Result<&dyn UsageStore, StoreError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.there()
    }

    fn outbox(&self) -> Result<&dyn UsageStore, StoreError> {
        match self.outbox_is_away.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("the table of events is locked")),
            false => self.there(),
        }
    }
}

#[async_trait]
impl UsageStore for WatchedUsage {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Taken);
        if fate != Fate::Lost {
            let inner = self.there()?;
            self.batches.lock().unwrap().push(batch.clone());
            inner.add(batch).await?;
        }
        if fate == Fate::Taken { Ok(()) } else { Err(StoreError::unavailable("the line is cut")) }
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
        self.announced.fetch_add(events.len(), Ordering::SeqCst);
        self.outbox()?.announce(events).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.outbox()?.due(now, until, limit).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.outbox()?.postpone(id, until).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.outbox()?.delivered(id, now).await
    }
}
