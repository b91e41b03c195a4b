//! A memory store that counts look-ups and can be down.

#![allow(dead_code, reason = "each test uses a part of this")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokenward::store::{Cap, Change, Insertion, RevokeAll, Updating};
use tokenward::{
    HistoryDraft, HistoryEntry, HistoryQuery, Listing, MemoryStore, Query, StoreError, StoredToken, TokenId,
    TokenStore,
};

/// A memory store that counts look-ups and can be down.
#[derive(Default)]
pub struct WatchedStore {
    inner: MemoryStore,
    loads: AtomicUsize,
    down: AtomicBool,
}

impl WatchedStore {
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    pub fn come_back(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    pub fn go_down(&self) {
        self.down.store(true, Ordering::SeqCst);
    }

    fn up(&self) -> Result<&MemoryStore, StoreError> {
        match self.down.load(Ordering::SeqCst) {
            true => Err(StoreError::unavailable("connection to 10.0.0.7 refused")),
            false => Ok(&self.inner),
        }
    }
}

#[tokenward::async_trait]
impl TokenStore for WatchedStore {
    async fn open(&self) -> Result<(), StoreError> {
        self.up()?.open().await
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        self.up()?.changes_by_others().await
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        self.up()?.service_key().await
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        self.up()?.insert(token, history, cap).await
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.up()?.load(ids).await
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.up()?.load_settled(id).await
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        self.up()?.update(changes).await
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        self.up()?.revoke_all(revocation).await
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        self.up()?.purge(id, version, history).await
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        self.up()?.list(query).await
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        self.up()?.history(query).await
    }
}
