//! One connection, for one attempt.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use tokio::runtime::Handle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};

use super::failure::{Fault, commit_failed, is_read_only, not_connected};
use crate::StoreError;
use crate::randomness::{Randomness, SystemRandomness};

/// A parameter of a statement, with its type: nothing has to be asked of the server beforehand.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Tried so often against others who hold the same rows, before giving up.
const ATTEMPTS: u32 = 10;

/// Does something with one connection of a pool, in the runtime of the store. What lost against others,
/// or met a connection that was already dead, is done again from the start: so `attempt` must begin
/// anew each time. All of it takes no longer than `patience`.
pub(super) async fn tried<T, F>(
    pool: &Pool,
    runtime: &Handle,
    patience: Duration,
    attempt: impl Fn(Session) -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Fault>>,
{
    let progress = Progress::default();
    let attempts = async {
        let mut tried = 0;
        loop {
            tried += 1;
            progress.reached(Stage::Connecting);
            let done = match pool.get().await {
                Ok(client) => {
                    progress.reached(Stage::Working);
                    attempt(Session::new(client, runtime.clone(), patience, progress.clone())).await
                }
                Err(error) => Err(not_connected(error)),
            };
            match done {
                Err(fault) if fault.again && tried < ATTEMPTS => tokio::time::sleep(pause(tried)).await,
                done => return done.map_err(|fault| fault.error),
            }
        }
    };
    let in_time = tokio::time::timeout(patience, attempts).await;
    in_time.unwrap_or_else(|_| Err(late(pool, progress.stage())))
}

/// So long whoever lost against others waits before it tries again, at random: or they would meet again.
fn pause(tried: u32) -> Duration {
    let most = 4_000_u64 << tried.min(5);
    let mut random = [0; 8];
    match SystemRandomness.fill(&mut random) {
        Ok(()) => Duration::from_micros(u64::from_ne_bytes(random) % most),
        Err(_) => Duration::from_micros(most / 2),
    }
}

fn late(pool: &Pool, stage: Stage) -> StoreError {
    match stage {
        Stage::Connecting => StoreError::unavailable(format!(
            "none of the {} connections to the database came free, or could be made, in time",
            pool.status().max_size
        )),
        Stage::Working => StoreError::unavailable("the database did not answer in time"),
        Stage::Committing => StoreError::outcome_unknown("the database did not answer to COMMIT in time"),
    }
}

/// One connection, for one attempt. Where it is dropped in the midst of something, so that nobody
/// knows what it would answer next, the connection is closed; where it is dropped in a transaction, that
/// is rolled back.
pub(super) struct Session {
    client: Option<Client>,
    runtime: Handle,
    patience: Duration,
    progress: Progress,
    is_in_transaction: bool,
    awaits_answer: bool,
}

/// How far an attempt has come, for whoever gives up waiting for it.
#[derive(Clone)]
struct Progress(Arc<Mutex<Stage>>);

#[derive(Clone, Copy)]
enum Stage {
    Connecting,
    Working,
    /// COMMIT was sent, and no answer has come.
    Committing,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress(Arc::new(Mutex::new(Stage::Connecting)))
    }
}

impl Progress {
    fn reached(&self, stage: Stage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn stage(&self) -> Stage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn new(client: Client, runtime: Handle, patience: Duration, progress: Progress) -> Session {
        Session {
            client: Some(client),
            runtime,
            patience,
            progress,
            is_in_transaction: false,
            awaits_answer: false,
        }
    }

    fn client(&self) -> &Client {
        self.client.as_ref().expect("there until it is dropped")
    }

    /// Begins a transaction that writes, in which each statement sees what is committed when it begins.
    /// So whoever takes a lock first sees afterwards all that its holders before have done.
    ///
    /// What is answered must be on a disk, whatever the role or the database is set to; what is set to
    /// be stricter stays so. And it neither waits for a lock nor, if this process stands still, holds one
    /// for much longer than anybody here waits.
    pub(super) async fn begin(&mut self) -> Result<(), Fault> {
        self.is_in_transaction = true;
        let ms = self.patience.as_millis().clamp(1, i32::MAX as u128);
        self.batch(&format!(
            "START TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE; \
             SET LOCAL lock_timeout = {ms}; SET LOCAL idle_in_transaction_session_timeout = {ms}; \
             SELECT set_config('synchronous_commit', 'on', true) \
             WHERE current_setting('synchronous_commit') = 'off'"
        ))
        .await
    }

    /// Begins one that reads, all of it as of one moment.
    pub(super) async fn begin_reading(&mut self) -> Result<(), Fault> {
        self.is_in_transaction = true;
        self.batch("START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    /// Has the connection closed at the end, not given to anybody else.
    pub(super) fn give_up_connection(&mut self) {
        self.awaits_answer = true;
    }

    pub(super) async fn commit(&mut self) -> Result<(), Fault> {
        self.progress.reached(Stage::Committing);
        self.awaits_answer = true;
        let committed = self.client().batch_execute("COMMIT").await;
        self.awaits_answer = false;
        self.is_in_transaction = false;
        self.progress.reached(Stage::Working);
        committed.map_err(commit_failed)
    }

    /// Several statements without parameters.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), Fault> {
        self.awaits_answer = true;
        let done = self.client().batch_execute(sql).await;
        self.awaits_answer = false;
        self.checked(done)
    }

    pub(super) async fn rows(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Fault> {
        self.awaits_answer = true;
        let rows = self.client().query_typed(sql, parameters).await;
        self.awaits_answer = false;
        self.checked(rows)
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
        self.checked(touched)
    }

    /// Whoever cannot be written to is not the primary, or no longer: the next one connects anew.
    fn checked<T>(&mut self, done: Result<T, Error>) -> Result<T, Fault> {
        done.map_err(|error| {
            if is_read_only(&error) {
                self.give_up_connection();
            }
            error.into()
        })
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
