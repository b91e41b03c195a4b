//! Several nodes over one schema.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::conformance::sample_id;
use tokenward::usage::{
    CallQuery, Client, Level, MemoryUsage, Outcome, RecordedCall, Slice, SliceQuery, Span, StoredSlice,
    UsageStore,
};
use tokenward::{Counts, ManualClock, PostgresStore, Subject, TokenId, UsageBatch, block_on};

use super::Scratch;

const NODES: u64 = 4;
const BATCHES: u64 = 12;
const TOKENS: u32 = 300;

pub fn start() -> DateTime<Utc> {
    use tokenward::Clock;
    ManualClock::new().now().wall()
}

pub fn minute() -> i64 {
    start().timestamp() / 60
}

fn tokens() -> Vec<TokenId> {
    (0..TOKENS).map(sample_id).collect()
}

fn subjects() -> Vec<Subject> {
    let tokens = (0..TOKENS).map(|number| Subject::Token(sample_id(number)));
    [Subject::All, Subject::Tenant(None)].into_iter().chain(tokens).collect()
}

/// Each node has its minutes shifted a little, as if no two clocks were the same.
fn batch(node: u64, number: u64) -> UsageBatch {
    let mut batch = UsageBatch::new(node, number);
    for token in (0..TOKENS).filter(|token| !(u64::from(*token) + node + number).is_multiple_of(3)) {
        let mut counts = Counts::default();
        (counts.granted, counts.finished, counts.limited) = (node + 1, number, u64::from(token));
        let at = start() + TimeDelta::seconds((number * 100 + node) as i64);
        (counts.last_used_at, counts.last_seen_at) = (Some(at), Some(at));
        counts.last_client = Some(Client::new(format!("192.0.2.{node}"), number.to_string()));
        batch.counts.push((sample_id(token), counts));
    }
    for subject in subjects() {
        let mut slice = Slice::new(subject, minute() + (number / 3 + node % 2) as i64);
        slice.tally.granted = node + number;
        slice.tally.limited = number % 2;
        slice.tally.finished = number;
        slice.tally.duration_us = 1_000 * number;
        slice.clients.add(&Client::new(format!("192.0.2.{node}"), ""), &Default::default());
        batch.slices.push(slice);
    }
    for place in 0..150 {
        let mut call = RecordedCall::new(sample_id(place), start(), Outcome::Granted, 200);
        call.route = format!("GET /{node}/{number}/{place}");
        batch.calls.push(call);
    }
    batch
}

fn spans() -> SliceQuery {
    let span = |level| Span { level, from: minute() - 1_440, until: minute() + 1_440 };
    SliceQuery::new(subjects(), Level::ALL.map(span).to_vec()).detailed()
}

/// Until it is added, as the engine does; and now and then once more.
fn add(store: &PostgresStore, batch: &UsageBatch) {
    for _ in 0..if batch.number.is_multiple_of(4) { 2 } else { 1 } {
        while let Err(error) = block_on(store.add(batch)) {
            assert!(error.is_transient(), "{error:?}");
        }
    }
}

/// What memory makes of the same batches, each handed over once.
fn recount() -> MemoryUsage {
    let memory = MemoryUsage::new();
    for number in 1..=BATCHES {
        (0..NODES).for_each(|node| block_on(memory.add(&batch(node, number))).unwrap());
    }
    memory
}

fn totals(store: &impl UsageStore) -> Vec<(TokenId, Counts)> {
    let mut totals = block_on(store.read(&tokens())).unwrap();
    totals.sort_by_key(|(token, _)| *token);
    totals
}

fn routes(store: &impl UsageStore) -> Vec<String> {
    let mut query = CallQuery::new(Subject::All);
    query.limit = 100_000;
    let mut routes: Vec<_> =
        block_on(store.calls(&query)).unwrap().into_iter().map(|call| call.route).collect();
    routes.sort();
    routes
}

fn compare(store: &PostgresStore) {
    let recount = recount();
    assert_eq!(totals(store), totals(&recount));
    let (found, expected) =
        (block_on(store.slices(&spans())).unwrap(), block_on(recount.slices(&spans())).unwrap());
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert!(routes(store) == routes(&recount), "each call is kept once");
}

#[test]
fn nothing_is_lost_or_counted_twice_whatever_becomes_of_connections() {
    let Some(scratch) = Scratch::if_there() else { return };
    thread::scope(|scope| {
        let node = |node| {
            let store = scratch.another();
            scope.spawn(move || (1..=BATCHES).for_each(|number| add(&store, &batch(node, number))))
        };
        let nodes: Vec<_> = (0..NODES).map(node).collect();
        let mut ended = 0;
        while ended < 60 && nodes.iter().any(|node| !node.is_finished()) {
            let killed = scratch.sql(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE application_name = '{}' AND state <> 'idle' LIMIT 1",
                scratch.schema.name
            ));
            ended += killed.len();
        }
        assert!(ended > 0, "some connection was ended in the midst of something");
    });
    compare(&scratch.store);
}

#[test]
fn nodes_whose_transactions_are_serializable_count_the_same() {
    let Some(scratch) = Scratch::if_there() else { return };
    // Statements of their own are then refused where they would have waited.
    let address = format!("{}&options=-cdefault_transaction_isolation%3Dserializable", scratch.address);
    thread::scope(|scope| {
        for node in 0..NODES {
            let store = scratch.another_at(&address);
            scope.spawn(move || (1..=BATCHES).for_each(|number| add(&store, &batch(node, number))));
        }
    });
    compare(&scratch.store);
}

#[test]
fn whoever_reads_while_minutes_are_rolled_up_sees_the_same_at_each_moment() {
    let Some(scratch) = Scratch::if_there() else { return };
    let last = minute() + (BATCHES / 3) as i64 + 1;
    for number in 1..=BATCHES {
        (0..NODES).for_each(|node| {
            let mut batch = batch(node, number);
            // Nothing tells of another minute yet: all of it waits.
            batch.slices.iter_mut().for_each(|slice| slice.minute = last);
            block_on(scratch.store.add(&batch)).unwrap();
        });
    }
    let waiting = || scratch.sql("SELECT count(*) FROM tokenward.usage_running WHERE node < 100")[0].clone();
    assert_eq!(waiting(), (NODES * BATCHES * subjects().len() as u64).to_string());
    let expected: Vec<StoredSlice> = block_on(scratch.store.slices(&spans())).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let nodes: Vec<_> = (100..103)
            .map(|node| {
                let store = scratch.another();
                scope.spawn(move || {
                    for number in 1..200 {
                        let mut batch = UsageBatch::new(node, number);
                        let mut slice = Slice::new(Subject::Token(sample_id(9_999)), last + 2);
                        slice.tally.granted = 1;
                        batch.slices.push(slice);
                        block_on(store.add(&batch)).unwrap();
                    }
                })
            })
            .collect();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let store = scratch.another();
                    let mut reads = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        assert!(block_on(store.slices(&spans())).unwrap() == expected, "in read {reads}");
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        nodes.into_iter().for_each(|node| node.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 3);
        }
    });
    assert_eq!(waiting(), "0", "all of it is rolled up");
    assert!(block_on(scratch.store.slices(&spans())).unwrap() == expected);
}
