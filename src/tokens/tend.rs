//! What is done at regular intervals, beside all requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Engine, Tokens};
use crate::clock::Reading;
use crate::live::Known;
use crate::recording::RecordingHealth;
use crate::{Error, StoreError, TokenId};

/// What is remembered from one round to the next.
pub(super) struct Tending {
    /// The changes by others that were heeded, as [`TokenStore::changes_by_others`] counts them.
    ///
    /// [`TokenStore::changes_by_others`]: crate::TokenStore::changes_by_others
    heeded: AtomicU64,
    forgetting: Mutex<Forgetting>,
}

/// When the store is to forget what is outdated.
struct Forgetting {
    /// On the monotonic clock: the wall clock may be set back by years.
    next_ms: u64,
    /// When this was asked last.
    asked: Reading,
}

/// How often the store is to forget what is outdated.
const FORGET_EVERY_MS: u64 = 10 * 60_000;
/// A wall clock that is set forward by more than this is given as much time to be set right again,
/// before all that it makes old is forgotten.
const LEAP_MS: i64 = 60 * 60_000;

impl Tending {
    pub(super) fn new(start: Reading) -> Tending {
        let forgetting = Forgetting { next_ms: 0, asked: start };
        Tending { heeded: AtomicU64::new(0), forgetting: Mutex::new(forgetting) }
    }

    fn forgetting(&self) -> MutexGuard<'_, Forgetting> {
        self.forgetting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forgetting {
    fn is_due(&mut self, now: Reading) -> bool {
        let before = std::mem::replace(&mut self.asked, now);
        let passed_ms =
            i64::try_from(now.monotonic_ms.saturating_sub(before.monotonic_ms)).unwrap_or(i64::MAX);
        let leap_ms = now.wall_ms.saturating_sub(before.wall_ms).saturating_sub(passed_ms);
        if leap_ms > LEAP_MS {
            self.next_ms = now.monotonic_ms.saturating_add(LEAP_MS.unsigned_abs());
        }
        now.monotonic_ms >= self.next_ms
    }
}

impl Tokens {
    /// Makes the store ready, and joins the fleet where there is one. Without it that happens at first
    /// use.
    ///
    /// # Errors
    /// [`Error::Store`] where it cannot be opened. It may be tried again.
    pub async fn open(&self) -> Result<(), Error> {
        let engine = self.engine();
        engine.open().await?;
        Ok(engine.renew_lease().await?)
    }

    /// Writes what was counted until now, and heeds what others have changed in the store
    /// meanwhile: of a revocation by another node, or by hand with SQL, every verification knows that
    /// begins after this has returned.
    ///
    /// # Errors
    /// [`Error::Store`] where the store failed. Nothing is lost: the next flush writes it.
    pub async fn flush(&self) -> Result<(), Error> {
        let engine = self.engine();
        let tended = engine.tend(engine.flush()).await;
        // Beside the thread that renews the lease: whoever calls this wants to know now.
        let heeded = engine.renew_lease().await;
        Ok(tended.and(heeded)?)
    }

    /// Writes what was counted, ends the thread that writes in the background, and gives up the lease,
    /// so that no other node waits for this one. May be called several times, and what is called
    /// afterwards still works; a node that has left its fleet asks the store on every verification. When the last clone is dropped
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
        self.engine().rounds.end();
        let left = self.engine().leave_fleet().await;
        self.flush().await?;
        Ok(left?)
    }

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
    pub(super) async fn tend(
        &self,
        flush: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        let _flushing = self.rounds.flushing();
        self.live.release_windows(self.clock.now());
        let tended = self.tend_store(flush).await;
        #[cfg(feature = "metrics")]
        self.tell_metrics();
        tended
    }

    async fn tend_store(
        &self,
        flush: impl Future<Output = Result<(), StoreError>>,
    ) -> Result<(), StoreError> {
        self.open().await?;
        let heeded = self.heed_others().await;
        let flushed = flush.await;
        let settled = self.settle_unknown_outcomes().await;
        let forgotten = self.forget_outdated().await;
        let attended = self.attend(self.clock.now()).await;
        heeded.and(flushed).and(settled).and(forgotten).and(attended)
    }

    /// Has the store forget some of what is outdated, now and then.
    async fn forget_outdated(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !self.tending.forgetting().is_due(now) {
            return Ok(());
        }
        let more = self.usage.forget(&self.recorder.settings().retention.outdated(now.wall())).await?;
        if !more {
            self.tending.forgetting().next_ms = now.monotonic_ms.saturating_add(FORGET_EVERY_MS);
        }
        Ok(())
    }

    /// Believes nothing that was read before, if others have changed tokens since.
    async fn heed_others(&self) -> Result<(), StoreError> {
        let changes = self.store.changes_by_others().await?;
        if self.tending.heeded.load(Ordering::Acquire) != changes {
            self.live.mark_all().finish();
            // Noted afterwards: whoever sees the number finds the table already distrusted.
            self.tending.heeded.store(changes, Ordering::Release);
            tracing::warn!("tokens were changed in the store by somebody else; all are read again");
        }
        Ok(())
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
