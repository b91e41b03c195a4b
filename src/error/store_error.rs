//! What can go wrong in a store.

use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A store could not do what it was asked.
///
/// The engine refuses with 503 whatever the kind; the kind decides whether trying again helps, and
/// whether a write must be looked for.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Unavailable,
    Broken,
    OutcomeUnknown,
}

impl StoreError {
    /// Nothing was written, and trying again later may help: no connection, a lock, a full disk.
    pub fn unavailable(source: impl Into<Source>) -> StoreError {
        StoreError { kind: Kind::Unavailable, source: source.into() }
    }

    /// Nothing was written, and trying again will not help until somebody mends it: a foreign
    /// schema, data that cannot be read, a wrong password.
    pub fn broken(source: impl Into<Source>) -> StoreError {
        StoreError { kind: Kind::Broken, source: source.into() }
    }

    /// A write may have happened or not: the connection was lost while it committed.
    pub fn outcome_unknown(source: impl Into<Source>) -> StoreError {
        StoreError { kind: Kind::OutcomeUnknown, source: source.into() }
    }

    /// Whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        self.kind != Kind::Broken
    }

    /// Whether the write that failed may have happened all the same.
    pub fn outcome_is_unknown(&self) -> bool {
        self.kind == Kind::OutcomeUnknown
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Unavailable => "the token store is not available",
            Kind::Broken => "the token store cannot be used",
            Kind::OutcomeUnknown => {
                "the token store went away during a write, which may or may not have happened"
            }
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
