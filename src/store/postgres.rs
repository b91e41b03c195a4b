//! Tokens, history and use in PostgreSQL, shared by any number of nodes.
//!
//! Everything is in a schema of its own. No statement is prepared under a name and none relies on
//! `search_path` or on anything else that a session keeps, so that a pooler that hands out a
//! connection for one transaction at a time (pgbouncer) may stand in between.

mod connecting;
mod failure;
mod feed;
mod listening;
mod migrations;
mod session;
mod sql;
mod tokens;

use std::fmt;
use std::time::Duration;

use deadpool_postgres::Pool;

use self::connecting::Connecting;
use self::listening::Listening;
use self::session::Session;
use self::sql::Schema;
use crate::StoreError;
use crate::executor::IoRuntime;

/// Tokens, history and use in PostgreSQL, shared by any number of nodes.
pub struct PostgresStore {
    runtime: IoRuntime,
    connecting: Connecting,
    listening: Listening,
    /// For what somebody waits for: verifications and changes.
    pool: Pool,
    /// For use, which must not keep a verification waiting for a connection.
    usage_pool: Pool,
    schema: Schema,
    patience: Duration,
}

/// Which connections an operation takes.
#[derive(Clone, Copy)]
enum Lane {
    Tokens,
    Usage,
}

/// Tried so often against others who hold the same rows, before giving up.
const ATTEMPTS: u32 = 10;
const PATIENCE: Duration = Duration::from_secs(5);
/// So long one step of a migration may take, in a database that has much to rewrite.
const MIGRATION: Duration = Duration::from_secs(600);

impl PostgresStore {
    /// Tokens in this database: `postgres://user:password@host:port/database`, without TLS. Nothing
    /// is connected yet.
    ///
    /// # Errors
    /// Where the address cannot be read.
    pub fn at(address: &str) -> Result<PostgresStore, StoreError> {
        PostgresStore::with_tls(address, tokio_postgres::NoTls)
    }

    /// In this schema instead of `tokenward`: a lower-case letter, then lower-case letters, digits
    /// and `_`, 48 at most.
    ///
    /// # Errors
    /// Where it is no such name.
    pub fn schema(mut self, name: &str) -> Result<PostgresStore, StoreError> {
        self.schema = Schema::named(name)?;
        Ok(self)
    }

    /// Does something with one connection, within the time that it may take. What lost against
    /// others, or met a connection that was already dead, is done again from the start: so `attempt`
    /// must begin anew each time.
    async fn run<T, F>(&self, lane: Lane, attempt: impl Fn(Session) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, failure::Fault>>,
    {
        self.run_within(self.patience, lane, attempt).await
    }

    /// The same, where each attempt may take so long.
    async fn run_within<T, F>(
        &self,
        patience: Duration,
        lane: Lane,
        attempt: impl Fn(Session) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, failure::Fault>>,
    {
        let pool = match lane {
            Lane::Tokens => &self.pool,
            Lane::Usage => &self.usage_pool,
        };
        self.runtime.within(session::tried(pool, self.runtime.handle(), patience, attempt)).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").field("schema", &self.schema).finish_non_exhaustive()
    }
}
