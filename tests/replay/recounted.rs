//! What the statistics say of a log is what an independent recount says, with kills and restarts.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::DateTime;
use tokenward::{Query, SqliteStore, TenantFilter, Tokens, block_on};

use crate::program::{Running, command, make_log, report};
use crate::python;
use crate::recount::{Recount, number};

#[test]
fn the_statistics_of_a_log_are_those_of_an_independent_recount() {
    let Some(python) = python::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    make_log(&python, folder.path(), 20_000, 300, 200);
    let recount = Recount::of(&python, folder.path());
    recount.compare(&report(folder.path(), "access.log --json"));
    // The same from a file, and with two threads that push.
    let stored = report(folder.path(), "access.log --json --database use.db --threads 2");
    recount.compare(&stored);
}

#[test]
fn a_year_that_goes_by_in_a_moment_is_counted_whole() {
    let folder = tempfile::tempdir().unwrap();
    let line = |place: i64| {
        let moment = DateTime::from_timestamp(1_800_000_000 + place * 7_776, 0).unwrap();
        let time = moment.to_rfc3339();
        format!(
            "{{\"time\":\"{time}\",\"user\":\"u{}\",\"request\":\"GET / HTTP/1.1\",\"status\":200}}\n",
            place % 7
        )
    };
    let log: String = (0..4_000).map(line).collect();
    std::fs::write(folder.path().join("access.log"), log).unwrap();
    let report = report(folder.path(), "access.log --json --threads 2");
    assert_eq!(number(&report["calls"], "total"), 4_000);
    assert_eq!(number(&report["calls"], "finished"), 4_000);
}

#[test]
fn each_call_counts_once_through_kills_and_restarts() {
    let Some(python) = python::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    make_log(&python, folder.path(), 20_000, 300, 200);
    let recount = Recount::of(&python, folder.path());
    let kills = through_kills(folder.path(), &recount, "--interval 0.01 --threads 2", 1_000);
    assert!(kills >= 1, "it was over before it could be killed");
}

/// A million calls with 10,000 tokens on 5,000 endpoints, through kills and restarts.
///
/// `cargo build --release --example replay --features sqlite && cargo test --release --features sqlite
/// --test replay -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn a_million_calls_count_once_through_kills_and_restarts() {
    let Some(python) = python::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    make_log(&python, folder.path(), 1_000_000, 10_000, 5_000);
    let recount = Recount::of(&python, folder.path());
    let start = Instant::now();
    let kills = through_kills(folder.path(), &recount, "", 6);
    println!("{kills} kills, {:.1?} in all", start.elapsed());
    for arguments in ["access.log", "access.log --clock now", "access.log --clock now --database now.db"] {
        let output = command(folder.path(), arguments).output().unwrap();
        println!("\nreplay {arguments}\n{}", String::from_utf8_lossy(&output.stdout));
    }
}

const MOST_KILLS: u64 = 8;
/// Two threads that push, and no more calls of a token in a minute than these logs have.
const ON_THEIR_WAY: u64 = 2 * 20;

/// Replays the log, killing it whenever one of so many parts more is written, somewhere within the next flush,
/// and compares what is there in the end. Gives the number of kills when a part of it was there.
fn through_kills(folder: &Path, recount: &Recount, options: &str, parts: u64) -> u64 {
    let arguments = format!("access.log --database use.db --resume --progress plain --json {options}");
    let arguments = arguments.trim_end();
    let (mut kills, mut begun, mut kept) = (0, 0, 0);
    for _ in 0..MOST_KILLS {
        let mut running = Running::start(folder, arguments);
        let wanted = kept + recount.calls() / parts;
        let reached = std::iter::from_fn(|| running.told()).find(|told| told.flushed >= wanted);
        let Some(reached) = reached else { break };
        let last = running.kill().unwrap_or(reached);
        kept = kept_calls(folder);
        kills += u64::from(0 < kept && kept < recount.calls());
        // Grants of a token's minute that is over may be on their way from one place to another.
        assert!(last.flushed <= kept + ON_THEIR_WAY && kept <= recount.calls(), "{kept} are kept, {last:?}");
        begun += kept + ON_THEIR_WAY - last.flushed;
        println!("killed: {last:?}, {kept} are kept");
    }
    Running::start(folder, arguments).finish();
    let report = report(folder, arguments);
    recount.compare_totals(&report);
    assert_eq!(number(&report["log"], "left_out"), recount.calls(), "each call was there");
    // Totals are written before what is told of minutes, hours and days: of a batch that was begun at a kill,
    // the second part may be missing.
    let told = number(&report["calls"], "total");
    assert!(told <= recount.calls() && recount.calls() <= told + begun, "{told}, and {begun} were begun");
    println!("{told} of {} calls are in the figures, {begun} were begun at {kills} kills", recount.calls());
    kills
}

/// All calls that the database has.
fn kept_calls(folder: &Path) -> u64 {
    let store = Arc::new(SqliteStore::at(folder.join("use.db")));
    let tokens = Tokens::builder(store.clone()).usage_store(store).without_background().build().unwrap();
    block_on(async {
        let mut query = Query::new(TenantFilter::Any, tokens.clock().now().wall());
        query.limit = 1_000_000;
        let ids: Vec<_> = tokens.list(&query).await.unwrap().records.iter().map(|record| record.id).collect();
        tokens.usage_of(&ids).await.unwrap().values().map(|usage| usage.total()).sum()
    })
}
