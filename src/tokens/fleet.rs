//! A node among others: its lease, what others have changed, and waiting until they have heeded it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::change::Heeded;
use super::{Engine, Tokens};
use crate::changes::{ChangeFeed, Hint, NodeRow};
use crate::executor::{Baton, Nudge, Timer, Woken, block_on};
use crate::fleet::{Event, Lease, Member, Step, Trusted, Vigil, Waited, Waiting};
use crate::{Error, NodeId, StoreError};

/// A node among others.
pub(super) struct Fleet {
    feed: Arc<dyn ChangeFeed>,
    node: NodeId,
    pub(super) lease: Lease,
    trusted: Trusted,
    /// One round at a time.
    round: Baton<Round>,
    /// Up to which number everything is applied; `u64::MAX` where the node cannot tell.
    applied: AtomicU64,
    /// Who was there when it was last looked.
    nodes: Mutex<Vec<NodeRow>>,
    timer: Timer,
    nudge: Arc<Nudge>,
}

/// What goes from one round to the next.
struct Round {
    member: Member,
    vigil: Vigil,
    /// When others are to be looked for again, on the clock of leases.
    look_at_ms: u64,
    has_left: bool,
}

/// Up to where a node has applied everything.
///
/// What is ahead of it is not kept in memory: a failover may take it back, and the node could not notice,
/// since its own place in the order of changes is still there then.
pub(super) struct Applied(Option<u64>);

impl Applied {
    pub(super) fn reaches(&self, number: u64) -> bool {
        self.0.is_none_or(|applied| number <= applied)
    }
}

/// Changes are pulled in pieces of so many.
const PIECE: u32 = 1_000;
/// Whoever waits for others looks again after this time, then after twice as long, and so on.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);
/// A round that has failed is tried again after this time.
const RETRIED_AFTER: Duration = Duration::from_millis(250);
/// Without hints a lease is renewed so many times as often.
const WITHOUT_HINTS: u32 = 5;

impl Fleet {
    pub(super) fn new(feed: Arc<dyn ChangeFeed>, node: NodeId, lease: Lease) -> Fleet {
        let round =
            Round { member: Member::new(lease), vigil: Vigil::new(lease), look_at_ms: 0, has_left: false };
        Fleet {
            feed,
            node,
            lease,
            trusted: Trusted::default(),
            round: Baton::new(round),
            applied: AtomicU64::new(u64::MAX),
            nodes: Mutex::default(),
            timer: Timer::default(),
            nudge: Arc::default(),
        }
    }

    pub(super) fn applied(&self) -> Option<u64> {
        Some(self.applied.load(Ordering::Acquire)).filter(|number| *number != u64::MAX)
    }

    pub(super) fn trusted_for_ms(&self, now_ms: u64) -> u64 {
        self.trusted.left_ms(now_ms)
    }

    pub(super) fn gives_hints(&self) -> bool {
        self.feed.gives_hints()
    }

    /// Those who were there when it was last looked, this node perhaps among them.
    pub(super) fn nodes(&self) -> MutexGuard<'_, Vec<NodeRow>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Whether what is in memory may be believed by a verification that begins now.
    #[inline]
    pub(super) fn believes_memory(&self) -> bool {
        match &self.fleet {
            None => true,
            Some(fleet) => fleet.trusted.holds(self.clock.boottime_ms()),
        }
    }

    /// Up to where the node has applied everything, before a token is read from the store.
    pub(super) fn applied(&self) -> Applied {
        Applied(self.fleet.as_ref().map(|fleet| fleet.applied().unwrap_or(0)))
    }

    /// Renews the lease, and heeds what others have changed until now. Nothing where there is none.
    pub(super) async fn renew_lease(&self) -> Result<(), StoreError> {
        let Some(fleet) = &self.fleet else { return Ok(()) };
        let mut round = fleet.round.take().await;
        if round.has_left {
            return Ok(());
        }
        let mut event = Event::Due;
        loop {
            event = match self.obey(fleet, &mut round.member, event) {
                Step::Join => match fleet.feed.join(fleet.node, fleet.lease.length_ms()).await {
                    Ok(position) => Event::Joined(position),
                    Err(error) => return self.failed(fleet, &mut round, error),
                },
                Step::Pull(position) => match fleet.feed.pull(fleet.node, position, PIECE).await {
                    Ok(pulled) => Event::Pulled(pulled),
                    Err(error) => return self.failed(fleet, &mut round, error),
                },
                Step::Apply { tokens, acknowledge } => {
                    tokens.iter().for_each(|id| self.live.changed_elsewhere(id));
                    match fleet.feed.acknowledge(fleet.node, acknowledge).await {
                        Ok(()) => Event::Acknowledged,
                        Err(error) => return self.failed(fleet, &mut round, error),
                    }
                }
                Step::Rest | Step::Leave => break,
            };
        }
        // The lease is renewed whatever comes of this, and it is tried again with the next round.
        if let Err(error) = self.look_for_others(fleet, &mut round).await {
            tracing::debug!(%error, "the rows of the nodes could not be read");
        }
        Ok(())
    }

    /// Does at once what a step asks for, and gives what takes asking the store.
    fn obey(&self, fleet: &Fleet, member: &mut Member, event: Event) -> Step {
        let outcome = member.step(event, self.clock.boottime_ms());
        if outcome.untrust {
            fleet.trusted.set(0);
        }
        if outcome.distrust_all {
            self.live.mark_all().finish();
        }
        fleet.applied.store(member.applied().unwrap_or(u64::MAX), Ordering::Release);
        if let Some(until_ms) = outcome.trust_until_ms {
            fleet.trusted.set(until_ms);
        }
        outcome.step
    }

    fn failed(&self, fleet: &Fleet, round: &mut Round, error: StoreError) -> Result<(), StoreError> {
        self.obey(fleet, &mut round.member, Event::Failed);
        round.vigil.interrupted();
        Err(error)
    }

    /// Learns who is there, and deletes the rows of the dead, as often as the lease is renewed.
    async fn look_for_others(&self, fleet: &Fleet, round: &mut Round) -> Result<(), StoreError> {
        let now_ms = self.clock.boottime_ms();
        if now_ms < round.look_at_ms {
            return Ok(());
        }
        let roll = fleet.feed.roll_call().await?;
        let every_ms = u64::try_from(fleet.lease.renewed_every().as_millis()).unwrap_or(u64::MAX);
        round.look_at_ms = now_ms.saturating_add(every_ms);
        for (node, counter) in round.vigil.look(&roll.nodes, fleet.node, self.clock.boottime_ms()) {
            if fleet.feed.strike(node, counter).await? {
                tracing::warn!(%node, "a node has not renewed its lease; it counts as dead");
            }
        }
        *fleet.nodes() = roll.nodes;
        Ok(())
    }

    /// Trusts its memory no more, and deletes its row, so that nobody waits for it.
    pub(super) async fn leave_fleet(&self) -> Result<(), StoreError> {
        let Some(fleet) = &self.fleet else { return Ok(()) };
        let mut round = fleet.round.take().await;
        round.has_left = true;
        self.obey(fleet, &mut round.member, Event::Leaving);
        fleet.feed.leave(fleet.node).await
    }

    /// Waits until every node has heeded the change with this number, which is committed.
    pub(super) async fn heeded_everywhere(&self, number: u64, heeded: Heeded) -> Result<(), Error> {
        let Some(fleet) = self.fleet.as_ref().filter(|_| heeded == Heeded::ByAll) else { return Ok(()) };
        let mut waiting = Waiting::new(number, fleet.node, self.clock.boottime_ms());
        let mut pause = FIRST_LOOK;
        loop {
            let waited = match fleet.feed.roll_call().await {
                Ok(roll) => waiting.hears(&roll, self.clock.boottime_ms()),
                // The change is made. Until the store is back, time alone tells.
                Err(_) => waiting.looks(self.clock.boottime_ms()),
            };
            match waited {
                Waited::Heeded => return Ok(()),
                Waited::Lost => {
                    return Err(StoreError::outcome_unknown(
                        "the database no longer has the change: it was promoted or restored from a state before it",
                    )
                    .into());
                }
                Waited::NotYet => fleet.timer.sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_LOOK);
        }
    }

    /// Waits until every node has heeded every change that was committed before now.
    pub(super) async fn all_heeded_everywhere(&self, heeded: Heeded) -> Result<(), Error> {
        let Some(fleet) = self.fleet.as_ref().filter(|_| heeded == Heeded::ByAll) else { return Ok(()) };
        let last = loop {
            match fleet.feed.roll_call().await {
                Ok(roll) => break roll.last_number,
                Err(_) => fleet.timer.sleep(LONGEST_LOOK).await,
            }
        };
        self.heeded_everywhere(last, heeded).await
    }
}

impl Tokens {
    /// Waits until every node has heeded every change that was committed before now: once, behind many
    /// changes that were made without waiting.
    #[cfg(feature = "admin")]
    pub(crate) async fn heeded_everywhere(&self) -> Result<(), Error> {
        self.engine().all_heeded_everywhere(Heeded::ByAll).await
    }
}

/// The thread that renews the lease. It ends, and leaves the fleet, when this is dropped.
pub(super) struct Leasing(Arc<Nudge>);

impl Leasing {
    /// None where there is no lease, or no thread can be had: the store is then asked on every
    /// verification, and a line says so.
    pub(super) fn start(engine: &Arc<Engine>) -> Option<Leasing> {
        let fleet = engine.fleet.as_ref()?;
        let nudge = fleet.nudge.clone();
        let wanted = Arc::downgrade(&nudge);
        fleet.feed.listen(Hint::new(move || wanted.upgrade().map(|nudge| nudge.nudge()).is_some()));
        let (engine, resting) = (engine.clone(), nudge.clone());
        let run = move || engine.renew_for_ever(&resting);
        match thread::Builder::new().name("tokenward-lease".into()).spawn(run) {
            Ok(_) => Some(Leasing(nudge)),
            Err(error) => {
                tracing::error!(%error, "no thread could be started that renews the lease of this node");
                None
            }
        }
    }
}

impl Drop for Leasing {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Engine {
    fn renew_for_ever(self: Arc<Self>, nudge: &Nudge) {
        let Some(fleet) = &self.fleet else { return };
        let mut is_failing = false;
        loop {
            let begun = Instant::now();
            let renewed = block_on(async {
                self.open().await?;
                self.renew_lease().await
            });
            let rest = match &renewed {
                Ok(()) if fleet.gives_hints() => fleet.lease.renewed_every(),
                Ok(()) => fleet.lease.renewed_every() / WITHOUT_HINTS,
                Err(_) => RETRIED_AFTER,
            };
            match renewed {
                Err(error) if !is_failing => {
                    is_failing = true;
                    let left_ms = fleet.trusted_for_ms(self.clock.boottime_ms());
                    tracing::warn!(%error, left_ms, "the lease of this node cannot be renewed");
                }
                Ok(()) if is_failing => {
                    is_failing = false;
                    tracing::info!("the lease of this node is renewed again");
                }
                _ => {}
            }
            if nudge.rest_until(begun + rest) == Woken::Stopped {
                break;
            }
        }
        if let Err(error) = block_on(self.leave_fleet()) {
            tracing::warn!(%error, "the row of this node could not be deleted; others wait until its lease is over");
        }
    }
}
