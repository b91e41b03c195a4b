//! The store in PostgreSQL where something goes wrong: connections that end, locks that are held,
//! schemas that are not as they should be, poolers in between; and what is done by hand.
#![cfg(all(unix, feature = "postgres", feature = "conformance"))]

mod by_hand;
mod cost;
mod ended;
mod kit;
mod many;
mod migrating;
mod pooled;
mod settings;
mod text;

#[path = "../support/on_postgres.rs"]
mod on_postgres;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
#[allow(unused_imports, unused_macros, reason = "tokens alone")]
#[path = "../support/wrapped.rs"]
mod wrapped;
