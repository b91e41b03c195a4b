//! Everything that there is: the store, the nodes with their clocks, the calls between them, and what
//! was promised.

mod calls;
mod promises;

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::super::{Lease, Trusted};
use super::flaw::Flaw;
use super::memory::Memory;
use super::random::Random;
use super::store::{Answer, Op, Store};
use crate::NodeId;

pub(super) struct World {
    pub(super) random: Random,
    pub(super) flaw: Option<Flaw>,
    /// True time, in milliseconds. Nobody knows it.
    pub(super) now_ms: u64,
    pub(super) store: Store,
    /// What a failover goes back to.
    pub(super) replica: Store,
    pub(super) nodes: Vec<Node>,
    pub(super) calls: Vec<Call>,
    answers: Vec<(u32, Result<Answer, Lost>)>,
    last_call: u32,
    last_node: u64,
    last_mark: u128,
    /// Of every state that a token ever had: whether a change to it has returned, and whether a
    /// failover has lost it.
    states: Vec<Fate>,
    verifications: Vec<Begun>,
    last_verification: u32,
    /// What whoever was polled last waits for.
    pub(super) blocking: Blocked,
    /// No faults any more.
    pub(super) is_calm: bool,
    /// The token of a change that has just returned.
    pub(super) returned: Option<usize>,
    pub(super) counted: Counted,
    pub(super) violation: Option<String>,
    trace: Option<Vec<String>>,
}

pub(super) type Shared = Rc<RefCell<World>>;

pub(super) struct Node {
    pub(super) id: NodeId,
    /// Thousandths of true time.
    rate: u64,
    offset_ms: u64,
    pub(super) lease: Lease,
    pub(super) is_alive: bool,
    pub(super) is_suspended: bool,
    pub(super) is_leaving: bool,
    /// Nothing goes between it and the store.
    pub(super) is_cut: bool,
    pub(super) trusted: Trusted,
    /// What [`Flaw::TrustIsAFlag`] looks at.
    pub(super) flag: bool,
    pub(super) applied: Option<u64>,
    pub(super) memory: Memory,
    pub(super) is_nudged: bool,
    pub(super) rounds: u32,
    /// A failover has lost a renewal of it, and it has not renewed its lease since.
    has_lost_renewal: bool,
    /// Its row is gone with a failover while it may have trust: nobody can know of it, and nothing is
    /// promised of it until it has joined again.
    is_forgotten: bool,
}

impl Node {
    /// A machine on which nothing runs.
    fn new(rate: u64, offset_ms: u64) -> Node {
        Node {
            id: NodeId(0),
            rate,
            offset_ms,
            lease: Lease::default(),
            is_alive: false,
            is_suspended: false,
            is_leaving: false,
            is_cut: false,
            trusted: Trusted::default(),
            flag: false,
            applied: None,
            memory: Memory::default(),
            is_nudged: false,
            rounds: 0,
            has_lost_renewal: false,
            is_forgotten: false,
        }
    }
}

pub(super) struct Call {
    pub(super) id: u32,
    pub(super) node: usize,
    pub(super) op: Op,
    pub(super) stage: Stage,
    /// Whoever made it waits no more.
    pub(super) is_abandoned: bool,
    /// It is kept on its way until this step.
    pub(super) stalled_until: u64,
}

pub(super) enum Stage {
    Asked,
    /// A transaction of the store.
    Open,
    Answered(Answer),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Lost;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Blocked {
    Nothing,
    Call(u32),
    Flight(usize),
    /// Until this moment of true time, or until its node is nudged.
    Until(u64),
}

struct Fate {
    token: usize,
    has_returned: bool,
    is_lost: bool,
}

struct Begun {
    verification: u32,
    token: usize,
    floor: u32,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) steps: u64,
    pub(super) verifications: u64,
    pub(super) from_memory: u64,
    pub(super) changes: u64,
}

impl World {
    pub(super) fn new(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> World {
        let lost_never = |token| Fate { token, has_returned: true, is_lost: false };
        World {
            random: Random::seeded(seed),
            flaw,
            now_ms: 100_000,
            store: Store::new(),
            replica: Store::new(),
            nodes: Vec::with_capacity(4),
            calls: Vec::with_capacity(16),
            answers: Vec::with_capacity(16),
            last_call: 0,
            last_node: 0,
            last_mark: 0,
            states: vec![lost_never(usize::MAX)],
            verifications: Vec::with_capacity(8),
            last_verification: 0,
            blocking: Blocked::Nothing,
            is_calm: false,
            returned: None,
            counted: Counted::default(),
            violation: None,
            trace: is_traced.then(Vec::new),
        }
    }

    pub(super) fn note(&mut self, line: impl FnOnce(&World) -> String) {
        if self.trace.is_none() {
            return;
        }
        let line = format!("{:>7} ms  {}", self.now_ms, line(self));
        self.trace.iter_mut().for_each(|trace| trace.push(line.clone()));
    }

    pub(super) fn trace(&mut self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    pub(super) fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    // ---- Nodes and their clocks

    pub(super) fn add_node(&mut self) {
        let rate = match self.random.below(8) {
            0..3 => 920,
            3..6 => 1_080,
            _ => 920 + self.random.below(161),
        };
        let offset_ms = self.random.below(1_000_000);
        self.nodes.push(Node::new(rate, offset_ms));
        self.start(self.nodes.len() - 1);
    }

    /// A process begins: with an identity of its own, and nothing in memory.
    pub(super) fn start(&mut self, place: usize) {
        self.last_node += 1;
        let length_ms = self.random.any(&[1_000, 1_000, 1_500, 2_500, 4_000, 10_000]);
        let id = NodeId(self.last_node);
        let node = &mut self.nodes[place];
        *node = Node {
            id,
            lease: Lease::lasting(Duration::from_millis(length_ms)),
            is_alive: true,
            ..Node::new(node.rate, node.offset_ms)
        };
        self.note(|world| {
            let node = &world.nodes[place];
            format!("node {place} starts as {id}, lease {length_ms} ms, clock at {} ‰", node.rate)
        });
    }

    pub(super) fn clock_ms(&self, node: usize) -> u64 {
        let node = &self.nodes[node];
        node.offset_ms + self.now_ms * node.rate / 1_000
    }

    /// When so much will have passed on a node's clock, in true time.
    pub(super) fn after(&self, node: usize, ms: u64) -> u64 {
        self.now_ms + (ms * 1_000).div_ceil(self.nodes[node].rate)
    }

    /// What a hit asks.
    pub(super) fn believes(&self, node: usize) -> bool {
        if self.is(Flaw::TrustIsAFlag) {
            return self.nodes[node].flag;
        }
        self.nodes[node].trusted.holds(self.clock_ms(node))
    }
}

// ---- What whoever runs may wait for

/// Anything may happen here.
pub(super) async fn pause() {
    let mut was_polled = false;
    poll_fn(|_| if std::mem::replace(&mut was_polled, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Asks the store. [`Lost`] says nothing of what has become of it.
pub(super) async fn ask(world: &Shared, node: usize, op: Op) -> Result<Answer, Lost> {
    let call = world.borrow_mut().send(node, op);
    poll_fn(|_| {
        let world = &mut *world.borrow_mut();
        match world.take_answer(call) {
            Some(answer) => Poll::Ready(answer),
            None => {
                world.blocking = Blocked::Call(call);
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits until so much has passed on the node's clock, or it is nudged.
pub(super) async fn rest(world: &Shared, node: usize, ms: u64) {
    let until = world.borrow().after(node, ms);
    let mut was_polled = false;
    poll_fn(|_| {
        let world = &mut *world.borrow_mut();
        if std::mem::replace(&mut was_polled, true) {
            return Poll::Ready(());
        }
        world.blocking = Blocked::Until(until);
        Poll::Pending
    })
    .await;
}
