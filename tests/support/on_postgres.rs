//! A schema of a test's own in the PostgreSQL server that tests share.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::SimpleQueryMessage;

use super::tools;

/// The server that `TOKENWARD_POSTGRES` names; none where it names none, for which a test is then
/// [left out](tools::skip).
pub fn address() -> Option<String> {
    match std::env::var("TOKENWARD_POSTGRES") {
        Ok(address) if !address.is_empty() => Some(address),
        _ => {
            tools::skip("TOKENWARD_POSTGRES names no server");
            None
        }
    }
}

/// A schema that goes away when it is dropped.
pub struct OwnSchema {
    pub address: String,
    pub name: String,
}

impl OwnSchema {
    /// One that is not there yet, in the database at this address.
    pub fn at(address: impl Into<String>) -> OwnSchema {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let moment = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let name = format!("test_{moment}_{}_{number}", std::process::id());
        OwnSchema { address: address.into(), name }
    }

    /// Runs statements in which it is called `tokenward.`, and gives the first column of each row.
    pub fn execute(&self, sql: &str) -> Vec<String> {
        execute(&self.address, &sql.replace("tokenward.", &format!("{}.", self.name)))
    }
}

impl Drop for OwnSchema {
    fn drop(&mut self) {
        let sql = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        // It may have gone with its server.
        _ = try_execute(&self.address, &sql);
    }
}

/// Runs statements, and gives the first column of each row.
pub fn execute(address: &str, sql: &str) -> Vec<String> {
    try_execute(address, sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn try_execute(address: &str, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    // On a thread of its own, since whoever drops a schema may be within a runtime.
    std::thread::scope(|scope| {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (client, connection) = tokio_postgres::connect(address, tokio_postgres::NoTls).await?;
                tokio::spawn(connection);
                let messages = client.simple_query(sql).await?;
                let first = |message| match message {
                    SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                    _ => None,
                };
                Ok(messages.into_iter().filter_map(first).collect())
            })
        };
        scope.spawn(run).join().expect("asking a database does not panic")
    })
}
