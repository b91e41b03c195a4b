//! One page of tokens.
//!
//! Each listing can walk one index from the place where its page begins, in the order that is asked
//! for, and stop when the page is full. PostgreSQL chooses by its statistics whether it does, or reads
//! the few tokens that a filter leaves (those of an owner) and sorts them.

use super::failure::Fault;
use super::rows;
use super::session::Session;
use super::sql::Schema;
use super::statement::{self, Statement};
use crate::store::columns::status_at;
use crate::store::{Filter, Listing, Query, SortKey, TenantFilter};
use crate::{Status, StoreError};

pub(super) async fn page(mut session: Session, schema: &Schema, query: &Query) -> Result<Listing, Fault> {
    let statement = page_statement(query)?;
    if query.count_up_to > 0 {
        session.begin_reading().await?;
    }
    let found = session.rows(&schema.text(&statement.sql), &statement.parameters()).await?;
    let more = found.len() > query.limit as usize;
    let records = found.iter().take(query.limit as usize).map(|row| Ok(rows::token(row)?.record));
    let records = records.collect::<Result<Vec<_>, Fault>>()?;
    let counted = match query.count_up_to {
        0 => 0,
        _ => {
            let statement = count_statement(query);
            let row = session.row(&schema.text(&statement.sql), &statement.parameters()).await?;
            let counted: i64 = row.map_or(Ok(0), |row| rows::read(&row, "count"))?;
            u32::try_from(counted).map_err(rows::unreadable)?
        }
    };
    Ok(Listing { records, more, counted })
}

/// The page, and one token more to know whether there are more.
pub(super) fn page_statement(query: &Query) -> Result<Statement, StoreError> {
    let (source, key, id) = source(query);
    let mut statement = Statement::new(format!("SELECT {} FROM {source} WHERE true", rows::columns_of("t")));
    conditions(&mut statement, query);
    if let Some(after) = &query.after {
        let operator = if query.order.descending { "<" } else { ">" };
        let place = match query.order.by {
            SortKey::CreatedAt | SortKey::ExpiresAt => statement.number(after.number),
            SortKey::Name if after.text.contains('\0') => return Err(statement::nul()),
            SortKey::Name => statement.text(&after.text),
        };
        let token = statement.text(after.id.as_str());
        statement.and(&format!("({key}, {id}) {operator} ({place}, {token})"));
    }
    let direction = if query.order.descending { "DESC" } else { "ASC" };
    // All are of one tenant then. It is named all the same, so that the planner sees that an index has
    // those without a tenant in this order.
    let of_one_tenant = matches!(query.tenant, TenantFilter::Only(_)) && query.filter.owner.is_none();
    let tenant =
        if of_one_tenant { format!("{} {direction}, ", tenant_column(query)) } else { String::new() };
    statement.sql.push_str(&format!(" ORDER BY {tenant}{key} {direction}, {id} {direction}"));
    statement.limit(i64::from(query.limit) + 1);
    Ok(statement)
}

pub(super) fn count_statement(query: &Query) -> Statement {
    let (source, ..) = source(query);
    let mut statement = Statement::new(format!("SELECT count(*) FROM (SELECT FROM {source} WHERE true"));
    conditions(&mut statement, query);
    statement.limit(query.count_up_to.into());
    statement.sql.push_str(") AS found");
    statement
}

/// Whether the walk is over the scopes, by time of issue.
fn walks_scopes(query: &Query) -> bool {
    query.filter.scope.is_some() && query.order.by == SortKey::CreatedAt
}

/// What is read, and the columns that it is sorted by.
fn source(query: &Query) -> (&'static str, &'static str, &'static str) {
    if walks_scopes(query) {
        let scopes = "tokenward.token_scopes AS s JOIN tokenward.tokens AS t ON t.id = s.token";
        return (scopes, "s.created_at", "s.token");
    }
    let key = match query.order.by {
        SortKey::CreatedAt => "t.created_at",
        SortKey::Name => "t.name",
        SortKey::ExpiresAt => "t.expires_key",
    };
    ("tokenward.tokens AS t", key, "t.id")
}

fn tenant_column(query: &Query) -> &'static str {
    if walks_scopes(query) { "s.tenant" } else { "t.tenant" }
}

fn conditions(statement: &mut Statement, query: &Query) {
    let filter = &query.filter;
    if let TenantFilter::Only(tenant) = &query.tenant {
        statement.and_tenant(tenant_column(query), tenant.as_deref());
    }
    let equal = [
        ("t.owner", &filter.owner),
        ("t.created_by", &filter.created_by),
        ("t.environment", &filter.environment),
    ];
    for (column, wanted) in equal {
        if let Some(wanted) = wanted {
            let place = statement.text(wanted);
            statement.and(&format!("{column} = {place}"));
        }
    }
    status(statement, filter, query.now.timestamp_millis());
    if let Some(scope) = &filter.scope {
        let place = statement.text(scope.as_str());
        statement.and(&match walks_scopes(query) {
            true => format!("s.scope = {place}"),
            false => format!(
                "EXISTS (SELECT FROM tokenward.token_scopes AS s WHERE s.token = t.id AND s.scope = {place})"
            ),
        });
    }
    times(statement, query);
    for (key, value) in &filter.metadata {
        let (key, value) = (statement.text(key), statement.text(value));
        statement.and(&format!("t.metadata ->> {key} = {value}"));
    }
    if let Some(shown) = &filter.text {
        text(statement, shown);
    }
}

/// Revoked tokens alone have an index of their own.
fn status(statement: &mut Statement, filter: &Filter, now_ms: i64) {
    match &filter.statuses[..] {
        [] => {}
        [Status::Revoked] => statement.and("t.revoked_at IS NOT NULL"),
        statuses => {
            let now = statement.number(now_ms);
            let words = statement.texts(statuses.iter().map(|status| status.as_str().to_owned()).collect());
            statement.and(&format!("{} = ANY ({words})", status_at(&now)));
        }
    }
}

/// What never expires lies behind every moment: its key is the greatest number.
fn times(statement: &mut Statement, query: &Query) {
    let issued = if walks_scopes(query) { "s.created_at" } else { "t.created_at" };
    let bounds = [(issued, query.filter.created_before), ("t.expires_key", query.filter.expires_before)];
    for (column, before) in bounds {
        if let Some(before) = before {
            let place = statement.number(before.timestamp_millis());
            statement.and(&format!("{column} < {place}"));
        }
    }
}

/// With the collation "C", which the columns have, lower() changes ASCII letters alone, as the filter
/// wants it.
fn text(statement: &mut Statement, shown: &str) {
    let place = statement.text(&shown.to_ascii_lowercase());
    let has = |column: &str| format!("strpos(lower({column}), {place}) > 0");
    statement.and(&format!(
        "({} OR {} OR {} OR {} OR EXISTS (SELECT FROM unnest(t.scopes) AS n (scope) WHERE {}))",
        has("t.name"),
        has("t.description"),
        has("t.secret_start"),
        has("t.secret_last4"),
        has("n.scope"),
    ));
}
