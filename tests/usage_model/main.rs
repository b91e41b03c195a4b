//! Use as a model counts it, and as the engine does: whatever happens in between, both say the same.
#![cfg(feature = "conformance")]

mod corners;
mod costs;
mod custom;
mod memory;
#[cfg(feature = "postgres")]
#[path = "../support/on_postgres.rs"]
mod on_postgres;
mod random;
mod recount;
#[cfg(feature = "postgres")]
#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod told;
#[cfg(feature = "postgres")]
#[path = "../support/tools.rs"]
mod tools;
mod world;
