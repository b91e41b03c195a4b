//! How the nodes of a fleet learn of each other's changes: the seam, and its contract.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::randomness::{Randomness, SystemRandomness};
use crate::{StoreError, TokenId};

/// How the nodes of a fleet learn of each other's changes of tokens, and how one that makes a change
/// learns that all others have heeded it.
///
/// The protocol over it, with its proof, is in the [guide](crate::guide::fleet). A store that several
/// processes share implements it beside [`TokenStore`](crate::TokenStore), over the same data.
///
/// # Contract
/// It binds whoever implements it, and [`conformance`](crate::conformance) checks each sentence.
/// - **Every number has its change.** Each number that a write of the token store has drawn (an issue
///   and a purge as well) is a [`TokenChanged`] here from the moment at which the write is committed:
///   in the order of the commits, without holes, and each with a random [`Mark`] that no other
///   change ever has.
/// - **Nothing is told early.** What is not committed is not seen here.
/// - **Rows are durable.** A node's row is there for everybody once [`join`](ChangeFeed::join) has
///   returned, and until [`leave`](ChangeFeed::leave) or [`strike`](ChangeFeed::strike).
/// - **Nobody is mistaken for its own past.** A row that is made anew begins with a counter drawn at
///   random: whoever saw the node's counter before its row was deleted does not find it unchanged.
/// - **One transaction.** [`pull`](ChangeFeed::pull) raises the node's counter and reads the changes
///   in one transaction, on the primary, never on a replica.
/// - **No clock.** Nothing here looks at one.
/// - Old changes may be dropped, but for the newest, which stays.
#[async_trait]
pub trait ChangeFeed: Send + Sync + 'static {
    /// Writes the row of a node, with this length of its lease, and gives the last change that was
    /// committed when it did, which a new row has acknowledged. Whoever has a row already keeps what it
    /// has acknowledged, and its counter grows: this may be a call of before that comes late, and says
    /// nothing of what the node has applied since.
    async fn join(&self, node: NodeId, lease_ms: u32) -> Result<Position, StoreError>;

    /// Raises the node's counter, where others share the store by an amount drawn at random, so that no
    /// counter comes again after the store went back to an earlier state; and gives the changes that follow `after`, oldest first and at most
    /// `limit`, at least 1.
    async fn pull(&self, node: NodeId, after: Position, limit: u32) -> Result<Pulled, StoreError>;

    /// The node has applied every change up to this one. A smaller number than before changes nothing,
    /// and so does a node without a row, or a change that is not there: the store may have gone back to
    /// an earlier state since it was pulled, and given the number to another.
    async fn acknowledge(&self, node: NodeId, through: Position) -> Result<(), StoreError>;

    /// Deletes the node's row, if it has one.
    async fn leave(&self, node: NodeId) -> Result<(), StoreError>;

    /// The rows of all nodes, and the last number, as they stand in one moment.
    async fn roll_call(&self) -> Result<RollCall, StoreError>;

    /// Deletes the row of another node, if its counter is still this: it was seen unchanged for longer
    /// than its lease. Says whether it did.
    async fn strike(&self, node: NodeId, counter: u64) -> Result<bool, StoreError>;

    /// Gives `hint` whenever a change was committed, as soon as that is known, until it is no longer
    /// [wanted](Hint::give). Hints only make it fast: they may be lost, repeated and late. A feed that
    /// has none does nothing; it is then asked at intervals.
    fn listen(&self, hint: Hint);

    /// Whether hints arrive, as far as is known.
    fn gives_hints(&self) -> bool;
}

/// A node of a fleet: a random number, anew for each start of a process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u64);

/// `node_` and 16 hexadecimal digits.
impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "node_{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What tells a change from every other that ever had its number: after a failover or a restored
/// backup numbers are given out again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Mark(pub [u8; 16]);

/// A place in the order of changes: behind this one. Number 0 with the mark of zeros stands before the
/// first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Position {
    /// The number of the change.
    pub number: u64,
    /// Its mark.
    pub mark: Mark,
}

/// One change of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenChanged {
    /// Its number and its mark.
    pub position: Position,
    /// Which token was changed.
    pub token: TokenId,
}

/// What [`ChangeFeed::pull`] gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pulled {
    /// The changes that follow, oldest first.
    Changes {
        /// The changes; none where nothing has happened.
        changes: Vec<TokenChanged>,
        /// Whether there are more.
        more: bool,
    },
    /// The node's row is not there, or the change that it asked from is not: it cannot tell what it has
    /// missed.
    Gap,
}

/// The rows of all nodes, in one moment.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RollCall {
    /// The number of the last change.
    pub last_number: u64,
    /// The rows, in any order.
    pub nodes: Vec<NodeRow>,
}

/// The row of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeRow {
    /// Whose.
    pub node: NodeId,
    /// The length of its lease, in milliseconds.
    pub lease_ms: u32,
    /// Grows with each of its renewals.
    pub counter: u64,
    /// The highest number up to which it has applied every change.
    pub acknowledged: u64,
}

/// Somebody who wants to know that tokens were changed.
#[derive(Clone)]
pub struct Hint(Arc<dyn Fn() -> bool + Send + Sync>);

impl Hint {
    /// One that does this, which says whether it is still wanted. It must not block.
    pub fn new(act: impl Fn() -> bool + Send + Sync + 'static) -> Hint {
        Hint(Arc::new(act))
    }

    /// Gives it. `false` says that nobody wants it any more: it can be dropped.
    pub fn give(&self) -> bool {
        (self.0)()
    }
}

impl fmt::Debug for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hint")
    }
}

/// Those who want to know, as a feed keeps them.
#[derive(Default)]
pub(crate) struct Hints(Mutex<Vec<Hint>>);

impl Hints {
    pub(crate) fn add(&self, hint: Hint) {
        self.hints().push(hint);
    }

    /// Gives all of them, and drops those that nobody wants any more.
    pub(crate) fn give(&self) {
        self.hints().retain(Hint::give);
    }

    fn hints(&self) -> MutexGuard<'_, Vec<Hint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the counter of a row begins with that is made anew: at random, and with room to grow in 63
/// bits.
pub(crate) fn fresh_counter() -> Result<u64, StoreError> {
    let mut bytes = [0; 8];
    SystemRandomness.fill(&mut bytes).map_err(StoreError::unavailable)?;
    Ok(u64::from_be_bytes(bytes) >> 2)
}
