//! Connections that end in the midst of something, and answers that never come.

use std::thread;

use tokenward::conformance::sample_id;
use tokenward::store::Updating;
use tokenward::{TokenStore, block_on};

use crate::kit::{
    Other, SHORT, assert_whole, change, end_sessions, one, opened, put, schema, store, until_one_waits, why,
};

const LOCK: &str = "SELECT FROM tokenward.state FOR UPDATE";

#[test]
fn whoever_was_ended_while_it_waited_begins_anew_and_counts_once() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    let token = block_on(put(&store, 1));
    let other = Other::begin(&schema, LOCK);
    thread::scope(|scope| {
        let changing = scope.spawn(|| block_on(change(&store, token)));
        until_one_waits(&schema);
        assert!(end_sessions(&schema) > 0);
        until_one_waits(&schema);
        drop(other);
        assert_eq!(changing.join().unwrap().unwrap(), Updating::Done(vec![2]));
    });
    block_on(assert_whole(&schema, &store));
}

#[test]
fn a_lock_that_is_not_given_in_time_is_no_answer_and_nothing_is_written() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    let token = block_on(put(&store, 1));
    let hasty = crate::kit::store(&schema).patience(SHORT);
    let other = Other::begin(&schema, LOCK);
    block_on(async {
        let error = change(&hasty, token.clone()).await.unwrap_err();
        assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
        assert!(hasty.load_settled(&sample_id(1)).await.is_err());
        // Reading waits for nobody.
        assert_eq!(one(&hasty, 1).await.record, token.record);
        drop(other);
        // Whoever gave up does not come through later.
        assert_eq!(store.load_settled(&sample_id(1)).await.unwrap().unwrap().record, token.record);
        assert_eq!(change(&hasty, token).await.unwrap(), Updating::Done(vec![2]));
        assert_whole(&schema, &store).await;
    });
}

/// Has this done by whoever commits a change of a token, when it commits.
fn at_commit(schema: &crate::on_postgres::OwnSchema, what: &str) {
    schema.execute(&format!(
        "CREATE FUNCTION tokenward.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN {what}; RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER at_commit AFTER UPDATE ON tokenward.tokens DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION tokenward.at_commit()"
    ));
}

#[test]
fn a_commit_that_is_cut_is_of_unknown_outcome_and_leaves_nothing() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    block_on(async {
        let token = put(&store, 1).await;
        at_commit(&schema, "PERFORM pg_terminate_backend(pg_backend_pid())");
        let error = change(&store, token.clone()).await.unwrap_err();
        assert!(error.outcome_is_unknown(), "{error:?}");
        let settled = store.load_settled(&sample_id(1)).await.unwrap().unwrap();
        assert_eq!(settled.record, token.record);
        assert_whole(&schema, &store).await;
        schema.execute("DROP TRIGGER at_commit ON tokenward.tokens");
        assert_eq!(change(&store, token).await.unwrap(), Updating::Done(vec![2]), "no number is lost");
        assert_whole(&schema, &store).await;
    });
}

#[test]
fn a_commit_whose_answer_does_not_come_is_waited_for_by_whoever_asks_for_the_outcome() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    let token = block_on(put(&store, 1));
    let key: u32 = std::process::id();
    at_commit(&schema, &format!("PERFORM pg_advisory_xact_lock(5, {key})"));
    let other = Other::begin(&schema, &format!("SELECT pg_advisory_xact_lock(5, {key})"));
    let hasty = crate::kit::store(&schema).patience(SHORT);
    // The server would otherwise end what waits for a lock at the same moment as its caller.
    schema.execute("ALTER FUNCTION tokenward.at_commit() SET lock_timeout = '60s'");
    let error = block_on(change(&hasty, token.clone())).unwrap_err();
    assert!(error.outcome_is_unknown(), "{error:?}");
    thread::scope(|scope| {
        let settling = scope.spawn(|| block_on(store.load_settled(&sample_id(1))));
        until_two_wait(&schema);
        drop(other);
        let settled = settling.join().unwrap().unwrap().unwrap();
        assert_eq!(settled.record.version, token.record.version + 1, "the commit has come through");
    });
    block_on(assert_whole(&schema, &store));
}

fn until_two_wait(schema: &crate::on_postgres::OwnSchema) {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{}' AND wait_event_type = 'Lock'",
        schema.name
    );
    crate::servers::eventually("two who wait", || {
        (crate::on_postgres::execute(&schema.address, &sql).len() == 2).then_some(())
    });
}

#[test]
fn sessions_that_end_at_any_moment_leave_no_half_change() {
    let Some(schema) = schema() else { return };
    let stores = [opened(&schema), store(&schema)];
    block_on(put(&stores[0], 1));
    let done = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        let changing: Vec<_> = stores
            .iter()
            .map(|store| {
                scope.spawn(|| {
                    let (mut sure, mut unsure) = (0_u64, 0_u64);
                    for _ in 0..150 {
                        let Ok(found) = block_on(store.load(&[sample_id(1)])) else { continue };
                        match block_on(change(store, found.into_iter().next().expect("it is there"))) {
                            Ok(Updating::Done(_)) => sure += 1,
                            Ok(Updating::Conflict) => {}
                            Err(error) => {
                                assert!(error.is_transient(), "{error:?}");
                                unsure += u64::from(error.outcome_is_unknown());
                            }
                        }
                    }
                    (sure, unsure)
                })
            })
            .collect();
        let ending = scope.spawn(|| {
            let mut ended = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                ended += end_sessions(&schema);
                thread::yield_now();
            }
            ended
        });
        let counts: Vec<_> = changing.into_iter().map(|thread| thread.join().unwrap()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(ending.join().unwrap() > 0);
        block_on(async {
            let first = tokenward::conformance::sample_token(1).record.version;
            let settled = stores[0].load_settled(&sample_id(1)).await;
            let made = settled.unwrap().unwrap().record.version - first;
            let sure: u64 = counts.iter().map(|(sure, _)| sure).sum();
            let unsure: u64 = counts.iter().map(|(_, unsure)| unsure).sum();
            assert!((sure..=sure + unsure).contains(&made), "{made} made, {sure} and {unsure} answered");
            assert_whole(&schema, &stores[0]).await;
        });
    });
}

#[test]
fn a_pool_that_is_used_up_is_waited_for_no_longer_than_was_said() {
    let Some(schema) = schema() else { return };
    block_on(put(&opened(&schema), 1));
    let pool = crate::pooled::pool(&schema, 1);
    let store = tokenward::PostgresStore::on_pool(pool.clone()).unwrap();
    let store = store.schema(&schema.name).unwrap().patience(SHORT);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let taken = runtime.block_on(pool.get()).unwrap();
    let error = block_on(store.load(&[sample_id(1)])).unwrap_err();
    assert!(why(&error).contains("none of the 1 connections"), "{error:?}");
    assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
    drop(taken);
    assert_eq!(block_on(store.load(&[sample_id(1)])).unwrap().len(), 1, "the connection came back");
}

#[test]
fn pools_have_the_size_that_was_said() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema).connections(1, 1).unwrap();
    let token = block_on(put(&store, 1));
    let other = Other::begin(&schema, LOCK);
    thread::scope(|scope| {
        let changing = scope.spawn(|| block_on(change(&store, token)));
        until_one_waits(&schema);
        let settling = scope.spawn(|| block_on(store.load_settled(&sample_id(1))));
        let reading = scope.spawn(|| block_on(store.load(&[sample_id(1)])));
        thread::yield_now();
        assert!(!settling.is_finished() && !reading.is_finished(), "the only connection is in use");
        drop(other);
        changing.join().unwrap().unwrap();
        settling.join().unwrap().unwrap();
        reading.join().unwrap().unwrap();
    });
    let sessions = format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{}' AND state <> 'disabled'",
        schema.name
    );
    // The one of the store before it was told its size may still be there for a moment.
    assert!(crate::on_postgres::execute(&schema.address, &sessions).len() <= 2);
}

#[test]
fn a_database_that_is_not_there_is_not_available() {
    let store = tokenward::PostgresStore::at("postgres://postgres@127.0.0.1:1/postgres").unwrap();
    let error = block_on(store.open()).unwrap_err();
    assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
    let Some(schema) = schema() else { return };
    let (server, _) = schema.address.rsplit_once('/').unwrap();
    let address = format!("{server}/no_such_database");
    let error = block_on(tokenward::PostgresStore::at(&address).unwrap().open()).unwrap_err();
    assert!(!error.is_transient() && why(&error).contains("no_such_database"), "{error:?}");
}
