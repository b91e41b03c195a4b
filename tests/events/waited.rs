//! A store on a file whose futures are done when they are polled first: tests that poll by hand have
//! no thread to wait for.

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokenward::store::{Cap, Change, Insertion, Listing, Query, RevokeAll, Updating};
use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
use tokenward::{
    Counts, Event, HistoryDraft, HistoryEntry, HistoryQuery, Outbox, SqliteStore, StoreError, StoredToken,
    TokenId, TokenStore, UsageBatch, UsageStore, async_trait, block_on,
};

pub struct Waited {
    store: SqliteStore,
    _directory: TempDir,
}

impl Waited {
    pub fn new() -> Waited {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::at(directory.path().join("tokens.db"));
        Waited { store, _directory: directory }
    }
}

#[async_trait]
impl TokenStore for Waited {
    async fn open(&self) -> Result<(), StoreError> {
        block_on(self.store.open())
    }

    fn is_exclusive(&self) -> bool {
        self.store.is_exclusive()
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        block_on(self.store.changes_by_others())
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        block_on(self.store.service_key())
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        block_on(self.store.insert(token, history, cap))
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        block_on(self.store.load(ids))
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        block_on(self.store.load_settled(id))
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        block_on(self.store.update(changes))
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        block_on(self.store.revoke_all(revocation))
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        block_on(self.store.purge(id, version, history))
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        block_on(self.store.list(query))
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        block_on(self.store.history(query))
    }
}

#[async_trait]
impl UsageStore for Waited {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        block_on(self.store.add(batch))
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        block_on(self.store.read(tokens))
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        block_on(self.store.slices(query))
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        block_on(self.store.calls(query))
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        block_on(self.store.forget(outdated))
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        block_on(self.store.erase(tokens))
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        block_on(self.store.erase_clients(tokens))
    }
}

#[async_trait]
impl Outbox for Waited {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        block_on(self.store.announce(events))
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        block_on(self.store.due(now, until, limit))
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        block_on(self.store.postpone(id, until))
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        block_on(self.store.delivered(id, now))
    }
}
