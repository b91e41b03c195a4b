//! Promises of a [`ChangeFeed`](crate::ChangeFeed).

mod changes;
mod hints;
mod many;
mod pulling;
mod rows;

pub use changes::*;
pub use hints::*;
pub use many::*;
pub use pulling::*;
pub use rows::*;

use std::sync::Arc;

use super::fixture::{put, sample_draft, sample_token};
use crate::changes::{ChangeFeed, NodeId, NodeRow, Position, Pulled, TokenChanged};
use crate::store::{Change, TokenStore, Updating};
use crate::{Action, StoredToken, TokenId};

const LEASE_MS: u32 = 5_000;

/// A node, whose number does not fit into a signed integer.
fn node(number: u64) -> NodeId {
    NodeId(u64::MAX - number)
}

/// Two handles on fresh data, opened.
async fn opened<S: TokenStore, F: Future<Output = [Arc<S>; 2]>>(fresh: impl Fn() -> F) -> [Arc<S>; 2] {
    let handles = fresh().await;
    for handle in &handles {
        handle.open().await.expect("empty data can be opened, through each handle");
    }
    handles
}

/// The changes that follow, of which there must be no more than a thousand.
async fn changes_after(feed: &impl ChangeFeed, node: NodeId, after: Position) -> Vec<TokenChanged> {
    match feed.pull(node, after, 1_000).await.expect("changes can be pulled") {
        Pulled::Changes { changes, more: false } => changes,
        other => {
            panic!("a node with a row, that asks from a change that is there, is told the rest: {other:?}")
        }
    }
}

fn numbers(changes: &[TokenChanged]) -> Vec<u64> {
    changes.iter().map(|change| change.position.number).collect()
}

fn tokens(changes: &[TokenChanged]) -> Vec<TokenId> {
    changes.iter().map(|change| change.token).collect()
}

/// The row of the node, if it has one.
async fn row(feed: &impl ChangeFeed, node: NodeId) -> Option<NodeRow> {
    let mut found = feed.roll_call().await.expect("the roll can be called").nodes;
    found.retain(|row| row.node == node);
    assert!(found.len() < 2, "a node has one row at most: {found:?}");
    found.pop()
}

async fn joined(feed: &impl ChangeFeed, node: NodeId) -> Position {
    feed.join(node, LEASE_MS).await.expect("a node can join")
}

/// Gives each token its next version, in one update; the numbers that were drawn.
async fn raised(store: &impl TokenStore, tokens: &mut [StoredToken]) -> Vec<u64> {
    let raise = |token: &mut StoredToken| {
        let before = token.record.version;
        token.record.version += 1;
        Change::new(token.clone(), before, sample_draft(token, Action::Updated))
    };
    let changes: Vec<_> = tokens.iter_mut().map(raise).collect();
    match store.update(&changes).await.expect("tokens can be updated") {
        Updating::Done(numbers) => numbers,
        Updating::Conflict => panic!("nobody else changes them"),
    }
}

/// Puts the samples with these numbers, and gives the number of the last change.
async fn put_samples(store: &impl TokenStore, samples: std::ops::Range<u32>) -> u64 {
    let mut last = 0;
    for number in samples {
        last = put(store, &sample_token(number)).await;
    }
    last
}
