//! Promises of a [`UsageStore`] to which several write at once.

use std::pin::Pin;

use super::fixture::sample_id;
use super::side_by_side::{on_threads, side_by_side};
use super::usage_fixture::{MINUTE, all_of, every_call, ids, model, of_token, sample_call, sample_slice};
use super::used::{counts, read};
use crate::usage::{CallQuery, Counts, RecordedCall, Subject, UsageBatch, UsageStore};

const TOKENS: u32 = 40;
const CALLS: u32 = 60;

/// The same tokens as any other, in an order of its own.
fn batch(node: u64, number: u64) -> UsageBatch {
    let order = move |token: u32| (token + node as u32 * 7) % TOKENS;
    let seen = |token: u32| u64::from(token) + 1_000 * (100 * node + number);
    let slice = |token: u32| sample_slice(of_token(token), MINUTE + number as i64, 3 + node);
    UsageBatch {
        counts: (0..TOKENS).map(|token| (sample_id(order(token)), counts(seen(order(token))))).collect(),
        slices: (0..TOKENS).map(|token| slice(order(token))).collect(),
        calls: (0..CALLS).map(|place| sample_call(order(place % TOKENS) + 100)).collect(),
        ..UsageBatch::new(node, number)
    }
}

/// A batch that is handed over again while it is still being added, as after a lost connection, counts
/// once.
pub async fn a_batch_counts_once_among_its_repetitions<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let mut large = batch(1, 1);
    large.counts = (0..6_000).map(|token| (sample_id(token), counts(token.into()))).collect();
    for added in side_by_side((0..4).map(|_| store.add(&large))).await {
        added.expect("a batch can be handed over again");
    }
    let all: Vec<_> = large.counts.iter().map(|(id, _)| *id).collect();
    let mut found = store.read(&all).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    assert!(found == large.counts, "totals count once");
    assert_eq!(every_call(&store).await.len() as u32, CALLS, "calls are kept once");
    let subjects: Vec<_> = (0..TOKENS).map(of_token).collect();
    let expected = all_of(&model(std::slice::from_ref(&large)).await, subjects.clone()).await;
    assert!(all_of(&store, subjects).await == expected, "slices count once");
}

/// What several nodes add at once is added up, whoever comes first.
pub async fn nodes_add_up_side_by_side<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    for number in 1..4 {
        let batches: Vec<_> = (0..5).map(|node| batch(node, number)).collect();
        for added in side_by_side(batches.iter().map(|batch| store.add(batch))).await {
            added.expect("nodes do not keep each other from adding");
        }
    }
    is_added_up(&store, 5, 3).await;
}

/// The same on threads.
pub async fn nodes_add_up_on_threads<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    on_threads(5, |node| {
        for number in 1..4 {
            crate::block_on(store.add(&batch(node.into(), number)))
                .expect("nodes do not keep each other away");
        }
    });
    is_added_up(&store, 5, 3).await;
}

async fn is_added_up(store: &impl UsageStore, nodes: u64, numbers: u64) {
    let all = || (0..nodes).flat_map(|node| (1..=numbers).map(move |number| batch(node, number)));
    let batches: Vec<_> = all().collect();
    let model = model(&batches).await;
    for token in 0..TOKENS {
        let (found, expected): (Option<Counts>, _) = (read(store, token).await, read(&model, token).await);
        assert_eq!(found, expected, "totals add up");
    }
    let subjects: Vec<_> = (0..TOKENS).map(of_token).collect();
    let (found, expected) = (all_of(store, subjects.clone()).await, all_of(&model, subjects).await);
    assert!(found == expected, "spans add up");
    let calls = every_call(store).await;
    assert_eq!(calls.len() as u64, nodes * numbers * u64::from(CALLS), "each call is kept once");
    assert!(calls.windows(2).all(|pair| pair[0].id < pair[1].id), "each has a number of its own");
}

/// Calls become visible in the order of their numbers: whoever goes on behind the last that it has read
/// misses none, however many add at once.
pub async fn calls_become_visible_in_order<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let batches: Vec<_> = (0..6)
        .map(|node| UsageBatch { calls: (0..CALLS).map(sample_call).collect(), ..UsageBatch::new(node, 1) })
        .collect();
    let all = batches.len() * CALLS as usize;
    let store = &store;
    let add = |batch| async move {
        store.add(batch).await.expect("calls can be added");
        Vec::new()
    };
    let follow = async {
        let mut read: Vec<RecordedCall> = Vec::new();
        for _ in 0..10_000 {
            let after = read.last().map(|call| call.id);
            let query = CallQuery { after, oldest_first: true, limit: 50, ..CallQuery::new(Subject::All) };
            read.extend(store.calls(&query).await.expect("calls can be read"));
            if read.len() >= all {
                break;
            }
        }
        read
    };
    type Doing<'a> = Pin<Box<dyn Future<Output = Vec<RecordedCall>> + 'a>>;
    let adding = batches.iter().map(|batch| -> Doing<'_> { Box::pin(add(batch)) });
    let following: Doing<'_> = Box::pin(follow);
    let read: Vec<_> = side_by_side(adding.chain([following])).await.into_iter().flatten().collect();
    assert_eq!(ids(&read), ids(&every_call(store).await), "whoever follows the calls misses none");
}
