//! Limits that are exact across nodes, in Redis.

mod checkup;
mod connection;
mod failure;
mod keys;
mod script;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::{Client, Script};

use self::connection::Connection;
use super::{Limiter, Take, Taken};
use crate::LimiterError;
use crate::executor::IoRuntime;

/// Counts in Redis, version 5 or later, by the clock of Redis: one call of one script for each request.
///
/// It is made without connecting; the first request does that. It works on threads of its own, so that
/// any executor may poll it. Tokens never live in Redis: when it is emptied, counts begin anew and
/// nothing else is lost.
///
/// ```no_run
/// # use std::sync::Arc;
/// use tokenward::limiter::RedisLimiter;
/// use tokenward::{MemoryStore, Tokens};
/// let limiter = RedisLimiter::at("redis://127.0.0.1:6379")?;
/// let tokens = Tokens::builder(Arc::new(MemoryStore::new())).limiter(Arc::new(limiter)).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Keys
/// One for each token that is in use, and one for each tenant that shares a limit:
/// `tokenward:1:{tok_…}`, and `tokenward:1:{…}:tok_…` with `tokenward:1:{…}` for its tenant, of which
/// the braces hold a hash of the name. Each holds 8 bytes for each request within the longest window,
/// at most as many as the greatest limit up to 10,000, and about 2 KB for each greater one. It expires
/// an eighth of that window after the window. Redis must not evict keys (`maxmemory-policy
/// noeviction`): it says so once in the log where it may.
pub struct RedisLimiter {
    runtime: IoRuntime,
    client: Client,
    script: Script,
    prefix: String,
    budget: Duration,
    connection: Mutex<Option<Connection>>,
    is_checked: AtomicBool,
}

impl RedisLimiter {
    /// One at this address: `redis://host:port/database`, `redis://user:password@host`,
    /// `redis+unix:///path`.
    ///
    /// # Errors
    /// Where the address does not read, or no thread can be had.
    pub fn at(address: &str) -> Result<RedisLimiter, LimiterError> {
        // What the error of the driver says could hold the address, and that the password.
        let client = Client::open(address).map_err(|_| {
            LimiterError::unreachable("the address of Redis does not read: give redis://host:port")
        })?;
        let runtime = IoRuntime::start("tokenward-redis", 1).map_err(LimiterError::unreachable)?;
        Ok(RedisLimiter {
            runtime,
            client,
            script: Script::new(script::TAKE),
            prefix: "tokenward".into(),
            budget: Duration::from_millis(100),
            connection: Mutex::new(None),
            is_checked: AtomicBool::new(false),
        })
    }

    /// What the names of all keys begin with; `tokenward` unless set. Two services on one Redis need
    /// two, and all nodes of one service the same.
    pub fn prefix(mut self, prefix: impl Into<String>) -> RedisLimiter {
        self.prefix = prefix.into();
        self
    }

    /// For how long a request waits for Redis at most: 100 ms unless set, at least 1 ms. An answer that
    /// takes longer is a failure.
    pub fn time_budget(mut self, time: Duration) -> RedisLimiter {
        self.budget = time.max(Duration::from_millis(1));
        self
    }

    /// The connection. Called within the runtime.
    fn connection(&self) -> Connection {
        self.place().get_or_insert_with(|| self.connect(0)).clone()
    }

    fn connect(&self, number: u64) -> Connection {
        Connection::begin(self.client.clone(), number, self.budget)
    }

    /// Whoever comes next gets another connection than one on which something failed: it may be dead
    /// without ever saying so, or lead to what is no longer the primary. Called within the runtime.
    fn give_up(&self, failed: &Connection) {
        let mut place = self.place();
        if place.as_ref().is_some_and(|connection| connection.number == failed.number) {
            *place = Some(self.connect(failed.number.saturating_add(1)));
        }
    }

    fn place(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, request: &Take<'_>) -> Result<Taken, LimiterError> {
        let connection = self.connection();
        let answer = tokio::time::timeout(self.budget, self.invoke(&connection, request)).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(LimiterError::failed(format!("Redis has not answered within {:?}", self.budget)))
        });
        if answer.is_err() {
            self.give_up(&connection);
        }
        script::read(request, &answer?)
            .ok_or_else(|| LimiterError::failed("Redis gave an answer that is none"))
    }

    async fn invoke(&self, connection: &Connection, request: &Take<'_>) -> Result<Vec<i64>, LimiterError> {
        let mut ready = connection.ready().await?;
        let mut invocation = self.script.prepare_invoke();
        let keys = keys::of(&self.prefix, request);
        keys.iter().for_each(|key| _ = invocation.key(key));
        script::arguments(request).into_iter().for_each(|argument| _ = invocation.arg(argument));
        let answer = invocation.invoke_async(&mut ready).await.map_err(|error| failure::of(&error))?;
        if !self.is_checked.swap(true, Ordering::Relaxed) {
            tokio::spawn(checkup::warn(ready));
        }
        Ok(answer)
    }
}

#[async_trait]
impl Limiter for RedisLimiter {
    async fn take(&self, request: &Take<'_>) -> Result<Taken, LimiterError> {
        self.runtime.within(self.run(request)).await
    }

    fn losses(&self) -> u64 {
        self.place().as_ref().map_or(0, |connection| connection.number)
    }
}

impl Drop for RedisLimiter {
    fn drop(&mut self) {
        // What the connection leaves to its runtime when it is dropped needs one around it.
        let _entered = self.runtime.handle().enter();
        self.place().take();
    }
}

impl fmt::Debug for RedisLimiter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the address: it may hold a password.
        formatter
            .debug_struct("RedisLimiter")
            .field("prefix", &self.prefix)
            .field("time_budget", &self.budget)
            .finish_non_exhaustive()
    }
}
