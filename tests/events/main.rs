//! What deserves attention is found at its moment, and delivered to the host's hook: at least once,
//! and never twice while nothing fails.

mod delivered;
mod expiring;
mod kit;
mod many;
mod noticed;
#[path = "../support/mod.rs"]
mod support;
mod threads;
mod unused;
#[cfg(feature = "sqlite")]
mod waited;
#[cfg(feature = "sqlite")]
#[path = "../support/wrapped.rs"]
mod wrapped;
