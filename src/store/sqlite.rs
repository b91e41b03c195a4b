//! Tokens, history and use in one SQLite file.
//!
//! One thread of ours has the connection that writes, two have connections that read: a
//! verification that has to read never stands behind a flush, and no runtime is needed. The file
//! may be a service's own: what is ours in it begins with `tokenward_`, and nothing else is touched.

mod changes;
mod chronicle;
mod failure;
mod file;
mod listing;
mod migrations;
mod outbox;
mod owner;
#[cfg(test)]
mod plans;
mod rows;
mod statement;
#[cfg(test)]
mod tests;
mod threads;
mod usage;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use self::file::{Opened, Reader, Writer};
use self::threads::{Line, Threads};
use self::usage::forgetting::{self, Erase};
use self::usage::running::RollUp;
use super::{Cap, Change, HistoryQuery, Insertion, Listing, Query, RevokeAll, TokenStore, Updating};
use crate::event::{Event, Outbox};
use crate::usage::{
    CallQuery, Counts, Outdated, RecordedCall, SliceQuery, StoredSlice, UsageBatch, UsageStore,
};
use crate::{HistoryDraft, HistoryEntry, StoreError, StoredToken, TokenId};

/// Tokens, history and use in one SQLite file.
///
/// It may be the file of the service's own tables: tables of ours are called `tokenward_…`, and
/// `user_version`, `application_id` and the journal mode of a file that was there are left alone.
/// A file of its own is still better: it is kept in WAL mode, where reading and writing do not
/// wait for each other.
///
/// The file belongs to one process at a time, and to one store in it: a lock on `….tokenward-lock`
/// beside it sees to that. A second one waits for two seconds, as long as a restart may overlap,
/// and is then refused. What is changed by hand meanwhile, say by `sqlite3`, is noticed at the
/// next flush. Network file systems without working locks are no place for it.
///
/// ```no_run
/// # tokenward::block_on(async {
/// use std::sync::Arc;
/// use tokenward::{Catalog, SqliteStore, Tokens};
/// let store = Arc::new(SqliteStore::at("tokens.db"));
/// let tokens = Tokens::builder(store.clone()).usage_store(store).catalog(Catalog::new()).build()?;
/// tokens.open().await?;
/// # Ok::<(), tokenward::Error>(()) }).unwrap();
/// ```
///
/// # Durability
/// A change that was answered has been synced to the disk, and so has a batch of use. When the store
/// is dropped, its threads end after what they were given to do.
///
/// # Memory
/// SQLite keeps what is used of the file in memory: up to 32 MiB for writing and 8 MiB for each of
/// the two readers.
pub struct SqliteStore {
    path: PathBuf,
    busy_timeout: Duration,
    running: Mutex<Option<Running>>,
}

struct Running {
    // Dropped in this order: the readers are closed before the writer gives up the file.
    readers: Threads<Reader>,
    writer: Threads<Writer>,
}

const READERS: usize = 2;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Tokens in this file, which is created when the store is opened if it is not there. Nothing
    /// is read or written yet.
    pub fn at(path: impl Into<PathBuf>) -> SqliteStore {
        SqliteStore { path: path.into(), busy_timeout: BUSY_TIMEOUT, running: Mutex::new(None) }
    }

    /// How long a write waits for somebody else's in the same file, 5 seconds unless set; after
    /// that it has failed and nothing was written. Set before the store is opened.
    pub fn busy_timeout(mut self, time: Duration) -> SqliteStore {
        self.busy_timeout = time;
        self
    }

    /// Picks from the threads, which are started by whoever needs them first.
    fn running<R>(&self, pick: impl FnOnce(&Running) -> R) -> Result<R, StoreError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.is_none() {
            let opened = Opened::default();
            let writer = Writer::new(self.path.clone(), self.busy_timeout, opened.clone());
            let readers = (0..READERS).map(|_| Reader::new(self.busy_timeout, opened.clone())).collect();
            *running = Some(Running {
                readers: Threads::start("tokenward-read", readers)?,
                writer: Threads::start("tokenward-write", vec![writer])?,
            });
        }
        running.as_ref().map(pick).ok_or_else(|| StoreError::unavailable("there are no threads"))
    }

    async fn on_writer<T: Send + 'static>(
        &self,
        line: Line,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.running(|running| running.writer.queue())?;
        writer.ask(line, work).await.unwrap_or_else(|| {
            Err(StoreError::outcome_unknown("the thread that writes was interrupted by a panic"))
        })
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_writer(Line::Urgent, |writer| writer.write(work)).await
    }

    /// Writes when no change of a token waits to be written.
    async fn write_patiently<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.on_writer(Line::Patient, |writer| writer.write(work)).await
    }

    /// Does every step for every token, each as often as there is more for it to do.
    async fn erase_by(&self, steps: &[Erase], tokens: &[TokenId]) -> Result<(), StoreError> {
        for id in tokens {
            for step in steps {
                let (id, step) = (*id, *step);
                while self.write(move |connection| step(connection, &id)).await? {}
            }
        }
        Ok(())
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.running(|running| running.readers.queue())?;
        readers.ask(Line::Urgent, |reader| reader.read(work)).await.unwrap_or_else(|| {
            Err(StoreError::unavailable("the thread that reads was interrupted by a panic"))
        })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenStore for SqliteStore {
    async fn open(&self) -> Result<(), StoreError> {
        self.on_writer(Line::Urgent, Writer::open).await
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    async fn changes_by_others(&self) -> Result<u64, StoreError> {
        self.on_writer(Line::Urgent, Writer::changes_by_others).await
    }

    async fn service_key(&self) -> Result<[u8; 32], StoreError> {
        self.read(changes::service_key).await
    }

    async fn insert(
        &self,
        token: &StoredToken,
        history: &HistoryDraft,
        cap: Option<Cap>,
    ) -> Result<Insertion, StoreError> {
        let (token, history) = (token.clone(), history.clone());
        self.write(move |connection| changes::insert(connection, token, &history, cap)).await
    }

    async fn load(&self, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |connection| changes::load(connection, &ids)).await
    }

    async fn load_settled(&self, id: &TokenId) -> Result<Option<StoredToken>, StoreError> {
        let id = *id;
        // Behind whatever stands in line, and under the lock that other connections' writes take.
        self.write(move |connection| Ok(changes::load(connection, &[id])?.pop())).await
    }

    async fn update(&self, changes: &[Change]) -> Result<Updating, StoreError> {
        let changes = changes.to_vec();
        self.write(move |connection| changes::update(connection, changes)).await
    }

    async fn revoke_all(&self, revocation: &RevokeAll) -> Result<Vec<StoredToken>, StoreError> {
        let revocation = revocation.clone();
        self.write(move |connection| changes::revoke_all(connection, &revocation)).await
    }

    async fn purge(
        &self,
        id: &TokenId,
        version: u64,
        history: &HistoryDraft,
    ) -> Result<Updating, StoreError> {
        let (id, history) = (*id, history.clone());
        self.write(move |connection| changes::purge(connection, &id, version, &history)).await
    }

    async fn list(&self, query: &Query) -> Result<Listing, StoreError> {
        let query = query.clone();
        self.read(move |connection| listing::page(connection, &query)).await
    }

    async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEntry>, StoreError> {
        let query = query.clone();
        self.read(move |connection| chronicle::page(connection, &query)).await
    }
}

#[async_trait]
impl UsageStore for SqliteStore {
    async fn add(&self, batch: &UsageBatch) -> Result<(), StoreError> {
        for piece in usage::pieces(batch) {
            // One sync at the end for all of them.
            let is_last = piece.is_last;
            let add = move |writer: &mut Writer| match is_last {
                true => writer.write(|connection| usage::add(connection, &piece)),
                false => writer.write_unsynced(|connection| usage::add(connection, &piece)),
            };
            self.on_writer(Line::Patient, add).await?;
        }
        // The disk is not waited for: what a crash undoes of it is rolled up again.
        let mut left = RollUp::after(batch);
        while let Some(roll_up) = left {
            let piece =
                move |writer: &mut Writer| writer.write_unsynced(|connection| roll_up.piece(connection));
            left = self.on_writer(Line::Patient, piece).await?;
        }
        Ok(())
    }

    async fn read(&self, tokens: &[TokenId]) -> Result<Vec<(TokenId, Counts)>, StoreError> {
        let tokens = tokens.to_vec();
        SqliteStore::read(self, move |connection| usage::totals::read(connection, &tokens)).await
    }

    async fn slices(&self, query: &SliceQuery) -> Result<Vec<StoredSlice>, StoreError> {
        let query = query.clone();
        SqliteStore::read(self, move |connection| usage::reading::slices(connection, &query)).await
    }

    async fn calls(&self, query: &CallQuery) -> Result<Vec<RecordedCall>, StoreError> {
        let query = query.clone();
        SqliteStore::read(self, move |connection| usage::calls::page(connection, &query)).await
    }

    async fn forget(&self, outdated: &Outdated) -> Result<bool, StoreError> {
        let outdated = *outdated;
        let mut more = false;
        for step in forgetting::OUTDATED {
            more |= self.write_patiently(move |connection| step(connection, &outdated)).await?;
        }
        Ok(more)
    }

    async fn erase(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.erase_by(&forgetting::ERASED, tokens).await
    }

    async fn erase_clients(&self, tokens: &[TokenId]) -> Result<(), StoreError> {
        self.erase_by(&forgetting::CLIENTS_ERASED, tokens).await
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.write_patiently(move |connection| outbox::announce(connection, &events)).await
    }

    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.write_patiently(move |connection| outbox::due(connection, now, until, limit)).await
    }

    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write_patiently(move |connection| outbox::postpone(connection, &id, until)).await
    }

    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write_patiently(move |connection| outbox::delivered(connection, &id, now)).await
    }
}
