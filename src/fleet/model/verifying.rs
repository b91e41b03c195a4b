//! A verification: as `tokens/verify.rs` and `tokens/miss.rs` do it.

use std::future::poll_fn;
use std::task::Poll;

use super::flaw::Flaw;
use super::memory::{Asking, Landing};
use super::store::{Answer, Op, State};
use super::world::{Blocked, Lost, Shared, ask, pause};

pub(super) async fn verify(world: Shared, node: usize, token: usize) {
    let verification = world.borrow_mut().begin_verification(node, token);
    let decided = decide(&world, node, token).await;
    world.borrow_mut().decided(node, verification, decided);
}

/// None where the store could not be asked.
async fn decide(world: &Shared, node: usize, token: usize) -> Option<State> {
    pause().await;
    let believes = world.borrow().believes(node);
    pause().await;
    if let Some(state) = world.borrow_mut().hit(node, token, believes) {
        return Some(state);
    }
    loop {
        pause().await;
        let (asking, applied) = {
            let world = &mut *world.borrow_mut();
            let asking = world.nodes[node].memory.ask(token, believes, world.flaw);
            (asking, world.nodes[node].applied)
        };
        match asking {
            Asking::Alone => {
                let found = load(world, node, token).await?;
                pause().await;
                return Some(fill(world, node, token, found, None, believes));
            }
            Asking::Lead { flight, generation } => {
                let mut lead = Lead { world, node, token, flight, has_landed: false };
                let Some(found) = load(world, node, token).await else {
                    lead.land(Landing::Failed);
                    return None;
                };
                pause().await;
                // What a failover may take back unnoticed is not kept: nothing tells of it then.
                let is_applied = applied.is_some_and(|applied| found.number <= applied);
                let is_left_out = matches!(
                    world.borrow().flaw,
                    Some(Flaw::FillsAheadAreTrusted | Flaw::DistrustOnlyBeforeJoining)
                );
                let is_kept = is_applied || is_left_out;
                let generation = Some(generation).filter(|_| is_kept);
                let decided = fill(world, node, token, found, generation, believes);
                pause().await;
                lead.land(Landing::Found(found));
                return Some(decided);
            }
            Asking::Join(flight) => match landing(world, node, flight).await {
                Landing::Found(found) => {
                    pause().await;
                    return Some(fill(world, node, token, found, None, believes));
                }
                Landing::Failed => return None,
                Landing::Spoiled => {
                    pause().await;
                    if let Some(state) = world.borrow_mut().hit(node, token, believes) {
                        return Some(state);
                    }
                }
            },
        }
    }
}

impl super::world::World {
    fn hit(&mut self, node: usize, token: usize, believes: bool) -> Option<State> {
        let state = self.nodes[node].memory.decide(token, believes)?;
        self.counted.from_memory += 1;
        Some(state)
    }
}

async fn load(world: &Shared, node: usize, token: usize) -> Option<State> {
    match ask(world, node, Op::Load { token }).await {
        Ok(Answer::Found(state)) => Some(state),
        Ok(_) => unreachable!("asked for a token"),
        Err(Lost) => None,
    }
}

fn fill(
    world: &Shared,
    node: usize,
    token: usize,
    found: State,
    generation: Option<u32>,
    believes: bool,
) -> State {
    let world = &mut *world.borrow_mut();
    let decided = world.nodes[node].memory.fill(token, found, generation, believes);
    world.note(|_| {
        format!("node {node} fills token {token} with state {}, read with {generation:?}", found.born)
    });
    decided
}

async fn landing(world: &Shared, node: usize, flight: usize) -> Landing {
    poll_fn(|_| {
        let world = &mut *world.borrow_mut();
        match world.nodes[node].memory.landing(flight) {
            Some(landing) => Poll::Ready(landing),
            None => {
                world.blocking = Blocked::Flight(flight);
                Poll::Pending
            }
        }
    })
    .await
}

/// A look-up that others may join. Dropping it lets them ask again.
struct Lead<'a> {
    world: &'a Shared,
    node: usize,
    token: usize,
    flight: usize,
    has_landed: bool,
}

impl Lead<'_> {
    fn land(&mut self, landing: Landing) {
        self.has_landed = true;
        self.world.borrow_mut().nodes[self.node].memory.land(self.token, self.flight, landing);
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.has_landed {
            self.land(Landing::Spoiled);
        }
    }
}
