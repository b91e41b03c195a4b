//! How several `Tokens` over one memory store learn of each other's changes.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;

use super::MemoryStore;
use crate::changes::{
    ChangeFeed, Hint, Mark, NodeId, NodeRow, Position, Pulled, RollCall, TokenChanged, fresh_counter,
};
use crate::{StoreError, TokenId};

/// The last changes, and the rows of the nodes.
pub(super) struct Feed {
    /// Their numbers are without holes.
    changes: VecDeque<TokenChanged>,
    kept: usize,
    nodes: BTreeMap<NodeId, NodeRow>,
}

const KEPT: usize = 10_000;

impl Default for Feed {
    fn default() -> Feed {
        Feed { changes: VecDeque::new(), kept: KEPT, nodes: BTreeMap::new() }
    }
}

impl Feed {
    pub(super) fn keep(&mut self, number: usize) {
        self.kept = number.max(1);
        let surplus = self.changes.len().saturating_sub(self.kept);
        self.changes.drain(..surplus);
    }

    pub(super) fn changed(&mut self, number: u64, mark: Mark, token: TokenId) {
        if self.changes.len() == self.kept {
            self.changes.pop_front();
        }
        self.changes.push_back(TokenChanged { position: Position { number, mark }, token });
    }

    fn newest(&self) -> Position {
        self.changes.back().map(|change| change.position).unwrap_or_default()
    }

    /// The place of the first change behind this position; none where the position is not known.
    fn place_behind(&self, after: Position) -> Option<usize> {
        let first = self.changes.front().map_or(1, |change| change.position.number);
        if after == Position::default() {
            return (first == 1).then_some(0);
        }
        let place = usize::try_from(after.number.checked_sub(first)?).ok()?;
        (self.changes.get(place)?.position == after).then_some(place + 1)
    }
}

#[async_trait]
impl ChangeFeed for MemoryStore {
    async fn join(&self, node: NodeId, lease_ms: u32) -> Result<Position, StoreError> {
        let fresh = fresh_counter()?;
        let mut tables = self.tables();
        let feed = &mut tables.feed;
        let newest = feed.newest();
        let (counter, acknowledged) =
            feed.nodes.get(&node).map_or((fresh, newest.number), |row| (row.counter + 1, row.acknowledged));
        feed.nodes.insert(node, NodeRow { node, lease_ms, counter, acknowledged });
        Ok(newest)
    }

    async fn pull(&self, node: NodeId, after: Position, limit: u32) -> Result<Pulled, StoreError> {
        let mut tables = self.tables();
        let feed = &mut tables.feed;
        let Some(row) = feed.nodes.get_mut(&node) else { return Ok(Pulled::Gap) };
        row.counter += 1;
        let Some(place) = feed.place_behind(after) else { return Ok(Pulled::Gap) };
        let limit = limit.max(1) as usize;
        let changes: Vec<_> = feed.changes.range(place..).take(limit).copied().collect();
        let more = place + changes.len() < feed.changes.len();
        Ok(Pulled::Changes { changes, more })
    }

    async fn acknowledge(&self, node: NodeId, through: Position) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let feed = &mut tables.feed;
        let is_there = feed.place_behind(through).is_some();
        if let Some(row) = feed.nodes.get_mut(&node).filter(|_| is_there) {
            row.acknowledged = row.acknowledged.max(through.number);
        }
        Ok(())
    }

    async fn leave(&self, node: NodeId) -> Result<(), StoreError> {
        self.tables().feed.nodes.remove(&node);
        Ok(())
    }

    async fn roll_call(&self) -> Result<RollCall, StoreError> {
        let tables = self.tables();
        let nodes = tables.feed.nodes.values().copied().collect();
        Ok(RollCall { last_number: tables.sequence, nodes })
    }

    async fn strike(&self, node: NodeId, counter: u64) -> Result<bool, StoreError> {
        let nodes = &mut self.tables().feed.nodes;
        let is_still = nodes.get(&node).is_some_and(|row| row.counter == counter);
        if is_still {
            nodes.remove(&node);
        }
        Ok(is_still)
    }

    fn listen(&self, hint: Hint) {
        self.hints.add(hint);
    }

    fn gives_hints(&self) -> bool {
        true
    }
}
