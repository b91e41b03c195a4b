//! Every store of this crate keeps the contract of stores, promise by promise.
#![cfg(feature = "conformance")]

#[cfg(feature = "postgres")]
#[path = "support/on_postgres.rs"]
mod on_postgres;
#[cfg(feature = "postgres")]
#[path = "support/tools.rs"]
mod tools;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[allow(unused_imports, unused_macros, reason = "each backend uses a part of this")]
#[path = "support/wrapped.rs"]
mod wrapped;

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
    use tempfile::TempDir;
    use tokenward::{SqliteStore, StoreError, TokenStore, block_on, conformance};

    use super::wrapped::wrapped;

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

    wrapped!(Temporary, self => self.store, call => call.await);
    wrapped!(Reopened, self => self.now().await?, call => call.await);

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

#[cfg(feature = "postgres")]
mod postgres {
    use tokenward::{PostgresStore, TokenStore, block_on, conformance};

    use super::on_postgres::{OwnSchema, address};
    use super::wrapped::wrapped_tokens;

    /// A store in a schema that goes away with it.
    struct Temporary {
        store: PostgresStore,
        _schema: OwnSchema,
    }

    async fn fresh() -> Temporary {
        let schema = OwnSchema::at(address().expect("it was asked before"));
        let store = PostgresStore::at(&schema.address).unwrap().schema(&schema.name).unwrap();
        store.open().await.unwrap();
        Temporary { store, _schema: schema }
    }

    fn is_there() -> bool {
        address().is_some()
    }

    wrapped_tokens!(Temporary, self => self.store, call => call.await);

    tokenward::token_store_tests!(on_a_server, fresh, if is_there());

    #[test]
    fn a_server_holds_against_threads() {
        if is_there() {
            block_on(async {
                conformance::a_cap_holds_against_threads(fresh).await;
                conformance::one_of_many_updates_wins_on_threads(fresh).await;
            });
        }
    }

    /// A runtime of the service's own does not get into the way.
    #[tokio::test]
    async fn promises_hold_within_tokio() {
        if is_there() {
            conformance::every_field_comes_back(fresh).await;
            conformance::one_of_many_updates_wins(fresh).await;
            conformance::numbers_follow_the_commits(fresh).await;
            conformance::a_listing_counts_no_further_than_asked(fresh).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn promises_hold_within_tokio_of_many_threads() {
        if is_there() {
            conformance::token_store(fresh).await;
        }
    }
}
