//! [`TokenStore`] over PostgreSQL.

use async_trait::async_trait;

use super::{Lane, PostgresStore, changes, chronicle, listing};
use crate::store::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating};
use crate::{HistoryDraft, HistoryEntry, StoreError, StoredToken, TokenId};

/// What revokes many tokens at once may take so many times longer than the rest.
const MANY_TAKE: u32 = 12;

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
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| changes::service_key(session, schema)).await
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| changes::insert(session, schema, token, history, cap)).await
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        let schema = &self.schema;
        let load = |mut session| async move { changes::load(&mut session, schema, ids).await };
        self.run(Lane::Tokens, load).await
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| changes::load_settled(session, schema, id)).await
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| changes::update(session, schema, changes)).await
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        let (schema, patience) = (&self.schema, self.patience * MANY_TAKE);
        let revoke = |session| changes::revoke_all(session, schema, revocation);
        self.run_within(patience, Lane::Tokens, revoke).await
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| changes::purge(session, schema, id, version, history)).await
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| listing::page(session, schema, query)).await
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let schema = &self.schema;
        self.run(Lane::Tokens, |session| chronicle::page(session, schema, query)).await
    }
}
