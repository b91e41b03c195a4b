//! A change of a token, and waiting until every node has heeded it: as `tokens/change.rs` and
//! `tokens/fleet.rs` do it.

use super::super::{Waited, Waiting};
use super::flaw::Flaw;
use super::memory::Ending;
use super::store::{Answer, Op, State};
use super::world::{Lost, Shared, ask, pause, rest};

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It makes the token another.
    New,
    /// It finds the token to be so already.
    NoOp,
}

const ATTEMPTS: usize = 4;

pub(super) async fn change(world: Shared, node: usize, token: usize, kind: Kind) {
    {
        let world = &mut *world.borrow_mut();
        world.note(|_| format!("node {node} begins a change of token {token}: {kind:?}"));
        world.nodes[node].memory.mark(token, world.flaw);
    }
    pause().await;
    world.borrow_mut().nodes[node].memory.distrust(token);
    pause().await;
    let mut before_ms = world.borrow().clock_ms(node);
    let outcome = compare_and_set(&world, node, token, kind, &mut before_ms).await;
    pause().await;
    let ending = match outcome {
        Ok(known) => Ending::Known(known),
        Err(Lost) => Ending::Unknown,
    };
    {
        let world = &mut *world.borrow_mut();
        world.nodes[node].memory.unmark(token, ending, world.flaw);
    }
    let Ok(Some(state)) = outcome else { return };
    let waits = !matches!(kind, Kind::NoOp) || !world.borrow().is(Flaw::NoOpDoesNotWait);
    if waits {
        let heeded = heeded_everywhere(&world, node, state.number, before_ms).await;
        if heeded.is_err() {
            return;
        }
    }
    pause().await;
    world.borrow_mut().returned(node, state);
}

/// None where others were always faster: nothing was done.
async fn compare_and_set(
    world: &Shared,
    node: usize,
    token: usize,
    kind: Kind,
    before_ms: &mut u64,
) -> Result<Option<State>, Lost> {
    for _ in 0..ATTEMPTS {
        let Ok(Answer::Found(current)) = ask(world, node, Op::Load { token }).await else { return Ok(None) };
        pause().await;
        if matches!(kind, Kind::NoOp) {
            return Ok(Some(current));
        }
        *before_ms = world.borrow().clock_ms(node);
        match ask(world, node, Op::Update { token, expected: current.born }).await? {
            Answer::Updated(state) => return Ok(Some(state)),
            Answer::Stale => {}
            _ => unreachable!("asked for a change"),
        }
    }
    Ok(None)
}

/// An error where the store has lost the change.
async fn heeded_everywhere(world: &Shared, node: usize, number: u64, before_ms: u64) -> Result<(), ()> {
    let (id, lease) = {
        let world = world.borrow();
        (world.nodes[node].id, world.nodes[node].lease)
    };
    let flaw = world.borrow().flaw;
    let committed_ms = match flaw {
        Some(Flaw::WaitingFromBefore) => before_ms,
        _ => world.borrow().clock_ms(node),
    };
    pause().await;
    let mut waiting = Waiting::new(number, id, committed_ms);
    loop {
        let asked = ask(world, node, Op::RollCall).await;
        let now_ms = world.borrow().clock_ms(node);
        pause().await;
        let waited = match asked {
            Ok(Answer::Roll(mut roll)) => {
                for row in &mut roll.nodes {
                    match flaw {
                        Some(Flaw::OwnLeaseIsAssumed) => row.lease_ms = lease.length_ms(),
                        Some(Flaw::NoMargin) => row.lease_ms = row.lease_ms * 10 / 11,
                        _ => {}
                    }
                }
                waiting.hears(&roll, now_ms)
            }
            _ => waiting.looks(now_ms),
        };
        match waited {
            Waited::Heeded => return Ok(()),
            Waited::Lost => {
                world.borrow_mut().note(|_| format!("node {node} is told that its change {number} is lost"));
                return Err(());
            }
            Waited::NotYet => {
                let ms = 1 + world.borrow_mut().random.below(300);
                rest(world, node, ms).await;
            }
        }
    }
}

/// Asks the store what became of a change whose outcome is unknown.
pub(super) async fn settle(world: Shared, node: usize, token: usize) {
    let Some(through) = world.borrow().nodes[node].memory.unsettled(token) else { return };
    if let Ok(Answer::Found(state)) = ask(&world, node, Op::LoadSettled { token }).await {
        pause().await;
        let world = &mut *world.borrow_mut();
        world.nodes[node].memory.settled(token, through, state, world.flaw);
    }
}
