//! A node renews its lease: as `tokens/fleet.rs` does.

use super::super::{Event, Member, Step, Vigil};
use super::flaw::Flaw;
use super::store::{Answer, Op, TOKENS, token_of};
use super::world::{Lost, Shared, ask, pause, rest};
use crate::changes::{Position, Pulled};

struct Driver {
    world: Shared,
    node: usize,
    member: Member,
    vigil: Vigil,
    look_at_ms: u64,
    /// When the round began that is under way, for [`Flaw::TrustFromAfter`].
    began_ms: u64,
}

pub(super) async fn drive(world: Shared, node: usize) {
    let lease = world.borrow().nodes[node].lease;
    let (member, vigil) = (Member::new(lease), Vigil::new(lease));
    let mut driver = Driver { world, node, member, vigil, look_at_ms: 0, began_ms: 0 };
    loop {
        let renewed = driver.renew().await;
        let every_ms = {
            let mut world = driver.world.borrow_mut();
            let every_ms = world.nodes[node].lease.renewed_every().as_millis() as u64;
            world.nodes[node].is_nudged = false;
            world.nodes[node].rounds += u32::from(renewed.is_ok());
            if renewed.is_ok() { every_ms } else { every_ms.min(250) }
        };
        rest(&driver.world, node, every_ms).await;
        if driver.world.borrow().nodes[node].is_leaving {
            driver.obey(Event::Leaving).await;
            let id = driver.world.borrow().nodes[node].id;
            let _ = ask(&driver.world, node, Op::Leave { node: id }).await;
            return;
        }
        if driver.world.borrow().is(Flaw::TrustIsAFlag) {
            let world = &mut *driver.world.borrow_mut();
            let now_ms = world.clock_ms(node);
            world.nodes[node].flag &= world.nodes[node].trusted.holds(now_ms);
        }
    }
}

impl Driver {
    async fn ask(&self, op: Op) -> Result<Answer, Lost> {
        ask(&self.world, self.node, op).await
    }

    async fn renew(&mut self) -> Result<(), Lost> {
        let mut event = Event::Due;
        let mut has_row_to_write = false;
        loop {
            let step = self.obey(event).await;
            let asked = self.follow(step, &mut has_row_to_write).await;
            event = match asked {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(Lost) => {
                    self.obey(Event::Failed).await;
                    self.vigil.interrupted();
                    return Err(Lost);
                }
            };
        }
        if has_row_to_write {
            let world = self.world.clone();
            let (node, lease_ms) = {
                let world = world.borrow();
                (world.nodes[self.node].id, world.nodes[self.node].lease.length_ms())
            };
            self.ask(Op::Join { node, lease_ms }).await?;
        }
        self.look_for_others().await
    }

    /// Asks the store what a step needs.
    async fn follow(&mut self, step: Step, has_row_to_write: &mut bool) -> Result<Option<Event>, Lost> {
        let (id, lease_ms, flaw) = {
            let world = self.world.borrow();
            (world.nodes[self.node].id, world.nodes[self.node].lease.length_ms(), world.flaw)
        };
        Ok(Some(match step {
            Step::Join if flaw == Some(Flaw::RowAfterPull) => {
                *has_row_to_write = true;
                Event::Joined(position(self.ask(Op::Newest).await?))
            }
            Step::Join => Event::Joined(position(self.ask(Op::Join { node: id, lease_ms }).await?)),
            Step::Pull(after) => {
                let without_row = *has_row_to_write;
                let Answer::Pulled(pulled) = self.ask(Op::Pull { node: id, after, without_row }).await?
                else {
                    unreachable!("asked for changes");
                };
                Event::Pulled(pulled)
            }
            Step::Apply { tokens, acknowledge } => {
                for token in tokens.iter().filter_map(token_of) {
                    self.changed_elsewhere(token).await;
                }
                self.ask(Op::Acknowledge { node: id, position: acknowledge }).await?;
                Event::Acknowledged
            }
            Step::Rest | Step::Leave => return Ok(None),
        }))
    }

    async fn changed_elsewhere(&self, token: usize) {
        {
            let world = &mut *self.world.borrow_mut();
            world.note(|_| format!("node {} hears that token {token} was changed", self.node));
            world.nodes[self.node].memory.spoil(token, world.flaw);
        }
        pause().await;
        self.world.borrow_mut().nodes[self.node].memory.distrust(token);
        pause().await;
    }

    /// Does at once what a step asks for: "at once" is as long as the schedule likes.
    async fn obey(&mut self, event: Event) -> Step {
        let node = self.node;
        let (is_due, has_joined) = (matches!(event, Event::Due), matches!(event, Event::Joined(_)));
        let is_gap = matches!(event, Event::Pulled(Pulled::Gap));
        let now_ms = self.world.borrow().clock_ms(node);
        pause().await;
        if is_due {
            self.began_ms = now_ms;
        }
        let outcome = self.member.step(event, now_ms);
        if outcome.untrust {
            let world = &mut *self.world.borrow_mut();
            world.note(|_| format!("node {node} trusts its memory no more"));
            world.nodes[node].trusted.set(0);
            world.nodes[node].flag = false;
        }
        let distrusts_late = self.world.borrow().is(Flaw::DistrustOnlyBeforeJoining) && has_joined;
        if outcome.distrust_all && !distrusts_late {
            pause().await;
            self.distrust_all().await;
        }
        {
            let world = &mut *self.world.borrow_mut();
            world.nodes[node].applied = self.member.applied();
            if has_joined {
                world.remembered(node);
            }
            if is_gap {
                world.note(|_| format!("node {node} finds a gap"));
            }
        }
        if let Some(mut until_ms) = outcome.trust_until_ms {
            pause().await;
            let world = &mut *self.world.borrow_mut();
            let lease = world.nodes[node].lease;
            match world.flaw {
                Some(Flaw::TrustFromAfter) => until_ms += now_ms - self.began_ms,
                Some(Flaw::NoMargin) => until_ms += u64::from(lease.length_ms()) - lease.trust_ms(),
                _ => {}
            }
            world.nodes[node].trusted.set(until_ms);
            world.nodes[node].flag = true;
            world.note(|world| {
                let left_ms = world.nodes[node].trusted.left_ms(world.clock_ms(node));
                format!("node {node} trusts its memory for {left_ms} ms")
            });
        }
        outcome.step
    }

    async fn distrust_all(&self) {
        let node = self.node;
        {
            let world = &mut *self.world.borrow_mut();
            world.note(|_| format!("node {node} distrusts everything"));
            world.nodes[node].memory.mark_all(world.flaw);
        }
        pause().await;
        for token in 0..TOKENS {
            self.world.borrow_mut().nodes[node].memory.distrust(token);
            pause().await;
        }
        let world = &mut *self.world.borrow_mut();
        world.nodes[node].memory.unmark_all(world.flaw);
    }

    async fn look_for_others(&mut self) -> Result<(), Lost> {
        let now_ms = self.world.borrow().clock_ms(self.node);
        if now_ms < self.look_at_ms {
            return Ok(());
        }
        let Answer::Roll(roll) = self.ask(Op::RollCall).await? else { unreachable!("asked who is there") };
        let (id, every_ms, now_again_ms) = {
            let world = self.world.borrow();
            let node = &world.nodes[self.node];
            (node.id, node.lease.renewed_every().as_millis() as u64, world.clock_ms(self.node))
        };
        self.look_at_ms = now_ms + every_ms;
        pause().await;
        for (node, counter) in self.vigil.look(&roll.nodes, id, now_again_ms) {
            self.ask(Op::Strike { node, counter }).await?;
        }
        Ok(())
    }
}

fn position(answer: Answer) -> Position {
    let Answer::Joined(position) = answer else { unreachable!("asked to join") };
    position
}
