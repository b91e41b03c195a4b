//! What several nodes cost: a revocation until the last node has heeded it, and a token that is not in
//! memory.
//!
//! `TOKENWARD_POSTGRES=postgres://… cargo bench --bench fleet --features postgres` prints medians, 99th
//! percentiles and the worst, in microseconds. Each node has a store, connections and threads of its own;
//! all are in this process, so that the figures are without the network between machines.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokenward::{Catalog, Need, NewToken, PostgresStore, TokenStore, Tokens, block_on};

const NODES: usize = 3;
const REVOCATIONS: usize = 500;
const MISSES: usize = 2_000;

fn main() {
    // `cargo test` builds and runs benches as well.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Ok(address) = std::env::var("TOKENWARD_POSTGRES") else {
        println!("TOKENWARD_POSTGRES names no server: nothing is measured");
        return;
    };
    let schema = format!("bench_{}", std::process::id());
    let nodes: Vec<Node> = (0..NODES).map(|_| Node::start(&address, &schema)).collect();
    print("revocation heeded by all nodes", revocations(&nodes));
    print("token read from the store", loads(&nodes[0]));
    print("verification that misses", misses(&nodes));
    nodes.iter().for_each(|node| block_on(node.tokens.shutdown()).expect("the store is there"));
}

struct Node {
    store: Arc<PostgresStore>,
    tokens: Tokens,
}

impl Node {
    fn start(address: &str, schema: &str) -> Node {
        let store = PostgresStore::at(address).and_then(|store| store.schema(schema));
        let store = Arc::new(store.expect("an address of PostgreSQL"));
        let catalog = Catalog::new().scope("orders:read", "Look at orders");
        let builder = Tokens::builder(store.clone()).usage_store(store.clone()).change_feed(store.clone());
        let tokens = builder.catalog(catalog).build().expect("a catalogue that is right");
        block_on(tokens.open()).expect("the server can be reached");
        Node { store, tokens }
    }

    fn grants(&self, text: &str) -> bool {
        block_on(self.tokens.verify(text, &Need::live())).expect("the store is there").is_granted()
    }
}

/// How long `revoke` takes, on one node after the other, with the token in the memory of each.
fn revocations(nodes: &[Node]) -> Vec<Duration> {
    let revoked = |number: usize| {
        let asked = NewToken::named("Benchmark").per_minute(1_000_000);
        let issued = block_on(nodes[0].tokens.issue(asked).by("bench")).expect("a token");
        let text = issued.secret.expose();
        assert!(nodes.iter().all(|node| node.grants(text) && node.grants(text)));
        let begun = Instant::now();
        let revoking = nodes[number % nodes.len()].tokens.revoke(&issued.record.id).by("bench");
        block_on(revoking).expect("the store is there");
        let took = begun.elapsed();
        assert!(nodes.iter().all(|node| !node.grants(text)));
        took
    };
    (0..REVOCATIONS).map(revoked).collect()
}

fn loads(node: &Node) -> Vec<Duration> {
    let issued = block_on(node.tokens.issue(NewToken::named("Benchmark")).by("bench")).expect("a token");
    let load = |_| {
        let begun = Instant::now();
        let found = block_on(node.store.load(&[issued.record.id])).expect("the store is there");
        assert_eq!(found.len(), 1);
        begun.elapsed()
    };
    (0..MISSES).map(load).collect()
}

/// Tokens that another node has issued, at their first use here.
fn misses(nodes: &[Node]) -> Vec<Duration> {
    let issue = |_| {
        let asked = NewToken::named("Benchmark").per_minute(1_000_000);
        block_on(nodes[1].tokens.issue(asked).by("bench")).expect("a token").secret
    };
    let secrets: Vec<_> = (0..MISSES / 4).map(issue).collect();
    let miss = |secret: &tokenward::Token| {
        let begun = Instant::now();
        assert!(nodes[0].grants(secret.expose()));
        begun.elapsed()
    };
    secrets.iter().map(miss).collect()
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{what}: median {} us, 99th percentile {} us, worst {} us, of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    );
}
