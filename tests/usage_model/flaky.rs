//! A store of use that fails as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice, UsageStore};
use tokenward::{Counts, Event, Outbox, StoreError, TokenId, UsageBatch, async_trait};

/// What becomes of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    Taken,
    Lost,
    /// It is taken, and the answer is an error.
    TakenInSecret,
}

/// A store that fails as it is told to.
pub struct Flaky {
    pub store: Arc<dyn UsageStore>,
    pub fates: Mutex<VecDeque<Fate>>,
}

#[async_trait]
impl UsageStore for Flaky {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Taken);
        if fate != Fate::Lost {
            self.store.add(batch).await?;
        }
        if fate == Fate::Taken { Ok(()) } else { Err(StoreError::unavailable("the line is cut")) }
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        self.store.read(tokens).await
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        self.store.slices(query).await
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        self.store.calls(query).await
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        self.store.forget(outdated).await
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.store.erase(tokens).await
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.store.erase_clients(tokens).await
    }
}

#[async_trait]
impl Outbox for Flaky {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        self.store.announce(events).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.store.due(now, until, limit).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.postpone(id, until).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.store.delivered(id, now).await
    }
}
