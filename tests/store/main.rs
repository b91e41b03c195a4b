//! The example store, as a person runs it: the program itself, over real sockets.
#![cfg(all(
    feature = "sqlite",
    feature = "axum",
    feature = "dashboard",
    feature = "openapi",
    feature = "postgres",
    feature = "redis"
))]

mod client;
#[cfg(unix)]
mod copies;
mod first_lines;
#[cfg(feature = "openapi")]
mod fuzzed;
mod lifecycle;
mod login;
mod program;
#[cfg(feature = "openapi")]
#[path = "../clients/python.rs"]
mod python;
mod routes;
mod secrecy;
#[cfg(unix)]
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
