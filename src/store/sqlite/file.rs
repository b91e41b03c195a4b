//! The open file: its connections, its transactions, and whether others have changed tokens in it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::failure::{commit_failed, failed, is_busy};
use super::migrations::migrate;
use super::owner::{Identity, Ownership, resolve};
use crate::StoreError;

/// The file, once it is open, as the readers find it.
pub(super) type Opened = Arc<OnceLock<Identity>>;

/// The one connection that writes.
pub(super) struct Writer {
    path: PathBuf,
    busy_timeout: Duration,
    opened: Opened,
    file: Option<Open>,
}

struct Open {
    // Closed before the file is given up: fields are dropped in this order.
    connection: Connection,
    identity: Identity,
    is_wal: bool,
    data_version: i64,
    touched: i64,
    by_others: u64,
    _ownership: Ownership,
}

/// One of the connections that read.
pub(super) struct Reader {
    busy_timeout: Duration,
    opened: Opened,
    connection: Option<Connection>,
}

const STATEMENTS: usize = 64;
/// What the writer may keep of the file in memory: the pages that use is added to.
const WRITER_CACHE_KIB: u32 = 32 << 10;
/// What each reader may keep: the use of a page of tokens.
const READER_CACHE_KIB: u32 = 8 << 10;
/// The write-ahead log is copied into the file whenever it has so many pages, 16 MiB.
const CHECKPOINT_PAGES: u32 = 4_096;
const PAUSE: Duration = Duration::from_millis(5);

impl Writer {
    pub(super) fn new(path: PathBuf, busy_timeout: Duration, opened: Opened) -> Writer {
        Writer { path, busy_timeout, opened, file: None }
    }

    /// Opens the file, unless it is open.
    pub(super) fn open(&mut self) -> Result<(), StoreError> {
        if self.file.is_some() {
            return Ok(());
        }
        let path = resolve(&self.path)?;
        let ownership = Ownership::take(&path)?;
        let is_new = std::fs::metadata(&path).map_or(true, |metadata| metadata.len() == 0);
        let connection = connect(&path, self.busy_timeout)?;
        if is_new {
            prefer_wal(&connection)?;
        }
        let is_wal = journal_mode(&connection).map_err(failed)? == "wal";
        connection.execute_batch(&format!("PRAGMA cache_size = -{WRITER_CACHE_KIB}")).map_err(failed)?;
        if is_wal {
            // Use is written to the same pages again and again: they need to reach the file once.
            let pages = format!("PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}");
            connection.query_row(&pages, [], |_| Ok(())).map_err(failed)?;
        }
        // A change that was answered must outlive the machine's power, a revocation above all.
        connection.execute_batch("PRAGMA synchronous = FULL").map_err(failed)?;
        migrate(&connection)?;
        let identity = Identity::of(&path)?;
        let data_version = data_version(&connection).map_err(failed)?;
        let touched = touched(&connection).map_err(failed)?;
        _ = self.opened.set(identity.clone());
        self.file = Some(Open {
            connection,
            identity,
            is_wal,
            data_version,
            touched,
            by_others: 0,
            _ownership: ownership,
        });
        Ok(())
    }

    /// Runs `work` in a transaction that has the lock of all writes from its beginning.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let file = self.file.as_mut().ok_or_else(not_open)?;
        file.identity.check()?;
        let until = Instant::now() + self.busy_timeout;
        let connection = &file.connection;
        if !connection.is_autocommit() {
            // Only where the one before could not even be rolled back.
            connection.execute_batch("ROLLBACK").map_err(failed)?;
        }
        patiently(until, || connection.execute_batch("BEGIN IMMEDIATE")).map_err(failed)?;
        let _undo = RollBack(connection);
        let found = touched(connection).map_err(failed)?;
        let outcome = work(connection).map_err(failed)?;
        let left = touched(connection).map_err(failed)?;
        patiently(until, || connection.execute_batch("COMMIT")).map_err(commit_failed)?;
        if found != file.touched {
            file.by_others += 1;
        }
        file.touched = left;
        Ok(outcome)
    }

    /// The same, without waiting for the disk where the file is in WAL mode: a crash of the machine may
    /// undo it, as if it had come earlier. The next [`Writer::write`] syncs it with its own.
    pub(super) fn write_unsynced<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        if !self.file.as_ref().is_some_and(|file| file.is_wal) {
            return self.write(work);
        }
        self.set_synchronous("NORMAL")?;
        let outcome = self.write(work);
        self.set_synchronous("FULL")?;
        outcome
    }

    fn set_synchronous(&self, mode: &str) -> Result<(), StoreError> {
        let file = self.file.as_ref().ok_or_else(not_open)?;
        file.connection.execute_batch(&format!("PRAGMA synchronous = {mode}")).map_err(failed)
    }

    /// How often others were seen to have changed tokens since the file was opened.
    ///
    /// `data_version` moves with every commit that this connection did not make, of any table;
    /// whether it was about tokens, a trigger has counted.
    pub(super) fn changes_by_others(&mut self) -> Result<u64, StoreError> {
        let file = self.file.as_mut().ok_or_else(not_open)?;
        file.identity.check()?;
        let data_version = data_version(&file.connection).map_err(failed)?;
        if data_version != file.data_version {
            let touched = touched(&file.connection).map_err(failed)?;
            if touched != file.touched {
                file.by_others += 1;
                file.touched = touched;
            }
            file.data_version = data_version;
        }
        Ok(file.by_others)
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.file.as_ref().unwrap().connection
    }
}

impl Reader {
    pub(super) fn new(busy_timeout: Duration, opened: Opened) -> Reader {
        Reader { busy_timeout, opened, connection: None }
    }

    /// Runs `work` over one state of the file.
    pub(super) fn read<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let identity = self.opened.get().ok_or_else(not_open)?;
        identity.check()?;
        if self.connection.is_none() {
            let connection = connect(identity.path(), self.busy_timeout)?;
            // Not opened as read-only: after a crash somebody must be able to roll back.
            let cache = format!("PRAGMA query_only = ON; PRAGMA cache_size = -{READER_CACHE_KIB}");
            connection.execute_batch(&cache).map_err(failed)?;
            self.connection = Some(connection);
        }
        let connection = self.connection.as_ref().ok_or_else(not_open)?;
        if !connection.is_autocommit() {
            connection.execute_batch("ROLLBACK").map_err(failed)?;
        }
        connection.execute_batch("BEGIN").map_err(failed)?;
        let _undo = RollBack(connection);
        work(connection).map_err(failed)
    }
}

fn connect(path: &Path, busy_timeout: Duration) -> Result<Connection, StoreError> {
    // Without CREATE: a file that is gone must not come back empty.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(busy_timeout).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let encoding: String = connection.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(failed)?;
    if encoding != "UTF-8" {
        // Names would sort by other bytes than everywhere else.
        return Err(StoreError::broken(format!(
            "the file keeps text as {encoding}: give the tokens a file of their own"
        )));
    }
    Ok(connection)
}

/// In a file of our own, readers and the writer do not wait for each other. The mode of a file that
/// was there is its owner's, whose next start may insist on it.
fn prefer_wal(connection: &Connection) -> Result<(), StoreError> {
    // The switch needs the file for itself for a moment and does not wait by itself.
    let until = Instant::now() + Duration::from_secs(1);
    patiently(until, || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)))
        .map(|_| ())
        .map_err(failed)
}

/// Tries again while somebody else has the lock and there is time. SQLite's own waiting does not
/// cover every case: it answers at once where waiting could mean a deadlock.
fn patiently<T>(until: Instant, mut run: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    loop {
        match run() {
            Err(error) if is_busy(&error) && Instant::now() < until => thread::sleep(PAUSE),
            outcome => return outcome,
        }
    }
}

/// Undoes what was not committed, by an error or by a panic.
struct RollBack<'a>(&'a Connection);

impl Drop for RollBack<'_> {
    fn drop(&mut self) {
        if !self.0.is_autocommit() {
            _ = self.0.execute_batch("ROLLBACK");
        }
    }
}

fn journal_mode(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

fn touched(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT touched FROM tokenward_state")?.query_row([], |row| row.get(0))
}

fn not_open() -> StoreError {
    StoreError::unavailable("the file was not opened yet: call `open` first")
}
