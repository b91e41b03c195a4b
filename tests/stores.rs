//! Every store of this crate keeps the contract of stores, promise by promise.
#![cfg(feature = "conformance")]

use tokenward::{MemoryStore, conformance};

tokenward::token_store_tests!(memory, || async { MemoryStore::new() });
tokenward::usage_store_tests!(memory_usage, || async { MemoryStore::new() });

#[test]
fn memory_holds_against_threads() {
    tokenward::block_on(async {
        conformance::a_cap_holds_against_threads(|| async { MemoryStore::new() }).await;
        conformance::one_of_many_updates_wins_on_threads(|| async { MemoryStore::new() }).await;
    });
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use chrono::{DateTime, Utc};
    use tempfile::TempDir;
    use tokenward::store::{
        Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating,
    };
    use tokenward::usage::{CallQuery, Outdated, RecordedCall, SliceQuery, StoredSlice};
    use tokenward::{
        Counts, Event, HistoryDraft, HistoryEntry, Outbox, SqliteStore, StoreError, StoredToken, TokenId,
        UsageBatch, UsageStore, async_trait, block_on, conformance,
    };

    /// A store on a file that goes away with it.
    struct Temporary {
        store: SqliteStore,
        _directory: TempDir,
    }

    async fn fresh() -> Temporary {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::at(directory.path().join("tokens.db"));
        store.open().await.unwrap();
        Temporary { store, _directory: directory }
    }

    /// A store whose file is closed and opened again before every call.
    struct Reopened(TempDir);

    impl Reopened {
        async fn fresh() -> Reopened {
            Reopened(tempfile::tempdir().unwrap())
        }

        async fn now(&self) -> Result<SqliteStore, StoreError> {
            let store = SqliteStore::at(self.0.path().join("tokens.db"));
            store.open().await?;
            Ok(store)
        }
    }

    /// A store that hands each call on to the one that `$store` gives.
    macro_rules! wrapped {
        ($wrapper:ty, $self:ident => $store:expr) => {
            #[async_trait]
            impl TokenStore for $wrapper {
                async fn open(&$self) -> Result<(), StoreError> {
                    $store.open().await
                }
                fn is_exclusive(&self) -> bool {
                    true
                }
                async fn changes_by_others(&$self) -> Result<u64, StoreError> {
                    $store.changes_by_others().await
                }
                async fn service_key(&$self) -> Result<[u8; 32], StoreError> {
                    $store.service_key().await
                }
                async fn insert(
                    &$self,
                    token: &StoredToken,
                    history: &HistoryDraft,
                    cap: Option<Cap>,
                ) -> Result<Insertion, StoreError> {
                    $store.insert(token, history, cap).await
                }
                async fn load(&$self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
                    $store.load(ids).await
                }
                async fn load_settled(&$self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
                    $store.load_settled(id).await
                }
                async fn update(&$self, changes: &[Change]) -> Result<Updating, StoreError> {
                    $store.update(changes).await
                }
                async fn revoke_all(&$self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
                    $store.revoke_all(revocation).await
                }
                async fn purge(
                    &$self,
                    id: &TokenId,
                    version: u64,
                    history: &HistoryDraft,
                ) -> Result<Updating, StoreError> {
                    $store.purge(id, version, history).await
                }
                async fn list(&$self, query: &Query) -> Result<Listing, StoreError> {
                    $store.list(query).await
                }
                async fn history(&$self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
                    $store.history(query).await
                }
            }

            #[async_trait]
            impl UsageStore for $wrapper {
                async fn add(&$self, batch: &UsageBatch) -> Result<(), StoreError> {
                    $store.add(batch).await
                }
                async fn read(&$self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
                    $store.read(tokens).await
                }
                async fn slices(&$self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
                    $store.slices(query).await
                }
                async fn calls(&$self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
                    $store.calls(query).await
                }
                async fn forget(&$self, outdated: &Outdated) -> Result<bool, StoreError> {
                    $store.forget(outdated).await
                }
                async fn erase(&$self, tokens: &[TokenId]) -> Result<(), StoreError> {
                    $store.erase(tokens).await
                }
                async fn erase_clients(&$self, tokens: &[TokenId]) -> Result<(), StoreError> {
                    $store.erase_clients(tokens).await
                }
            }

            #[async_trait]
            impl Outbox for $wrapper {
                async fn announce(&$self, events: &[Event]) -> Result<(), StoreError> {
                    $store.announce(events).await
                }
                async fn due(
                    &$self,
                    now: DateTime<Utc>,
                    until: DateTime<Utc>,
                    limit: u32,
                ) -> Result<Vec<Event>, StoreError> {
                    $store.due(now, until, limit).await
                }
                async fn postpone(&$self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
                    $store.postpone(id, until).await
                }
                async fn delivered(&$self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
                    $store.delivered(id, now).await
                }
            }
        };
    }

    wrapped!(Temporary, self => self.store);
    wrapped!(Reopened, self => self.now().await?);

    tokenward::token_store_tests!(on_a_file, fresh);
    tokenward::usage_store_tests!(usage_on_a_file, fresh);
    tokenward::usage_store_tests!(usage_reopened, Reopened::fresh);

    #[test]
    fn a_file_holds_against_threads() {
        block_on(async {
            conformance::a_cap_holds_against_threads(fresh).await;
            conformance::one_of_many_updates_wins_on_threads(fresh).await;
        });
    }

    /// The promises whose steps lie one after the other, with the file closed between them.
    #[test]
    fn promises_outlive_reopening() {
        block_on(async {
            conformance::the_service_key_stays_the_same(Reopened::fresh).await;
            conformance::every_field_comes_back(Reopened::fresh).await;
            conformance::update_does_all_or_nothing(Reopened::fresh).await;
            conformance::numbers_follow_the_commits(Reopened::fresh).await;
            conformance::purge_needs_the_version_and_keeps_history(Reopened::fresh).await;
            conformance::revoke_all_writes_history_for_each(Reopened::fresh).await;
            conformance::the_chain_of_each_tenant_holds(Reopened::fresh).await;
        });
    }
}
