//! Times in which nothing goes wrong: everybody joins before the faults begin, and all has to be well
//! again when they are over.

use super::super::changing::settle;
use super::super::store::TOKENS;
use super::super::verifying::verify;
use super::super::world::{Blocked, Stage};
use super::{Role, Schedule};

/// Everything has to be well again within so many rounds.
const CALM_ROUNDS: usize = 3_000;

impl Schedule {
    /// Lets everybody join and fill its memory, so that there is something to lose.
    pub(super) fn warm_up(&mut self) {
        let has_joined =
            |schedule: &Schedule| schedule.world.borrow().nodes.iter().all(|node| node.rounds > 0);
        self.be_calm_until(has_joined);
        let nodes = self.world.borrow().nodes.len();
        for place in 0..nodes * TOKENS {
            let (node, token) = (place / TOKENS, place % TOKENS);
            if self.world.borrow_mut().random.one_in(3) {
                continue;
            }
            let run = verify(self.world.clone(), node, token);
            self.spawn(node, Role::Verification, run);
        }
        self.be_calm_until(|schedule| schedule.number_of(Role::Verification) == 0);
        self.world.borrow_mut().replicate();
    }

    /// No faults any more: everybody who waits has to return, every node has to trust its memory again,
    /// and what is in there has to be true.
    pub(super) fn end_in_peace(&mut self) {
        {
            let world = &mut *self.world.borrow_mut();
            world.note(|_| "PEACE".to_owned());
            world.is_calm = true;
            for node in &mut world.nodes {
                (node.is_suspended, node.is_cut) = (false, false);
            }
        }
        self.settle_all();
        let is_over = |schedule: &Schedule| {
            schedule.number_of(Role::Change) == 0 && schedule.number_of(Role::Verification) == 0
        };
        if !self.be_calm_until(is_over) {
            return self.fail("somebody waits for ever, though nothing goes wrong any more");
        }
        let rounds: Vec<u32> = self.world.borrow().nodes.iter().map(|node| node.rounds).collect();
        let is_renewed = |schedule: &Schedule| {
            let world = schedule.world.borrow();
            let mut nodes = world.nodes.iter().zip(&rounds);
            nodes.all(|(node, before)| !node.is_alive || node.is_leaving || node.rounds > before + 1)
        };
        if !self.be_calm_until(is_renewed) {
            return self.fail("a lease is not renewed, though nothing goes wrong any more");
        }
        for node in 0..rounds.len() {
            let (takes_part, believes) = {
                let world = self.world.borrow();
                (world.nodes[node].is_alive && !world.nodes[node].is_leaving, world.believes(node))
            };
            if takes_part && !believes {
                return self.fail("a node does not trust its memory, though its lease is renewed");
            }
            for token in 0..TOKENS {
                let world = self.world.borrow();
                let kept = world.nodes[node].memory.decide(token, takes_part);
                let truth = world.store.truth[token];
                drop(world);
                if kept.is_some_and(|kept| kept != truth) {
                    return self.fail(&format!(
                        "node {node} goes on believing {kept:?} of token {token}, and the truth is {truth:?}"
                    ));
                }
            }
        }
    }

    /// Ids that are marked for ever would be looked up for ever.
    pub(super) fn settle_all(&mut self) {
        let nodes = self.world.borrow().nodes.len();
        for node in 0..nodes {
            for token in 0..TOKENS {
                let run = settle(self.world.clone(), node, token);
                self.spawn(node, Role::Change, run);
            }
        }
    }

    pub(super) fn be_calm_until(&mut self, is_over: impl Fn(&Schedule) -> bool) -> bool {
        for _ in 0..CALM_ROUNDS {
            if is_over(self) {
                return true;
            }
            self.find_runnable();
            let is_idle = self.runnable.is_empty() && {
                let world = self.world.borrow();
                world.calls.iter().all(|call| call.is_abandoned && !world.is_calm)
            };
            // From behind: whoever is done leaves a place that the last one takes.
            for place in (0..self.actors.len()).rev() {
                if self.runnable.contains(&place) {
                    self.run_one(place);
                }
            }
            let world = &mut *self.world.borrow_mut();
            for place in (0..world.calls.len()).rev() {
                match world.calls[place].stage {
                    // Some come again, much later.
                    Stage::Asked if !world.is_calm && world.calls[place].is_abandoned => {}
                    Stage::Asked if !world.is_calm && self.faults.messages && world.random.one_in(2) => {
                        world.execute_twice(place);
                    }
                    Stage::Asked => world.execute(place),
                    Stage::Open => {}
                    Stage::Answered(_) => world.deliver(place),
                }
            }
            while !world.store.open.is_empty() {
                world.commit(0);
            }
            if is_idle {
                let wakes = self.actors.iter().filter_map(|actor| match actor.blocked {
                    Blocked::Until(until_ms) => Some(until_ms),
                    _ => None,
                });
                // Whoever waits looks less often than it would, which saves time here.
                world.now_ms = wakes.min().unwrap_or(0).max(world.now_ms + 200);
            }
        }
        false
    }

    pub(super) fn fail(&self, text: &str) {
        let world = &mut *self.world.borrow_mut();
        world.note(|_| format!("WRONG: {text}"));
        world.violation.get_or_insert(text.to_owned());
    }
}
