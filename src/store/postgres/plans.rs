//! Every query can walk an index, whatever is asked for: looked up in PostgreSQL's own plans, where
//! reading whole tables and sorting are made as dear as can be.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::session::Session;
use super::statement::Statement;
use super::{Lane, PostgresStore, changes, chronicle, listing};
use crate::store::{Cap, Filter, HistoryQuery, Order, Query, RevokeAll, SortKey, TenantFilter};
use crate::{Action, Actor, HistoryDraft, Status, StoreError, TokenId, TokenRecord, TokenStore, block_on};

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// A store in a schema that goes away with this.
struct Planned(PostgresStore);

impl Planned {
    fn fresh() -> Option<Planned> {
        let Ok(address) = std::env::var("TOKENWARD_POSTGRES") else {
            let may_skip = !std::env::var("TOKENWARD_NO_SKIP").is_ok_and(|value| value == "1");
            assert!(may_skip, "TOKENWARD_POSTGRES names no server");
            println!("skipped: TOKENWARD_POSTGRES names no server");
            return None;
        };
        let schema = format!("test_plans_{}", std::process::id());
        let store = PostgresStore::at(&address).unwrap().schema(&schema).unwrap();
        block_on(store.open()).unwrap();
        Some(Planned(store))
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        let run = |mut session: Session| async move { session.batch(sql).await };
        block_on(self.0.run(Lane::Tokens, run))
    }

    /// The kinds of the plan's nodes, each with the index that it walks.
    fn plan(&self, statement: &Statement) -> Vec<String> {
        let sql = format!("EXPLAIN (FORMAT JSON) {}", self.0.schema.text(&statement.sql));
        let sql = &*sql;
        let explain = |mut session: Session| async move {
            session.begin_reading().await?;
            session
                .batch("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off")
                .await?;
            let row = session.row(sql, &statement.parameters()).await?.expect("a plan");
            Ok(row.try_get::<_, tokio_postgres::types::Json<Value>>(0)?.0)
        };
        let plan = block_on(self.0.run(Lane::Tokens, explain)).unwrap();
        let mut nodes = Vec::new();
        collect(&plan[0]["Plan"], &mut nodes);
        nodes
    }

    fn assert_walks(&self, statement: &Statement, may_sort: bool) {
        let nodes = self.plan(statement);
        let is_fault = |node: &&String| node.starts_with("Seq Scan") || (node.contains("Sort") && !may_sort);
        let faults: Vec<_> = nodes.iter().filter(is_fault).collect();
        assert!(faults.is_empty(), "{}\n{nodes:#?}", statement.sql);
    }
}

impl Drop for Planned {
    fn drop(&mut self) {
        _ = self.batch(&format!("DROP SCHEMA {} CASCADE", self.0.schema.name()));
    }
}

fn collect(node: &Value, nodes: &mut Vec<String>) {
    let text = |member: &str| node[member].as_str().unwrap_or_default().to_owned();
    nodes.push([text("Node Type"), text("Relation Name"), text("Index Name")].join(" ").trim().to_owned());
    for inner in node["Plans"].as_array().into_iter().flatten() {
        collect(inner, nodes);
    }
}

fn tenants() -> [TenantFilter; 3] {
    [TenantFilter::Any, TenantFilter::Only(Some("acme".into())), TenantFilter::Only(None)]
}

fn filters() -> Vec<Filter> {
    let new = Filter::new;
    let scope = || "orders:read".parse().unwrap();
    vec![
        new(),
        new().status(Status::Active),
        new().status(Status::Revoked),
        new().status(Status::Expired).status(Status::Revoked),
        new().scope(scope()),
        new().owner("7"),
        new().owner("7").scope(scope()).status(Status::Revoked),
        new().created_by("maria").environment("live").metadata("plan", "gold"),
        new().expires_before(now()).created_before(now()),
        new().created_before(now()).scope(scope()),
        new().text("export"),
    ]
}

#[test]
fn every_query_can_walk_an_index() {
    let Some(planned) = Planned::fresh() else { return };
    // Without rows all ways cost the same, and nothing is to be seen.
    planned
        .batch(&planned.0.schema.text(
            "INSERT INTO tokenward.tokens (id, name, description, tenant, owner, scopes, rate_limit, addresses, \
                 metadata, revoked_at, created_at, created_by, digest, secret_version, secret_start, secret_last4, \
                 secret_created_at, rotation_keys, version, sequence) \
             SELECT lpad(n::text, 16, '0'), 'Name ' || n, '', CASE WHEN n % 3 > 0 THEN 'tenant' || n % 7 END, n % 50, \
                 ARRAY['orders:read', 's' || n % 10], '{}', '[]', '{}', CASE WHEN n % 20 = 0 THEN n END, n, 'maria', \
                 '', 1, '', '', n, '[]', 1, n FROM generate_series(1, 3000) AS n; \
             INSERT INTO tokenward.history (number, at, action, token, token_name, tenant, via, changes, previous, \
                 commitment, hash) \
             SELECT n, n, 'issued', lpad(n::text, 16, '0'), '', CASE WHEN n % 3 > 0 THEN 'tenant' || n % 7 END, \
                 'code', '[]', '', '', '' FROM generate_series(1, 3000) AS n; \
             ANALYZE tokenward.tokens; ANALYZE tokenward.token_scopes; ANALYZE tokenward.history",
        ))
        .unwrap();
    let mut shapes = BTreeSet::new();
    for tenant in tenants() {
        for filter in filters() {
            for by in [SortKey::CreatedAt, SortKey::Name, SortKey::ExpiresAt] {
                for (descending, later) in [(true, true), (true, false), (false, true), (false, false)] {
                    let order = Order { by, descending };
                    let record = TokenRecord::stand_in(TokenId::placeholder(), now());
                    let after = later.then(|| order.position(&record));
                    let query =
                        Query { filter: filter.clone(), order, after, ..Query::new(tenant.clone(), now()) };
                    let page = listing::page_statement(&query).unwrap();
                    // An owner has few tokens: they are sorted.
                    planned.assert_walks(&page, filter.owner.is_some());
                    let count = listing::count_statement(&query);
                    // All of all tenants are counted as they lie there, up to the limit.
                    if query.tenant != TenantFilter::Any {
                        planned.assert_walks(&count, true);
                    }
                    shapes.extend([page.sql, count.sql]);
                }
            }
        }
    }
    assert!(shapes.len() > 100, "only {} shapes were looked at", shapes.len());
    others(&planned);
}

fn others(planned: &Planned) {
    let id = TokenId::placeholder();
    let mut load = Statement::new(changes::LOAD.as_str());
    load.texts(vec![id.as_str().to_owned()]);
    let nodes = planned.plan(&load);
    assert!(nodes.iter().any(|node| node == "Index Scan tokens tokens_pkey"), "{nodes:#?}");

    let record = TokenRecord::stand_in(id, now());
    let history = HistoryDraft::new(Action::Revoked, &record, &Actor::new("maria"), [0; 16], now());
    for tenant in tenants() {
        let mut query = HistoryQuery::new(tenant.clone());
        planned.assert_walks(&chronicle::statement(&query), false);
        query.before = Some(9);
        planned.assert_walks(&chronicle::statement(&query), false);
        query.actions = vec![Action::Revoked];
        planned.assert_walks(&chronicle::statement(&query.token(id)), true);
        for owner in [None, Some("7".to_owned())] {
            let revocation = RevokeAll::new(tenant.clone(), owner, now(), None, history.clone());
            planned.assert_walks(&changes::chosen_statement(&revocation), true);
        }
    }
    for tenant in [Some("tenant1"), None] {
        let living = changes::living_statement(tenant, Cap { greatest: 5, now: now() });
        planned.assert_walks(&living, true);
    }
    let mut seals = Statement::new(chronicle::LAST_SEALS);
    seals.texts(vec!["tenant1".into(), "tenant2".into()]);
    let nodes = planned.plan(&seals);
    let walked = nodes.iter().filter(|node| *node == "Index Scan history history_by_tenant").count();
    assert!(walked == 2 && !nodes.iter().any(|node| node.contains("Sort")), "{nodes:#?}");
}
