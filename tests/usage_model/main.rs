//! Use as a model counts it, and as the engine does: whatever happens in between, both say the same.

mod corners;
mod costs;
mod custom;
mod flaky;
mod memory;
mod random;
mod recount;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod world;
