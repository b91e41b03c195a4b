//! What goes wrong with nodes and with the store.

use super::{Focus, Schedule};

impl Schedule {
    /// Draws until it meets one that there is in this schedule.
    pub(super) fn fault(&mut self) {
        for _ in 0..6 {
            if self.try_fault() {
                return;
            }
        }
    }

    pub(super) fn try_fault(&mut self) -> bool {
        let (node, _) = self.any_place();
        let (drawn, is_alive, is_rare) = {
            let world = &mut *self.world.borrow_mut();
            (world.random.below(12), world.nodes[node].is_alive, world.random.one_in(3))
        };
        match drawn {
            0..3 if self.faults.suspensions && is_alive => self.suspend_or_resume(node),
            3 if self.faults.restarts && is_alive && is_rare => {
                let world = &mut *self.world.borrow_mut();
                world.note(|_| format!("node {node} is to leave"));
                world.nodes[node].is_leaving = true;
                world.nodes[node].is_nudged = true;
            }
            4 if self.faults.restarts && is_alive => self.kill(node),
            5..7 if !is_alive => {
                self.world.borrow_mut().start(node);
                self.spawn_driver(node);
            }
            7 if self.faults.failovers => self.world.borrow_mut().fail_over(),
            8 if self.faults.failovers => {
                let world = &mut *self.world.borrow_mut();
                world.replicate();
                world.note(|_| "the replica has heard of everything".to_owned());
            }
            9 if self.faults.cuts && self.focus == Focus::Leases && !is_rare => self.deafen(),
            9 if self.faults.cuts && self.focus == Focus::Rejoining && is_rare => self.silence(),
            9 if self.faults.cuts && is_alive => {
                let world = &mut *self.world.borrow_mut();
                let is_cut = !world.nodes[node].is_cut;
                world.nodes[node].is_cut = is_cut;
                world.note(|_| {
                    format!("node {node} is {}", if is_cut { "cut off" } else { "connected again" })
                });
            }
            10 if self.faults.pruning => {
                let world = &mut *self.world.borrow_mut();
                let kept = 1 + world.random.place(3);
                world.store.kept = kept;
                world.note(|_| format!("from now on {kept} changes are kept"));
            }
            11 if self.faults.holes => {
                let world = &mut *self.world.borrow_mut();
                world.store.punch_hole(&mut world.random);
                world.note(|_| "a change is deleted by hand".to_owned());
            }
            _ => return false,
        }
        true
    }

    pub(super) fn suspend_or_resume(&self, node: usize) {
        let world = &mut *self.world.borrow_mut();
        let is_suspended = !world.nodes[node].is_suspended;
        world.nodes[node].is_suspended = is_suspended;
        world.note(|_| format!("node {node} is {}", if is_suspended { "suspended" } else { "resumed" }));
    }

    /// Its row stays, and so do its calls that are under way.
    pub(super) fn kill(&mut self, node: usize) {
        self.actors.retain(|actor| actor.node != node);
        let world = &mut *self.world.borrow_mut();
        world.note(|_| format!("node {node} is killed"));
        world.nodes[node].is_alive = false;
        world.nodes[node].trusted.set(0);
        world.calls.iter_mut().filter(|call| call.node == node).for_each(|call| call.is_abandoned = true);
    }
}
