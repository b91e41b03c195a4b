//! How a node stands.

use std::time::Duration;

use super::{Engine, Tokens};
use crate::{LimiterHealth, NodeId, RecordingHealth};

/// How a node stands, from what it knows itself: nothing is asked.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Which node this is, among all that ever were.
    pub node: NodeId,
    /// Its lease, where it shares its store with other nodes.
    pub lease: Option<LeaseHealth>,
    /// How recording stands.
    pub recording: RecordingHealth,
    /// How the limiter does that counts for all nodes; none where each node counts for itself.
    pub limiter: Option<LimiterHealth>,
}

/// How the lease of a node stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LeaseHealth {
    /// How long it is.
    pub length: Duration,
    /// For how long from now on it lasts; zero where it is over, and the store is asked on every
    /// verification.
    pub left: Duration,
    /// The longest that a change may take to be heeded by every node with a lease of this length.
    pub bound: Duration,
    /// The number up to which this node has applied every change; none where it cannot tell.
    pub applied: Option<u64>,
    /// Whether other nodes' changes are told at once. If not, they are asked for at intervals.
    pub hints: bool,
    /// How many nodes there were when it was last looked, this one among them.
    pub nodes: usize,
}

impl Engine {
    /// The longest that a change may take to be heeded by every node, in milliseconds; 0 where it is
    /// heeded when it is made.
    pub(super) fn heeded_within_ms(&self) -> u64 {
        match &self.fleet {
            Some(fleet) => fleet.lease.bound_ms(),
            None => self.live.stale_for_ms(),
        }
    }
}

impl Tokens {
    /// How this node stands, from what it knows itself: nothing is asked.
    pub fn health(&self) -> Health {
        let engine = self.engine();
        let lease = engine.fleet.as_ref().map(|fleet| LeaseHealth {
            length: Duration::from_millis(fleet.lease.length_ms().into()),
            left: Duration::from_millis(fleet.trusted_for_ms(engine.clock.boottime_ms())),
            bound: Duration::from_millis(fleet.lease.bound_ms()),
            applied: fleet.applied(),
            hints: fleet.gives_hints(),
            nodes: fleet.nodes().len(),
        });
        Health {
            node: engine.node,
            lease,
            recording: self.recording_health(),
            limiter: self.limiter_health(),
        }
    }
}
