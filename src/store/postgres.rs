//! Tokens, history and use in PostgreSQL, shared by any number of nodes.
//!
//! Everything is in a schema of its own. No statement is prepared under a name and none relies on
//! `search_path` or on anything else that a session keeps, so that a pooler that hands out a
//! connection for one transaction at a time (pgbouncer) may stand in between.

mod changes;
mod chronicle;
mod connecting;
mod failure;
mod feed;
mod listening;
mod listing;
mod migrations;
mod outbox;
#[cfg(test)]
mod plans;
mod rows;
mod session;
mod sql;
mod statement;
mod tokens;
mod usage;

use std::fmt;
use std::time::Duration;

pub use deadpool_postgres;
use deadpool_postgres::Pool;
pub use tokio_postgres;

use self::connecting::{Connecting, Share};
use self::listening::Listening;
use self::session::Session;
use self::sql::Schema;
use crate::StoreError;
use crate::executor::IoRuntime;

/// Tokens, history and use in PostgreSQL, shared by any number of nodes.
///
/// Everything is in one schema, `tokenward` unless [set](PostgresStore::schema), beside whatever else
/// the database has. It is made when the store is opened, if the role may; else an administrator makes
/// it once: `CREATE SCHEMA tokenward AUTHORIZATION role`. PostgreSQL 13 is the oldest that serves, with
/// a database whose encoding is UTF8. Of several hosts in the address the primary is found.
///
/// ```no_run
/// # tokenward::block_on(async {
/// use std::sync::Arc;
/// use tokenward::{Catalog, PostgresStore, TokenStore};
/// let store = Arc::new(PostgresStore::at("postgres://service:secret@db.internal/service")?);
/// store.open().await?;
/// # Ok::<(), tokenward::StoreError>(()) }).unwrap();
/// ```
///
/// # Durability
/// A change that was answered is on the database's disk, also where `synchronous_commit` is `off`;
/// with stricter settings it is where they say. A failover to a replica that lags behind loses what
/// that has not received.
///
/// # Cost
/// A load of one token is one round trip; a change is seven, five of them under the lock that all
/// changes of the fleet take one after the other.
///
/// # Poolers
/// A pooler that hands out connections for one transaction at a time, such as pgbouncer, may stand in
/// between. Only hearing of changes needs a connection of its own past it:
/// [`PostgresStore::listening_on`].
pub struct PostgresStore {
    runtime: IoRuntime,
    /// None where the pool is the service's, and nothing was said.
    connecting: Option<Connecting>,
    listening: Listening,
    /// For what somebody waits for: verifications and changes.
    pool: Pool,
    /// For use, which must not keep a verification waiting for a connection.
    usage_pool: Pool,
    share: Share,
    schema: Schema,
    patience: Duration,
}

/// Which connections an operation takes.
#[derive(Clone, Copy)]
enum Lane {
    Tokens,
    Usage,
}

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

    /// How long anything may take, waiting for a connection included, before it has failed: 5 seconds
    /// unless set, at least one millisecond. Revoking many at once may take 12 times as long. A change
    /// that failed so has not happened, unless the error says that its outcome is unknown.
    pub fn patience(mut self, time: Duration) -> PostgresStore {
        self.patience = time.max(Duration::from_millis(1));
        self
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

    /// Does something with one connection, within the time that it may take: see [`session::tried`].
    async fn run<T, F>(&self, lane: Lane, attempt: impl Fn(Session) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, failure::Fault>>,
    {
        self.run_within(self.patience, lane, attempt).await
    }

    /// The same, where all of it may take so long.
    async fn run_within<T, F>(
        &self,
        patience: Duration,
        lane: Lane,
        attempt: impl Fn(Session) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, failure::Fault>>,
    {
        let run = async {
            let (pool, turns) = match (lane, &self.share) {
                (Lane::Tokens, _) => (&self.pool, None),
                (Lane::Usage, Share::Apart(_)) => (&self.usage_pool, None),
                (Lane::Usage, Share::Turns(turns)) => (&self.usage_pool, Some(turns)),
            };
            let _turn = match turns {
                Some(turns) => Some(tokio::time::timeout(patience, turns.acquire()).await.map_err(|_| {
                    StoreError::unavailable("the connections that use may take were in use for too long")
                })?),
                None => None,
            };
            session::tried(pool, self.runtime.handle(), patience, attempt).await
        };
        self.runtime.within(run).await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").field("schema", &self.schema).finish_non_exhaustive()
    }
}
