//! Whose file it is: a lock on a file beside it, and whether it is still the same file.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::StoreError;

/// The right of this process, and of one store in it, to the file: held until it is dropped.
///
/// The lock is on a file of its own. SQLite's own locks would have to be held all the time, and
/// would shut out the service's connections to its own tables in the same file.
pub(super) struct Ownership {
    _lock: File,
}

/// A restart overlaps with the process that it replaces for a moment.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

impl Ownership {
    /// Takes the file into possession, waiting for a moment where another has it.
    ///
    /// # Errors
    /// Unavailable where another keeps it, or the file beside it cannot be written.
    pub(super) fn take(path: &Path) -> Result<Ownership, StoreError> {
        let beside = beside(path);
        let explain = |error: io::Error| {
            StoreError::unavailable(format!("{} cannot be locked: {error}", beside.display()))
        };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&beside);
        let mut lock = open.map_err(explain)?;
        let patient_until = Instant::now() + PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => {
                    // For whoever is refused; the lock does not depend on it.
                    _ = lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id()));
                    return Ok(Ownership { _lock: lock });
                }
                Err(TryLockError::WouldBlock) if Instant::now() < patient_until => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(refusal(path, lock)),
                Err(TryLockError::Error(error)) => return Err(explain(error)),
            }
        }
    }
}

fn refusal(path: &Path, mut lock: File) -> StoreError {
    let mut process = String::new();
    _ = lock.read_to_string(&mut process);
    let whose = match process.parse::<u32>() {
        Ok(id) if id == std::process::id() => "another store of this very process".to_owned(),
        Ok(id) => format!("process {id}"),
        Err(_) => "another process".to_owned(),
    };
    StoreError::unavailable(format!(
        "the tokens in {} belong to {whose} while it runs. Stop that first, share one `Tokens` within a \
         process, or keep tokens that several processes use in PostgreSQL",
        path.display()
    ))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tokenward-lock");
    name.into()
}

/// The one path of a file, however it was named: two names of one file must meet in one lock. The
/// file is created empty if it is not there, since only what is there has one path.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let resolved = fs::canonicalize(path).or_else(|_| {
        OpenOptions::new().append(true).create(true).open(path)?;
        fs::canonicalize(path)
    });
    resolved.map_err(|error: io::Error| {
        StoreError::unavailable(format!(
            "{:?} can be neither found nor created: {error}",
            path.display().to_string()
        ))
    })
}

/// Which file it was that was opened. What is written to one that was deleted or replaced would be
/// lost, and SQLite would not say so.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    path: PathBuf,
    number: Option<(u64, u64)>,
}

impl Identity {
    pub(super) fn of(path: &Path) -> Result<Identity, StoreError> {
        let metadata = fs::metadata(path).map_err(StoreError::unavailable)?;
        Ok(Identity { path: path.to_owned(), number: number(&metadata) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// Unavailable where the path leads to another file now, or to none.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if number(&metadata) == self.number => Ok(()),
            _ => Err(StoreError::unavailable(format!(
                "{} was deleted or replaced while it was in use: restart the service",
                self.path.display()
            ))),
        }
    }
}

#[cfg(unix)]
fn number(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(_: &Metadata) -> Option<(u64, u64)> {
    None
}
