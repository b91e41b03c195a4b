//! The JSON admin API, through axum.
#![cfg(all(feature = "admin", feature = "axum"))]

mod access;
mod anything;
mod audit;
mod bodies;
mod changes;
mod create;
mod escalation;
mod listing;
mod mount;
mod outage;
mod support;
#[path = "../support/watched_store.rs"]
mod watched_store;
