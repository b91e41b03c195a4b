//! Every feed of changes of this crate keeps its contract, promise by promise.
#![cfg(feature = "conformance")]

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
