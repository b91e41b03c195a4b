//! From the outbox to the hook.
//!
//! An event is taken from the store for a minute, so that no other node delivers it meanwhile, and
//! given to the hook on a spawner: nothing waits for it. Only when the hook has answered and the
//! store was told so does it not come again.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::flight::Flight;
use super::hook::Hook;
use super::recent::Recent;
use crate::clock::{Clock, Reading};
use crate::tokens::Engine;
use crate::usage::UsageStore;
use crate::{Event, Spawner, StoreError};

/// A hook that has not answered within this time is dropped, and its event comes again.
pub(super) const ANSWERS_WITHIN_MS: u64 = 30_000;

/// An event is taken for so long: longer than a hook may need, so that it is not given to another
/// node while this one still waits.
const TAKEN_FOR: TimeDelta = TimeDelta::minutes(1);

/// At most so many events are with the hook at once.
const AT_ONCE: usize = 20;

/// How often the outbox is asked for what was postponed, while nothing new comes.
const ASKED_EVERY_MS: u64 = 10_000;

/// An event that could not be delivered comes again after a minute, then after two, and so on up
/// to an hour.
const COMES_AGAIN: TimeDelta = TimeDelta::minutes(1);
const COMES_AGAIN_AT_MOST: TimeDelta = TimeDelta::hours(1);

/// Of so many events at least it is known how often they have failed; others begin anew.
const FAILURES: usize = 5_000;

pub(super) struct Delivery {
    hook: Arc<Hook>,
    spawner: Spawner,
    state: Arc<Mutex<State>>,
}

struct State {
    flights: HashMap<String, Arc<Flight>>,
    /// Delivered, and the store could not be told yet.
    untold: HashSet<String>,
    failures: Recent<String, u32>,
    /// When the outbox was last asked, by the monotonic hand.
    asked_ms: Option<u64>,
    /// Whether the outbox may have more than was taken from it.
    has_more: bool,
}

impl Delivery {
    pub(super) fn new(hook: Hook, spawner: Option<Spawner>) -> Delivery {
        let spawner = hook.spawner(spawner);
        let state = State {
            flights: HashMap::new(),
            untold: HashSet::new(),
            failures: Recent::new(FAILURES),
            asked_ms: None,
            has_more: false,
        };
        Delivery { hook: Arc::new(hook), spawner, state: Arc::new(Mutex::new(state)) }
    }

    /// Something was announced: the outbox is asked at once.
    pub(super) fn announced(&self) {
        lock(&self.state).has_more = true;
    }

    /// Ends what is overdue, and says what the store is still to be told of.
    fn look(&self, now: Reading) -> Vec<String> {
        let (flights, untold) = {
            let state = lock(&self.state);
            (state.flights.values().cloned().collect::<Vec<_>>(), state.untold.iter().cloned().collect())
        };
        // Without the lock: waking may run what takes it.
        flights.iter().for_each(|flight| flight.end_if_overdue(now.monotonic_ms));
        untold
    }

    /// How many events are to be taken now.
    fn room(&self, now: Reading) -> usize {
        let mut state = lock(&self.state);
        let waited = |asked: u64| now.monotonic_ms < asked || now.monotonic_ms - asked >= ASKED_EVERY_MS;
        if !state.has_more && !state.asked_ms.is_none_or(waited) {
            return 0;
        }
        let room = AT_ONCE.saturating_sub(state.flights.len() + state.untold.len());
        if room > 0 {
            state.asked_ms = Some(now.monotonic_ms);
        }
        room
    }

    fn start(&self, event: Event, taken_until: DateTime<Utc>, engine: &Engine) {
        let flight = Arc::new(Flight::default());
        {
            let mut state = lock(&self.state);
            // It was taken again, while the hook still has it or the store could not be told.
            if state.flights.contains_key(&event.id) || state.untold.contains(&event.id) {
                return;
            }
            state.flights.insert(event.id.clone(), flight.clone());
        }
        let task = Task {
            id: event.id.clone(),
            state: self.state.clone(),
            flight,
            usage: engine.usage.clone(),
            clock: engine.clock.clone(),
        };
        let hook = self.hook.clone();
        let run = async move { task.run(&hook, event, taken_until).await };
        // One that finds its runtime by the thread it is called on does not find it here. That must
        // not end the thread that flushes.
        if catch_unwind(AssertUnwindSafe(|| self.spawner.spawn(run))).is_err() {
            tracing::error!(
                "the spawner panicked: for hooks it must work on any thread; the event comes again"
            );
        }
    }
}

impl Engine {
    /// Takes events from the outbox and gives them to the hook.
    pub(super) async fn deliver(&self, delivery: &Delivery, now: Reading) -> Result<(), StoreError> {
        for id in delivery.look(now) {
            self.usage.delivered(&id, now.wall()).await?;
            lock(&delivery.state).untold.remove(&id);
        }
        let room = delivery.room(now);
        if room == 0 {
            return Ok(());
        }
        let taken_until = now.wall().checked_add_signed(TAKEN_FOR).unwrap_or(now.wall());
        let due = self.usage.due(now.wall(), taken_until, room as u32).await?;
        lock(&delivery.state).has_more = !due.is_empty();
        due.into_iter().for_each(|event| delivery.start(event, taken_until, self));
        Ok(())
    }
}

/// One delivery, which ends with this: also where the spawner drops it half way.
struct Task {
    id: String,
    state: Arc<Mutex<State>>,
    flight: Arc<Flight>,
    usage: Arc<dyn UsageStore>,
    clock: Arc<dyn Clock>,
}

impl Task {
    async fn run(self, hook: &Hook, event: Event, taken_until: DateTime<Utc>) {
        let now = self.clock.now();
        let answers_within = TimeDelta::milliseconds(ANSWERS_WITHIN_MS as i64);
        if taken_until - now.wall() < answers_within {
            // It has waited too long for its turn: another node may have it before the hook is done.
            return;
        }
        let outcome = self.flight.run(hook.call(event), now.monotonic_ms).await;
        match outcome {
            Ok(()) => self.tell_delivered().await,
            Err(why) => self.postpone(&why).await,
        }
    }

    async fn tell_delivered(&self) {
        lock(&self.state).untold.insert(self.id.clone());
        match self.usage.delivered(&self.id, self.clock.now().wall()).await {
            Ok(()) => {
                let mut state = lock(&self.state);
                state.untold.remove(&self.id);
                // The next event of the same token may go now.
                state.has_more = true;
            }
            Err(error) => {
                tracing::warn!(event = self.id, %error, "an event was delivered, and the store is told later");
            }
        }
    }

    async fn postpone(&self, why: &str) {
        let failures = lock(&self.state).failed(&self.id);
        if failures == 1 {
            tracing::warn!(event = self.id, why, "an event could not be delivered; it comes again");
        }
        let wait = (COMES_AGAIN * (1 << (failures - 1).min(6))).min(COMES_AGAIN_AT_MOST);
        let now = self.clock.now().wall();
        let until = now.checked_add_signed(wait).unwrap_or(now);
        if let Err(error) = self.usage.postpone(&self.id, until).await {
            tracing::debug!(event = self.id, %error, "an event comes again sooner than it should");
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        lock(&self.state).flights.remove(&self.id);
    }
}

impl State {
    /// How often this event has failed, this time with it.
    fn failed(&mut self, id: &str) -> u32 {
        let failures = self.failures.value(&id.to_owned()).map_or(1, |failures| failures.saturating_add(1));
        self.failures.insert(id.to_owned(), failures);
        failures
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
