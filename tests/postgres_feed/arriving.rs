//! Hints where nothing is broken.

use std::time::Instant;

use tokenward::block_on;
use tokenward::changes::{ChangeFeed, Hint, NodeId, Position};

use crate::kit::{Listener, change, listening, schema, store};
use crate::servers::eventually;

#[test]
fn stores_on_one_schema_hear_of_its_changes_and_of_no_other() {
    let (Some(ours), Some(other)) = (schema(), schema()) else { return };
    let listeners = [(); 2].map(|()| Listener::hearing(&ours.address, &ours));
    let stranger = Listener::hearing(&other.address, &other);
    let before = stranger.times();
    for token in 0..3 {
        let times = listeners.each_ref().map(Listener::times);
        change(&ours, token);
        for (listener, times) in listeners.iter().zip(times) {
            listener.wait_for_more_than(times);
        }
    }
    assert_eq!(stranger.times(), before, "another schema has nothing to do with it");
    change(&other, 1);
    stranger.wait_for_more_than(before);
}

#[test]
fn nobody_is_asked_before_somebody_listens_and_nothing_is_left_afterwards() {
    let Some(schema) = schema() else { return };
    let idle = store(&schema.address, &schema);
    block_on(idle.roll_call()).unwrap();
    assert!(!idle.gives_hints() && listening(&schema).is_empty(), "nobody listens");
    let listener = Listener::hearing(&schema.address, &schema);
    listener.store.listen(Hint::new(|| true));
    assert_eq!(listening(&schema).len(), 1, "one connection serves all who listen to a store");
    drop(listener);
    eventually("the connection to go", || listening(&schema).is_empty().then_some(()));
}

/// What the server makes of a probe is heard as such.
#[test]
fn a_probe_is_no_hint() {
    let Some(schema) = schema() else { return };
    let listener = Listener::hearing(&schema.address, &schema);
    let before = listener.times();
    // Its own probe was heard before; this is another node's.
    schema.execute(&format!("SELECT pg_notify('tokenward_{}', 'probe 0123')", schema.name));
    let after = block_on(listener.store.join(NodeId(1), 5_000)).unwrap();
    assert_eq!(after, Position::default());
    assert_eq!(listener.times(), before, "nothing was changed");
    change(&schema, 1);
    listener.wait_for_more_than(before);
    assert_eq!(listener.times(), before + 1, "one change, one hint");
}

/// Prints how long after COMMIT a hint is given.
#[test]
#[ignore = "measures"]
fn the_time_from_commit_to_hint() {
    let Some(schema) = schema() else { return };
    let listener = store(&schema.address, &schema);
    let (send, receive) = std::sync::mpsc::channel();
    listener.listen(Hint::new(move || send.send(Instant::now()).is_ok()));
    eventually("hints to arrive", || listener.gives_hints().then_some(()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&schema.address, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    });
    let sql = format!(
        "BEGIN; UPDATE {0}.state SET last_number = last_number + 1; \
         INSERT INTO {0}.changes (number, token) SELECT last_number, 'Sample_000000001' FROM {0}.state; \
         SELECT pg_notify('tokenward_{0}', last_number::text) FROM {0}.state",
        schema.name
    );
    let mut figures = [Vec::new(), Vec::new()];
    for _ in 0..500 {
        while receive.try_recv().is_ok() {}
        runtime.block_on(client.batch_execute(&sql)).unwrap();
        let begin = Instant::now();
        runtime.block_on(client.batch_execute("COMMIT")).unwrap();
        let committed = Instant::now();
        let heard = receive.recv().unwrap();
        figures[0].push((committed - begin).as_micros());
        figures[1].push((heard - begin).as_micros());
    }
    for (figures, what) in figures.iter_mut().zip(["answer", "hint"]) {
        figures.sort_unstable();
        let [median, high, worst] = [250, 495, 499].map(|place| figures[place]);
        println!("from sending COMMIT to the {what}: median {median} us, 99 % {high} us, worst {worst} us");
    }
}
