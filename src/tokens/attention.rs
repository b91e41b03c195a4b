//! What deserves somebody's attention: found, kept in the outbox until it is delivered, and given
//! to the host's hook.
//!
//! All of it is done beside the flush, in small pieces: nothing per request, and a bounded number
//! of questions to the stores each time.

pub(super) mod clients;
mod delivery;
mod expiring;
mod flight;
mod found;
mod hook;
mod judged;
mod noticed;
mod recent;
mod settings;
pub(super) mod shared;
mod unused;

pub(super) use hook::Hook;
pub use settings::Attention;

use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use super::Engine;
use crate::clock::Reading;
use crate::recording::Recording;
use crate::usage::UsageBatch;
use crate::{Event, Spawner, StoreError};
use delivery::Delivery;
use expiring::ExpiringRounds;
use noticed::Noticed;
use recent::Recent;
use unused::UnusedRound;

/// At most so many tokens are looked at in one piece of a round.
const PAGE: u32 = 200;

/// What is there where the host has a hook, and only there.
pub(super) struct Watch {
    settings: Attention,
    /// For how long the outbox knows what it has delivered.
    events_kept: TimeDelta,
    clients_kept: TimeDelta,
    noticed: Mutex<Noticed>,
    /// Where the rounds stand; none while somebody is at it.
    rounds: Mutex<Option<Box<Rounds>>>,
    delivery: Delivery,
}

/// Where everything stands that goes on from one time to the next.
struct Rounds {
    expiring: ExpiringRounds,
    unused: UnusedRound,
    /// The ids of events that the outbox was given: it need not be asked again.
    announced: Recent<String>,
    /// Whether anything was announced this time.
    has_news: bool,
}

impl Watch {
    /// `spawner` is what the host has named for its hooks to run on.
    pub(super) fn new(
        hook: Hook,
        settings: Attention,
        recording: &Recording,
        spawner: Option<Spawner>,
    ) -> Watch {
        let rounds = Rounds {
            expiring: ExpiringRounds::default(),
            unused: UnusedRound::default(),
            announced: Recent::new(10_000),
            has_news: false,
        };
        Watch {
            settings,
            events_kept: recording.retention.events_kept(),
            clients_kept: recording.retention.clients,
            noticed: Mutex::new(Noticed::new()),
            rounds: Mutex::new(Some(Box::new(rounds))),
            delivery: Delivery::new(hook, spawner),
        }
    }

    /// The rounds, unless somebody else goes on with them.
    fn rounds(&self) -> Option<Going<'_>> {
        let rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Going { watch: self, rounds: Some(rounds) })
    }
}

/// Rounds that somebody goes on with: they are put back, also where that is dropped half way.
struct Going<'a> {
    watch: &'a Watch,
    rounds: Option<Box<Rounds>>,
}

impl Drop for Going<'_> {
    fn drop(&mut self) {
        *self.watch.rounds.lock().unwrap_or_else(PoisonError::into_inner) = self.rounds.take();
    }
}

impl Engine {
    /// The store has taken this batch.
    pub(super) fn noticed(&self, batch: &UsageBatch) {
        if let Some(watch) = &self.watch {
            noticed::lock(&watch.noticed).notice(batch);
        }
    }

    /// Goes on with whatever may deserve attention: a bounded piece of each round, and deliveries.
    /// A part that fails keeps no other from being done.
    pub(super) async fn attend(&self, now: Reading) -> Result<(), StoreError> {
        let Some(watch) = &self.watch else { return Ok(()) };
        let Some(mut going) = watch.rounds() else { return Ok(()) };
        let Some(rounds) = &mut going.rounds else { return Ok(()) };
        let looked = self.look_into(watch, rounds, now.wall()).await;
        let expiring = self.look_for_expiring(watch, rounds, now.wall()).await;
        let unused = self.look_for_unused(watch, rounds, now.wall()).await;
        if std::mem::take(&mut rounds.has_news) {
            watch.delivery.announced();
        }
        let delivered = self.deliver(&watch.delivery, now).await;
        looked.and(expiring).and(unused).and(delivered)
    }

    /// Hands events to the outbox, which leaves out those that it knows.
    async fn announce(&self, rounds: &mut Rounds, mut events: Vec<Event>) -> Result<(), StoreError> {
        events.retain(|event| !rounds.announced.contains(&event.id));
        if events.is_empty() {
            return Ok(());
        }
        self.usage.announce(&events).await?;
        rounds.has_news = true;
        events.into_iter().for_each(|event| rounds.announced.insert(event.id, ()));
        Ok(())
    }
}
