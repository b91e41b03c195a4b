//! Through poolers: pgbouncer, which gives a connection for one transaction, and pools of the
//! service's own.

use tokenward::store::postgres::deadpool_postgres::{Manager, Pool, Runtime};
use tokenward::store::postgres::tokio_postgres::NoTls;
use tokenward::{PostgresStore, TokenStore, block_on, conformance};

use crate::kit::schema;
use crate::on_postgres::OwnSchema;
use crate::servers::{Pgbouncer, PostgresServer, are_missing};
use crate::wrapped::wrapped_tokens;

/// A store in a schema that goes away with it.
struct Temporary {
    store: PostgresStore,
    _schema: OwnSchema,
}

wrapped_tokens!(Temporary, self => self.store, call => call.await);

#[test]
fn promises_hold_through_pgbouncer() {
    if are_missing(&["postgres", "pgbouncer"]) {
        return;
    }
    let server = PostgresServer::start();
    let pooler = Pgbouncer::before(&server);
    let fresh = || async {
        let schema = OwnSchema::at(server.address());
        let store = PostgresStore::at(&pooler.address()).unwrap().schema(&schema.name).unwrap();
        Temporary { store, _schema: schema }
    };
    block_on(async {
        conformance::opening_twice_is_harmless(fresh).await;
        conformance::every_field_comes_back(fresh).await;
        conformance::a_cap_holds_against_many_at_once(fresh).await;
        conformance::update_does_all_or_nothing(fresh).await;
        conformance::one_of_many_updates_wins_on_threads(fresh).await;
        conformance::purge_needs_the_version_and_keeps_history(fresh).await;
        conformance::revoke_all_writes_history_for_each(fresh).await;
        conformance::the_chain_of_each_tenant_holds(fresh).await;
        conformance::a_listing_counts_no_further_than_asked(fresh).await;
    });
}

#[test]
fn promises_hold_on_a_pool_of_the_services_own() {
    if schema().is_none() {
        return;
    }
    let fresh = || async {
        let schema = schema().unwrap();
        let pool = pool(&schema, 3);
        let store = PostgresStore::on_pool(pool).unwrap().schema(&schema.name).unwrap();
        Temporary { store, _schema: schema }
    };
    block_on(async {
        conformance::every_field_comes_back(fresh).await;
        conformance::one_of_many_updates_wins_on_threads(fresh).await;
        conformance::the_chain_of_each_tenant_holds(fresh).await;
    });
}

pub fn pool(schema: &OwnSchema, connections: usize) -> Pool {
    let manager = Manager::new(schema.address.parse().unwrap(), NoTls);
    Pool::builder(manager).max_size(connections).runtime(Runtime::Tokio1).build().unwrap()
}

/// The futures of the pool, too, are polled within the runtime of the store.
#[test]
fn a_pool_of_the_services_own_is_closed_without_harm() {
    let Some(schema) = schema() else { return };
    let pool = pool(&schema, 1);
    let store = PostgresStore::on_pool(pool.clone()).unwrap().schema(&schema.name).unwrap();
    block_on(store.open()).unwrap();
    pool.close();
    let error = block_on(store.load(&[conformance::sample_id(1)])).unwrap_err();
    assert!(error.is_transient() && !error.outcome_is_unknown(), "{error:?}");
}
