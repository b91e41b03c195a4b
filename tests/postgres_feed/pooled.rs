//! Behind a pooler that hands out connections for one transaction at a time.

use tokenward::changes::{NodeId, Position, Pulled};
use tokenward::{ChangeFeed, TokenStore, block_on};

use crate::kit::{Listener, change};
use crate::log;
use crate::on_postgres::OwnSchema;
use crate::servers::{Pgbouncer, PostgresServer, are_missing, eventually};

const WARNING: &str = "do not arrive here";

#[test]
fn it_is_found_out_and_said_that_hints_do_not_arrive() {
    if are_missing(&["postgres", "pgbouncer"]) {
        return;
    }
    log::keep();
    let server = PostgresServer::start();
    let pooler = Pgbouncer::before(&server);
    let schema = OwnSchema::at(server.address());
    let listener = Listener::start(&pooler.address(), &schema);
    block_on(listener.store.open()).unwrap();
    eventually("a warning", || (!log::lines(WARNING).is_empty()).then_some(()));
    assert!(!listener.store.gives_hints());
    let lines = log::lines(WARNING);
    assert!(lines.len() == 1 && lines[0].contains("WARN") && lines[0].contains(&schema.name), "{lines:?}");

    // Everything else works.
    block_on(async {
        let store = &listener.store;
        let (node, other) = (NodeId(u64::MAX), NodeId(7));
        let after = store.join(node, 5_000).await.unwrap();
        assert_eq!(after, Position::default());
        assert_eq!(change(&schema, 3), 1);
        let Pulled::Changes { changes, more: false } = store.pull(node, after, 10).await.unwrap() else {
            panic!("nothing is missed");
        };
        assert_eq!(changes.len(), 1);
        store.acknowledge(node, changes[0].position).await.unwrap();
        assert_eq!(store.join(other, 5_000).await.unwrap(), changes[0].position);
        let roll = store.roll_call().await.unwrap();
        assert_eq!((roll.last_number, roll.nodes.len()), (1, 2));
        assert!(roll.nodes.iter().all(|row| row.acknowledged == 1));
        let counter = roll.nodes.iter().find(|row| row.node == other).unwrap().counter;
        assert!(store.strike(other, counter).await.unwrap());
        store.leave(node).await.unwrap();
        assert!(store.roll_call().await.unwrap().nodes.is_empty());
    });
    // What a node says that is connected to the server itself is not about this one.
    let direct = Listener::hearing(&server.address(), &schema);
    let before = direct.times();
    change(&schema, 4);
    direct.wait_for_more_than(before);
    assert!(!listener.store.gives_hints());
}
