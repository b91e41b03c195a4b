//! Stores in schemas of a test's own, and looking at them from behind.

use std::error::Error as _;
use std::time::Duration;

use tokenward::conformance::{sample_draft, sample_id, sample_token};
use tokenward::store::{Change, HistoryQuery, Insertion, TenantFilter, Updating};
use tokenward::{
    Action, HistoryEntry, PostgresStore, StoreError, StoredToken, TokenStore, block_on, history::verify_chain,
};

use crate::on_postgres::{self, OwnSchema, execute};

/// A schema in the shared server, not made yet; none where there is no such server.
pub fn schema() -> Option<OwnSchema> {
    on_postgres::address().map(OwnSchema::at)
}

/// A store in this schema, whose sessions bear the schema's name.
pub fn store(schema: &OwnSchema) -> PostgresStore {
    PostgresStore::at(&address(schema, &schema.name)).unwrap().schema(&schema.name).unwrap()
}

/// The address for sessions of this name.
pub fn address(schema: &OwnSchema, application: &str) -> String {
    let sign = if schema.address.contains('?') { '&' } else { '?' };
    format!("{}{sign}application_name={application}", schema.address)
}

/// An open store in this schema.
pub fn opened(schema: &OwnSchema) -> PostgresStore {
    let store = store(schema);
    block_on(store.open()).unwrap();
    store
}

/// Puts the token of this number into the store.
pub async fn put(store: &PostgresStore, number: u32) -> StoredToken {
    let token = sample_token(number);
    let inserted = store.insert(&token, &sample_draft(&token, Action::Issued), None).await.unwrap();
    assert!(matches!(inserted, Insertion::Inserted(_)), "{inserted:?}");
    one(store, number).await
}

pub async fn one(store: &PostgresStore, number: u32) -> StoredToken {
    store.load(&[sample_id(number)]).await.unwrap().pop().expect("it is there")
}

/// Raises the version of a token as it was read.
pub async fn change(store: &PostgresStore, mut token: StoredToken) -> Result<Updating, StoreError> {
    let expected = token.record.version;
    token.record.version += 1;
    let history = sample_draft(&token, Action::Updated);
    store.update(&[Change::new(token, expected, history)]).await
}

/// All of history, in the order of the numbers, after a look at each tenant's chain.
pub async fn history(store: &PostgresStore) -> Vec<HistoryEntry> {
    let mut query = HistoryQuery::new(TenantFilter::Any);
    query.limit = 100_000;
    let mut entries = store.history(&query).await.unwrap();
    entries.reverse();
    for tenant in entries.iter().map(|entry| &entry.draft.tenant) {
        let chain = entries.iter().filter(|entry| entry.draft.tenant == *tenant);
        verify_chain(chain, None).expect("the chain holds");
    }
    entries
}

/// What of the tables a change leaves behind goes together: numbers, changes, history, versions.
pub async fn assert_whole(schema: &OwnSchema, store: &PostgresStore) {
    let entries = history(store).await;
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number.to_string()).collect();
    let last: u64 = schema.execute("SELECT last_number FROM tokenward.state")[0].parse().unwrap();
    assert_eq!(
        numbers,
        (1..=last).map(|number| number.to_string()).collect::<Vec<_>>(),
        "no number is left out"
    );
    assert_eq!(schema.execute("SELECT number FROM tokenward.changes ORDER BY number"), numbers);
    let torn = schema.execute(
        "SELECT t.id FROM tokenward.tokens AS t \
         WHERE t.sequence IS DISTINCT FROM (SELECT max(number) FROM tokenward.history AS h WHERE h.token = t.id)",
    );
    assert!(torn.is_empty(), "the last change of {torn:?} is not the one that history tells of");
    for entry in &entries {
        let found = store.load(&[entry.draft.token]).await.unwrap();
        let changes = entries.iter().filter(|other| other.draft.token == entry.draft.token).count() as u64;
        let first = sample_token(0).record.version;
        assert!(
            found.iter().all(|token| token.record.version == first + changes - 1),
            "a version for a change"
        );
    }
}

/// Why it failed, in the words of whoever knows.
pub fn why(error: &StoreError) -> String {
    let sources = std::iter::successors(error.source(), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Ends the sessions of the stores of this schema, as an operator does. Says how many it were.
pub fn end_sessions(schema: &OwnSchema) -> usize {
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'",
        schema.name
    );
    execute(&schema.address, &sql).len()
}

/// Waits until a session of this schema waits for a lock.
pub fn until_one_waits(schema: &OwnSchema) {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE application_name = '{}' AND wait_event_type = 'Lock'",
        schema.name
    );
    crate::servers::eventually("somebody who waits for a lock", || {
        (!execute(&schema.address, &sql).is_empty()).then_some(())
    });
}

/// A transaction of somebody else's, rolled back when it is dropped.
pub struct Other {
    runtime: tokio::runtime::Runtime,
    client: Option<tokio_postgres::Client>,
    connection: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Other {
    /// Begins one with these statements, in which the schema is called `tokenward.`.
    pub fn begin(schema: &OwnSchema, sql: &str) -> Other {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let connecting = tokio_postgres::connect(&schema.address, tokio_postgres::NoTls);
        let (client, connection) = runtime.block_on(connecting).unwrap();
        let connection = runtime.spawn(connection);
        let sql = format!("BEGIN; {}", sql.replace("tokenward.", &format!("{}.", schema.name)));
        runtime.block_on(client.batch_execute(&sql)).unwrap();
        Other { runtime, client: Some(client), connection }
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let client = self.client.take().unwrap();
        _ = self.runtime.block_on(client.batch_execute("ROLLBACK"));
        drop(client);
        _ = self.runtime.block_on(&mut self.connection);
    }
}

/// Enough for what is quick, and soon over for what is not.
pub const SHORT: Duration = Duration::from_millis(400);
