//! The feed of changes over PostgreSQL, when connections are killed, poolers stand in between, and
//! servers come and go.
#![cfg(all(unix, feature = "postgres"))]

mod arriving;
mod frozen;
mod interrupted;
mod kit;
mod log;
mod pooled;
mod rows;

#[path = "../support/on_postgres.rs"]
mod on_postgres;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
