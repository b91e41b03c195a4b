//! Whoever looks for nodes that are dead.

use std::collections::HashMap;

use super::Lease;
use super::lease::wait_ms;
use crate::NodeId;
use crate::changes::NodeRow;

/// Whoever looks for nodes that are dead: their rows would make everybody wait for nothing.
///
/// A node renewed its lease before its counter was seen. If the counter stands still for longer than
/// its lease and the margin, it trusts its memory no more. That counts only for whoever has looked all
/// the time: while it was stopped, or the store away, the store may have been set back.
pub(crate) struct Vigil {
    seen: HashMap<NodeId, Seen>,
    own_lease_ms: u64,
    looked_ms: u64,
}

struct Seen {
    counter: u64,
    since_ms: u64,
}

impl Vigil {
    pub(crate) fn new(own: Lease) -> Vigil {
        Vigil { seen: HashMap::new(), own_lease_ms: own.length_ms().into(), looked_ms: 0 }
    }

    /// The store was away: whatever was seen before counts for nothing.
    pub(crate) fn interrupted(&mut self) {
        self.seen.clear();
    }

    /// The rows, as they stood before `now_ms` was read. Gives those that may be deleted, each with the
    /// counter that it must still have then.
    pub(crate) fn look(&mut self, rows: &[NodeRow], own: NodeId, now_ms: u64) -> Vec<(NodeId, u64)> {
        if now_ms.saturating_sub(self.looked_ms) >= self.own_lease_ms {
            self.interrupted();
        }
        self.looked_ms = now_ms;
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

    fn look(vigil: &mut Vigil, counter: u64, now_ms: u64) -> Vec<(NodeId, u64)> {
        let row = |node, counter| NodeRow { node: NodeId(node), lease_ms: 10_000, counter, acknowledged: 0 };
        vigil.look(&[row(1, 0), row(2, counter)], NodeId(1), now_ms)
    }

    #[test]
    fn a_node_is_dead_when_its_counter_stands_still_for_longer_than_its_lease() {
        let mut vigil = Vigil::new(Lease::default());
        assert_eq!(look(&mut vigil, 5, 100), []);
        for now_ms in [5_000, 11_000, 15_999] {
            assert_eq!(look(&mut vigil, 6, now_ms), []);
        }
        assert_eq!(look(&mut vigil, 6, 16_000), [(NodeId(2), 6)]);
        assert_eq!(look(&mut vigil, 7, 16_001), []);
    }

    #[test]
    fn what_was_seen_before_an_interruption_counts_for_nothing() {
        let mut vigil = Vigil::new(Lease::default());
        assert_eq!(look(&mut vigil, 5, 100), []);
        assert_eq!(look(&mut vigil, 5, 12_000), [], "it was stopped meanwhile");
        assert_eq!(look(&mut vigil, 5, 20_000), []);
        vigil.interrupted();
        assert_eq!(look(&mut vigil, 5, 23_000), []);
        assert_eq!(look(&mut vigil, 5, 32_000), []);
        assert_eq!(look(&mut vigil, 5, 34_000), [(NodeId(2), 5)]);
    }
}
