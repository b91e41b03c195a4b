//! One schedule: what happens next is drawn among all that may.

mod coincidences;
mod faults;
mod peace;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::changing::{Kind, change, settle};
use super::driver::drive;
use super::flaw::Flaw;
use super::store::{Answer, Op, TOKENS};
use super::verifying::verify;
use super::world::{Blocked, Call, Counted, Shared, Stage, World};
use crate::changes::Pulled;

/// Steps of a schedule before all faults end.
const STEPS: u64 = 400;
const MOST_VERIFICATIONS: usize = 5;
const MOST_PROBES: usize = 10;
const MOST_CHANGES: usize = 3;

pub(super) struct Schedule {
    world: Shared,
    actors: Vec<Actor>,
    focus: Focus,
    faults: Faults,
    /// Places among the actors, kept to be filled again.
    runnable: Vec<usize>,
}

struct Actor {
    run: Pin<Box<dyn Future<Output = ()>>>,
    node: usize,
    role: Role,
    blocked: Blocked,
    /// Its thread gets no time before this step.
    stalled_until: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Driver,
    Verification,
    Change,
}

/// What there is more of than of the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Races,
    Leases,
    Rejoining,
}

/// A fault without which a variant does not go wrong.
#[derive(Clone, Copy)]
pub(super) enum Needed {
    Cuts,
    Failovers,
    Holes,
    Messages,
    Pruning,
}

/// What may go wrong in this schedule: all at once would hide one behind the other.
struct Faults {
    messages: bool,
    suspensions: bool,
    cuts: bool,
    restarts: bool,
    failovers: bool,
    pruning: bool,
    holes: bool,
}

pub(super) struct Report {
    pub(super) counted: Counted,
    pub(super) violation: Option<String>,
    pub(super) trace: Vec<String>,
}

impl Schedule {
    pub(super) fn run(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> Report {
        let mut schedule = Schedule::new(seed, flaw, is_traced);
        for _ in 0..STEPS {
            schedule.step();
            if schedule.is_violated() {
                break;
            }
        }
        if !schedule.is_violated() {
            schedule.end_in_peace();
        }
        schedule.actors.clear();
        let world = &mut *schedule.world.borrow_mut();
        Report { counted: world.counted, violation: world.violation.take(), trace: world.trace() }
    }

    fn new(seed: u64, flaw: Option<Flaw>, is_traced: bool) -> Schedule {
        let mut world = World::new(seed, flaw, is_traced);
        let random = &mut world.random;
        let focus = random.any(&[Focus::Races, Focus::Leases, Focus::Rejoining]);
        // A variant goes wrong only in some: the sound protocol is run in all of them.
        let (focus, needed) = flaw.map_or((focus, None), Flaw::shows_in);
        let rejoins = focus == Focus::Rejoining;
        let mut faults = Faults {
            messages: !random.one_in(3),
            suspensions: random.one_in(2),
            cuts: random.one_in(2),
            restarts: random.one_in(2),
            failovers: random.one_in(if rejoins { 2 } else { 6 }),
            pruning: random.one_in(if rejoins { 2 } else { 6 }),
            holes: random.one_in(if rejoins { 3 } else { 6 }),
        };
        match needed {
            Some(Needed::Cuts) => faults.cuts = true,
            Some(Needed::Failovers) => faults.failovers = true,
            Some(Needed::Pruning) => faults.pruning = true,
            Some(Needed::Holes) => faults.holes = true,
            Some(Needed::Messages) => faults.messages = true,
            None => {}
        }
        if faults.pruning && random.one_in(2) {
            world.store.kept = 1;
        }
        let random = &mut world.random;
        let nodes = 2 + random.place(2);
        (0..nodes).for_each(|_| world.add_node());
        let world = Rc::new(RefCell::new(world));
        let mut schedule = Schedule {
            world,
            actors: Vec::with_capacity(12),
            focus,
            faults,
            runnable: Vec::with_capacity(12),
        };
        (0..nodes).for_each(|node| schedule.spawn_driver(node));
        let starts_cold = if rejoins { 2 } else { 8 };
        if !schedule.world.borrow_mut().random.one_in(starts_cold) {
            schedule.warm_up();
        }
        schedule
    }

    fn is_violated(&self) -> bool {
        self.world.borrow().violation.is_some()
    }

    fn spawn(&mut self, node: usize, role: Role, run: impl Future<Output = ()> + 'static) {
        self.actors.push(Actor {
            run: Box::pin(run),
            node,
            role,
            blocked: Blocked::Nothing,
            stalled_until: 0,
        });
    }

    fn spawn_driver(&mut self, node: usize) {
        let run = drive(self.world.clone(), node);
        self.spawn(node, Role::Driver, run);
    }

    fn number_of(&self, role: Role) -> usize {
        self.actors.iter().filter(|actor| actor.role == role).count()
    }

    // ---- One step

    fn step(&mut self) {
        self.world.borrow_mut().counted.steps += 1;
        let drawn = self.world.borrow_mut().random.below(100);
        self.probe();
        match (self.focus, drawn) {
            (_, 0..72) if drawn % 3 < 2 => self.run_any(),
            (_, 0..72) => self.move_a_call(),
            (Focus::Leases, 72..80) | (_, 72..76) => self.let_time_pass(),
            (Focus::Races, 76..90) | (Focus::Leases, 80..93) | (Focus::Rejoining, 76..91) => {
                self.begin_verification();
            }
            (Focus::Races, 90..99) | (Focus::Leases, 93..98) | (Focus::Rejoining, 91..97) => {
                self.begin_change()
            }
            _ => self.fault(),
        }
    }

    fn run_any(&mut self) {
        self.find_runnable();
        if self.runnable.is_empty() {
            self.world.borrow_mut().now_ms += 1;
            return;
        }
        let (place, steps) = {
            let random = &mut self.world.borrow_mut().random;
            let steps = if random.one_in(2) { 1 } else { 1 + random.below(6) };
            (self.runnable[random.place(self.runnable.len())], steps)
        };
        for _ in 0..steps {
            if self.run_one(place) {
                return;
            }
            if self.actors[place].blocked != Blocked::Nothing {
                break;
            }
        }
        let world = &mut *self.world.borrow_mut();
        if world.random.one_in(16) {
            self.actors[place].stalled_until = world.counted.steps + world.random.below(150);
        }
    }

    fn find_runnable(&mut self) {
        let world = self.world.borrow();
        self.runnable.clear();
        for (place, actor) in self.actors.iter().enumerate() {
            let node = &world.nodes[actor.node];
            let is_stalled = actor.stalled_until > world.counted.steps && !world.is_calm;
            let may = !node.is_suspended
                && !is_stalled
                && match actor.blocked {
                    Blocked::Nothing => true,
                    Blocked::Call(call) => world.has_answer(call),
                    Blocked::Flight(flight) => node.memory.landing(flight).is_some(),
                    Blocked::Until(until_ms) => {
                        world.now_ms >= until_ms || (node.is_nudged && actor.role == Role::Driver)
                    }
                };
            if may {
                self.runnable.push(place);
            }
        }
    }

    /// Says whether it has come to its end, which leaves its place to another.
    fn run_one(&mut self, place: usize) -> bool {
        self.world.borrow_mut().blocking = Blocked::Nothing;
        let actor = &mut self.actors[place];
        match actor.run.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => {
                actor.blocked = self.world.borrow().blocking;
                false
            }
            Poll::Ready(()) => {
                drop(self.actors.swap_remove(place));
                true
            }
        }
    }

    fn move_a_call(&mut self) {
        let shared = self.world.clone();
        let mut borrowed = shared.borrow_mut();
        let world = &mut *borrowed;
        let places = world.calls.len();
        let first = world.random.place(places);
        let is_moving = |place: &usize| world.calls[*place].stalled_until <= world.counted.steps;
        let Some(place) = (first..places).chain(0..first).find(is_moving) else { return };
        let often = matches!(world.calls[place].op, Op::Join { .. } | Op::Update { .. } | Op::Strike { .. });
        if world.random.one_in(if often { 3 } else { 16 }) {
            world.calls[place].stalled_until = world.counted.steps + world.random.below(200);
        }
        // Whoever is cut off is told of it, or not.
        if world.nodes[world.calls[place].node].is_cut {
            match world.random.below(12) {
                0..3 => world.lose(place),
                3 => world.give_up(place),
                _ => {}
            }
            return;
        }
        let fault = if self.faults.messages { world.random.below(100) } else { 100 };
        match (&world.calls[place].stage, fault) {
            (_, 0..4) => world.give_up(place),
            (Stage::Open, 4..10) => world.abort(place),
            (Stage::Open, _) => {
                let call = world.calls[place].id;
                let open = world.store.open.iter().position(|open| open.call == call);
                world.commit(open.expect("a transaction of the store"));
                // Hints may come, or not.
                for node in 0..world.nodes.len() {
                    world.nodes[node].is_nudged |= world.random.one_in(2);
                }
            }
            (_, 4..9) => world.lose(place),
            (Stage::Asked, 9..16) => world.execute_twice(place),
            (Stage::Asked, _) if self.focus == Focus::Rejoining && !world.calls[place].is_abandoned => {
                let Call { node, op, .. } = world.calls[place];
                if matches!(op, Op::Join { .. }) && world.nodes[node].is_alive && world.random.one_in(3) {
                    let stalled_until = world.counted.steps + world.random.below(60);
                    world.calls[place].stalled_until = stalled_until;
                    drop(borrowed);
                    return self.join_late(node);
                }
                world.execute(place);
            }
            (Stage::Asked, _) => world.execute(place),
            (Stage::Answered(Answer::Pulled(Pulled::Gap)), _) if self.focus == Focus::Rejoining => {
                let node = world.calls[place].node;
                world.deliver(place);
                drop(borrowed);
                self.begin_before_a_gap_is_told(node);
            }
            (Stage::Answered(_), _) => world.deliver(place),
        }
    }

    /// Often to where something ends: to just before the trust of a node, or to where whoever waits
    /// wakes.
    fn let_time_pass(&mut self) {
        let world = &mut *self.world.borrow_mut();
        let ms = match world.random.below(32) {
            0..24 => world.random.below(8),
            24..26 => world.random.below(100),
            26.. if self.focus != Focus::Leases => world.random.below(30),
            26 => world.random.below(1_500),
            27 if self.faults.suspensions => world.random.below(12_000),
            27 => world.random.below(400),
            28..30 => {
                let node = world.random.place(world.nodes.len());
                let left_ms = world.nodes[node].trusted.left_ms(world.clock_ms(node));
                let until_ms = world.after(node, left_ms);
                (until_ms - world.now_ms).saturating_sub(world.random.below(60))
            }
            _ => {
                let wakes = self.actors.iter().filter_map(|actor| match actor.blocked {
                    Blocked::Until(until_ms) => until_ms.checked_sub(world.now_ms),
                    _ => None,
                });
                wakes.min().unwrap_or(1)
            }
        };
        world.now_ms += ms;
    }

    fn begin_verification(&mut self) {
        let (node, token) = self.any_place();
        let is_alive = self.world.borrow().nodes[node].is_alive;
        if is_alive && self.number_of(Role::Verification) < MOST_VERIFICATIONS {
            let run = verify(self.world.clone(), node, token);
            self.spawn(node, Role::Verification, run);
            if self.world.borrow_mut().random.one_in(6) {
                self.begin_and_stall();
            }
        }
    }

    /// A change has returned: what do the nodes say?
    fn probe(&mut self) {
        let Some(token) = self.world.borrow_mut().returned.take() else { return };
        let nodes = self.world.borrow().nodes.len();
        for node in 0..nodes {
            let (may, steps) = {
                let world = &mut *self.world.borrow_mut();
                let may = world.nodes[node].is_alive && !world.nodes[node].is_suspended;
                (may, world.random.below(5))
            };
            if may && self.number_of(Role::Verification) < MOST_PROBES {
                self.spawn(node, Role::Verification, verify(self.world.clone(), node, token));
                let place = self.actors.len() - 1;
                for _ in 0..steps {
                    if self.run_one(place) || self.actors[place].blocked != Blocked::Nothing {
                        break;
                    }
                }
            }
        }
    }

    fn begin_change(&mut self) {
        let (node, token) = self.any_place();
        let is_alive = self.world.borrow().nodes[node].is_alive;
        if is_alive && self.number_of(Role::Change) < MOST_CHANGES {
            let world = self.world.clone();
            let is_unsettled = world.borrow().nodes[node].memory.unsettled(token).is_some();
            if is_unsettled && world.borrow_mut().random.one_in(2) {
                return self.spawn(node, Role::Change, settle(world, node, token));
            }
            let is_no_op = world.borrow_mut().random.one_in(3);
            let kind = if is_no_op { Kind::NoOp } else { Kind::New };
            self.spawn(node, Role::Change, change(world.clone(), node, token, kind));
            let (other, _) = self.any_place();
            let is_pair = world.borrow_mut().random.one_in(3) && world.borrow().nodes[other].is_alive;
            if is_pair {
                self.spawn(other, Role::Change, change(world, other, TOKENS - 1 - token, Kind::New));
            }
        }
    }

    fn any_place(&mut self) -> (usize, usize) {
        let world = &mut *self.world.borrow_mut();
        let nodes = world.nodes.len();
        // One of them more often, so that more meets.
        let token = if world.random.one_in(2) { 0 } else { world.random.place(TOKENS) };
        (world.random.place(nodes), token)
    }
}
