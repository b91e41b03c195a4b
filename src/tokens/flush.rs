//! Handing what was counted to the store, in one batch for all tokens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::Engine;
use crate::recording::Noted;
use crate::usage::period::minute_of;
use crate::usage::{Strangers, UsageBatch};
use crate::{StoreError, TokenId};

/// What is on its way to the store of usage.
pub(super) struct Flush {
    node: u64,
    state: Mutex<State>,
    #[cfg(feature = "metrics")]
    told_metrics: Mutex<super::metrics::Told>,
}

struct State {
    last_number: u64,
    /// A batch that the store did not take yet. It keeps its number, so that a repetition counts
    /// nothing twice; what is counted meanwhile waits in the table.
    waiting: Option<Arc<UsageBatch>>,
    /// Tokens that were purged while a batch with their use was on its way: erased once more when it
    /// has arrived.
    purged_on_the_way: Vec<TokenId>,
    /// When what is waiting was taken from the table.
    taken_at: DateTime<Utc>,
    /// The moment until which everything that was counted is in the store.
    written_until: DateTime<Utc>,
    /// The strangers that are in a batch already.
    strangers: Strangers,
    /// No batch is taken by the background thread before this moment of the monotonic clock: the
    /// one before took long to write.
    pause_until_ms: u64,
}

/// What is to be handed to the store.
struct Next {
    batch: Arc<UsageBatch>,
    /// Whether it was taken before: more may have been counted since.
    has_waited: bool,
}

/// So many times as long as a batch took to write, no other is written in the background: writing
/// takes a twentieth of the time at most.
const PAUSE: u64 = 19;
/// And no longer than this.
const LONGEST_PAUSE_MS: u64 = 10_000;

impl Flush {
    /// Nothing was counted before `start`.
    pub(super) fn new(node: u64, start: DateTime<Utc>) -> Flush {
        let strangers = Strangers::default();
        let state = State {
            last_number: 0,
            waiting: None,
            purged_on_the_way: Vec::new(),
            taken_at: start,
            written_until: start,
            strangers,
            pause_until_ms: 0,
        };
        Flush {
            node,
            state: Mutex::new(state),
            #[cfg(feature = "metrics")]
            told_metrics: Default::default(),
        }
    }

    #[cfg(feature = "metrics")]
    pub(super) fn told_metrics(&self) -> MutexGuard<'_, super::metrics::Told> {
        self.told_metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment as of which the store's counters are true.
    pub(super) fn written_until(&self) -> DateTime<Utc> {
        self.state().written_until
    }

    /// Whether the store has not taken a batch yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.state().waiting.is_some()
    }

    /// A token was purged: what was counted of it and waits to be written is dropped. Should the
    /// store have taken the batch after all, it is erased there, and a repetition adds nothing.
    pub(super) fn forget(&self, id: &TokenId) {
        let state = &mut *self.state();
        if let Some(batch) = &mut state.waiting {
            if Arc::get_mut(batch).is_none() {
                state.purged_on_the_way.push(*id);
            }
            Arc::make_mut(batch).forget(id);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Writes what was counted, unless the last time took so long that it is to wait.
    pub(super) async fn flush_in_pace(&self) -> Result<(), StoreError> {
        let now_ms = || self.clock.now().monotonic_ms;
        let begun_ms = now_ms();
        if begun_ms < self.flush.state().pause_until_ms {
            self.fold();
            return Ok(());
        }
        let flushed = self.flush().await;
        let took_ms = now_ms().saturating_sub(begun_ms);
        let pause_ms = (took_ms * PAUSE).min(LONGEST_PAUSE_MS);
        self.flush.state().pause_until_ms = now_ms().saturating_add(pause_ms);
        flushed
    }

    /// Writes what was counted.
    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        // Without it no client is told, until the next time.
        if self.recorder.wants_key()
            && let Ok(key) = self.store.service_key().await
        {
            self.recorder.set_key(key);
        }
        // Two rounds at most: a batch that had to wait, and what was counted since. What is counted
        // while this is written is for the next flush, or under steady traffic there were no end.
        for _ in 0..2 {
            let Some(Next { batch, has_waited }) = self.next_batch() else { break };
            let added = self.usage.add(&batch).await;
            #[cfg(feature = "metrics")]
            super::metrics::flushed(added.is_ok());
            added?;
            self.noticed(&batch);
            let purged = self.arrived(batch.number);
            if !purged.is_empty() {
                self.erase_use(&purged).await;
            }
            if !has_waited {
                break;
            }
        }
        Ok(())
    }

    /// A batch is in the store. Gives the tokens that were purged while it was on its way.
    fn arrived(&self, number: u64) -> Vec<TokenId> {
        let mut state = self.flush.state();
        // Two may have handed it over at once.
        if state.waiting.as_ref().is_none_or(|waiting| waiting.number != number) {
            return Vec::new();
        }
        state.waiting = None;
        state.written_until = state.taken_at;
        self.recorder.written();
        std::mem::take(&mut state.purged_on_the_way)
    }

    /// Erases the use of purged tokens. Their records are gone by now, so that an error of the store
    /// is none of whoever has asked: counters that stay behind are nobody's.
    pub(super) async fn erase_use(&self, tokens: &[TokenId]) {
        if let Err(error) = self.usage.erase(tokens).await {
            tracing::warn!(?tokens, %error, "the use of purged tokens could not be erased");
        }
    }

    /// Makes figures of what was noted, to be written later.
    pub(super) fn fold(&self) {
        let now = self.clock.now();
        self.recorder.fold_meanwhile(|each| self.live.take_counts(now, each));
    }

    /// The batch that had to wait, or what was counted since the last one.
    fn next_batch(&self) -> Option<Next> {
        let mut state = self.flush.state();
        let now = self.clock.now();
        let counted = |each: &mut dyn FnMut(Noted)| self.live.take_counts(now, each);
        if let Some(batch) = &state.waiting {
            // Counted meanwhile, so that the buffer of what was noted does not overflow.
            self.recorder.fold_meanwhile(counted);
            return Some(Next { batch: batch.clone(), has_waited: true });
        }
        let batch = UsageBatch::new(self.flush.node, state.last_number + 1);
        let tenant = |number| self.live.tenant_name(number);
        let mut batch = self.recorder.take(counted, batch, &self.catalog, tenant);
        let strangers = self.strangers.now();
        batch.add_strangers(minute_of(now.wall()), strangers.since(&state.strangers));
        state.taken_at = now.wall();
        if batch.is_empty() {
            state.written_until = state.taken_at;
            return None;
        }
        state.strangers = strangers;
        state.last_number = batch.number;
        let batch = Arc::new(batch);
        state.waiting = Some(batch.clone());
        Some(Next { batch, has_waited: false })
    }
}
