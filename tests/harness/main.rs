//! What tests with real servers stand on: the servers, and the proxy that breaks their connections.
#![cfg(unix)]

#[path = "../support/dice.rs"]
mod dice;
mod proxied;
#[path = "../support/proxy.rs"]
mod proxy;
mod served;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
