//! [`TokenStore`] over PostgreSQL.

use async_trait::async_trait;

use super::PostgresStore;
use crate::store::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating};
use crate::{HistoryDraft, HistoryEntry, StoreError, StoredToken, TokenId};

#[async_trait]
impl TokenStore for PostgresStore {
    async fn open(&self) -> Result<(), StoreError> {
        self.migrate().await
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn insert(
        &self,
        _: &StoredToken,
        _: &HistoryDraft,
        _: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn load(&self, _: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn load_settled(&self, _: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn update(&self, _: &[Change]) -> Result<Updating, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn revoke_all(&self, _: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn purge(&self, _: &TokenId, _: u64, _: &HistoryDraft) -> Result<Updating, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn list(&self, _: &Query) -> Result<Listing, StoreError> {
        Err(StoreError::broken("not there yet"))
    }

    async fn history(&self, _: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        Err(StoreError::broken("not there yet"))
    }
}
