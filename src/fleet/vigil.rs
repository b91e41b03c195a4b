//! Whoever looks for nodes that are dead.

use std::collections::HashMap;

use super::lease::wait_ms;
use crate::NodeId;
use crate::changes::NodeRow;

/// Whoever looks for nodes that are dead: their rows would make everybody wait for nothing.
///
/// A node renewed its lease before its counter was seen. If the counter stands still for longer than
/// its lease and the margin, it trusts its memory no more.
#[derive(Default)]
pub(crate) struct Vigil {
    seen: HashMap<NodeId, Seen>,
}

struct Seen {
    counter: u64,
    since_ms: u64,
}

impl Vigil {
    /// The rows, as they stood before `now_ms` was read. Gives those that may be deleted, each with the
    /// counter that it must still have then.
    pub(crate) fn look(&mut self, rows: &[NodeRow], own: NodeId, now_ms: u64) -> Vec<(NodeId, u64)> {
        self.seen.retain(|node, _| rows.iter().any(|row| row.node == *node));
        let is_dead = |row: &&NodeRow| {
            let seen = self.seen.entry(row.node).or_insert(Seen { counter: row.counter, since_ms: now_ms });
            if seen.counter != row.counter {
                *seen = Seen { counter: row.counter, since_ms: now_ms };
            }
            now_ms.saturating_sub(seen.since_ms) >= wait_ms(row.lease_ms)
        };
        let others = rows.iter().filter(|row| row.node != own);
        others.filter(is_dead).map(|row| (row.node, row.counter)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_dead_when_its_counter_stands_still_for_longer_than_its_lease() {
        let mut vigil = Vigil::default();
        let mut look = |counter, now_ms| {
            let row =
                |node, counter| NodeRow { node: NodeId(node), lease_ms: 10_000, counter, acknowledged: 0 };
            vigil.look(&[row(1, 0), row(2, counter)], NodeId(1), now_ms)
        };
        assert_eq!(look(5, 100), []);
        assert_eq!(look(6, 11_000), []);
        assert_eq!(look(6, 21_999), []);
        assert_eq!(look(6, 22_000), [(NodeId(2), 6)]);
        assert_eq!(look(7, 22_001), []);
    }
}
