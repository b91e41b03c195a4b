//! Promises of a [`UsageStore`].

use super::fixture::{at, sample_id};
use super::usage_fixture::{MINUTE, every_call, of_token, only, sample_call, sample_slice};
use crate::TokenId;
use crate::usage::{Client, Counts, Level, UsageBatch, UsageStore};

pub(super) fn counts(number: u64) -> Counts {
    Counts {
        granted: number,
        limited: number + 1,
        missing_scope: number + 2,
        refused: number + 3,
        wrong_secret: number + 4,
        finished: number + 5,
        succeeded: number + 6,
        duration_us: number + 7,
        last_used_at: Some(at(number as i64)),
        last_client: Some(Client::new(format!("192.0.2.{number}"), "curl/8.5.0")),
        last_seen_at: Some(at(number as i64 + 1)),
    }
}

fn sum(of: &[Counts]) -> Counts {
    let mut sum = Counts::default();
    of.iter().for_each(|counts| sum.add(counts));
    sum
}

pub(super) async fn add(store: &impl UsageStore, node: u64, number: u64, counts: Vec<(TokenId, Counts)>) {
    store.add(&UsageBatch { counts, ..UsageBatch::new(node, number) }).await.expect("a batch can be added");
}

pub(super) async fn read(store: &impl UsageStore, token: u32) -> Option<Counts> {
    let mut found = store.read(&[sample_id(token)]).await.expect("use can be read");
    assert!(found.len() <= 1, "one id reads the use of one token");
    found.pop().map(|(_, counts)| counts)
}

/// What later batches bring is added to each counter; of moments the latest stays.
pub async fn use_adds_up<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    assert_eq!(read(&store, 1).await, None, "a token without use is left out");
    add(&store, 1, 1, vec![(sample_id(1), counts(10)), (sample_id(2), Counts::default())]).await;
    assert_eq!(read(&store, 2).await, None, "counts of nothing are left out");
    assert_eq!(read(&store, 1).await, Some(counts(10)), "every counter comes back as it went in");
    let without_moments = Counts { last_used_at: None, last_client: None, last_seen_at: None, ..counts(3) };
    add(&store, 1, 2, vec![(sample_id(1), without_moments.clone())]).await;
    let expected = sum(&[counts(10), without_moments]);
    assert_eq!(read(&store, 1).await, Some(expected.clone()), "counters add up, and moments stay");
    add(&store, 1, 3, vec![(sample_id(1), counts(5))]).await;
    assert_eq!(
        read(&store, 1).await,
        Some(sum(&[expected, counts(5)])),
        "an earlier moment replaces no later one"
    );
    let end = Counts {
        last_used_at: Some(at(10)),
        last_client: Some(Client::new("192.0.2.1", "")),
        ..Counts::default()
    };
    add(&store, 1, 4, vec![(sample_id(1), end.clone())]).await;
    let told = read(&store, 1).await.and_then(|counts| counts.last_client);
    assert_eq!(told, end.last_client, "of two clients at one moment the one that is added later counts");
    add(&store, 1, 5, vec![]).await;
}

/// A batch that is handed over again, or comes after a later one, counts nothing.
pub async fn a_repeated_batch_counts_once<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    for number in [1, 1, 2, 2, 1, 2] {
        add(&store, u64::MAX, number, vec![(sample_id(1), counts(number))]).await;
    }
    let once = Some(sum(&[counts(1), counts(2)]));
    assert_eq!(read(&store, 1).await, once, "each batch counts once, however often it is handed over");
    // Numbers may be left out, by batches that were given up.
    add(&store, u64::MAX, 9, vec![(sample_id(2), counts(9))]).await;
    assert_eq!(read(&store, 2).await, Some(counts(9)), "a number above the last counts");
}

/// What several nodes add is added up, and a node's numbers mean nothing to another.
pub async fn nodes_add_up<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let (first, second) = (7, 0x8000_0000_0000_0007);
    add(&store, first, 1, vec![(sample_id(1), counts(1))]).await;
    add(&store, first, 2, vec![(sample_id(1), counts(2))]).await;
    add(&store, second, 1, vec![(sample_id(1), counts(4))]).await;
    add(&store, second, 1, vec![(sample_id(1), counts(4))]).await;
    add(&store, first, 2, vec![(sample_id(1), counts(2))]).await;
    assert_eq!(read(&store, 1).await, Some(sum(&[counts(1), counts(2), counts(4)])), "nodes add up");
}

/// A counter that has reached the greatest number the store can hold stays there.
pub async fn counters_stop_at_their_end<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let most = Counts {
        granted: u64::MAX,
        limited: u64::MAX,
        missing_scope: u64::MAX,
        refused: u64::MAX,
        wrong_secret: u64::MAX,
        finished: u64::MAX,
        succeeded: u64::MAX,
        duration_us: u64::MAX,
        ..Counts::default()
    };
    let mut before = 0;
    for number in 1..4 {
        add(&store, 1, number, vec![(sample_id(1), if number == 3 { counts(1) } else { most.clone() })])
            .await;
        let found = read(&store, 1).await.expect("it was used");
        let counters = [
            found.granted,
            found.limited,
            found.missing_scope,
            found.refused,
            found.wrong_secret,
            found.finished,
            found.succeeded,
            found.duration_us,
        ];
        for counter in counters {
            assert!(
                counter >= i64::MAX as u64,
                "a counter holds at least 63 bits, and does not wrap: {counter}"
            );
            assert!(counter >= before, "a counter that has reached its end stays there: {counter}");
        }
        before = counters[0];
    }
}

/// A batch of thousands of tokens is added whole, and only once.
pub async fn a_large_batch_is_added_whole<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let batch: Vec<_> = (0..2_500).map(|number| (sample_id(number), counts(number.into()))).collect();
    add(&store, 1, 1, batch.clone()).await;
    add(&store, 1, 1, batch.clone()).await;
    let ids: Vec<_> = batch.iter().map(|(id, _)| *id).collect();
    let mut found = store.read(&ids).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    assert!(found == batch, "each token of a large batch has its own counts, once");
}

/// Several tokens are read at once, those without use are left out.
pub async fn use_is_read_for_many<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    add(&store, 1, 1, vec![(sample_id(1), counts(1)), (sample_id(3), counts(3))]).await;
    let ids: Vec<_> = (0..300).map(sample_id).collect();
    let mut found = store.read(&ids).await.unwrap();
    found.sort_by_key(|(id, _)| *id);
    assert_eq!(
        found,
        [(sample_id(1), counts(1)), (sample_id(3), counts(3))],
        "those are read that were used"
    );
    assert!(store.read(&[]).await.unwrap().is_empty(), "no ids read nothing");
}

/// A batch with everything in it counts once, however often it is handed over.
pub async fn every_part_of_a_batch_counts_once<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let batch = |number: u32| UsageBatch {
        counts: (0..900).map(|token| (sample_id(token), counts(token.into()))).collect(),
        slices: (0..400).map(|token| sample_slice(of_token(token), MINUTE + i64::from(number), 3)).collect(),
        calls: (0..700).map(sample_call).collect(),
        ..UsageBatch::new(9, number.into())
    };
    for number in [1, 1, 2, 1, 2] {
        store.add(&batch(number)).await.unwrap();
    }
    let expected = Some(sum(&[counts(5), counts(5)]));
    assert_eq!(read(&store, 5).await, expected, "totals count once");
    assert_eq!(every_call(&store).await.len(), 1_400, "calls are kept once");
    for token in [0, 399] {
        let day = only(&store, &of_token(token), Level::Day).await;
        assert_eq!(day.tally.granted, 6, "slices count once");
    }
}

/// What is erased is gone, and what is counted later begins anew.
pub async fn use_is_erased<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    add(&store, 1, 1, vec![(sample_id(1), counts(1)), (sample_id(2), counts(2))]).await;
    store.erase(&[sample_id(1), sample_id(99)]).await.unwrap();
    assert_eq!(read(&store, 1).await, None, "what is erased is gone");
    assert_eq!(read(&store, 2).await, Some(counts(2)), "no other is erased");
    add(&store, 1, 1, vec![(sample_id(1), counts(1))]).await;
    assert_eq!(read(&store, 1).await, None, "a batch from before counts nothing after");
    add(&store, 1, 2, vec![(sample_id(1), counts(5))]).await;
    assert_eq!(read(&store, 1).await, Some(counts(5)), "what is counted later begins anew");
}
