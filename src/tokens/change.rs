//! Changing a token: marked, compared and set, told to the live table, and then answered.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Engine;
use crate::executor::Announcement;
use crate::live::{Ending, Known, Mark};
use crate::store::{Change, Updating};
use crate::{Error, HistoryDraft, StoredToken, TokenId, TokenRecord};

/// Which version of a token a change is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// The newest, whichever that is.
    Any,
    /// This one: a token that was changed since is left as it is, with [`Error::Conflict`].
    Version(u64),
}

/// What a change makes of a token.
pub(super) enum Plan {
    /// Nothing: it is already so.
    Nothing,
    /// This, and what history tells of it.
    Replace(Box<StoredToken>, Box<HistoryDraft>),
    /// Its end.
    Purge(Box<HistoryDraft>),
}

/// What a change needs to be planned, over and over until it meets the newest version.
pub(super) trait Planning: Send + 'static {
    /// What the change answers beside the record.
    type Answer: Send + 'static;

    /// Whether it gives the token a new secret: of those that overlap one wins, and the others
    /// are told.
    const ROTATES: bool = false;

    /// What is to become of the token as it is now.
    fn plan(
        &mut self,
        engine: &Engine,
        current: &StoredToken,
        now: DateTime<Utc>,
    ) -> Result<(Plan, Self::Answer), Error>;
}

/// Tried so often against others who change the same token, before giving up.
const ATTEMPTS: usize = 64;

impl Engine {
    /// Runs a change to its end, on the spawner, whoever waits for it.
    pub(super) async fn change<P: Planning>(
        self: &Arc<Self>,
        id: TokenId,
        expected: Expected,
        heeded: Heeded,
        planning: P,
    ) -> Result<(TokenRecord, P::Answer), Error> {
        let engine = self.clone();
        // Before anything is awaited: a rotation that ends from now on overlaps with this one.
        let mark = self.live.mark(id);
        self.run(async move { engine.change_marked(mark, id, expected, heeded, planning).await }).await
    }

    /// Runs a future on the spawner and waits for what it answers.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let announcement = Arc::new(Announcement::new());
        let told = Told(announcement.clone());
        self.spawner.spawn(async move {
            let outcome = work.await;
            told.0.tell(Some(outcome));
        });
        announcement.heard(Option::take).await.unwrap_or(Err(Error::Interrupted))
    }

    async fn change_marked<P: Planning>(
        &self,
        mut mark: Mark,
        id: TokenId,
        expected: Expected,
        heeded: Heeded,
        mut planning: P,
    ) -> Result<(TokenRecord, P::Answer), Error> {
        let outcome = self.compare_and_set(&mut mark, id, expected, &mut planning).await;
        match outcome {
            Ok((token, answer, changed)) => {
                let record = token.record.clone();
                let number = match changed {
                    Changed::Purged(number) => number,
                    Changed::Nothing | Changed::Replaced => record.sequence,
                };
                let is_purged = matches!(changed, Changed::Purged(_));
                let outcome = if is_purged { Known::Gone } else { Known::Record(Box::new(token)) };
                let rotated = P::ROTATES && changed == Changed::Replaced;
                mark.finish(Ending::Known { outcome, rotated });
                if is_purged {
                    self.recorder.forget(&id);
                    self.flush.forget(&id);
                    self.erase_use(&[id]).await;
                }
                // Also where nothing was to be changed: whoever has changed it before may have died
                // while it waited.
                self.heeded_everywhere(number, heeded).await?;
                Ok((record, answer))
            }
            Err(Error::Store(error)) if error.outcome_is_unknown() => {
                mark.finish(Ending::Unknown);
                Err(Error::Store(error))
            }
            Err(error) => {
                mark.finish(Ending::Known { outcome: Known::Nothing, rotated: false });
                if let Error::AlreadyDone { id } = &error {
                    let number = self.load(*id).await?.map_or(0, |token| token.record.sequence);
                    self.heeded_everywhere(number, heeded).await?;
                }
                Err(error)
            }
        }
    }

    async fn compare_and_set<P: Planning>(
        &self,
        mark: &mut Mark,
        id: TokenId,
        expected: Expected,
        planning: &mut P,
    ) -> Result<(StoredToken, P::Answer, Changed), Error> {
        for _ in 0..ATTEMPTS {
            let current = self.load(id).await?.ok_or(Error::NotFound)?;
            let version = current.record.version;
            let now = self.clock.now().wall();
            let (plan, answer) = planning.plan(self, &current, now)?;
            // Compared after the plan, so that whoever may not see the token learns nothing of it.
            if matches!(expected, Expected::Version(expected) if expected != version) {
                return Err(Error::Conflict);
            }
            if P::ROTATES && !mark.begin_rotation() {
                return Err(Error::Conflict);
            }
            match plan {
                Plan::Nothing => return Ok((current, answer, Changed::Nothing)),
                Plan::Replace(mut token, history) => {
                    token.record.version = version + 1;
                    let change = Change::new((*token).clone(), version, *history);
                    if let Updating::Done(numbers) = self.store.update(&[change]).await? {
                        token.record.sequence = numbers.first().copied().unwrap_or(current.record.sequence);
                        return Ok((*token, answer, Changed::Replaced));
                    }
                }
                Plan::Purge(history) => {
                    if let Updating::Done(numbers) = self.store.purge(&id, version, &history).await? {
                        let number = numbers.first().copied().unwrap_or(current.record.sequence);
                        return Ok((current, answer, Changed::Purged(number)));
                    }
                }
            }
            if P::ROTATES && self.secret_moved(&current).await? {
                return Err(Error::Conflict);
            }
        }
        Err(Error::Conflict)
    }

    /// Whether another process has given the token a new secret since it was read.
    async fn secret_moved(&self, seen: &StoredToken) -> Result<bool, Error> {
        let now = self.load(seen.record.id).await?;
        Ok(now.is_none_or(|now| now.record.secret.version != seen.record.secret.version))
    }
}

#[derive(PartialEq)]
enum Changed {
    Nothing,
    Replaced,
    /// With this number.
    Purged(u64),
}

/// When a change is to be answered, where there are other nodes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Heeded {
    /// When each of them has heeded it.
    ByAll,
    /// When it is committed.
    BySelf,
}

/// Tells whoever waits that nothing will come, if the work is dropped before it is done.
struct Told<T>(Arc<Announcement<Option<T>>>);

impl<T> Drop for Told<T> {
    fn drop(&mut self) {
        self.0.tell(None);
    }
}
