//! Faults that only the store's own connections can have.

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Waker};

use tempfile::TempDir;

use super::*;
use crate::record::StoredToken;
use crate::{Action, Actor, Digest, TenantFilter, TokenRecord, block_on};

fn fresh() -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::at(directory.path().join("tokens.db"));
    block_on(store.open()).unwrap();
    (store, directory)
}

fn token(number: u32) -> (StoredToken, HistoryDraft) {
    let id = TokenId::from_characters(format!("Sample_{number:09}").as_bytes()).unwrap();
    let now = chrono::DateTime::UNIX_EPOCH;
    let record = TokenRecord { description: "x".repeat(500), ..TokenRecord::stand_in(id, now) };
    let history = HistoryDraft::new(Action::Issued, &record, &Actor::new("maria"), [0; 16], now);
    let digest = Digest::matching_nothing();
    (StoredToken { record, digest, previous_digest: None, rotation_keys: Vec::new() }, history)
}

async fn insert(store: &SqliteStore, number: u32) -> Result<Insertion, StoreError> {
    let (token, history) = token(number);
    store.insert(&token, &history, None).await
}

async fn on_connection(store: &SqliteStore, sql: &'static str) -> String {
    let run = move |writer: &mut Writer| {
        let connection = writer.connection();
        Ok(connection
            .query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| format!("{value:?}")))
    };
    store.on_writer(Line::Urgent, run).await.unwrap().unwrap_or_default()
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else() {
    block_on(async {
        let (store, _directory) = fresh();
        insert(&store, 0).await.unwrap();
        on_connection(&store, "PRAGMA max_page_count = 1").await;
        let mut refused = None;
        for number in 1..500 {
            if let Err(error) = insert(&store, number).await {
                refused = Some((number, error));
                break;
            }
        }
        let (number, error) = refused.expect("the file could not grow");
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        let (token, _) = token(number);
        assert!(store.load(&[token.record.id]).await.unwrap().is_empty());
        assert!(store.load_settled(&token.record.id).await.unwrap().is_none());

        on_connection(&store, "PRAGMA max_page_count = 1000000").await;
        assert!(on_connection(&store, "PRAGMA integrity_check").await.contains("ok"));
        let next = u64::from(number) + 1;
        assert_eq!(insert(&store, number).await.unwrap(), Insertion::Inserted(next), "no number is lost");
    });
}

#[test]
fn a_file_that_cannot_be_written_is_still_read() {
    block_on(async {
        let (store, _directory) = fresh();
        insert(&store, 1).await.unwrap();
        on_connection(&store, "PRAGMA query_only = ON").await;
        let error = insert(&store, 2).await.unwrap_err();
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        assert_eq!(store.load(&[token(1).0.record.id]).await.unwrap().len(), 1);
        let listing = store.list(&Query::new(TenantFilter::Any, chrono::Utc::now())).await.unwrap();
        assert_eq!(listing.records.len(), 1);
    });
}

#[test]
fn a_panic_within_a_write_undoes_it() {
    block_on(async {
        let (store, _directory) = fresh();
        let panicking = store.write::<()>(|connection| {
            let (token, _) = token(1);
            rows::insert(connection, &token)?;
            panic!("a fault of ours")
        });
        assert!(panicking.await.unwrap_err().outcome_is_unknown());
        let panicking = SqliteStore::read::<()>(&store, |_| panic!("a fault of ours"));
        assert!(!panicking.await.unwrap_err().outcome_is_unknown());
        assert_eq!(insert(&store, 1).await.unwrap(), Insertion::Inserted(1));
        assert_eq!(store.load(&[token(1).0.record.id]).await.unwrap().len(), 1);
    });
}

#[test]
fn a_read_does_not_wait_for_a_write() {
    block_on(async {
        let (store, _directory) = fresh();
        insert(&store, 1).await.unwrap();
        let (release, wait) = channel::<()>();
        let (begun, has_begun) = channel();
        let store = Arc::new(store);
        let slow = store.write(move |connection| {
            let (token, _) = token(2);
            rows::insert(connection, &token)?;
            _ = begun.send(());
            _ = wait.recv();
            Ok(())
        });
        let mut slow = pin!(slow);
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        has_begun.recv().unwrap();
        let ids = [token(1).0.record.id, token(2).0.record.id];
        assert_eq!(store.load(&ids).await.unwrap().len(), 1, "the write is not done, and the read is");
        release.send(()).unwrap();
        slow.await.unwrap();
        assert_eq!(store.load(&ids).await.unwrap().len(), 2);
    });
}

#[test]
fn a_write_whose_future_is_dropped_is_done() {
    let (store, directory) = fresh();
    let (release, wait) = channel::<()>();
    {
        let mut slow = pin!(store.write(move |_| {
            _ = wait.recv();
            Ok(())
        }));
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let mut dropped = pin!(insert(&store, 1));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    release.send(()).unwrap();
    // What stands in line is done before the threads end with the store.
    drop(store);
    let store = SqliteStore::at(directory.path().join("tokens.db"));
    block_on(store.open()).unwrap();
    assert_eq!(block_on(store.load(&[token(1).0.record.id])).unwrap().len(), 1);
}

#[test]
fn a_batch_that_was_half_added_is_completed_by_its_repetition() {
    block_on(async {
        let (store, _directory) = fresh();
        let granted = |granted| Counts { granted, ..Counts::default() };
        let ids: Vec<_> = (0..3 * usage::PIECE as u32).map(|number| token(number).0.record.id).collect();
        let batch =
            UsageBatch { counts: ids.iter().map(|id| (*id, granted(2))).collect(), ..UsageBatch::new(1, 1) };
        for times in 0..3 {
            // As if the process had been stopped behind this many pieces, and had tried again.
            for piece in usage::pieces(&batch).take(times) {
                store.write(move |connection| usage::add(connection, &piece)).await.unwrap();
            }
        }
        assert_eq!(UsageStore::read(&store, &ids).await.unwrap().len(), 2 * usage::PIECE);
        store.add(&batch).await.unwrap();
        store.add(&batch).await.unwrap();
        let found = UsageStore::read(&store, &ids).await.unwrap();
        assert_eq!(found.len(), ids.len());
        assert!(found.iter().all(|(_, counts)| *counts == granted(2)), "each piece counts once");
    });
}

#[test]
fn the_end_of_the_last_clone_may_come_from_a_thread_of_the_store() {
    let (store, _directory) = fresh();
    let store = Arc::new(store);
    let last = store.clone();
    let (ended, end) = channel();
    let (release, wait) = channel::<()>();
    let job = store.write(move |_| {
        _ = wait.recv();
        drop(last);
        _ = ended.send(());
        Ok(())
    });
    {
        let mut job = pin!(job);
        assert!(job.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(store);
    release.send(()).unwrap();
    end.recv().unwrap();
}
