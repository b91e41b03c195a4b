//! Whoever has changed a token, and waits until every node has heeded it.

use super::Lease;
use super::lease::wait_ms;
use crate::NodeId;
use crate::changes::RollCall;

/// Whoever has changed a token, and waits until every node has heeded it: has acknowledged it, or can
/// trust its memory no more.
pub(crate) struct Waiting {
    number: u64,
    own: NodeId,
    /// The clock when it was known that the change is committed.
    committed_ms: u64,
    listed: Option<Listed>,
}

/// Those who had a row when it was first looked. Whoever joins later reads what is committed then.
struct Listed {
    pending: Vec<NodeId>,
    /// Until then the lease of each of them is over.
    until_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waited {
    /// Not everybody has heeded it.
    NotYet,
    /// No node decides by what was before any more.
    Heeded,
    /// The store does not have the change any more: it was promoted or restored from before it.
    Lost,
}

impl Waiting {
    /// For the change with this number, by a node that heeds its own changes by itself. `committed_ms`
    /// is read after the commit was answered.
    pub(crate) fn new(number: u64, own: NodeId, committed_ms: u64) -> Waiting {
        Waiting { number, own, committed_ms, listed: None }
    }

    /// What the rows say now, read after the commit.
    pub(crate) fn hears(&mut self, roll: &RollCall, now_ms: u64) -> Waited {
        if roll.last_number < self.number {
            return Waited::Lost;
        }
        let has_heeded = |node: &NodeId| {
            let row = roll.nodes.iter().find(|row| row.node == *node);
            row.is_none_or(|row| row.acknowledged >= self.number)
        };
        let others = roll.nodes.iter().filter(|row| row.node != self.own);
        let listed = self.listed.get_or_insert_with(|| {
            let longest_ms = others.clone().map(|row| row.lease_ms).max().unwrap_or(0);
            Listed {
                pending: others.map(|row| row.node).collect(),
                until_ms: self.committed_ms.saturating_add(wait_ms(longest_ms)),
            }
        });
        listed.pending.retain(|node| !has_heeded(node));
        if listed.pending.is_empty() { Waited::Heeded } else { self.looks(now_ms) }
    }

    /// What the clock says alone. Whoever could never look waits for the longest lease that there may
    /// be.
    pub(crate) fn looks(&self, now_ms: u64) -> Waited {
        let until_ms = self
            .listed
            .as_ref()
            .map_or(self.committed_ms.saturating_add(wait_ms(Lease::LONGEST_MS)), |listed| listed.until_ms);
        if now_ms >= until_ms { Waited::Heeded } else { Waited::NotYet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::NodeRow;

    fn row(node: u64, lease_ms: u32, acknowledged: u64) -> NodeRow {
        NodeRow { node: NodeId(node), lease_ms, counter: 0, acknowledged }
    }

    fn roll(nodes: &[NodeRow]) -> RollCall {
        RollCall { last_number: 9, nodes: nodes.to_vec() }
    }

    fn waiting() -> Waiting {
        Waiting::new(5, NodeId(1), 1_000)
    }

    #[test]
    fn each_node_is_waited_for_until_it_has_acknowledged_or_is_gone() {
        let mut waiting = waiting();
        let own = row(1, 60_000, 0);
        assert_eq!(waiting.hears(&roll(&[own, row(2, 10_000, 4), row(3, 2_000, 4)]), 1_001), Waited::NotYet);
        assert_eq!(waiting.hears(&roll(&[own, row(2, 10_000, 5), row(3, 2_000, 4)]), 1_002), Waited::NotYet);
        // Who joins meanwhile is no matter.
        assert_eq!(waiting.hears(&roll(&[own, row(2, 10_000, 5), row(4, 9_000, 0)]), 1_003), Waited::Heeded);
    }

    #[test]
    fn the_longest_lease_of_those_listed_is_the_end() {
        let mut waiting = waiting();
        let rows = roll(&[row(2, 10_000, 4), row(3, 20_000, 4)]);
        assert_eq!(waiting.hears(&rows, 1_000 + 21_999), Waited::NotYet);
        assert_eq!(waiting.hears(&rows, 1_000 + 22_000), Waited::Heeded);
        assert_eq!(waiting.looks(1_000 + 22_000), Waited::Heeded);
    }

    #[test]
    fn whoever_cannot_look_waits_for_the_longest_lease_of_all() {
        assert_eq!(waiting().looks(1_000 + 65_999), Waited::NotYet);
        assert_eq!(waiting().looks(1_000 + 66_000), Waited::Heeded);
    }

    #[test]
    fn alone_there_is_nothing_to_wait_for() {
        assert_eq!(waiting().hears(&roll(&[row(1, 10_000, 0)]), 1_000), Waited::Heeded);
    }

    #[test]
    fn a_change_that_the_store_has_lost_is_told() {
        let roll = RollCall { last_number: 4, nodes: Vec::new() };
        assert_eq!(waiting().hears(&roll, 1_000), Waited::Lost);
    }
}
