//! Coincidences that chance alone would seldom bring about: each is made of steps that may happen.

use super::super::changing::{Kind, change};
use super::super::store::Op;
use super::super::verifying::verify;
use super::super::world::{Blocked, Call, Stage};
use super::{Actor, MOST_PROBES, Role, Schedule};

impl Schedule {
    /// A verification finds trust still standing, which is over in a moment, and asks when it is.
    pub(super) fn begin_before_a_gap_is_told(&mut self, node: usize) {
        if !self.world.borrow().nodes[node].is_alive || self.number_of(Role::Verification) >= MOST_PROBES {
            return;
        }
        self.spawn(node, Role::Verification, verify(self.world.clone(), node, 0));
        self.begin_and_stall();
        if self.world.borrow_mut().random.one_in(2) {
            return;
        }
        (0..12).for_each(|_| self.serve(|_| false, |actor| actor.node == node && actor.role == Role::Driver));
        self.wake(node);
        self.change_meanwhile(node);
    }

    /// The row of a node is long in coming; meanwhile it is used, and another changes a token.
    pub(super) fn join_late(&mut self, node: usize) {
        if self.number_of(Role::Verification) < MOST_PROBES {
            self.spawn(node, Role::Verification, verify(self.world.clone(), node, 0));
        }
        self.wake(node);
        self.change_meanwhile(node);
    }

    /// All that is not its driver gets its time, and what it reads.
    pub(super) fn wake(&mut self, node: usize) {
        for actor in &mut self.actors {
            if actor.node == node {
                actor.stalled_until = 0;
            }
        }
        for _ in 0..8 {
            self.serve(|_| false, |actor| actor.node == node && actor.role != Role::Driver);
        }
        let world = &mut *self.world.borrow_mut();
        for place in (0..world.calls.len()).rev() {
            let call = &world.calls[place];
            if call.node == node && matches!((&call.stage, call.op), (Stage::Asked, Op::Load { .. })) {
                world.execute(place);
                let stalled_until = world.counted.steps + world.random.below(60);
                world.calls[place].stalled_until = stalled_until;
            }
        }
    }

    pub(super) fn change_meanwhile(&mut self, node: usize) {
        let (other, is_alive) = {
            let world = &mut *self.world.borrow_mut();
            let others = world.nodes.len();
            let other = (node + 1 + world.random.place(others - 1)) % others;
            (other, world.nodes[other].is_alive)
        };
        if is_alive {
            self.spawn(other, Role::Change, change(self.world.clone(), other, 0, Kind::New));
            (0..12).for_each(|_| self.serve(|at| at == other, |_| false));
        }
    }

    /// The one that was begun last has looked at the clock, and gets no time then.
    pub(super) fn begin_and_stall(&mut self) {
        let place = self.actors.len() - 1;
        let (steps, stalled_until) = {
            let world = &mut *self.world.borrow_mut();
            (1 + world.random.below(4), world.counted.steps + world.random.below(120))
        };
        for _ in 0..steps {
            if self.run_one(place) {
                return;
            }
            if self.actors[place].blocked != Blocked::Nothing {
                break;
            }
        }
        self.actors[place].stalled_until = stalled_until;
    }

    /// A renewal takes its time: another node changes a token after the pull, before its answer. And then
    /// nothing is heard of that node.
    pub(super) fn deafen(&mut self) {
        let pull = {
            let world = self.world.borrow();
            let is_pull = |call: &&Call| {
                !call.is_abandoned && matches!((&call.stage, call.op), (Stage::Asked, Op::Pull { .. }))
            };
            world.calls.iter().find(is_pull).map(|call| (call.id, call.node))
        };
        let Some((pull, node)) = pull else { return };
        let (other, lasts_ms) = {
            let world = &mut *self.world.borrow_mut();
            if let Some(place) = world.calls.iter().position(|call| call.id == pull) {
                world.execute(place);
            }
            let others = world.nodes.len();
            let length_ms = u64::from(world.nodes[node].lease.length_ms());
            ((node + 1 + world.random.place(others - 1)) % others, world.random.below(length_ms * 3 / 4))
        };
        if !self.world.borrow().nodes[other].is_alive {
            return;
        }
        let run = change(self.world.clone(), other, 0, Kind::New);
        self.spawn(other, Role::Change, run);
        let before = self.world.borrow().store.truth[0];
        for _ in 0..20 {
            self.serve(|at| at == other, |_| false);
            if self.world.borrow().store.truth[0] != before {
                break;
            }
        }
        self.world.borrow_mut().now_ms += lasts_ms;
        let place = self.world.borrow().calls.iter().position(|call| call.id == pull);
        if let Some(place) = place {
            self.world.borrow_mut().deliver(place);
        }
        for _ in 0..20 {
            self.serve(|_| false, |actor| actor.node == node && actor.role == Role::Driver);
        }
        let (is_waited_out, length_ms) = {
            let world = &mut *self.world.borrow_mut();
            world.nodes[node].is_cut = true;
            world.note(|_| format!("node {node} is cut off"));
            (world.random.one_in(2), u64::from(world.nodes[node].lease.length_ms()))
        };
        for _ in 0..if is_waited_out { 24 } else { 0 } {
            self.world.borrow_mut().now_ms += length_ms / 20;
            (0..4).for_each(|_| self.serve(|at| at == other, |_| false));
            if self.world.borrow().returned.is_some() {
                break;
            }
        }
    }

    /// Runs what may run of these nodes, and of these actors, and all calls of these nodes: but no
    /// strikes.
    pub(super) fn serve(&mut self, nodes: impl Fn(usize) -> bool, also: impl Fn(&Actor) -> bool) {
        self.find_runnable();
        for place in (0..self.actors.len()).rev() {
            let actor = &self.actors[place];
            if self.runnable.contains(&place) && (nodes(actor.node) || also(actor)) {
                self.run_one(place);
            }
        }
        let world = &mut *self.world.borrow_mut();
        for place in (0..world.calls.len()).rev() {
            let call = &world.calls[place];
            if !nodes(call.node) || call.is_abandoned || matches!(call.op, Op::Strike { .. }) {
                continue;
            }
            match call.stage {
                Stage::Asked => world.execute(place),
                Stage::Open => {
                    let id = call.id;
                    if let Some(open) = world.store.open.iter().position(|open| open.call == id) {
                        world.commit(open);
                    }
                }
                Stage::Answered(_) => world.deliver(place),
            }
        }
    }

    /// A node is cut off for longer than its lease, while all others go on.
    pub(super) fn silence(&mut self) {
        let (node, _) = self.any_place();
        let wait_ms = {
            let world = &mut *self.world.borrow_mut();
            world.nodes[node].is_cut = true;
            world.note(|_| format!("node {node} is cut off for long"));
            world.nodes[node].lease.bound_ms()
        };
        for _ in 0..6 {
            self.world.borrow_mut().now_ms += wait_ms / 4;
            for _ in 0..20 {
                self.serve(|at| at != node, |_| false);
            }
        }
        let comes_back_at_once = {
            let world = &mut *self.world.borrow_mut();
            world.nodes[node].is_cut = false;
            world.note(|_| format!("node {node} is connected again"));
            world.random.one_in(2)
        };
        if comes_back_at_once && self.world.borrow().nodes[node].is_alive {
            (0..20).for_each(|_| self.serve(|at| at == node, |_| false));
            self.spawn(node, Role::Verification, verify(self.world.clone(), node, 0));
            (0..10).for_each(|_| self.serve(|at| at == node, |_| false));
            self.strike();
            self.change_meanwhile(node);
        }
    }

    /// Whoever was taken for dead some time ago is struck now.
    pub(super) fn strike(&self) {
        let world = &mut *self.world.borrow_mut();
        for place in (0..world.calls.len()).rev() {
            if matches!((&world.calls[place].stage, world.calls[place].op), (Stage::Asked, Op::Strike { .. }))
            {
                world.execute(place);
            }
        }
    }
}
