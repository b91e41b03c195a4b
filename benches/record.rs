//! What recording takes, for people: `cargo bench --bench record --features sqlite`. On the path of
//! a request: `record`, as a ratio to the verification before it. Beside all requests: folding what
//! was noted and writing it, for a second's and for a minute's worth of a million calls a minute.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokenward::usage::Call;
use tokenward::{
    Catalog, Grant, MemoryStore, Need, NewToken, Policy, RateLimit, Tokens, UsageStore, Verdict, block_on,
};

const ROUTES: [&str; 5] =
    ["GET /orders", "GET /orders/{id}", "POST /orders", "GET /products", "GET /products/{id}"];

fn tokens(usage: Option<Arc<dyn UsageStore>>) -> Tokens {
    let store = Arc::new(MemoryStore::new());
    Tokens::builder(store.clone())
        .usage_store(usage.unwrap_or(store))
        .catalog(Catalog::new().scope("orders:read", "Look at orders"))
        .policy(Policy::new().allow_unlimited())
        .without_background()
        .build()
        .expect("all of it is right")
}

fn issue(tokens: &Tokens) -> String {
    let asked = NewToken::named("Export").scopes(["orders:read"]).rate_limit(RateLimit::unlimited());
    block_on(tokens.issue(asked).by("maria")).expect("all of it is right").secret.expose().to_owned()
}

fn grant<'a>(tokens: &'a Tokens, text: &str) -> Grant<'a> {
    match block_on(tokens.verify(text, &Need::scope("orders:read"))) {
        Ok(Verdict::Granted(grant)) => grant,
        _ => panic!("it may pass"),
    }
}

fn call(number: usize) -> Call<'static> {
    let duration = Duration::from_micros(2_000 + (number as u64 * 7_919) % 50_000);
    let call = Call::new(ROUTES[number % ROUTES.len()], 200, duration).bytes(2_048);
    call.agent("warehouse-sync/2.3").address([203, 0, 113, (number % 16) as u8].into())
}

/// The buffer is folded now and then while it fills, as it is in a service.
fn on_the_path(criterion: &mut Criterion) {
    let tokens = tokens(None);
    let text = issue(&tokens);
    criterion.bench_function("verify alone", |bencher| bencher.iter(|| black_box(grant(&tokens, &text))));
    criterion.bench_function("verify and record", |bencher| {
        let mut number = 0;
        bencher.iter_custom(|calls| {
            let mut spent = Duration::ZERO;
            for round in 0..calls.div_ceil(1_000) {
                // In a service another thread has folded, and not put its own into this one's cache.
                (0..500).for_each(|number| grant(&tokens, &text).record_call(&call(number)));
                let started = Instant::now();
                for _ in 0..(calls - round * 1_000).min(1_000) {
                    number += 1;
                    grant(&tokens, &text).record_call(&call(number));
                }
                spent += started.elapsed();
                block_on(tokens.flush()).expect("the store is in memory");
            }
            spent
        });
    });
}

fn beside_the_path(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold and flush");
    group.sample_size(10);
    let directory = tempfile::tempdir().expect("a folder");
    for (name, users, calls) in [
        ("a second: 16,667 calls of 1,000 tokens", 1_000, 16_667),
        ("a second: 16,667 calls of 10,000 tokens", 10_000, 16_667),
        ("a million calls of 1,000 tokens", 1_000, 1_000_000),
        ("a million calls of 10,000 tokens", 10_000, 1_000_000_usize),
    ] {
        group.throughput(Throughput::Elements(calls as u64));
        for store in stores(directory.path(), name) {
            let (kind, usage) = store;
            let tokens = tokens(Some(usage));
            let texts: Vec<_> = (0..users).map(|_| issue(&tokens)).collect();
            group.bench_function(format!("{name}, {kind}"), |bencher| {
                bencher.iter_custom(|rounds| {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        // Folded inline as the buffer fills: all of it counts but the verification.
                        let grants: Vec<_> = (0..calls)
                            .map(|number| grant(&tokens, &texts[(number * 7_919) % users]))
                            .collect();
                        let started = Instant::now();
                        grants
                            .iter()
                            .enumerate()
                            .for_each(|(number, grant)| grant.record_call(&call(number)));
                        block_on(tokens.flush()).expect("the store is there");
                        spent += started.elapsed();
                    }
                    spent
                });
            });
        }
    }
    group.finish();
}

fn stores(directory: &std::path::Path, name: &str) -> Vec<(&'static str, Arc<dyn UsageStore>)> {
    let mut stores: Vec<(&'static str, Arc<dyn UsageStore>)> = vec![("memory", Arc::new(MemoryStore::new()))];
    #[cfg(feature = "sqlite")]
    {
        let file = name.replace([' ', ':', ','], "-");
        let store = tokenward::SqliteStore::at(directory.join(file));
        block_on(tokenward::TokenStore::open(&store)).expect("a file can be made");
        stores.push(("SQLite", Arc::new(store)));
    }
    _ = (directory, name);
    stores.retain(|(kind, _)| *kind != "memory" || cfg!(not(feature = "sqlite")));
    stores
}

criterion_group!(benches, on_the_path, beside_the_path);
criterion_main!(benches);
