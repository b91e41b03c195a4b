//! Every query walks an index, whatever is asked for: looked up in SQLite's own plans.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, params_from_iter};

use super::statement::Statement;
use super::usage::totals;
use super::{changes, chronicle, listing, migrations};
use crate::store::{Cap, Filter, HistoryQuery, Order, Query, RevokeAll, SortKey, TenantFilter};
use crate::{Action, Actor, HistoryDraft, Status, TokenId, TokenRecord};

pub(super) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub(super) fn file() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    migrations::migrate(&connection).unwrap();
    connection
}

pub(super) fn plan(connection: &Connection, statement: &Statement) -> Vec<String> {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", statement.sql)).unwrap();
    let lines = explain.query_map(params_from_iter(&statement.values), |row| row.get::<_, String>(3));
    lines.unwrap().map(Result::unwrap).collect()
}

/// Lines that read a whole table, and lines that sort.
pub(super) fn faults(plan: &[String]) -> Vec<&String> {
    let reads_all = |line: &String| {
        // The JSON of one row, and the ids of one call, are walked whole.
        line.starts_with("SCAN")
            && !line.contains("VIRTUAL TABLE")
            && !line.to_lowercase().contains("subquery")
    };
    plan.iter().filter(|line| reads_all(line) || line.contains("TEMP B-TREE")).collect()
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
        new().status(Status::Revoked).scope(scope()),
        new().status(Status::Expired).status(Status::Revoked),
        new().scope(scope()),
        new().owner("7"),
        new().owner("7").scope(scope()).status(Status::Revoked),
        new().created_by("maria").environment("live"),
        new().metadata("plan", "gold"),
        new().expires_before(now()),
        new().created_before(now()).scope(scope()),
        new().created_before(now()),
        new().text("export"),
    ]
}

/// After `ANALYZE` of a lopsided file as well: the plans must not move with statistics.
fn files() -> [Connection; 2] {
    let lopsided = file();
    let template = super::rows::COLUMNS.split(", ").map(|_| "'[]'").collect::<Vec<_>>().join(", ");
    for number in 0..200 {
        let values = template.replacen("'[]'", &format!("'{number:016}'"), 1);
        let sql = format!("INSERT INTO tokenward_tokens ({}) VALUES ({values})", super::rows::COLUMNS);
        lopsided.execute_batch(&sql).unwrap();
    }
    lopsided.execute_batch("ANALYZE").unwrap();
    [file(), lopsided]
}

#[test]
fn every_listing_walks_an_index() {
    let mut shapes = BTreeSet::new();
    for connection in files() {
        for tenant in tenants() {
            for filter in filters() {
                for by in [SortKey::CreatedAt, SortKey::Name, SortKey::ExpiresAt] {
                    for (descending, later) in [(true, true), (true, false), (false, true), (false, false)] {
                        let order = Order { by, descending };
                        let record = TokenRecord::stand_in(TokenId::placeholder(), now());
                        let after = later.then(|| order.position(&record));
                        let query = Query {
                            filter: filter.clone(),
                            order,
                            after,
                            ..Query::new(tenant.clone(), now())
                        };
                        check_page(&connection, &query, &mut shapes);
                    }
                }
            }
        }
    }
    assert!(shapes.len() > 100, "only {} shapes were looked at", shapes.len());
}

fn check_page(connection: &Connection, query: &Query, shapes: &mut BTreeSet<String>) {
    let page = listing::page_statement(query);
    let of_all_tenants = query.tenant == TenantFilter::Any;
    let sorts_few = query.filter.owner.is_some() && query.order.by != SortKey::CreatedAt;
    let lines = plan(connection, &page);
    for fault in faults(&lines) {
        // All tenants in one order: the index of that order from its place on, up to the limit.
        let walks_in_order = of_all_tenants && fault.starts_with("SCAN t USING INDEX tokenward_tokens_by_");
        let is_meant = walks_in_order || (sorts_few && fault.contains("ORDER BY"));
        assert!(is_meant, "{}\n{lines:#?}", page.sql);
    }
    let count = listing::count_statement(query);
    let lines = plan(connection, &count);
    for fault in faults(&lines) {
        let walks_in_order = of_all_tenants && fault.starts_with("SCAN t USING ");
        assert!(walks_in_order, "{}\n{lines:#?}", count.sql);
    }
    shapes.extend([page.sql, count.sql]);
}

#[test]
fn every_other_query_walks_an_index() {
    let id = TokenId::placeholder();
    let record = TokenRecord::stand_in(id, now());
    let history = HistoryDraft::new(Action::Revoked, &record, &Actor::new("maria"), [0; 16], now());
    let mut statements = vec![
        changes::load_statement(&[id]).unwrap(),
        changes::load_statement(&[id, id]).unwrap(),
        changes::living_statement(Some("acme"), Cap { greatest: 5, now: now() }),
        changes::living_statement(None, Cap { greatest: 5, now: now() }),
        Statement { sql: totals::READ.into(), values: vec!["[]".to_owned().into()] },
    ];
    for tenant in tenants() {
        let mut query = HistoryQuery::new(tenant.clone());
        query.before = Some(9);
        statements.push(chronicle::statement(&query));
        query.actions = vec![Action::Revoked];
        statements.push(chronicle::statement(&query.token(id)));
    }
    for connection in files() {
        for statement in &statements {
            let lines = plan(&connection, statement);
            let faults = faults(&lines);
            assert!(faults.is_empty(), "{}\n{lines:#?}", statement.sql);
        }
        for (tenant, owner) in [
            (tenants()[0].clone(), Some("7")),
            (tenants()[1].clone(), None),
            (tenants()[2].clone(), Some("7")),
        ] {
            let revocation = RevokeAll::new(tenant, owner.map(str::to_owned), now(), None, history.clone());
            let lines = plan(&connection, &changes::chosen_statement(&revocation));
            assert!(lines[0].starts_with("SEARCH"), "{lines:#?}");
        }
    }
}

#[test]
fn history_of_all_tenants_is_walked_from_its_end() {
    let statement = chronicle::statement(&HistoryQuery::new(TenantFilter::Any));
    // By its own key: a walk back from the end, up to the limit, and no sorting.
    assert_eq!(plan(&file(), &statement), ["SCAN tokenward_history"]);
}
