//! What use in PostgreSQL costs, for people:
//! `cargo test --release --features postgres,conformance --test postgres_cost -- --ignored --nocapture`.
//! A million calls a minute of 1,000 and of 10,000 tokens, written as the engine does: as seldom as is needed
//! for writing to take a twentieth of the time.
#![cfg(all(feature = "postgres", feature = "conformance", target_os = "linux"))]

#[path = "support/on_postgres.rs"]
mod on_postgres;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/mod.rs"]
mod support;
#[path = "support/tools.rs"]
mod tools;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokenward::usage::{Call, CallQuery, Level, SliceQuery, Span, UsageStore};
use tokenward::{
    Clock, ManualClock, MemoryStore, Need, NewToken, Policy, RateLimit, Subject, TokenId, Tokens, UsageBatch,
    Verdict, block_on,
};

use self::scratch::Scratch;
use self::support::{WatchedUsage, catalog};

const ROUTES: [&str; 5] =
    ["GET /orders", "GET /orders/{id}", "POST /orders", "GET /products", "GET /products/{id}"];

/// Seconds of processor time that processes have taken, children apart.
fn processor(processes: &[String]) -> f64 {
    let of = |process: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(11..13).map_or(0.0, |times| {
            times.iter().map(|time| time.parse::<f64>().unwrap_or_default()).sum::<f64>() / 100.0
        })
    };
    processes.iter().map(of).sum()
}

/// The batches of so many seconds, each of `seconds` seconds of a million calls a minute.
fn batches(users: usize, seconds: usize, number: usize) -> (Vec<UsageBatch>, Vec<TokenId>) {
    let clock = ManualClock::new();
    let watched = Arc::new(WatchedUsage::default());
    let tokens: Tokens = Tokens::builder(Arc::new(MemoryStore::new()))
        .usage_store(watched.clone())
        .catalog(catalog())
        .clock(clock.clone())
        .policy(Policy::new().allow_unlimited())
        .without_background()
        .build()
        .unwrap();
    let issue = |_| {
        let asked = NewToken::named("Export").scopes(["orders:read"]).rate_limit(RateLimit::unlimited());
        let issued = block_on(tokens.issue(asked).by("maria")).unwrap();
        (issued.record.id, issued.secret.expose().to_owned())
    };
    let users: Vec<_> = (0..users).map(issue).collect();
    let mut called = 0_usize;
    for _ in 0..number {
        for _ in 0..seconds {
            for _ in 0..16_667 {
                called += 1;
                let place = (called.wrapping_mul(0x9E37_79B9) >> 7) % users.len();
                let need = Need::scope("orders:read");
                let Ok(Verdict::Granted(grant)) = block_on(tokens.verify(&users[place].1, &need)) else {
                    panic!("refused")
                };
                let duration = Duration::from_micros(2_000 + (called as u64 * 7_919) % 50_000);
                let call = Call::new(ROUTES[called % ROUTES.len()], 200, duration).bytes(2_048);
                let address = [203, 0, 113, (place % 16) as u8].into();
                grant.record_call(&call.agent("warehouse-sync/2.3").address(address));
            }
            clock.advance(TimeDelta::seconds(1));
        }
        block_on(tokens.flush()).unwrap();
    }
    let taken = std::mem::take(&mut *watched.batches.lock().unwrap());
    let ids = users.into_iter().map(|(id, _)| id).collect();
    (taken, ids)
}

fn measure(address: &str, users: usize, seconds: usize, number: usize) {
    let (batches, ids) = batches(users, seconds, number);
    let scratch = block_on(Scratch::at(address));
    let ours = [std::process::id().to_string()];
    let workers = || {
        scratch.sql("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'test_%' OR backend_type <> 'client backend'")
    };
    // The connections are there.
    block_on(scratch.store.read(&ids[..1])).unwrap();
    let servers = workers();
    let (ours_before, servers_before) = (processor(&ours), processor(&servers));
    let mut times = Vec::new();
    for batch in &batches {
        let started = Instant::now();
        block_on(scratch.store.add(batch)).unwrap();
        times.push(started.elapsed());
    }
    let (ours_taken, servers_taken) = (processor(&ours) - ours_before, processor(&servers) - servers_before);
    let all: Duration = times.iter().sum();
    times.sort();
    let of_time = (batches.len() * seconds) as f64;
    let parts = |part: fn(&UsageBatch) -> usize| batches.iter().map(part).sum::<usize>() / batches.len();
    println!(
        "{users} tokens, {} batches of {seconds} s ({} totals, {} slices, {} calls each): client {:.1} % of a core, \
         server {:.1} %, wall {:.1} % of the time; a batch takes {:?} (median), {:?} (longest)",
        batches.len(),
        parts(|batch| batch.counts.len()),
        parts(|batch| batch.slices.len()),
        parts(|batch| batch.calls.len()),
        ours_taken / of_time * 100.0,
        servers_taken / of_time * 100.0,
        all.as_secs_f64() / of_time * 100.0,
        times[times.len() / 2],
        times[times.len() - 1],
    );
    read(&scratch, &ids);
}

fn read(scratch: &Scratch, ids: &[TokenId]) {
    let now = ManualClock::new().now().wall().timestamp() / 60;
    let store = &scratch.store;
    let timed = |what: &str, ask: &dyn Fn() -> usize| {
        let mut times: Vec<_> = (0..50)
            .map(|_| {
                let started = Instant::now();
                let found = ask();
                (started.elapsed(), found)
            })
            .collect();
        times.sort();
        println!("  {what}: {:?} (median), {:?} (longest), {} found", times[25].0, times[49].0, times[25].1);
    };
    timed("totals of 50 tokens", &|| block_on(store.read(&ids[..50])).unwrap().len());
    let day = |level| Span { level, from: now - 1_440, until: now + 60 };
    timed("24 hours of 50 tokens by the hour", &|| {
        let subjects = ids[..50].iter().map(|id| Subject::Token(*id)).collect();
        block_on(store.slices(&SliceQuery::new(subjects, vec![day(Level::Hour)]))).unwrap().len()
    });
    timed("24 hours of a token by the minute and the hour, with detail", &|| {
        let spans = vec![day(Level::Minute), day(Level::Hour)];
        let query = SliceQuery::new(vec![Subject::Token(ids[0])], spans).detailed();
        block_on(store.slices(&query)).unwrap().len()
    });
    timed("24 hours of all tokens by the hour, with detail", &|| {
        let query = SliceQuery::new(vec![Subject::All], vec![day(Level::Hour)]).detailed();
        block_on(store.slices(&query)).unwrap().len()
    });
    timed("a page of 50 calls of a token", &|| {
        let mut query = CallQuery::new(Subject::Token(ids[0]));
        query.limit = 50;
        block_on(store.calls(&query)).unwrap().len()
    });
    timed("a page of 50 calls of all", &|| {
        let mut query = CallQuery::new(Subject::All);
        query.limit = 50;
        block_on(store.calls(&query)).unwrap().len()
    });
}

#[test]
#[ignore = "for people: it says how long things take"]
fn a_million_calls_a_minute() {
    let Some(address) = on_postgres::address() else { return };
    for (users, seconds, number) in [(1_000, 1, 70), (10_000, 10, 14)] {
        measure(&address, users, seconds, number);
    }
}
