//! The example store, as a person runs it: the program itself, over real sockets.
#![cfg(all(feature = "sqlite", feature = "axum", feature = "admin"))]

mod client;
mod first_lines;
mod lifecycle;
mod program;
mod routes;
mod secrecy;
#[path = "../support/tools.rs"]
mod tools;
