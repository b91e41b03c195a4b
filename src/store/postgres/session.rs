//! One connection, for one attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use tokio::runtime::Handle;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::ATTEMPTS;
use super::failure::{Fault, commit_failed, not_connected};
use crate::StoreError;

/// A parameter of a statement, with its type: nothing has to be asked of the server beforehand.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Does something with one connection of a pool, each attempt within the time that it may take, in the
/// runtime of the store. What lost against others, or met a connection that was already dead, is done
/// again from the start: so `attempt` must begin anew each time.
pub(super) async fn tried<T, F>(
    pool: &Pool,
    runtime: &Handle,
    patience: Duration,
    attempt: impl Fn(Session) -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut tried = 0;
    loop {
        tried += 1;
        let progress = Progress::default();
        let once = async {
            let client = pool.get().await.map_err(not_connected)?;
            attempt(Session::new(client, runtime.clone(), progress.clone())).await
        };
        match tokio::time::timeout(patience, once).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(fault)) if fault.again && tried < ATTEMPTS => {}
            Ok(Err(fault)) => return Err(fault.error),
            Err(_) if progress.is_committing() => {
                return Err(StoreError::outcome_unknown("the database did not answer to COMMIT in time"));
            }
            Err(_) => return Err(StoreError::unavailable("the database did not answer in time")),
        }
    }
}

/// One connection, for one attempt. Where it is dropped in the midst of something, so that nobody
/// knows what it would answer next, the connection is closed; where it is dropped in a transaction, that
/// is rolled back.
pub(super) struct Session {
    client: Option<Client>,
    runtime: Handle,
    progress: Progress,
    is_in_transaction: bool,
    awaits_answer: bool,
}

/// How far an attempt has come, for whoever gives up waiting for it.
#[derive(Clone, Default)]
struct Progress(Arc<AtomicBool>);

impl Progress {
    /// Whether COMMIT was sent, and no answer has come.
    fn is_committing(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Session {
    fn new(client: Client, runtime: Handle, progress: Progress) -> Session {
        Session { client: Some(client), runtime, progress, is_in_transaction: false, awaits_answer: false }
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("there until it is dropped")
    }

    /// Begins a transaction in which each statement sees what is committed when it begins. So whoever
    /// takes a lock first sees afterwards all that its holders before have done.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.is_in_transaction = true;
        self.batch("START TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE").await
    }

    /// Begins one that reads, all of it as of one moment.
    pub(super) async fn begin_reading(&mut self) -> Result<(), Fault> {
        self.is_in_transaction = true;
        self.batch("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        self.progress.0.store(true, Ordering::Release);
        self.awaits_answer = true;
        let committed = self.client().batch_execute("COMMIT").await;
        self.awaits_answer = false;
        self.is_in_transaction = false;
        self.progress.0.store(false, Ordering::Release);
        committed.map_err(commit_failed)
    }

    /// Several statements without parameters.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), Fault> {
        self.awaits_answer = true;
        let done = self.client().batch_execute(sql).await;
        self.awaits_answer = false;
        Ok(done?)
    }

    pub(super) async fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Fault> {
        self.awaits_answer = true;
        let rows = self.client().query_typed(sql, parameters).await;
        self.awaits_answer = false;
        Ok(rows?)
    }

    /// The only row, or none.
    pub(super) async fn row(
        &mut self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, Fault> {
        Ok(self.rows(sql, parameters).await?.pop())
    }

    /// How many rows it has touched.
    pub(super) async fn execute(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Fault> {
        self.awaits_answer = true;
        let touched = self.client().execute_typed(sql, parameters).await;
        self.awaits_answer = false;
        Ok(touched?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.awaits_answer {
            // Dropping what is taken out of the pool closes it.
            drop(Object::take(client));
        } else if self.is_in_transaction {
            self.runtime.spawn(async move {
                // Where it fails the connection is closed, which undoes the same.
                _ = client.batch_execute("ROLLBACK").await;
            });
        }
    }
}
