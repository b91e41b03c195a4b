//! Hints while connections are lost and servers are away.

use tokenward::changes::NodeId;
use tokenward::{ChangeFeed, TokenStore, block_on};

use crate::frozen::Freezer;
use crate::kit::{Listener, change, listening, opened, schema, store};
use crate::on_postgres::OwnSchema;
use crate::servers::{PostgresServer, are_missing, eventually};

#[test]
fn a_killed_connection_is_made_again() {
    let Some(schema) = schema() else { return };
    let listener = Listener::hearing(&schema.address, &schema);
    let mut killed = Vec::new();
    for token in 0..3 {
        let before = listener.times();
        let of_now = listening(&schema);
        assert!(of_now.len() == 1 && !killed.contains(&of_now[0]));
        schema.execute(&format!("SELECT pg_terminate_backend({})", of_now[0]));
        killed.extend(of_now);
        // Nothing was changed; but something might have been.
        listener.wait_for_more_than(before);
        eventually("another connection", || {
            let of_now = listening(&schema);
            (of_now.len() == 1 && !killed.contains(&of_now[0])).then_some(())
        });
        listener.wait_until_it_hears();
        let before = listener.times();
        change(&schema, token);
        listener.wait_for_more_than(before);
    }
}

#[test]
fn a_connection_that_is_only_half_open_is_noticed() {
    let Some(schema) = schema() else { return };
    let freezer = Freezer::before(&schema.address);
    let listener = Listener::hearing(&freezer.address(), &schema);
    let before = listener.times();
    freezer.freeze();
    change(&schema, 1);
    listener.wait_for_more_than(before);
    listener.wait_until_it_hears();
    let before = listener.times();
    change(&schema, 2);
    listener.wait_for_more_than(before);
}

#[test]
fn hints_come_once_a_server_that_was_away_is_there() {
    if are_missing(&["postgres"]) {
        return;
    }
    let mut server = PostgresServer::start();
    server.stop_immediately();
    let schema = OwnSchema::at(server.address());
    let listener = Listener::start(&schema.address, &schema);
    assert!(block_on(listener.store.open()).is_err(), "it is away");
    assert!(!listener.store.gives_hints());
    server.start_again();
    let schema = opened(schema);
    listener.wait_until_it_hears();
    for token in 0..2 {
        let before = listener.times();
        change(&schema, token);
        listener.wait_for_more_than(before);
        server.restart();
        let before = listener.times();
        listener.wait_for_more_than(before);
        listener.wait_until_it_hears();
    }
}

/// A row or a counter that a crash takes back would let others not wait for a node that trusts what it
/// has, or take it for dead.
#[test]
fn rows_and_counters_outlive_a_crash_whatever_the_role_is_set_to() {
    if are_missing(&["postgres"]) {
        return;
    }
    let mut server = PostgresServer::start();
    let schema = opened(OwnSchema::at(server.address()));
    server.execute("ALTER ROLE postgres SET synchronous_commit = off");
    // Else what nobody waits for is written a moment later.
    server.execute("ALTER SYSTEM SET wal_writer_delay = '10s'");
    server.restart();
    for pulls in 0..3 {
        let store = store(&schema.address, &schema);
        let after = block_on(store.join(NodeId(1), 5_000)).unwrap();
        for _ in 0..pulls {
            block_on(store.pull(NodeId(1), after, 10)).unwrap();
        }
        let before = block_on(store.roll_call()).unwrap();
        assert_eq!(before.nodes.len(), 1);
        server.stop_immediately();
        server.start_again();
        let after = block_on(crate::kit::store(&schema.address, &schema).roll_call()).unwrap();
        assert_eq!(after, before, "{pulls} pulls after joining: a crash has taken something back");
    }
}
