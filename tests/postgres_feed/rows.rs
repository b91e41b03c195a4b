//! What is in the tables.

use tokenward::changes::{NodeId, Position, Pulled};
use tokenward::{ChangeFeed, StoreError, block_on};

use crate::kit::{change, schema, store};
use crate::servers::eventually;

const NODE: NodeId = NodeId(1);

#[test]
fn old_changes_are_dropped_and_the_newest_stay() {
    let Some(schema) = schema() else { return };
    let store = store(&schema.address, &schema);
    // As if a hundred thousand and then some had been made: 990 more make it a multiple of a thousand.
    schema.execute(
        "INSERT INTO tokenward.changes (number, token) \
         SELECT number, 'Sample_000000001' FROM generate_series(1, 101010) AS number; \
         UPDATE tokenward.state SET last_number = 101010",
    );
    block_on(async {
        let start = store.join(NODE, 5_000).await.unwrap();
        let first = store.pull(NODE, Position::default(), 1).await.unwrap();
        assert!(matches!(first, Pulled::Changes { more: true, .. }), "the first is still there");
        schema.execute(
            "INSERT INTO tokenward.changes (number, token) \
             SELECT number, 'Sample_000000001' FROM generate_series(101011, 102000) AS number; \
             UPDATE tokenward.state SET last_number = 102000",
        );
        let Pulled::Changes { changes, more: false } = store.pull(NODE, start, 1_000).await.unwrap() else {
            panic!("nothing is missed");
        };
        assert_eq!(changes.len(), 990);
    });
    let oldest = || schema.execute("SELECT min(number) FROM tokenward.changes")[0].clone();
    eventually("old changes to go", || (oldest() == "2001").then_some(()));
    assert_eq!(schema.execute("SELECT count(*) FROM tokenward.changes"), ["100000"]);
    let missed = block_on(store.pull(NODE, Position::default(), 10)).unwrap();
    assert_eq!(missed, Pulled::Gap, "whoever has missed more than is kept cannot tell what");
}

#[test]
fn a_hole_that_somebody_has_made_is_a_gap() {
    let Some(schema) = schema() else { return };
    let store = store(&schema.address, &schema);
    let start = block_on(store.join(NODE, 5_000)).unwrap();
    for token in 0..4 {
        change(&schema, token);
    }
    let pulled = |limit| block_on(store.pull(NODE, start, limit)).unwrap();
    assert!(matches!(pulled(10), Pulled::Changes { changes, more: false } if changes.len() == 4));
    schema.execute("DELETE FROM tokenward.changes WHERE number = 3");
    assert_eq!(pulled(10), Pulled::Gap);
    schema.execute("DELETE FROM tokenward.changes WHERE number = 1");
    assert_eq!(pulled(10), Pulled::Gap);
}

#[test]
fn a_lease_that_the_table_does_not_take_is_refused() {
    let Some(schema) = schema() else { return };
    let store = store(&schema.address, &schema);
    for lease_ms in [0, 999, 60_001, u32::MAX] {
        let refused: StoreError = block_on(store.join(NODE, lease_ms)).unwrap_err();
        assert!(!refused.is_transient(), "{lease_ms}: it does not help to try again");
    }
    assert!(block_on(store.roll_call()).unwrap().nodes.is_empty());
}
