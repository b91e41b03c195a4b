//! What is running is told, rolled up and counted once, whatever is cut off and whatever clocks do.

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::{add, pieces};
use super::*;
use crate::store::TokenStore;
use crate::usage::{
    Client, ClientUse, EndpointUse, Level, MemoryUsage, Outdated, SecretUse, SliceQuery, Span, Subject,
    UsageStore, start_of,
};
use crate::{SqliteStore, TokenId, block_on};

const MINUTE: i64 = 30_000_000;
const DAY: i64 = 1_440;
const YEAR: i64 = 365 * DAY;
const TOKENS: u32 = 180;

/// A file beside the model of what it must tell.
struct Bench {
    directory: TempDir,
    store: Option<SqliteStore>,
    model: MemoryUsage,
    number: u64,
}

impl Bench {
    fn new() -> Bench {
        let directory = tempfile::tempdir().unwrap();
        let mut bench = Bench { directory, store: None, model: MemoryUsage::new(), number: 0 };
        bench.reopen();
        bench
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("tokens.db")
    }

    /// As if the process had been killed here.
    fn reopen(&mut self) {
        self.store = None;
        let store = SqliteStore::at(self.path());
        block_on(store.open()).unwrap();
        self.store = Some(store);
    }

    fn store(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }

    /// A batch with these minutes of each token, and what is found of it in the model.
    fn batch(&mut self, minutes: &[i64]) -> UsageBatch {
        self.number += 1;
        let (number, of_tokens) = (self.number, (0..TOKENS).map(subject));
        let subjects: Vec<_> = [Subject::All].into_iter().chain(of_tokens).collect();
        let slices = subjects.iter().flat_map(|subject| {
            minutes.iter().map(move |minute| slice(subject.clone(), MINUTE + minute, number))
        });
        let batch = UsageBatch { slices: slices.collect(), ..UsageBatch::new(1, number) };
        block_on(self.model.add(&batch)).unwrap();
        batch
    }

    fn add(&mut self, minutes: &[i64]) {
        let batch = self.batch(minutes);
        block_on(self.store().add(&batch)).unwrap();
    }

    /// Adds a batch without rolling up.
    fn add_only(&mut self, minutes: &[i64]) -> UsageBatch {
        let batch = self.batch(minutes);
        for piece in pieces(&batch) {
            block_on(self.store().write(move |connection| add(connection, &piece))).unwrap();
        }
        batch
    }

    /// How many rows are running.
    fn running(&self) -> i64 {
        let hand = Connection::open(self.path()).unwrap();
        hand.query_row("SELECT count(*) FROM tokenward_usage_running", [], |row| row.get(0)).unwrap()
    }

    /// Every span is told as the model tells it, with and without what stands behind it.
    fn assert_true(&self) {
        let subjects: Vec<_> = [Subject::All].into_iter().chain((0..TOKENS).map(subject)).collect();
        let span = |level| Span { level, from: MINUTE - 2 * DAY, until: MINUTE + 2 * YEAR };
        let levels = [&Level::ALL[..], &[Level::Day], &[Level::Minute]];
        for levels in levels {
            let spans = levels.iter().copied().map(span).collect();
            let plain = SliceQuery::new(subjects.clone(), spans);
            for query in [plain.clone().detailed(), plain] {
                let found = block_on(self.store().slices(&query)).unwrap();
                assert!(found == block_on(self.model.slices(&query)).unwrap(), "{levels:?}");
            }
        }
    }
}

fn id(number: u32) -> TokenId {
    TokenId::from_characters(format!("Sample_{number:09}").as_bytes()).unwrap()
}

fn subject(number: u32) -> Subject {
    Subject::Token(id(number))
}

fn slice(subject: Subject, minute: i64, number: u64) -> Slice {
    let mut slice = Slice::new(subject, minute);
    (slice.tally.granted, slice.tally.limited) = (number * 7 % 5, number % 2);
    slice.tally.latency.record(number * 1_000);
    let share = EndpointUse { calls: number, ..EndpointUse::default() };
    slice.detail.endpoints.add(&format!("GET /{}", number % 3), &share);
    let client = Client::new("192.0.2.1", format!("curl/{number}"));
    let at = Some(start_of(minute));
    let secret = SecretUse { calls: number, last_seen_at: at, last_client: Some(client.clone()) };
    slice.detail.secrets.add(&1, &secret);
    slice.clients.add(&client, &ClientUse { calls: number, first_seen_at: at, last_seen_at: at });
    slice
}

#[test]
fn what_runs_is_told_and_the_minute_before_takes_its_time() {
    let mut bench = Bench::new();
    let rows = i64::from(TOKENS) + 1;
    for minute in 0..4 {
        for _ in 0..3 {
            bench.add(&[minute]);
            bench.assert_true();
            assert!(bench.running() <= 2 * rows, "what runs is bounded");
        }
        assert_eq!(bench.running(), rows, "what is over is rolled up");
    }
    // 200 rows of it with each batch: few slices, many rows.
    bench.add_only(&[3, 4, 5]);
    bench.add(&[]);
    assert_eq!(bench.running(), 3 * rows, "who tells of no minute rolls up nothing");
    let batch = UsageBatch { slices: vec![slice(subject(1), MINUTE + 5, 1)], ..UsageBatch::new(2, 1) };
    block_on(bench.store().add(&batch)).unwrap();
    block_on(bench.model.add(&batch)).unwrap();
    assert_eq!(bench.running(), 2 * rows - (PACE as i64).min(rows), "what is far away at once");
    bench.assert_true();
}

#[test]
fn a_kill_between_adding_and_rolling_up_loses_nothing() {
    let mut bench = Bench::new();
    for minutes in [&[0][..], &[0, 1], &[1], &[1, 2], &[4], &[65]] {
        let batch = bench.add_only(minutes);
        bench.reopen();
        bench.assert_true();
        // Whoever has the batch still repeats it.
        if minutes.len() == 1 {
            block_on(bench.store().add(&batch)).unwrap();
            bench.assert_true();
        }
    }
    bench.add(&[200]);
    assert_eq!(bench.running(), i64::from(TOKENS) + 1);
    bench.assert_true();
}

#[test]
fn a_kill_between_two_pieces_of_a_roll_up_loses_nothing() {
    let mut bench = Bench::new();
    bench.add_only(&[0, 1, 59, 60, 61]);
    let batch = bench.add_only(&[61, 300]);
    let mut left = RollUp::after(&batch);
    let mut pieces = 0;
    while let Some(roll_up) = left {
        let before = bench.running();
        left = block_on(bench.store().write(move |connection| roll_up.piece(connection))).unwrap();
        assert!(before - bench.running() <= ROWS as i64, "a piece is bounded");
        pieces += 1;
        if pieces % 4 == 1 {
            bench.reopen();
            bench.assert_true();
        }
    }
    assert!(pieces > 10, "{pieces} pieces");
    assert_eq!(bench.running(), i64::from(TOKENS) + 1, "the newest minute runs");
    bench.assert_true();
}

#[test]
fn a_late_minute_is_rolled_up_again() {
    let mut bench = Bench::new();
    for minutes in [&[0][..], &[1], &[2], &[70], &[0, 1, 70], &[71], &[0, 71], &[1], &[72], &[73]] {
        bench.add(minutes);
        bench.assert_true();
    }
    let hand = Connection::open(bench.path()).unwrap();
    let late = "SELECT count(*) FROM tokenward_usage_running WHERE minute < 30000070";
    assert_eq!(hand.query_row(late, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn clocks_that_are_set_leave_nothing_behind() {
    let mut bench = Bench::new();
    let rows = i64::from(TOKENS) + 1;
    for minute in [0, 1, -DAY, 1 - DAY, YEAR, YEAR + 1, 2, 3, 3 - DAY, 4] {
        bench.add(&[minute]);
        bench.assert_true();
        bench.add(&[minute]);
        assert_eq!(bench.running(), rows, "only the minute of the last batch runs, {minute}");
        bench.assert_true();
    }
    for extreme in [i64::MAX, i64::MIN] {
        let far = UsageBatch {
            slices: vec![Slice { minute: extreme, ..Slice::new(Subject::All, 0) }],
            ..UsageBatch::new(extreme as u64, 1)
        };
        block_on(bench.store().add(&far)).unwrap();
    }
    assert_eq!(bench.running(), 0);
    bench.assert_true();
}

#[test]
fn what_runs_is_forgotten_and_erased_like_the_rest() {
    for steps in 0..3 {
        let mut bench = Bench::new();
        bench.add_only(&[-DAY, -100, 0, 1]);
        if steps == 1 {
            bench.add(&[1]);
        }
        let hours = Outdated { hours: MINUTE - 90, minutes: MINUTE - 99, ..Outdated::nothing() };
        let clients = Outdated { clients: MINUTE + 1, ..Outdated::nothing() };
        let days = Outdated { days: MINUTE, ..hours };
        for outdated in [hours, clients, days, Outdated { minutes: MINUTE + 1, ..days }] {
            while block_on(bench.store().forget(&outdated)).unwrap() {}
            block_on(bench.model.forget(&outdated)).unwrap();
            bench.assert_true();
            if steps == 2 {
                bench.add_only(&[-100, 1]);
                bench.assert_true();
            }
        }
        bench.add_only(&[-DAY, 1, 2]);
        block_on(bench.store().erase_clients(&[id(1), id(2)])).unwrap();
        block_on(bench.model.erase_clients(&[id(1), id(2)])).unwrap();
        bench.assert_true();
        block_on(bench.store().erase(&[id(2), id(3)])).unwrap();
        block_on(bench.model.erase(&[id(2), id(3)])).unwrap();
        bench.assert_true();
        bench.add(&[3]);
        bench.assert_true();
    }
}
