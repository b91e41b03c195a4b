//! What an error of SQLite means for whoever waits.

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

/// An error of anything but COMMIT: the transaction is rolled back, nothing was written.
pub(super) fn failed(error: Error) -> StoreError {
    if passes(&error) { StoreError::unavailable(error) } else { StoreError::broken(error) }
}

/// An error of COMMIT that was not followed by a commit for certain.
///
/// A lock that was not given and a disk that was full leave the transaction unwritten. After
/// anything else (a failed sync above all) the pages may or may not be in the file.
pub(super) fn commit_failed(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::ReadOnly
            | ErrorCode::ConstraintViolation,
        ) => failed(error),
        _ => StoreError::outcome_unknown(error),
    }
}

/// Whether somebody else has the lock.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether it may pass without anybody mending the data.
fn passes(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
                | ErrorCode::SchemaChanged
        )
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn error(code: i32) -> Error {
        Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn each_error_says_whether_to_try_again_and_whether_to_look() {
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_READONLY, ffi::SQLITE_BUSY] {
            let failed = failed(error(code));
            assert!(failed.is_transient() && !failed.outcome_is_unknown(), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_ERROR] {
            assert!(!failed(error(code)).is_transient(), "{code}");
        }
        assert!(commit_failed(error(ffi::SQLITE_IOERR)).outcome_is_unknown());
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_BUSY] {
            assert!(!commit_failed(error(code)).outcome_is_unknown(), "{code}");
        }
    }
}
