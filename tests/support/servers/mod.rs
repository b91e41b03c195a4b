//! Servers of a test's own, which it may stop, restart and break: on free ports, in folders that go
//! away, and ended when they are dropped.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of this")]

mod pgbouncer;
mod ports;
mod postgres;
mod process;
mod redis;
mod unprivileged;

pub use pgbouncer::Pgbouncer;
pub use ports::free as free_port;
pub use postgres::PostgresServer;
pub use process::{Process, eventually};
pub use redis::RedisServer;

use super::tools;

/// Whether one of the servers named cannot be had here (`postgres`, `redis-server`, `pgbouncer`), for
/// which the test is then [left out](tools::skip).
pub fn are_missing(names: &[&str]) -> bool {
    for name in names {
        let is_there = match *name {
            "postgres" => postgres::programs().is_some(),
            other => unprivileged::is_program(other),
        };
        if !is_there {
            tools::skip(&format!("there is no {name} here"));
            return true;
        }
    }
    false
}
