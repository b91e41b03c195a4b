//! The writes of tokens. Each runs within a transaction that has the lock of all writes, so that
//! what was looked at first still holds when it is written.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::statement::Statement;
use super::{chronicle, rows};
use crate::store::{Cap, Change, Insertion, RevokeAll, TenantFilter, Updating};
use crate::{HistoryDraft, StoredToken, TokenId};

pub(super) fn insert(
    connection: &Connection,
    mut token: StoredToken,
    history: &HistoryDraft,
    cap: Option<Cap>,
) -> rusqlite::Result<Insertion> {
    if version_of(connection, &token.record.id)?.is_some() {
        return Ok(Insertion::Exists);
    }
    if let Some(cap) = cap
        && living(connection, token.record.tenant.as_deref(), cap)? >= cap.greatest
    {
        return Ok(Insertion::Full);
    }
    token.record.sequence = chronicle::write(connection, history)?;
    rows::insert(connection, &token)?;
    Ok(Insertion::Inserted(token.record.sequence))
}

/// How many tokens of a tenant are alive, counted no further than the cap.
fn living(connection: &Connection, tenant: Option<&str>, cap: Cap) -> rusqlite::Result<u32> {
    let statement = living_statement(tenant, cap);
    connection.prepare_cached(&statement.sql)?.query_row(params_from_iter(statement.values), |row| row.get(0))
}

pub(super) fn living_statement(tenant: Option<&str>, cap: Cap) -> Statement {
    let mut statement = Statement::new();
    statement.sql =
        "SELECT count(*) FROM (SELECT 1 FROM tokenward_tokens INDEXED BY tokenward_tokens_unrevoked \
         WHERE revoked_at IS NULL"
            .into();
    statement.and_tenant("tenant", tenant);
    statement.and("expires_key >", Value::Integer(cap.now.timestamp_millis()));
    statement.limit(cap.greatest.into());
    statement.sql.push(')');
    statement
}

pub(super) fn update(connection: &Connection, changes: Vec<Change>) -> rusqlite::Result<Updating> {
    // A token that is named twice cannot have the expected version the second time.
    let mut named = HashSet::new();
    for change in &changes {
        let id = &change.token.record.id;
        if !named.insert(*id) || version_of(connection, id)? != Some(change.expected_version) {
            return Ok(Updating::Conflict);
        }
    }
    let mut numbers = Vec::with_capacity(changes.len());
    for mut change in changes {
        let number = chronicle::write(connection, &change.history)?;
        change.token.record.sequence = number;
        rows::replace(connection, &change.token)?;
        numbers.push(number);
    }
    Ok(Updating::Done(numbers))
}

pub(super) fn revoke_all(
    connection: &Connection,
    revocation: &RevokeAll,
) -> rusqlite::Result<Vec<StoredToken>> {
    let statement = chosen_statement(revocation);
    let mut chosen = {
        let mut prepared = connection.prepare_cached(&statement.sql)?;
        let rows = prepared.query_map(params_from_iter(statement.values), rows::token)?;
        rows.collect::<Result<Vec<_>, _>>()?
    };
    for token in &mut chosen {
        let history = revocation.apply(token);
        token.record.sequence = chronicle::write(connection, &history)?;
        rows::replace(connection, token)?;
    }
    Ok(chosen)
}

pub(super) fn chosen_statement(revocation: &RevokeAll) -> Statement {
    let index =
        if revocation.owner.is_some() { "tokenward_tokens_by_owner" } else { "tokenward_tokens_unrevoked" };
    let mut statement = Statement::new();
    statement.sql =
        format!("SELECT {} FROM tokenward_tokens INDEXED BY {index} WHERE revoked_at IS NULL", rows::COLUMNS);
    if let TenantFilter::Only(tenant) = &revocation.tenant {
        statement.and_tenant("tenant", tenant.as_deref());
    }
    if let Some(owner) = &revocation.owner {
        statement.and("owner =", Value::Text(owner.clone()));
    }
    statement.sql.push_str(" ORDER BY id");
    statement
}

pub(super) fn purge(
    connection: &Connection,
    id: &TokenId,
    version: u64,
    history: &HistoryDraft,
) -> rusqlite::Result<Updating> {
    if version_of(connection, id)? != Some(version) {
        return Ok(Updating::Conflict);
    }
    connection.prepare_cached("DELETE FROM tokenward_tokens WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(Updating::Done(vec![chronicle::write(connection, history)?]))
}

fn version_of(connection: &Connection, id: &TokenId) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT version FROM tokenward_tokens WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get::<_, i64>(0))
        .optional()
        .map(|version| version.map(|version| version as u64))
}

/// The tokens with these ids, in one query.
pub(super) fn load(connection: &Connection, ids: &[TokenId]) -> rusqlite::Result<Vec<StoredToken>> {
    let statement = load_statement(ids)?;
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    prepared.query_map(params_from_iter(statement.values), rows::token)?.collect()
}

pub(super) fn load_statement(ids: &[TokenId]) -> rusqlite::Result<Statement> {
    let mut statement = Statement::new();
    let ids: Vec<_> = ids.iter().map(TokenId::as_str).collect();
    let ids = statement.place(rows::json(&ids)?);
    statement.sql = format!(
        "SELECT {} FROM tokenward_tokens WHERE id IN (SELECT value FROM json_each({ids}))",
        rows::COLUMNS
    );
    Ok(statement)
}

pub(super) fn service_key(connection: &Connection) -> rusqlite::Result<[u8; 32]> {
    connection.query_row("SELECT service_key FROM tokenward_state", [], |row| row.get(0))
}
