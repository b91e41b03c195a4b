//! One page of tokens.
//!
//! Each listing walks one index from the place where its page begins, in the order that is asked
//! for, and stops when the page is full: its cost does not grow with the number of tokens. Which
//! index that is, is said here with INDEXED BY: the planner's guess changes with statistics that
//! the service may gather for its own tables. Filters that no index serves (status other than
//! revoked, who issued it, environment, attributes, text) are looked at on the way.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::rows;
use super::statement::Statement;
use crate::Status;
use crate::store::columns::status_at;
use crate::store::{Filter, Listing, Order, Position, Query, SortKey, TenantFilter};

pub(super) fn page(connection: &Connection, query: &Query) -> rusqlite::Result<Listing> {
    let statement = page_statement(query);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let found = prepared.query_map(params_from_iter(statement.values), |row| Ok(rows::token(row)?.record))?;
    let mut records = found.collect::<Result<Vec<_>, _>>()?;
    let more = records.len() > query.limit as usize;
    records.truncate(query.limit as usize);
    let counted = match query.count_up_to {
        0 => 0,
        _ => {
            let statement = count_statement(query);
            let mut prepared = connection.prepare_cached(&statement.sql)?;
            prepared.query_row(params_from_iter(statement.values), |row| row.get(0))?
        }
    };
    Ok(Listing { records, more, counted })
}

/// The page, and one token more to know whether there are more.
pub(super) fn page_statement(query: &Query) -> Statement {
    let way = Way::of(query);
    let mut statement = Statement::new();
    let columns: Vec<_> = rows::COLUMNS.split(", ").map(|column| format!("t.{}", column.trim())).collect();
    statement.sql = format!("SELECT {} FROM {}", columns.join(", "), way.source(query));
    conditions(&mut statement, query, way);
    let (key, id) = way.sorted_by(query.order);
    if let Some(after) = &query.after {
        let operator = if query.order.descending { "<" } else { ">" };
        let (value, token) = position(query.order, after);
        let (value, token) = (statement.place(value), statement.place(token));
        statement.sql.push_str(&format!(" AND ({key}, {id}) {operator} ({value}, {token})"));
    }
    let direction = if query.order.descending { "DESC" } else { "ASC" };
    statement.sql.push_str(&format!(" ORDER BY {key} {direction}, {id} {direction}"));
    statement.limit(i64::from(query.limit) + 1);
    statement
}

pub(super) fn count_statement(query: &Query) -> Statement {
    let way = Way::of(query);
    let mut statement = Statement::new();
    statement.sql = format!("SELECT count(*) FROM (SELECT 1 FROM {}", way.source(query));
    conditions(&mut statement, query, way);
    statement.limit(query.count_up_to.into());
    statement.sql.push(')');
    statement
}

fn position(order: Order, position: &Position) -> (Value, Value) {
    let key = match order.by {
        SortKey::CreatedAt | SortKey::ExpiresAt => Value::Integer(position.number),
        SortKey::Name => Value::Text(position.text.clone()),
    };
    (key, Value::Text(position.id.as_str().to_owned()))
}

/// Which index is walked.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The tokens of an owner: few, whatever else is asked for. Sorted in memory for an order
    /// other than by time of issue.
    Owner,
    /// The tokens with a scope, by time of issue.
    Scope,
    /// The revoked tokens of a tenant, by time of issue.
    Revoked,
    /// The tokens of a tenant, or all, in their order.
    Order,
}

impl Way {
    fn of(query: &Query) -> Way {
        let filter = &query.filter;
        let by_issue = query.order.by == SortKey::CreatedAt;
        let of_one_tenant = matches!(query.tenant, TenantFilter::Only(_));
        if filter.owner.is_some() {
            Way::Owner
        } else if filter.scope.is_some() && by_issue {
            Way::Scope
        } else if filter.statuses == [Status::Revoked] && by_issue && of_one_tenant {
            Way::Revoked
        } else {
            Way::Order
        }
    }

    fn source(self, query: &Query) -> String {
        let of_one_tenant = matches!(query.tenant, TenantFilter::Only(_));
        match self {
            Way::Owner => "tokenward_tokens AS t INDEXED BY tokenward_tokens_by_owner".into(),
            Way::Revoked => "tokenward_tokens AS t INDEXED BY tokenward_tokens_revoked".into(),
            Way::Scope => {
                let index = if of_one_tenant { "tenant" } else { "scope" };
                format!(
                    "tokenward_token_scopes AS s INDEXED BY tokenward_token_scopes_by_{index} \
                     CROSS JOIN tokenward_tokens AS t INDEXED BY tokenward_tokens_by_id ON t.id = s.token"
                )
            }
            Way::Order => {
                let tenant = if of_one_tenant { "tenant_and_" } else { "" };
                let key = match query.order.by {
                    SortKey::CreatedAt => "created",
                    SortKey::Name => "name",
                    SortKey::ExpiresAt => "expiry",
                };
                format!("tokenward_tokens AS t INDEXED BY tokenward_tokens_by_{tenant}{key}")
            }
        }
    }

    fn sorted_by(self, order: Order) -> (&'static str, &'static str) {
        match (self, order.by) {
            (Way::Scope, _) => ("s.created_at", "s.token"),
            (_, SortKey::CreatedAt) => ("t.created_at", "t.id"),
            (_, SortKey::Name) => ("t.name", "t.id"),
            (_, SortKey::ExpiresAt) => ("t.expires_key", "t.id"),
        }
    }
}

fn conditions(statement: &mut Statement, query: &Query, way: Way) {
    statement.sql.push_str(" WHERE 1");
    let filter = &query.filter;
    if let TenantFilter::Only(tenant) = &query.tenant {
        match way {
            Way::Scope => statement.and_tenant("s.tenant", tenant.as_deref()),
            Way::Revoked | Way::Order => statement.and_tenant("t.tenant", tenant.as_deref()),
            Way::Owner => {
                let place = statement.place(tenant.clone().map_or(Value::Null, Value::Text));
                statement.look_at(&format!("t.tenant IS {place}"));
            }
        }
    }
    if let Some(owner) = &filter.owner {
        statement.and("t.owner =", Value::Text(owner.clone()));
    }
    if way == Way::Revoked {
        statement.look_at("t.revoked_at IS NOT NULL");
    } else if !filter.statuses.is_empty() {
        status(statement, filter, query.now.timestamp_millis());
    }
    scope(statement, filter, way);
    times(statement, query, way);
    for (column, wanted) in [("t.created_by", &filter.created_by), ("t.environment", &filter.environment)] {
        if let Some(wanted) = wanted {
            let place = statement.place(Value::Text(wanted.clone()));
            statement.look_at(&format!("{column} = {place}"));
        }
    }
    for (key, value) in &filter.metadata {
        let (key, value) = (Value::Text(key.clone()), Value::Text(value.clone()));
        let (key, value) = (statement.place(key), statement.place(value));
        statement.look_at(&format!(
            "EXISTS (SELECT 1 FROM json_each(t.metadata) AS m WHERE m.key = {key} AND m.value = {value})"
        ));
    }
    if let Some(shown) = &filter.text {
        text(statement, shown);
    }
}

fn scope(statement: &mut Statement, filter: &Filter, way: Way) {
    let Some(scope) = &filter.scope else { return };
    let scope = Value::Text(scope.as_str().to_owned());
    if way == Way::Scope {
        statement.and("s.scope =", scope);
    } else {
        let place = statement.place(scope);
        statement.look_at(&format!(
            "EXISTS (SELECT 1 FROM tokenward_token_scopes WHERE token = t.id AND scope = {place})"
        ));
    }
}

/// What never expires lies behind every moment: its key is the greatest number.
fn times(statement: &mut Statement, query: &Query, way: Way) {
    let (issued, _) = way.sorted_by(Order::NEWEST_FIRST);
    let bounds = [
        (SortKey::CreatedAt, issued, query.filter.created_before),
        (SortKey::ExpiresAt, "t.expires_key", query.filter.expires_before),
    ];
    for (key, column, before) in bounds {
        let Some(before) = before else { continue };
        let before = Value::Integer(before.timestamp_millis());
        if query.order.by == key {
            // An end of the walk.
            statement.and(&format!("{column} <"), before);
        } else {
            let place = statement.place(before);
            statement.look_at(&format!("{column} < {place}"));
        }
    }
}

/// SQLite's lower() changes ASCII letters alone, as the filter wants it.
fn text(statement: &mut Statement, shown: &str) {
    let place = statement.place(Value::Text(shown.to_ascii_lowercase()));
    let has = |column: &str| format!("instr(lower({column}), {place}) > 0");
    statement.look_at(&format!(
        "{} OR {} OR {} OR {} OR EXISTS (SELECT 1 FROM json_each(t.scopes) AS n WHERE {})",
        has("t.name"),
        has("t.description"),
        has("t.secret_start"),
        has("t.secret_last4"),
        has("n.value"),
    ));
}

fn status(statement: &mut Statement, filter: &Filter, now_ms: i64) {
    let now = statement.place(Value::Integer(now_ms));
    let words = filter.statuses.iter().map(|status| Value::Text(status.as_str().to_owned()));
    let places: Vec<_> = words.map(|word| statement.place(word)).collect();
    statement.look_at(&format!("{} IN ({})", status_at(&now), places.join(", ")));
}
