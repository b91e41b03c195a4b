//! The guard on axum over real sockets, as an adversary sees it: raw bytes in, every byte of the answer read.
#![cfg(feature = "axum")]

mod addresses;
mod credentials;
mod endings;
mod hosts;
mod kit;
mod layers;
mod recorded;
mod refusals;
mod routing;
mod table;
#[path = "../support/watched_store.rs"]
mod watched_store;
