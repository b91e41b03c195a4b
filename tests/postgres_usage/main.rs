//! Use in PostgreSQL, written by several nodes at once.
#![cfg(all(feature = "postgres", feature = "conformance"))]

mod corners;
mod nodes;
#[path = "../support/on_postgres.rs"]
mod on_postgres;
#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/tools.rs"]
mod tools;
#[path = "../support/wrapped.rs"]
mod wrapped;

use tokenward::{block_on, conformance};

use self::scratch::Scratch;
use self::wrapped::wrapped;

wrapped!(Scratch, self => self.store, call => call.await);

tokenward::usage_store_tests!(promises, Scratch::fresh, if on_postgres::address().is_some());

#[test]
fn nodes_add_up_on_threads() {
    if on_postgres::address().is_some() {
        block_on(conformance::nodes_add_up_on_threads(Scratch::fresh));
    }
}
