//! Limits that a limiter counts for all nodes: what tokens do with it, and without it while it fails.

#[path = "../support/counting_limiter.rs"]
mod counting_limiter;
mod many_nodes;
mod policies;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_server;
#[cfg(feature = "redis")]
#[path = "../support/tools.rs"]
mod tools;
