//! The JSON admin API, through axum.
#![cfg(all(feature = "admin", feature = "axum"))]

mod access;
mod addresses;
mod anything;
mod attention;
mod audit;
mod audit_of_all;
mod behind;
mod bodies;
mod bulk;
mod calls;
mod changes;
mod create;
mod end_to_end;
mod escalation;
mod events;
mod fed;
mod health;
mod impact;
mod introspect;
mod listing;
mod mount;
#[cfg(feature = "openapi")]
mod openapi;
mod outage;
mod secrets;
mod series;
#[path = "../support/mod.rs"]
mod shared;
mod stream;
mod stream_access;
mod stream_server;
mod support;
mod usage;
#[path = "../support/watched_store.rs"]
mod watched_store;
