//! Stores that listen, and changes that somebody else makes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokenward::changes::Hint;
use tokenward::{ChangeFeed, PostgresStore, TokenStore, block_on};

use crate::on_postgres::{self, OwnSchema};
use crate::servers::eventually;

/// A schema in the shared server, made ready; none where there is no such server.
pub fn schema() -> Option<OwnSchema> {
    Some(opened(OwnSchema::at(on_postgres::address()?)))
}

/// The same schema, made ready.
pub fn opened(schema: OwnSchema) -> OwnSchema {
    block_on(store(&schema.address, &schema).open()).unwrap();
    schema
}

/// A store in this schema, by this way to the server.
pub fn store(address: &str, schema: &OwnSchema) -> PostgresStore {
    PostgresStore::at(address).unwrap().schema(&schema.name).unwrap()
}

/// Commits a change as a node does, of the token with this number.
pub fn change(schema: &OwnSchema, token: u32) -> u64 {
    let sql = format!(
        "WITH drawn AS (UPDATE tokenward.state SET last_number = last_number + 1 RETURNING last_number), \
         told AS ( \
             INSERT INTO tokenward.changes (number, token) \
             SELECT last_number, 'Sample_{token:09}' FROM drawn RETURNING number) \
         SELECT number, pg_notify('tokenward_{}', number::text) FROM told",
        schema.name
    );
    schema.execute(&sql)[0].parse().unwrap()
}

/// A store that listens.
pub struct Listener {
    pub store: PostgresStore,
    heard: Arc<AtomicU64>,
}

impl Listener {
    pub fn start(address: &str, schema: &OwnSchema) -> Listener {
        let (store, heard) = (store(address, schema), Arc::new(AtomicU64::new(0)));
        let counted = heard.clone();
        store.listen(Hint::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            true
        }));
        Listener { store, heard }
    }

    /// One of which it is known that hints arrive.
    pub fn hearing(address: &str, schema: &OwnSchema) -> Listener {
        let listener = Listener::start(address, schema);
        listener.wait_until_it_hears();
        listener
    }

    pub fn wait_until_it_hears(&self) {
        eventually("hints to arrive", || self.store.gives_hints().then_some(()));
    }

    /// How often a hint was given.
    pub fn times(&self) -> u64 {
        self.heard.load(Ordering::SeqCst)
    }

    pub fn wait_for_more_than(&self, times: u64) {
        eventually("a hint", || (self.times() > times).then_some(()));
    }
}

/// The server's processes that listen for this schema.
pub fn listening(schema: &OwnSchema) -> Vec<String> {
    schema.execute(&format!(
        "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN \"tokenward_{}\"'",
        schema.name
    ))
}
