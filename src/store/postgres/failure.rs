//! What an error of PostgreSQL means for whoever waits.

use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::StoreError;

/// Something that went wrong in an attempt.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: StoreError,
    /// Nothing was written, and the same may be tried again at once.
    pub(super) again: bool,
    code: Option<SqlState>,
}

impl Fault {
    /// What the server calls it, where it was the server.
    pub(super) fn code(&self) -> Option<&SqlState> {
        self.code.as_ref()
    }
}

/// An error of anything but COMMIT: the transaction is rolled back, nothing was written.
impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let again = lost_a_race(&error) || was_ended(&error);
        let code = error.code().cloned();
        Fault { error: failed(error), again, code }
    }
}

/// What is wrong whoever asks, and however often.
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault { error, again: false, code: None }
    }
}

/// No connection could be had.
pub(super) fn not_connected(error: PoolError) -> Fault {
    match error {
        PoolError::Backend(error) => Fault { again: false, ..error.into() },
        other => StoreError::unavailable(other).into(),
    }
}

fn failed(error: Error) -> StoreError {
    if passes(&error) { StoreError::unavailable(error) } else { StoreError::broken(error) }
}

/// An error of COMMIT. Where the server has said why, it has rolled back; else nobody knows.
pub(super) fn commit_failed(error: Error) -> Fault {
    let is_over = error.code().is_some_and(|code| matches!(&code.code()[..2], "23" | "25" | "40" | "53"));
    if is_over { error.into() } else { StoreError::outcome_unknown(error).into() }
}

/// A serialization failure or a deadlock: of those who wanted the same rows another was first.
fn lost_a_race(error: &Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// The connection was dead, or the server has ended it: it was restarted, or an operator wanted it so.
fn was_ended(error: &Error) -> bool {
    error.is_closed() || error.code() == Some(&SqlState::ADMIN_SHUTDOWN)
}

/// The server is a replica, or a primary that was made to be read only.
pub(super) fn is_read_only(error: &Error) -> bool {
    let is_recovering = |error: &Error| {
        error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
            && error.as_db_error().is_some_and(|error| error.message().contains("recovery"))
    };
    error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) || is_recovering(error)
}

/// Whether it may pass without anybody mending the data or the settings.
fn passes(error: &Error) -> bool {
    match error.code() {
        // No answer of the server's: the connection was refused, or was lost.
        None => error.is_closed() || source_is_of_the_network(error),
        // Connection exceptions, a read-only server, rollbacks, no resources, an operator, the system.
        Some(code) => {
            matches!(&code.code()[..2], "08" | "25" | "40" | "53" | "55" | "57" | "58") || is_read_only(error)
        }
    }
}

fn source_is_of_the_network(error: &Error) -> bool {
    use std::error::Error as _;
    use std::io::ErrorKind;
    match error.source().and_then(|source| source.downcast_ref::<std::io::Error>()) {
        // A message that could not be written or read for what stands in it.
        Some(error) => !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData),
        // There is no other sign of a connection that was not made in time.
        None => error.source().is_none() && error.to_string().contains("timeout"),
    }
}
