//! What a miss costs: one token loaded. Measured by hand, with optimisation:
//! `cargo test --release --features postgres,conformance --test postgres cost -- --ignored --nocapture`

use std::time::{Duration, Instant};

use tokenward::conformance::sample_id;
use tokenward::{PostgresStore, TokenStore, block_on};
use tokio_postgres::types::Type;

use crate::kit::{opened, put, schema};
use crate::on_postgres::{OwnSchema, execute};

const TIMES: usize = 5_000;

#[test]
#[ignore = "a measurement"]
fn cost_of_a_miss() {
    let Some(schema) = schema() else { return };
    let store = opened(&schema);
    for number in 0..1_000 {
        block_on(put(&store, number));
    }
    execute(&schema.address, &format!("ANALYZE {}.tokens", schema.name));
    measure("TCP loopback", &schema.address, &schema);
    let shown = execute(
        &schema.address,
        "SELECT current_setting('unix_socket_directories'), current_setting('port')",
    );
    let port = execute(&schema.address, "SELECT current_setting('port')");
    let Some(folder) = shown[0].split(',').next().filter(|folder| !folder.is_empty()) else { return };
    let address = format!("host={folder} port={} user=postgres dbname=postgres", port[0]);
    measure("Unix socket", &address, &schema);
}

fn measure(way: &str, address: &str, schema: &OwnSchema) {
    let store = PostgresStore::at(address).unwrap().schema(&schema.name).unwrap();
    show(
        way,
        "load of the store, under block_on",
        (0..TIMES).map(|number| {
            let id = [sample_id(number as u32 % 1_000)];
            timed(|| assert_eq!(block_on(store.load(&id)).unwrap().len(), 1))
        }),
    );

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let connecting = tokio_postgres::connect(address, tokio_postgres::NoTls);
    let (client, connection) = runtime.block_on(connecting).unwrap();
    runtime.spawn(connection);
    let sql = format!("SELECT * FROM {}.tokens WHERE id = ANY ($1)", schema.name);
    let prepared = runtime.block_on(client.prepare_typed(&sql, &[Type::TEXT_ARRAY])).unwrap();
    let ids = |number: usize| vec![sample_id(number as u32 % 1_000).as_str().to_owned()];
    show(
        way,
        "query_typed of the driver",
        (0..TIMES).map(|number| {
            let ids = ids(number);
            timed(|| drop(runtime.block_on(client.query_typed(&sql, &[(&ids, Type::TEXT_ARRAY)])).unwrap()))
        }),
    );
    show(
        way,
        "a prepared statement of the driver",
        (0..TIMES).map(|number| {
            let ids = ids(number);
            timed(|| drop(runtime.block_on(client.query(&prepared, &[&ids])).unwrap()))
        }),
    );
    show(
        way,
        "SELECT 1",
        (0..TIMES).map(|_| timed(|| drop(runtime.block_on(client.query_typed("SELECT 1", &[])).unwrap()))),
    );
}

fn timed(run: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    run();
    begin.elapsed()
}

fn show(way: &str, what: &str, times: impl Iterator<Item = Duration>) {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_nanos() as f64 / 1_000.0;
    println!("{way}: {what}: median {:.0} µs, 99th percentile {:.0} µs", at(0.5), at(0.99));
}
