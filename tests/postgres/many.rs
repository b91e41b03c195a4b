//! Several nodes at the same tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use tokenward::{Catalog, Error, Need, NewToken, PostgresStore, Tokens, block_on};

use crate::kit::{history, opened, schema, store};

fn tokens(store: PostgresStore) -> Tokens {
    Tokens::builder(Arc::new(store)).catalog(Catalog::new()).without_background().build().unwrap()
}

#[test]
fn a_hundred_rotations_on_two_nodes_make_a_version_for_each_success() {
    let Some(schema) = schema() else { return };
    let nodes = [tokens(opened(&schema)), tokens(store(&schema))];
    let issued = block_on(nodes[0].issue(NewToken::named("Export")).by("maria")).unwrap();
    let (left, id) = (AtomicU32::new(100), issued.record.id);
    let rotate = |tokens: &Tokens| {
        let mut secrets = Vec::new();
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            match block_on(tokens.rotate(&id).by("maria")) {
                Ok(rotated) => secrets.push((rotated.record.version, rotated.secret)),
                Err(Error::Conflict) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        secrets
    };
    let mut rotated: Vec<_> = thread::scope(|scope| {
        let both = nodes.iter().chain(&nodes);
        let threads: Vec<_> = both.map(|tokens| scope.spawn(|| rotate(tokens))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    rotated.sort_by_key(|(version, _)| *version);
    let versions: Vec<_> = rotated.iter().map(|(version, _)| *version).collect();
    let first = issued.record.version;
    assert_eq!(versions, (first + 1..=first + rotated.len() as u64).collect::<Vec<_>>());
    assert!(!rotated.is_empty());
    let last = rotated.last().unwrap().0;
    for tokens in &nodes {
        for (version, secret) in &rotated {
            let verdict = block_on(tokens.verify(secret.expose(), &Need::live())).unwrap();
            assert_eq!(verdict.denied().is_none(), *version == last, "version {version} of {last}");
        }
    }
    assert_eq!(block_on(history(&store(&schema))).len(), 1 + rotated.len());
}
