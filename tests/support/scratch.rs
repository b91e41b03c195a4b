//! A store in a schema of a test's own.
#![allow(dead_code, reason = "each test file uses a part of this")]

use tokenward::{PostgresStore, TokenStore, block_on};

use super::on_postgres::{self, OwnSchema};

/// A store, whose schema goes away with it.
pub struct Scratch {
    pub store: PostgresStore,
    pub schema: OwnSchema,
    /// With the name of the schema as that of its connections.
    pub address: String,
}

impl Scratch {
    /// An empty one.
    pub async fn at(address: &str) -> Scratch {
        let schema = OwnSchema::at(address);
        let address = format!("{address}?application_name={}", schema.name);
        let store = PostgresStore::at(&address).unwrap().schema(&schema.name).unwrap();
        store.open().await.unwrap();
        Scratch { store, schema, address }
    }

    /// An empty one, for which there must be a server.
    pub async fn fresh() -> Scratch {
        Scratch::at(&std::env::var("TOKENWARD_POSTGRES").expect("TOKENWARD_POSTGRES names a server")).await
    }

    /// An empty one, if there is a server.
    pub fn if_there() -> Option<Scratch> {
        on_postgres::address().map(|address| block_on(Scratch::at(&address)))
    }

    /// Another node's store over the same schema.
    pub fn another(&self) -> PostgresStore {
        self.another_at(&self.address)
    }

    pub fn another_at(&self, address: &str) -> PostgresStore {
        PostgresStore::at(address).unwrap().schema(&self.schema.name).unwrap()
    }

    /// As [`OwnSchema::execute`].
    pub fn sql(&self, sql: &str) -> Vec<String> {
        self.schema.execute(sql)
    }
}
