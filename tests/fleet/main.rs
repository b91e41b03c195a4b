//! A fleet of real processes over real servers, broken on purpose, and what its history shows.
#![cfg(all(
    unix,
    feature = "postgres",
    feature = "redis",
    feature = "sqlite",
    feature = "axum",
    feature = "admin"
))]

mod board;
mod breaking;
mod changing;
mod checker;
mod client;
#[path = "../support/dice.rs"]
mod dice;
mod history;
mod nodes;
mod plan;
#[path = "../support/proxy.rs"]
mod proxy;
mod report;
mod run;
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/tools.rs"]
mod tools;
mod traffic;
