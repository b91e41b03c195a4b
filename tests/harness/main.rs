//! What tests with real servers stand on: the servers, and the proxy that breaks their connections.
#![cfg(unix)]

mod served;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
