//! Promises of the rows of nodes.

use std::sync::Arc;

use super::super::side_by_side::side_by_side;
use super::{LEASE_MS, changes_after, joined, node, numbers, opened, put_samples, row};
use crate::changes::{ChangeFeed, NodeRow, Position, RollCall};
use crate::store::TokenStore;

/// Joining gives the last change that was committed, and writes a row that everybody sees when it has
/// answered.
pub async fn joining_writes_the_row<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    assert_eq!(feed.roll_call().await.unwrap(), RollCall::default(), "there is nobody, and no change");
    assert_eq!(store.join(node(1), 1_000).await.unwrap(), Position::default(), "there is no change yet");
    let last = put_samples(&*store, 0..3).await;
    let after = store.join(node(2), 60_000).await.unwrap();
    let told = changes_after(&*feed, node(1), Position::default()).await;
    assert_eq!(after, told[2].position, "joining gives the last change, with its mark");
    for (number, lease_ms, acknowledged) in [(1, 1_000, 0), (2, 60_000, last)] {
        let found = row(&*feed, node(number)).await.expect("the row is there when joining has answered");
        let expected = NodeRow { node: node(number), lease_ms, counter: found.counter, acknowledged };
        assert_eq!(found, expected, "the row is as it was given");
    }
    let next = put_samples(&*store, 3..4).await;
    assert_eq!(numbers(&changes_after(&*feed, node(2), after).await), [next], "it goes on from there");
}

/// Whoever joins again keeps what it has acknowledged: its counter has grown, and its lease is the new
/// one.
pub async fn joining_again_makes_the_row_new<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    joined(&*store, node(1)).await;
    let mut before = row(&*feed, node(1)).await.expect("it has joined");
    for sample in 0..8 {
        let last = put_samples(&*store, sample..sample + 1).await;
        let lease_ms = LEASE_MS + sample;
        let given = store.join(node(1), lease_ms).await.unwrap();
        assert_eq!(given.number, last, "the last change is given again");
        let now = row(&*feed, node(1)).await.expect("it has joined again");
        assert!(now.counter > before.counter, "the counter grows when a node joins again");
        let expected = NodeRow { lease_ms, counter: now.counter, ..before };
        assert_eq!(now, expected, "the lease is as it was given anew, and nothing is acknowledged by it");
        before = now;
    }
}

/// A row that is made anew does not stand where it stood before it was deleted, so that nobody who
/// saw it then takes the node for one that stands still.
pub async fn a_row_made_anew_has_another_counter<
    S: TokenStore + ChangeFeed,
    F: Future<Output = [Arc<S>; 2]>,
>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let mut seen = Vec::new();
    for is_struck in [true, false, true, false] {
        joined(&*store, node(1)).await;
        let counter = row(&*feed, node(1)).await.expect("it has joined").counter;
        assert!(!seen.contains(&counter), "a counter of before comes again");
        seen.push(counter);
        match is_struck {
            true => assert!(feed.strike(node(1), counter).await.unwrap(), "its counter is still this"),
            false => feed.leave(node(1)).await.unwrap(),
        }
    }
}

/// An acknowledgement only grows, is seen by everybody, and makes no row.
pub async fn an_acknowledgement_only_grows<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    joined(&*store, node(1)).await;
    joined(&*store, node(2)).await;
    let before = row(&*feed, node(1)).await.expect("it has joined");
    put_samples(&*store, 0..9).await;
    let told = changes_after(&*feed, node(2), Position::default()).await;
    let position = |number: usize| match number {
        0 => Position::default(),
        _ => told[number - 1].position,
    };
    // The number of another change, as after a failover.
    let of_before = Position { number: 9, mark: position(1).mark };
    store.acknowledge(node(1), of_before).await.unwrap();
    let now = row(&*feed, node(1)).await;
    assert_eq!(now, Some(before), "a change that is not there is not acknowledged");
    for (number, expected) in [(3, 3), (2, 3), (3, 3), (0, 3), (4, 4), (9, 9), (8, 9)] {
        store.acknowledge(node(1), position(number)).await.unwrap();
        let now = row(&*feed, node(1)).await.expect("acknowledging does not delete the row");
        let rest = NodeRow { acknowledged: expected, ..before };
        assert_eq!(now, rest, "after {number} it is the greatest so far; nothing else of the row changes");
    }
    assert_eq!(row(&*feed, node(2)).await.map(|row| row.acknowledged), Some(0), "another node's stays");
    store.acknowledge(node(3), position(5)).await.unwrap();
    assert_eq!(row(&*feed, node(3)).await, None, "acknowledging makes no row");
}

/// Leaving deletes the row of the one that leaves, if it has one.
pub async fn who_leaves_is_gone<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    joined(&*store, node(1)).await;
    joined(&*store, node(2)).await;
    let other = row(&*feed, node(2)).await;
    for _ in 0..2 {
        store.leave(node(1)).await.unwrap();
        assert_eq!(row(&*feed, node(1)).await, None, "who has left is gone, for everybody");
    }
    store.leave(node(3)).await.unwrap();
    assert_eq!(row(&*feed, node(2)).await, other, "the row of another stays");
}

/// A row is struck only while its counter is still the one that was seen, and it is said whether it was.
pub async fn striking_needs_the_counter<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    let after = joined(&*store, node(1)).await;
    joined(&*store, node(2)).await;
    let other = row(&*feed, node(2)).await;
    let seen = row(&*feed, node(1)).await.expect("it has joined").counter;
    changes_after(&*store, node(1), after).await;
    let now = row(&*feed, node(1)).await.expect("it is alive");
    for counter in [seen, now.counter + 1, 0, u64::MAX] {
        assert!(!feed.strike(node(1), counter).await.unwrap(), "it has another counter");
        assert_eq!(row(&*store, node(1)).await, Some(now), "the row stays as it is");
    }
    assert!(feed.strike(node(1), now.counter).await.unwrap(), "it is still the counter");
    assert_eq!(row(&*store, node(1)).await, None, "who was struck is gone, for everybody");
    assert!(!feed.strike(node(1), now.counter).await.unwrap(), "it is gone already");
    assert!(!feed.strike(node(3), 1).await.unwrap(), "it was never there");
    assert_eq!(row(&*feed, node(2)).await, other, "the row of another stays");
}

/// Of many who strike a row at once, and its node that pulls meanwhile, one is first: either it is
/// struck by one, and the node finds a gap, or by none.
pub async fn a_row_is_struck_or_renewed<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    let [store, feed] = opened(&fresh).await;
    for _ in 0..10 {
        let after = joined(&*store, node(1)).await;
        let seen = row(&*feed, node(1)).await.expect("it has joined").counter;
        let outcomes = side_by_side((0..8).map(|place| {
            let (store, feed) = (&store, &feed);
            async move {
                if place == 4 {
                    let pulled = store.pull(node(1), after, 10).await.unwrap();
                    return pulled != crate::changes::Pulled::Gap;
                }
                feed.strike(node(1), seen).await.unwrap()
            }
        }))
        .await;
        let first = outcomes.iter().filter(|was_first| **was_first).count();
        assert_eq!(first, 1, "one of them was first, and the others found it so");
    }
}

/// The roll is called as of one moment: whoever had joined before a change was committed is on the
/// roll that shows the change, and nobody has acknowledged more than the last number.
pub async fn the_roll_is_called_in_one_moment<S: TokenStore + ChangeFeed, F: Future<Output = [Arc<S>; 2]>>(
    fresh: impl Fn() -> F,
) {
    const NODES: u32 = 20;
    let [store, feed] = opened(&fresh).await;
    // Each node joins, and then makes the change that has its number.
    let come_and_go = async {
        for number in 1..=NODES {
            let after = joined(&*store, node(number.into())).await;
            assert_eq!(
                put_samples(&*store, number..number + 1).await,
                u64::from(number),
                "nobody else writes"
            );
            let told = changes_after(&*store, node(number.into()), after).await;
            store.acknowledge(node(number.into()), told[0].position).await.unwrap();
        }
    };
    let call = async {
        loop {
            let roll = feed.roll_call().await.unwrap();
            for number in 1..=roll.last_number {
                let is_there = roll.nodes.iter().any(|row| row.node == node(number));
                assert!(is_there, "{roll:?} shows change {number}, and not the node that had joined before");
            }
            let ahead = roll.nodes.iter().find(|row| row.acknowledged > roll.last_number);
            assert_eq!(ahead, None, "nobody has acknowledged what is not there: {roll:?}");
            if roll.last_number >= NODES.into() {
                break;
            }
            super::super::side_by_side::once_more().await;
        }
    };
    let both: [std::pin::Pin<Box<dyn Future<Output = ()> + '_>>; 2] = [Box::pin(come_and_go), Box::pin(call)];
    side_by_side(both).await;
}
