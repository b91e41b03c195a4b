//! Use and events of the memory store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MemoryStore;
use crate::event::{Event, Outbox};
use crate::usage::{
    CallQuery, Counts, Outdated, RecordedCall, SliceQuery, StoredSlice, UsageBatch, UsageStore,
};
use crate::{StoreError, TokenId};

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
