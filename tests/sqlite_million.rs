//! A page of 50 among ten thousand and among a million tokens. Outside the gate:
//! `cargo test --release --features sqlite --test sqlite_million -- --ignored --nocapture`
#![cfg(feature = "sqlite")]

use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokenward::store::TokenStore;
use tokenward::{Filter, Order, Position, Query, SortKey, SqliteStore, Status, TenantFilter, block_on};

/// Half of them of one tenant; every thousandth revoked, every thousandth with a scope of its own.
const FILL: &str = "
    WITH RECURSIVE numbers (n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?2)
    INSERT INTO tokenward_tokens
        (id, name, description, tenant, owner, scopes, rate_limit, addresses, environment, metadata, expires_at,
         paused_at, revoked_at, created_at, created_by, digest, secret_version, secret_start, secret_last4,
         secret_created_at, rotation_keys, version, sequence)
    SELECT
        printf('Number_%09d', n), printf('Token %07d', (n * 7919) % 1000003), 'For measuring',
        iif(n % 2, 'acme', 'tenant-' || (n % 1000)), 'owner-' || (n / 20),
        iif(n % 1000 = 1, '[\"orders:write\",\"orders:read\"]', '[\"orders:read\",\"products:read\"]'),
        '[{\"limit\":60,\"window_ms\":60000}]', '[]', 'live', '{\"plan\":\"gold\"}',
        iif(n % 3, 1900000000000 + (n * 7919) % 1000003, NULL),
        iif(n % 1000 = 3, 1, NULL), iif(n % 1000 = 5, 1, NULL),
        1700000000000 + n * 1000, 'maria', zeroblob(33), 1, 'tw_Numb', 'aaaa', 1700000000000 + n * 1000, '[]', 1, n
    FROM numbers";

fn fill(path: &std::path::Path, from: u32, to: u32) {
    let hand = Connection::open(path).unwrap();
    hand.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000").unwrap();
    assert_eq!(hand.execute(FILL, [from, to]).unwrap(), (to - from) as usize);
    hand.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

fn shapes() -> Vec<(&'static str, Query)> {
    let now = "2027-01-15T08:00:00Z".parse().unwrap();
    let acme = || Query::new(TenantFilter::Only(Some("acme".into())), now);
    let filtered = |filter: Filter| {
        let mut query = acme();
        query.filter = filter;
        query
    };
    let ordered = |by, descending| {
        let mut query = acme();
        query.order = Order { by, descending };
        query
    };
    let mut deep = acme();
    let id = "tok_Number_000005000".parse().unwrap();
    deep.after = Some(Position { number: 1_700_000_000_000 + 5_000_000, text: String::new(), id });
    let mut counted = acme();
    counted.count_up_to = 1_000;
    let scope = |name: &str| name.parse().unwrap();
    vec![
        ("newest first", acme()),
        ("far behind", deep),
        ("counted to 1,000", counted),
        ("by name", ordered(SortKey::Name, false)),
        ("by expiry", ordered(SortKey::ExpiresAt, true)),
        ("of all tenants", Query::new(TenantFilter::Any, now)),
        ("active", filtered(Filter::new().status(Status::Active))),
        ("revoked, 1 in 1,000", filtered(Filter::new().status(Status::Revoked))),
        ("scope of all", filtered(Filter::new().scope(scope("orders:read")))),
        ("scope of 1 in 1,000", filtered(Filter::new().scope(scope("orders:write")))),
        ("owner", filtered(Filter::new().owner("owner-7"))),
        ("no index: paused, 1 in 1,000", filtered(Filter::new().status(Status::Paused))),
        ("no index: text of nobody", filtered(Filter::new().text("nobody has it"))),
    ]
}

fn measure(store: &SqliteStore, query: &Query) -> (Duration, usize) {
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..15 {
        let start = Instant::now();
        found = block_on(store.list(query)).unwrap().records.len();
        times.push(start.elapsed());
    }
    times.sort();
    (times[times.len() / 2], found)
}

#[test]
#[ignore = "takes a minute, and is a measurement"]
fn a_page_of_a_million() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens.db");
    let store = SqliteStore::at(&path);
    block_on(store.open()).unwrap();
    let mut columns: Vec<Vec<(Duration, usize)>> = Vec::new();
    for (from, to) in [(0, 10_000), (10_000, 1_000_000)] {
        let start = Instant::now();
        fill(&path, from, to);
        println!(
            "filled to {to} in {:.1?}, {} MB",
            start.elapsed(),
            std::fs::metadata(&path).unwrap().len() / 1_000_000
        );
        columns.push(shapes().iter().map(|(_, query)| measure(&store, query)).collect());
    }
    println!("{:30} {:>12} {:>12}   median of 15, page of 50", "", "10,000", "1,000,000");
    for (place, (name, _)) in shapes().iter().enumerate() {
        let (small, large) = (columns[0][place], columns[1][place]);
        println!("{name:30} {:>12.1?} {:>12.1?}   {} tokens", small.0, large.0, large.1);
        let limit = Duration::from_millis(if name.starts_with("no index") { 60_000 } else { 5 });
        assert!(large.0 < limit, "{name} takes {:?}", large.0);
    }
}
