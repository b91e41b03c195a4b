//! A week of use: 1,000 tokens of 50 tenants, 1,000 calls a second in all. Outside the gate:
//! `cargo test --release --features sqlite --test sqlite_week -- --ignored --nocapture`
//!
//! What is kept of the calls is generated, not the calls: twenty tokens have calls of their own, and
//! their minutes, hours and days are copied to the others, in the order of time.
#![cfg(feature = "sqlite")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use tokenward::store::TokenStore;
use tokenward::usage::{
    Client, ClientUse, EndpointUse, Outcome, Outdated, RecordedCall, ScopeUse, SecretUse, Slice,
    StatusClasses, TokenUse, start_of,
};
use tokenward::{
    Call, Catalog, Counts, ManualClock, Period, SqliteStore, Subject, TokenId, Tokens, UsageBatch,
    UsageStore, block_on,
};

/// Tokens with calls of their own, and how often each is copied.
const MODELS: u32 = 20;
const COPIES: u32 = 50;
const TOKENS: u32 = MODELS * COPIES;
const DAY: i64 = 1_440;
/// 2027-01-15T00:00:00Z, in minutes: the end of the week.
const END: i64 = 29_999_520;
/// The minute that runs: the hour that it is in has begun half an hour before.
const NOW: i64 = END - 26;

/// The same numbers in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// About 10 ms as a rule, and ten times that now and then.
    fn duration_us(&mut self) -> u64 {
        let doublings = self.below(4) + self.below(3) + u64::from(self.below(20) == 0) * 3;
        (1_500 + self.below(1_500)) << doublings
    }
}

fn id(number: u32) -> TokenId {
    TokenId::from_characters(format!("Week_{number:011}").as_bytes()).unwrap()
}

fn tenant(number: u32) -> Subject {
    Subject::Tenant(Some(format!("tenant-{}", number % 50)))
}

fn route(draw: &mut Draw, number: u32) -> String {
    // Ten routes of forty, the first ones more often.
    let place = (draw.below(10) * draw.below(10) / 10 + u64::from(number)) % 40;
    format!("{} /api/v1/resources-{place}/{{id}}", ["GET", "POST"][place as usize % 2])
}

/// So many calls of a token within a minute.
fn calls_of(token: u32, minute: i64, calls: u64, draw: &mut Draw) -> Slice {
    let mut slice = Slice::new(Subject::Token(id(token)), minute);
    let at = Some(start_of(minute));
    for _ in 0..calls {
        let (duration, fails) = (draw.duration_us(), draw.below(50) == 0);
        let tally = &mut slice.tally;
        (tally.granted, tally.finished) = (tally.granted + 1, tally.finished + 1);
        let StatusClasses { success, client_error, .. } = &mut tally.statuses;
        *(if fails { client_error } else { success }) += 1;
        (tally.duration_us, tally.bytes) = (tally.duration_us + duration, tally.bytes + 2_000);
        tally.latency.record(duration);
        let mut endpoint = EndpointUse::default();
        (endpoint.calls, endpoint.errors, endpoint.duration_us) = (1, u64::from(fails), duration);
        endpoint.latency.record(duration);
        slice.detail.endpoints.add(&route(draw, token), &endpoint);
        let mut scope = ScopeUse::default();
        (scope.used, scope.last_used_at) = (1, at);
        slice.detail.scopes.add(&["orders:read", "orders:write"][draw.below(2) as usize].into(), &scope);
        let client = Client::new(format!("203.0.113.{}", draw.below(6)), "acme-sync/2.1 (linux; x86_64)");
        let mut secret = SecretUse::default();
        (secret.calls, secret.last_seen_at, secret.last_client) = (1, at, Some(client.clone()));
        slice.detail.secrets.add(&1, &secret);
        let mut by_client = ClientUse::default();
        (by_client.calls, by_client.first_seen_at, by_client.last_seen_at) = (1, at, at);
        slice.clients.add(&client, &by_client);
    }
    slice.tally.limited = u64::from(calls.is_multiple_of(17));
    slice
}

/// What one token, its tenant and all have counted within a minute.
fn counted(token: u32, minute: i64, calls: u64, draw: &mut Draw) -> [Slice; 3] {
    let of_token = calls_of(token, minute, calls, draw);
    let mut of_others = of_token.clone();
    of_others.detail.secrets = Default::default();
    let mut by_token = TokenUse::default();
    by_token.calls = calls;
    of_others.detail.tokens.add(&id(token), &by_token);
    let of = |subject| {
        let mut slice = of_others.clone();
        slice.subject = subject;
        slice
    };
    let (of_tenant, of_all) = (of(tenant(token)), of(Subject::All));
    [of_token, of_tenant, of_all]
}

/// A batch with one slice for each subject and minute, in order.
fn batch(node: u64, slices: Vec<Slice>) -> UsageBatch {
    let mut folded: std::collections::BTreeMap<(Subject, i64), Slice> = Default::default();
    for slice in slices {
        let new = || Slice::new(slice.subject.clone(), slice.minute);
        let into = folded.entry((slice.subject.clone(), slice.minute)).or_insert_with(new);
        into.tally.merge(&slice.tally);
        into.detail.merge(&slice.detail);
        into.clients.merge(&slice.clients);
        into.detail.shrink(slice.subject.names());
        into.clients.shrink(slice.subject.names());
    }
    let mut batch = UsageBatch::new(node, 1);
    batch.slices = folded.into_values().collect();
    batch
}

fn fill(path: &Path) {
    let models = path.with_extension("models");
    let store = SqliteStore::at(&models);
    block_on(store.open()).unwrap();
    let mut draw = Draw(1);
    for hour in 0..7 * 24 {
        let mut slices = Vec::new();
        let minutes = (0..60).map(|minute| END - 7 * DAY + 60 * hour + minute);
        for minute in minutes.filter(|minute| *minute < NOW) {
            for token in 0..MODELS {
                let calls = 40 + draw.below(40);
                slices.extend(counted(token, minute, calls, &mut draw));
            }
        }
        block_on(store.add(&batch(hour as u64 + 1, slices))).unwrap();
    }
    // What is far behind another minute is rolled up at once.
    block_on(store.add(&batch(u64::MAX, vec![Slice::new(Subject::All, END + DAY)]))).unwrap();
    let mut outdated = Outdated::nothing();
    outdated.minutes = END - 2 * DAY;
    while block_on(store.forget(&outdated)).unwrap() {}
    drop(store);

    let hand = Connection::open(path).unwrap();
    hand.execute_batch(&format!(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; ATTACH '{}' AS models; BEGIN; \
         CREATE TEMP TABLE copies AS \
            WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < {COPIES} - 1) SELECT n FROM n; \
         CREATE TEMP TABLE subjects AS \
            SELECT subject AS model, printf('Week_%011d', CAST(substr(subject, 6) AS INTEGER) + {MODELS} * n) AS subject \
                FROM (SELECT DISTINCT subject FROM models.tokenward_usage_spans WHERE subject GLOB 'Week_*'), copies \
            UNION ALL SELECT '=tenant-' || (n % {MODELS}), '=tenant-' || n FROM copies \
            UNION ALL SELECT '*', '*'; \
         INSERT INTO tokenward_usage_minutes \
            SELECT s.subject, m.minute, m.tally FROM models.tokenward_usage_minutes AS m \
            JOIN subjects AS s ON s.model = m.subject ORDER BY m.minute, s.subject; \
         INSERT INTO tokenward_usage_tallies \
            SELECT s.subject, m.level, m.start, m.tally FROM models.tokenward_usage_tallies AS m \
            JOIN subjects AS s ON s.model = m.subject ORDER BY m.start, m.level, s.subject; \
         INSERT INTO tokenward_usage_spans (subject, level, start, detail, clients) \
            SELECT s.subject, m.level, m.start, m.detail, m.clients FROM models.tokenward_usage_spans AS m \
            JOIN subjects AS s ON s.model = m.subject ORDER BY m.start, m.level, s.subject; \
         COMMIT; PRAGMA wal_checkpoint(TRUNCATE)",
        models.display()
    ))
    .unwrap();
}

fn sizes(path: &Path) {
    let hand = Connection::open(path).unwrap();
    let megabytes = std::fs::metadata(path).unwrap().len() as f64 / 1e6;
    println!(
        "file: {megabytes:.0} MB, {:.1} KB per token and day",
        megabytes * 1e3 / f64::from(TOKENS) / 7.0
    );
    for (table, lengths) in [
        ("tokenward_usage_minutes", "avg(length(tally)), 0, 0"),
        ("tokenward_usage_tallies", "avg(length(tally)), 0, 0"),
        ("tokenward_usage_spans", "0, avg(length(detail)), avg(length(clients))"),
    ] {
        let sql = format!("SELECT count(*), {lengths} FROM {table}");
        let row = hand.query_row(&sql, [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?, row.get::<_, f64>(2)?, row.get::<_, f64>(3)?))
        });
        let (rows, tally, detail, clients) = row.unwrap();
        println!("  {table}: {rows} rows; tally {tally:.0} B, detail {detail:.0} B, clients {clients:.0} B");
    }
    let mut pages = hand
        .prepare(
            "SELECT name, sum(pgsize) / 1000000.0 FROM dbstat WHERE name GLOB 'tokenward_usage*' \
             GROUP BY name HAVING sum(pgsize) > 1000000 ORDER BY 2 DESC",
        )
        .unwrap();
    let mut rows = pages.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        println!("  {}: {:.0} MB", row.get::<_, String>(0).unwrap(), row.get::<_, f64>(1).unwrap());
    }
}

/// What all threads of this process have spent on a processor, where that can be read: other load on
/// the machine stretches times, and hardly this.
fn processor_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    spent.filter_map(|line| Some(Duration::from_nanos(line.split(' ').next()?.parse().ok()?))).sum()
}

/// What this process has written to files, where that can be read: to the log, and from there to the
/// file.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    bytes.and_then(|bytes| bytes.parse().ok()).unwrap_or_default()
}

/// The median and the worst time, and the mean of what was spent on a processor.
fn median<T>(times: u32, mut run: impl FnMut() -> T) -> (Duration, Duration, Duration) {
    let spent = processor_time();
    let mut all: Vec<_> = (0..times)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(run());
            start.elapsed()
        })
        .collect();
    all.sort();
    (all[all.len() / 2], all[all.len() - 1], (processor_time() - spent) / times)
}

/// What a second of 1,000 calls, one of each token, hands to the store.
fn second(node: u64, at: DateTime<Utc>, draw: &mut Draw) -> UsageBatch {
    let minute = at.timestamp() / 60;
    let slices = (0..TOKENS).flat_map(|token| counted(token, minute, 1, draw)).collect();
    let mut batch = batch(node, slices);
    batch.counts = (0..TOKENS).map(|token| (id(token), counts(1, at))).collect();
    batch.calls = (0..TOKENS).map(|token| call(token, at)).collect();
    batch
}

fn counts(number: u64, at: DateTime<Utc>) -> Counts {
    let mut counts = Counts::default();
    (counts.granted, counts.finished, counts.succeeded) = (number, number, number);
    (counts.last_used_at, counts.last_seen_at) = (Some(at), Some(at));
    counts.last_client = Some(Client::new("203.0.113.1", "acme-sync/2.1 (linux; x86_64)"));
    counts
}

fn call(token: u32, at: DateTime<Utc>) -> RecordedCall {
    let call = Call::new("GET /api/v1/resources-7/{id}", 200, Duration::from_millis(12));
    serde_json::from_value(serde_json::json!({
        "id": 0, "token": id(token), "tenant": format!("tenant-{}", token % 50), "secret_version": 1, "at": at,
        "route": call.route, "outcome": Outcome::Granted, "status": call.status, "duration_us": 12_000,
        "bytes": 2_000, "scopes": "orders:read", "left_out": 0,
        "client": Client::new("203.0.113.1", "acme-sync/2.1 (linux; x86_64)"),
    }))
    .unwrap()
}

/// A million calls of 10,000 tokens within a minute.
fn million(node: u64, at: DateTime<Utc>, draw: &mut Draw) -> UsageBatch {
    let minute = at.timestamp() / 60;
    let slices = (0..10_000).flat_map(|token| counted(100_000 + token, minute, 100, draw)).collect();
    let mut batch = batch(node, slices);
    batch.counts = (0..10_000).map(|token| (id(100_000 + token), counts(100, at))).collect();
    batch.calls = (0..1_000).map(|token| call(100_000 + token, at)).collect();
    batch
}

#[test]
#[ignore = "takes minutes, and is a measurement"]
fn a_week_of_a_thousand_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    let now = start_of(NOW);
    let clock = ManualClock::at(now);
    let store = Arc::new(SqliteStore::at(&path));
    let tokens = Tokens::builder(store.clone()).usage_store(store.clone()).catalog(Catalog::new());
    let tokens = tokens.clock(clock.clone()).without_background().build().unwrap();
    block_on(tokens.open()).unwrap();
    let start = Instant::now();
    fill(&path);
    println!("filled in {:.0?}", start.elapsed());
    sizes(&path);
    let mut totals = UsageBatch::new(u64::MAX, 1);
    totals.counts = (0..TOKENS).map(|token| (id(token), counts(1, now))).collect();
    block_on(store.add(&totals)).unwrap();

    let day = Period::last_24_hours(now);
    let page: Vec<_> = (0..50).map(|place| id(place * 7)).collect();
    let of_token = |number| Subject::Token(id(number));
    let mut number = 0;
    let mut next = move || {
        number = (number + 37) % TOKENS;
        number
    };
    let goal = Duration::from_millis(5);
    let mut answers = vec![
        ("usage of a token", goal, median(30, || block_on(tokens.usage(&id(next()))).unwrap())),
        (
            "statistics of a token",
            goal,
            median(30, || block_on(tokens.statistics(of_token(next()), day)).unwrap()),
        ),
        ("a page of 50", Duration::from_millis(50), median(15, || block_on(tokens.usage_of(&page)).unwrap())),
    ];
    let far = Duration::from_secs(60);
    let tenant = || block_on(tokens.statistics(self::tenant(next()), day)).unwrap();
    answers.push(("statistics of a tenant", far, median(15, tenant)));
    answers.push((
        "statistics of all",
        far,
        median(15, || block_on(tokens.statistics(Subject::All, day)).unwrap()),
    ));
    let series = || block_on(tokens.time_series(of_token(next()), day, 1)).unwrap();
    answers.push(("1,440 minutes of a token", far, median(15, series)));
    let last = block_on(tokens.statistics(of_token(7), day)).unwrap();
    assert!(last.tally.granted > 80_000 && !last.detail.endpoints.is_empty() && !last.clients.is_empty());
    println!("{:30} {:>10} {:>10} {:>10}", "the last 24 hours", "median", "worst", "processor");
    for (name, _, (median, worst, spent)) in &answers {
        println!("{name:30} {median:>10.2?} {worst:>10.2?} {spent:>10.2?}");
    }

    let mut draw = Draw(7);
    let mut node = 1_000;
    let seconds: Vec<_> = (0..180)
        .map(|place| {
            node += 1;
            second(node, now + TimeDelta::seconds(place), &mut draw)
        })
        .collect();
    println!("{:30} {:>10} {:>10} {:>10}", "a second of 1,000 tokens", "median", "worst", "processor");
    // The second and the third minute roll up the one before.
    for (minute, seconds) in seconds.chunks(60).enumerate() {
        let (mut seconds, before) = (seconds.iter(), written());
        let (middle, worst, spent) = median(60, || block_on(store.add(seconds.next().unwrap())).unwrap());
        let bytes = (written() - before) as f64 / 60e6;
        println!(
            "{:30} {middle:>10.1?} {worst:>10.1?} {spent:>10.1?} {:.1} % of a core, {bytes:.1} MB a second",
            format!("minute {}", minute + 1),
            spent.as_secs_f64() * 100.0
        );
    }
    clock.advance(TimeDelta::seconds(180));
    answers.push((
        "a page of 50, while it runs",
        Duration::from_millis(50),
        median(15, || block_on(tokens.usage_of(&page)).unwrap()),
    ));
    let (_, _, (median_time, worst, spent)) = answers[answers.len() - 1];
    println!("a page of 50 while a minute runs: {median_time:.2?}, worst {worst:.2?}, processor {spent:.2?}");
    for place in 0..3 {
        let batch = million(10_000 + place, now, &mut draw);
        let (time, _, spent) = median(1, || block_on(store.add(&batch)).unwrap());
        println!("add of a million calls of 10,000 tokens: {time:.0?}, processor {spent:.0?}");
    }
    for (name, goal, (median, ..)) in answers {
        assert!(median < goal, "{name} takes {median:?}");
    }
}
