//! Handing what was counted to the store, in one batch for all tokens.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Engine, Handle, Tokens};
use crate::executor::{Announcement, block_on};
use crate::live::Known;
use crate::recording::{Noted, RecordingHealth};
use crate::usage::period::minute_of;
use crate::usage::{Strangers, UsageBatch};
use crate::{Error, StoreError, TokenId};

/// What is on its way to the store of usage.
pub(super) struct Flush {
    node: u64,
    state: Mutex<State>,
    /// The changes by others that were heeded, as [`TokenStore::changes_by_others`] counts them.
    ///
    /// [`TokenStore::changes_by_others`]: crate::TokenStore::changes_by_others
    heeded: AtomicU64,
    #[cfg(feature = "metrics")]
    told_metrics: Mutex<super::metrics::Told>,
}

struct State {
    last_number: u64,
    /// A batch that the store did not take yet. It keeps its number, so that a repetition counts
    /// nothing twice; what is counted meanwhile waits in the table.
    waiting: Option<Arc<UsageBatch>>,
    /// When what is waiting was taken from the table.
    taken_at: DateTime<Utc>,
    /// The moment until which everything that was counted is in the store.
    written_until: DateTime<Utc>,
    /// The strangers that are in a batch already.
    strangers: Strangers,
    /// When the store is to forget again what is outdated.
    forget_at: DateTime<Utc>,
}

/// How often the store is to forget what is outdated.
const FORGET_EVERY: TimeDelta = TimeDelta::minutes(10);

impl Flush {
    /// Nothing was counted before `start`.
    pub(super) fn new(node: u64, start: DateTime<Utc>) -> Flush {
        let strangers = Strangers::default();
        let state = State {
            last_number: 0,
            waiting: None,
            taken_at: start,
            written_until: start,
            strangers,
            forget_at: start,
        };
        Flush {
            node,
            state: Mutex::new(state),
            heeded: AtomicU64::new(0),
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

    /// A token was purged: what was counted of it and waits to be written is dropped. Should the
    /// store have taken the batch after all, it is erased there, and a repetition adds nothing.
    pub(super) fn forget(&self, id: &TokenId) {
        if let Some(batch) = &mut self.state().waiting {
            Arc::make_mut(batch).forget(id);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tokens {
    /// Makes the store ready. Without it that happens at first use.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be opened. It may be tried again.
    pub async fn open(&self) -> Result<(), Error> {
        Ok(self.engine().open().await?)
    }

    /// Writes what was counted until now, and heeds what others have changed in the store
    /// meanwhile: of a revocation by hand, with SQL, every verification knows that begins after
    /// this has returned.
    ///
    /// # Errors
    /// [`Error::Store`] where the store failed. Nothing is lost: the next flush writes it.
    pub async fn flush(&self) -> Result<(), Error> {
        Ok(self.engine().tend().await?)
    }

    /// Writes what was counted, and ends the thread that writes in the background. May be called
    /// several times, and what is called afterwards still works. When the last clone is dropped
    /// after this, the store is closed.
    ///
    /// # Errors
    /// [`Error::Store`] where the store failed. Call it again, or lose what was counted since the
    /// last flush.
    pub async fn shutdown(&self) -> Result<(), Error> {
        if let Some(background) = &self.0.background {
            background.stop();
            background.ended.heard(|()| ()).await;
        }
        self.flush().await
    }
}

impl Tokens {
    /// How recording stands: until when all that was counted is written, how much waits for the
    /// store, and what was given up while it did.
    pub fn recording_health(&self) -> RecordingHealth {
        let (waiting_bytes, given_up) = self.engine().recorder.standing();
        RecordingHealth { written_until: self.engine().flush.written_until(), waiting_bytes, given_up }
    }
}

impl Engine {
    /// Everything that is done at regular intervals. A part that fails keeps no other from being
    /// done: a full disk must not hide a revocation.
    async fn tend(&self) -> Result<(), StoreError> {
        self.live.release_windows(self.clock.now());
        let tended = self.tend_store().await;
        #[cfg(feature = "metrics")]
        self.tell_metrics();
        tended
    }

    async fn tend_store(&self) -> Result<(), StoreError> {
        self.open().await?;
        let heeded = self.heed_others().await;
        let flushed = self.flush().await;
        let settled = self.settle_unknown_outcomes().await;
        let forgotten = self.forget_outdated().await;
        heeded.and(flushed).and(settled).and(forgotten)
    }

    /// Has the store forget some of what is outdated, now and then.
    async fn forget_outdated(&self) -> Result<(), StoreError> {
        let now = self.clock.now().wall();
        if now < self.flush.state().forget_at {
            return Ok(());
        }
        let more = self.usage.forget(&self.recorder.settings().retention.outdated(now)).await?;
        if !more {
            self.flush.state().forget_at = now.checked_add_signed(FORGET_EVERY).unwrap_or(now);
        }
        Ok(())
    }

    /// Believes nothing that was read before, if others have changed tokens since.
    async fn heed_others(&self) -> Result<(), StoreError> {
        let changes = self.store.changes_by_others().await?;
        if self.flush.heeded.load(Ordering::Acquire) != changes {
            self.live.mark_all().finish();
            // Noted afterwards: whoever sees the number finds the table already distrusted.
            self.flush.heeded.store(changes, Ordering::Release);
            tracing::warn!("tokens were changed in the store by somebody else; all are read again");
        }
        Ok(())
    }

    async fn flush(&self) -> Result<(), StoreError> {
        // Without it no client is told, until the next time.
        if self.recorder.wants_key()
            && let Ok(key) = self.store.service_key().await
        {
            self.recorder.set_key(key);
        }
        // Two rounds at most: a batch that had to wait, and what was counted since.
        while let Some(batch) = self.next_batch() {
            let added = self.usage.add(&batch).await;
            #[cfg(feature = "metrics")]
            super::metrics::flushed(added.is_ok());
            added?;
            let mut state = self.flush.state();
            if state.waiting.as_ref().is_some_and(|waiting| waiting.number == batch.number) {
                state.waiting = None;
                state.written_until = state.taken_at;
                self.recorder.written();
            }
        }
        Ok(())
    }

    /// The batch that had to wait, or what was counted since the last one.
    fn next_batch(&self) -> Option<Arc<UsageBatch>> {
        let mut state = self.flush.state();
        let now = self.clock.now();
        let counted = |each: &mut dyn FnMut(Noted)| self.live.take_counts(now, each);
        if state.waiting.is_some() {
            // Counted meanwhile, so that the buffer of what was noted does not overflow.
            self.recorder.fold_meanwhile(counted);
            return state.waiting.clone();
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
        state.waiting = Some(Arc::new(batch));
        state.waiting.clone()
    }

    /// Asks the store what became of changes whose outcome is unknown.
    pub(super) async fn settle_unknown_outcomes(&self) -> Result<(), StoreError> {
        self.open().await?;
        let mut outcome = Ok(());
        for (id, through) in self.live.unsettled() {
            // One row that cannot be read does not keep the others from being settled.
            match self.store.load_settled(&id).await {
                Ok(Some(token)) => self.live.settled(id, through, Known::Record(Box::new(token))),
                Ok(None) => self.live.settled(id, through, Known::Gone),
                Err(error) => outcome = Err(error),
            }
        }
        if let Some(through) = self.live.unsettled_all() {
            // Any look-up under the lock will do: it waits for what is under way.
            self.store.load_settled(&TokenId::placeholder()).await?;
            self.live.settled_all(through);
        }
        outcome
    }
}

/// The thread that flushes.
pub(super) struct Background {
    stop: Arc<(Mutex<bool>, Condvar)>,
    /// Told when the thread holds nothing of the engine any more.
    ended: Arc<Announcement<()>>,
}

/// Tells that the thread has ended, by whichever way.
struct Ending(Arc<Announcement<()>>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.tell(());
    }
}

impl Background {
    /// None where no thread can be had: flushing is then up to [`Tokens::flush`], and a line says so.
    pub(super) fn start(engine: Arc<Engine>, interval: Duration) -> Option<Background> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let ended = Arc::new(Announcement::new());
        let background = Background { stop: stop.clone(), ended: ended.clone() };
        let run = move || {
            // Dropped in the reverse of this order: the engine first.
            let _ending = Ending(ended);
            let engine = engine;
            let mut failing = false;
            while !wait(&stop, interval) {
                block_on(engine.tick(&mut failing));
            }
            block_on(engine.tick(&mut failing));
        };
        match thread::Builder::new().name("tokenward-flush".into()).spawn(run) {
            Ok(_) => Some(background),
            Err(error) => {
                tracing::error!(%error, "no thread could be started that writes the use of tokens");
                None
            }
        }
    }

    fn stop(&self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
    }
}

/// Waits for the interval, and says whether it is time to stop.
fn wait(stop: &(Mutex<bool>, Condvar), interval: Duration) -> bool {
    let stopped = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = stop.1.wait_timeout_while(stopped, interval, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Engine {
    async fn tick(&self, failing: &mut bool) {
        let outcome = self.tend().await;
        // One line when it begins and one when it ends, whatever the interval.
        match outcome {
            Ok(()) if *failing => {
                *failing = false;
                tracing::info!("the use of tokens is written again");
            }
            Err(error) if !*failing => {
                *failing = true;
                tracing::warn!(error = %Chain(&error), "the use of tokens cannot be written; it is kept in memory");
            }
            _ => {}
        }
    }
}

/// An error with what it came from.
struct Chain<'a>(&'a StoreError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(background) = &self.background {
            background.stop();
        }
    }
}
