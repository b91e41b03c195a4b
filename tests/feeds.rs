//! Every feed of changes of this crate keeps its contract, promise by promise.
#![cfg(feature = "conformance")]

#[cfg(all(unix, feature = "postgres"))]
#[path = "support/on_postgres.rs"]
mod on_postgres;
#[cfg(all(unix, feature = "postgres"))]
#[path = "support/servers/mod.rs"]
mod servers;
#[cfg(all(unix, feature = "postgres"))]
#[path = "support/tools.rs"]
mod tools;

use std::sync::Arc;

use tokenward::changes::{Position, Pulled};
use tokenward::conformance::{self, sample_draft, sample_token};
use tokenward::{Action, ChangeFeed, MemoryStore, NodeId, TokenStore, block_on};

async fn memory() -> [Arc<MemoryStore>; 2] {
    let store = Arc::new(MemoryStore::shared());
    [store.clone(), store]
}

tokenward::change_feed_tests!(memory_feed, memory);

#[test]
fn memory_holds_against_threads() {
    block_on(conformance::many_are_followed_without_holes_on_threads(memory));
}

#[test]
fn only_a_store_for_one_is_exclusive() {
    assert!(MemoryStore::new().is_exclusive());
    assert!(!MemoryStore::shared().is_exclusive());
}

#[test]
fn the_memory_keeps_the_last_changes() {
    block_on(async {
        for kept in [0, 1, 3, 5] {
            let store = MemoryStore::shared().keeping_changes(kept);
            let start = store.join(NodeId(1), 5_000).await.unwrap();
            let mut known = vec![start];
            for number in 0..5 {
                let token = sample_token(number);
                store.insert(&token, &sample_draft(&token, Action::Issued), None).await.unwrap();
                let newest = store.join(NodeId(2), 5_000).await.unwrap();
                assert_eq!(newest.number, u64::from(number) + 1);
                known.push(newest);
            }
            // The change that is asked from must be there as well, unless it is the very beginning.
            let oldest = if kept == 5 { 0 } else { 5 - kept.max(1) + 1 };
            for (number, after) in known.iter().enumerate() {
                let pulled = store.pull(NodeId(1), *after, 100).await.unwrap();
                match pulled {
                    Pulled::Gap => assert!(number < oldest, "{kept} kept: nothing is missed from {number}"),
                    Pulled::Changes { changes, .. } => {
                        assert!(number >= oldest, "{kept} kept: something is missed from {number}");
                        assert_eq!(changes.len(), 5 - number);
                    }
                }
            }
            assert_eq!(known[0], Position::default());
        }
    });
}

#[cfg(all(unix, feature = "postgres"))]
mod postgres {
    use std::sync::{Arc, Mutex};

    use tokenward::{PostgresStore, block_on, conformance};

    use super::on_postgres::{self, OwnSchema};
    use super::servers::{Pgbouncer, PostgresServer, are_missing};

    /// Two stores each time, on a schema of their own, by this way to the server. The schemas go away
    /// with what is given.
    fn on(server: String, way: String) -> impl Fn() -> std::future::Ready<[Arc<PostgresStore>; 2]> {
        let schemas = Mutex::new(Vec::new());
        move || {
            let schema = OwnSchema::at(&server);
            let store = || PostgresStore::at(&way).unwrap().schema(&schema.name).unwrap();
            let handles = [Arc::new(store()), Arc::new(store())];
            schemas.lock().unwrap().push(schema);
            std::future::ready(handles)
        }
    }

    fn fresh() -> impl Fn() -> std::future::Ready<[Arc<PostgresStore>; 2]> {
        let address = on_postgres::address().unwrap_or_default();
        on(address.clone(), address)
    }

    tokenward::change_feed_tests!(postgres_feed, fresh(), if on_postgres::address().is_some());

    #[test]
    fn postgres_holds_against_threads() {
        if on_postgres::address().is_some() {
            block_on(conformance::many_are_followed_without_holes_on_threads(fresh()));
        }
    }

    /// A runtime of the service's own does not get into the way.
    #[tokio::test]
    async fn promises_hold_within_tokio() {
        if on_postgres::address().is_some() {
            conformance::change_feed(fresh()).await;
        }
    }

    #[test]
    fn everything_holds_behind_a_pooler() {
        if are_missing(&["postgres", "pgbouncer"]) {
            return;
        }
        let server = PostgresServer::start();
        let pooler = Pgbouncer::before(&server);
        block_on(conformance::change_feed(on(server.address(), pooler.address())));
    }
}
