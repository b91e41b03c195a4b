//! How long the pages of the dashboard take with 100,000 tokens and 25 million recorded calls.
//!
//! `cargo bench --bench dashboard --features sqlite,postgres,dashboard` builds that data set in SQLite, and
//! in PostgreSQL where `TOKENWARD_POSTGRES` names a server, and prints the median, the 99th percentile and
//! the worst of each page, in milliseconds: from the request as text to the page as text, which is what the
//! server does for it. `DASHBOARD_TOKENS` and `DASHBOARD_CALLS` change the size, `DASHBOARD_NO_SQLITE=1` leaves
//! SQLite out, and `TMPDIR=/dev/shm` makes the building of its file quick, as each token is a transaction that
//! waits for the disk.

mod data;
mod pages;

use std::sync::Arc;
use std::time::Instant;

use tokenward::{ManualClock, PostgresStore, SqliteStore, TokenStore, Tokens, UsageStore, block_on};

fn main() {
    // `cargo test` builds and runs benches as well.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let number =
        |name: &str, usual| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let size = data::Size {
        tokens: number("DASHBOARD_TOKENS", 100_000),
        calls: number("DASHBOARD_CALLS", 25_000_000),
    };
    if std::env::var_os("DASHBOARD_NO_SQLITE").is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        measure("SQLite", Arc::new(SqliteStore::at(folder.path().join("scale.db"))), &size);
    }
    match std::env::var("TOKENWARD_POSTGRES") {
        Ok(address) => {
            let schema = format!("bench_{}", std::process::id());
            let store = PostgresStore::at(&address).and_then(|store| store.schema(&schema));
            measure("PostgreSQL", Arc::new(store.expect("an address of PostgreSQL")), &size);
        }
        Err(_) => println!("TOKENWARD_POSTGRES names no server: PostgreSQL is not measured"),
    }
}

fn measure<S: TokenStore + UsageStore>(name: &str, store: Arc<S>, size: &data::Size) {
    let clock = ManualClock::at(data::start());
    let tokens = Tokens::builder(store.clone())
        .usage_store(store.clone())
        .catalog(data::catalog())
        .clock(clock.clone())
        .without_background()
        .build()
        .expect("a catalogue that is right");
    let begun = Instant::now();
    let issued = block_on(data::issue(&tokens, &clock, size));
    println!("{name}: {} tokens in {:.0} s", issued.len(), begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let calls = block_on(data::record(&*store, &issued, size));
    println!("{name}: {calls} calls in {:.0} s", begun.elapsed().as_secs_f64());
    data::stand_at_the_end(&clock);
    block_on(pages::measure(name, &tokens, &issued));
}
