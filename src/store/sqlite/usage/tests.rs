//! Faults while use is written: what was added before them counts once, and nothing is lost.

use std::path::Path;

use rusqlite::Connection;
use tempfile::TempDir;

use super::super::threads::Line;
use super::super::{SqliteStore, Writer};
use super::{PIECE, Piece, add, pieces};
use crate::store::TokenStore;
use crate::usage::{
    CallQuery, Client, ClientUse, Counts, EndpointUse, Level, Outcome, Peak, RecordedCall, Slice, SliceQuery,
    Span, StoredSlice, Subject, UsageBatch, UsageStore,
};
use crate::{TokenId, block_on};

const TOKENS: u32 = 900;
const MINUTE: i64 = 30_000_000;

async fn opened(path: &Path) -> SqliteStore {
    let store = SqliteStore::at(path);
    store.open().await.unwrap();
    store
}

fn directory() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    (directory, path)
}

fn id(number: u32) -> TokenId {
    TokenId::from_characters(format!("Sample_{number:09}").as_bytes()).unwrap()
}

fn batch(number: u64) -> UsageBatch {
    let at = crate::usage::start_of(MINUTE);
    let client = Client::new("192.0.2.1", "curl");
    let slice = |token| {
        let mut slice = Slice::new(Subject::Token(id(token)), MINUTE);
        slice.tally.granted = 2;
        let share = EndpointUse { calls: 2, ..EndpointUse::default() };
        slice.detail.endpoints.add(&"GET /".to_owned(), &share);
        slice.clients.add(&client, &ClientUse { calls: 2, ..ClientUse::default() });
        slice
    };
    let call = |token| RecordedCall {
        id: 0,
        token: id(token),
        tenant: None,
        secret_version: 1,
        at,
        route: "GET /".into(),
        outcome: Outcome::Granted,
        status: 200,
        duration_us: 1,
        bytes: None,
        scopes: String::new(),
        client: None,
        left_out: 1,
    };
    UsageBatch {
        counts: (0..TOKENS).map(|token| (id(token), Counts { granted: 2, ..Counts::default() })).collect(),
        slices: (0..TOKENS).map(slice).collect(),
        calls: (0..TOKENS).map(call).collect(),
        ..UsageBatch::new(7, number)
    }
}

async fn spans(store: &SqliteStore) -> Vec<StoredSlice> {
    let span = |level| Span { level, from: MINUTE - 1_440, until: MINUTE + 1 };
    let subjects = (0..TOKENS).map(|token| Subject::Token(id(token))).collect();
    store.slices(&SliceQuery::new(subjects, Level::ALL.map(span).to_vec()).detailed()).await.unwrap()
}

/// Everything of so many batches is there, once.
async fn assert_whole(store: &SqliteStore, batches: u64) {
    let ids: Vec<_> = (0..TOKENS).map(id).collect();
    let totals = UsageStore::read(store, &ids).await.unwrap();
    assert_eq!(totals.len(), ids.len());
    assert!(totals.iter().all(|(_, counts)| counts.granted == 2 * batches), "totals count once");
    let spans = spans(store).await;
    assert_eq!(spans.len(), 3 * ids.len());
    for slice in spans {
        assert_eq!(slice.tally.granted, 2 * batches, "{:?} counts once", slice.level);
        assert_eq!(slice.tally.peak, Some(Peak::new(MINUTE, 2 * batches)));
        if slice.level != Level::Minute {
            let share = slice.detail.endpoints.get(&"GET /".to_owned()).unwrap();
            assert_eq!(share.calls, 2 * batches, "what stands behind it counts once");
        }
    }
    let query = CallQuery { limit: 100_000, ..CallQuery::new(Subject::All) };
    assert_eq!(store.calls(&query).await.unwrap().len() as u64, batches * u64::from(TOKENS));
}

async fn add_piece(store: &SqliteStore, piece: Piece) {
    store.write(move |connection| add(connection, &piece)).await.unwrap();
}

#[test]
fn a_batch_that_was_cut_off_anywhere_is_completed() {
    block_on(async {
        let (_directory, path) = directory();
        let number = pieces(&batch(1)).count();
        assert!(number > 6, "{number} pieces");
        for cut in 0..=number {
            // The process was killed behind so many pieces; another opens the file and has the batch.
            let batch = batch(cut as u64 + 1);
            let store = opened(&path).await;
            for piece in pieces(&batch).take(cut) {
                add_piece(&store, piece).await;
            }
            drop(store);
            let store = opened(&path).await;
            store.add(&batch).await.unwrap();
            store.add(&batch).await.unwrap();
            assert_whole(&store, cut as u64 + 1).await;
        }
    });
}

#[test]
fn a_token_that_is_purged_half_way_keeps_the_others_in_their_places() {
    block_on(async {
        let (_directory, path) = directory();
        let store = opened(&path).await;
        let mut batch = batch(1);
        add_piece(&store, pieces(&batch).next().unwrap()).await;
        for purged in [0, 1, 600] {
            batch.forget(&id(purged));
            store.erase(&[id(purged)]).await.unwrap();
        }
        store.add(&batch).await.unwrap();
        let ids: Vec<_> = (0..TOKENS).map(id).collect();
        let totals = UsageStore::read(&store, &ids).await.unwrap();
        assert_eq!(totals.len(), ids.len() - 3);
        assert!(totals.iter().all(|(_, counts)| counts.granted == 2), "nobody else's use is lost");
        assert_eq!(spans(&store).await.len(), 3 * (ids.len() - 3));
    });
}

#[test]
fn a_piece_is_of_bounded_weight() {
    let batch = batch(1);
    let sizes: Vec<_> = pieces(&batch).map(|piece| (piece.counts.len(), piece.slices.len())).collect();
    assert_eq!(sizes[0], (PIECE, 0));
    assert!(sizes.iter().all(|(_, slices)| *slices <= PIECE / super::SLICE), "{sizes:?}");
    let parts: usize =
        pieces(&batch).map(|piece| piece.counts.len() + piece.slices.len() + piece.calls.len()).sum();
    assert_eq!(parts, 3 * TOKENS as usize);
}

async fn pragma(store: &SqliteStore, sql: &'static str) {
    let run = move |writer: &mut Writer| Ok(writer.connection().query_row(sql, [], |_| Ok(())).ok());
    store.on_writer(Line::Urgent, run).await.unwrap();
}

#[test]
fn a_full_disk_and_one_that_cannot_be_written_lose_nothing() {
    block_on(async {
        let (_directory, path) = directory();
        let store = opened(&path).await;
        let before = batch(1);
        store.add(&before).await.unwrap();
        // So many pages more than there are: it fills up half way.
        pragma(&store, "PRAGMA max_page_count = 1").await;
        let batch = UsageBatch { slices: later(&batch(2).slices), ..batch(2) };
        let error = store.add(&batch).await.unwrap_err();
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        pragma(&store, "PRAGMA max_page_count = 1000000").await;
        pragma(&store, "PRAGMA query_only = ON").await;
        let error = store.add(&batch).await.unwrap_err();
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        pragma(&store, "PRAGMA query_only = OFF").await;
        store.add(&batch).await.unwrap();
        store.add(&batch).await.unwrap();
        let ids: Vec<_> = (0..TOKENS).map(id).collect();
        let totals = UsageStore::read(&store, &ids).await.unwrap();
        assert!(totals.iter().all(|(_, counts)| counts.granted == 4), "totals count once");
        let spans = spans(&store).await;
        let days: Vec<_> = spans.iter().filter(|slice| slice.level == Level::Day).collect();
        assert_eq!(days.len(), ids.len());
        assert!(days.iter().all(|slice| slice.tally.granted == 4), "slices count once");
    });
}

/// The same in another hour of the same day.
fn later(slices: &[Slice]) -> Vec<Slice> {
    slices.iter().map(|slice| Slice { minute: slice.minute - 120, ..slice.clone() }).collect()
}

#[test]
fn what_cannot_be_read_is_an_error_and_stops_nobody() {
    block_on(async {
        let (_directory, path) = directory();
        let store = opened(&path).await;
        // The second one is still running, of the first there are spans.
        store.add(&batch(1)).await.unwrap();
        let mut later = UsageBatch::new(100, 1);
        later.slices = vec![Slice::new(Subject::All, MINUTE + 10)];
        store.add(&later).await.unwrap();
        store.add(&batch(2)).await.unwrap();
        let hand = Connection::open(&path).unwrap();
        for table in ["minutes", "tallies", "spans", "running"] {
            let sql =
                format!("SELECT count(*) FROM tokenward_usage_{table} WHERE subject = 'Sample_000000001'");
            assert!(hand.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap() > 0, "{table}");
        }
        for harm in ["x'00'", "'text'", "7", "zeroblob(3)"] {
            hand.execute_batch(&format!(
                "UPDATE tokenward_usage_minutes SET tally = {harm} WHERE subject = 'Sample_000000001'; \
                 UPDATE tokenward_usage_tallies SET tally = {harm} WHERE subject = 'Sample_000000001'; \
                 UPDATE tokenward_usage_spans SET detail = {harm}, clients = {harm} \
                 WHERE subject = 'Sample_000000001'; \
                 UPDATE tokenward_usage_running SET tally = {harm}, detail = {harm}, clients = {harm} \
                 WHERE subject = 'Sample_000000001'"
            ))
            .unwrap();
            let query = |level| {
                let span = Span { level, from: MINUTE - 1_440, until: MINUTE + 1 };
                SliceQuery::new(vec![Subject::Token(id(1))], vec![span]).detailed()
            };
            for level in Level::ALL {
                let error = store.slices(&query(level)).await.unwrap_err();
                assert!(!error.is_transient(), "{error:?}");
            }
            // Another node, so that each batch counts.
            let again =
                UsageBatch { counts: Vec::new(), calls: Vec::new(), node: harm.len() as u64, ..batch(1) };
            store.add(&again).await.unwrap();
            // Whoever writes to it next is the roll-up.
            later.node += 1;
            store.add(&later).await.unwrap();
            let [minute, hour, day] =
                Level::ALL.map(&query).map(|query| block_on(store.slices(&query)).unwrap());
            for found in [minute, hour, day] {
                assert_eq!(found[0].tally.granted, 2, "it begins anew");
            }
        }
        hand.execute_batch("UPDATE tokenward_usage_spans SET detail = x'00'").unwrap();
        store.erase_clients(&[id(1)]).await.unwrap();
        let outdated = crate::usage::Outdated { clients: MINUTE + 1, ..crate::usage::Outdated::nothing() };
        while store.forget(&outdated).await.unwrap() {}
        let told = "SELECT count(*) FROM tokenward_usage_spans WHERE clients IS NOT NULL";
        assert_eq!(hand.query_row(told, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    });
}

#[test]
fn an_event_that_cannot_be_read_holds_up_no_other() {
    use crate::event::{Event, EventKind, Outbox};
    block_on(async {
        let (_directory, path) = directory();
        let store = opened(&path).await;
        let at = crate::usage::start_of(MINUTE);
        let event = |name: &str| Event {
            id: name.into(),
            kind: EventKind::Limited,
            token: id(1),
            name: name.into(),
            tenant: None,
            at,
        };
        store.announce(&[event("first"), event("second")]).await.unwrap();
        let hand = Connection::open(&path).unwrap();
        hand.execute_batch("UPDATE tokenward_events SET event = '{}' WHERE id = 'first'").unwrap();
        let until = at + chrono::TimeDelta::minutes(1);
        assert!(store.due(at, until, 1).await.unwrap().is_empty());
        assert_eq!(store.due(at, until, 1).await.unwrap(), [event("second")]);
    });
}

#[test]
fn a_file_of_the_first_schema_keeps_its_totals() {
    block_on(async {
        let (_directory, path) = directory();
        let hand = Connection::open(&path).unwrap();
        super::super::migrations::migrate_to_first(&hand);
        hand.execute_batch(
            "INSERT INTO tokenward_usage VALUES ('Sample_000000001', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10); \
             INSERT INTO tokenward_usage_batches VALUES (7, 1, 1, 1)",
        )
        .unwrap();
        drop(hand);
        let store = opened(&path).await;
        let found = UsageStore::read(&store, &[id(1)]).await.unwrap();
        let moment = |ms| Some(chrono::DateTime::from_timestamp_millis(ms).unwrap());
        let expected = Counts {
            granted: 1,
            limited: 2,
            missing_scope: 3,
            refused: 4,
            wrong_secret: 5,
            finished: 6,
            succeeded: 7,
            duration_us: 8,
            last_used_at: moment(9),
            last_client: None,
            last_seen_at: moment(10),
        };
        assert_eq!(found, [(id(1), expected.clone())], "totals outlive the migration");
        store.add(&batch(1)).await.unwrap();
        let found = UsageStore::read(&store, &[id(1)]).await.unwrap();
        assert_eq!(found, [(id(1), expected)], "and so do the numbers of batches");
        store.add(&batch(2)).await.unwrap();
        assert_eq!(UsageStore::read(&store, &[id(1)]).await.unwrap()[0].1.granted, 3);
    });
}
