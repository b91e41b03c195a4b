//! Use as a model counts it, and as the engine does: whatever happens in between, both say the same.
#![cfg(feature = "conformance")]

mod corners;
mod costs;
mod custom;
mod memory;
mod random;
mod recount;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod told;
mod world;
