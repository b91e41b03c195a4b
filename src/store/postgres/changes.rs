//! The writes of tokens. Each takes the lock of all changes first, so that what is looked at
//! afterwards still holds when it is written: every statement sees what was committed before it began.

use std::collections::HashMap;
use std::sync::LazyLock;

use tokio_postgres::types::Type;

use super::failure::Fault;
use super::rows::{columns_of, id, number, read};
use super::session::Session;
use super::sql::Schema;
use super::statement::Statement;
use super::{chronicle, rows};
use crate::store::columns::TOKEN_COLUMNS;
use crate::store::{Cap, Change, Insertion, RevokeAll, TenantFilter, Updating};
use crate::{HistoryDraft, StoreError, StoredToken, TokenId};

pub(super) async fn insert(
    mut session: Session,
    schema: &Schema,
    token: &StoredToken,
    history: &HistoryDraft,
    cap: Option<Cap>,
) -> Result<Insertion, Fault> {
    session.begin().await?;
    let number = chronicle::draw(&mut session, schema, 1).await?;
    if !versions(&mut session, schema, &[token.record.id]).await?.is_empty() {
        return Ok(Insertion::Exists);
    }
    if let Some(cap) = cap {
        let statement = living_statement(token.record.tenant.as_deref(), cap);
        let row = session.row(&schema.text(&statement.sql), &statement.parameters()).await?;
        if row.map_or(Ok(0), |row| read(&row, "count"))? >= i64::from(cap.greatest) {
            return Ok(Insertion::Full);
        }
    }
    let mut token = token.clone();
    token.record.sequence = number;
    chronicle::record(&mut session, schema, number, std::slice::from_ref(history)).await?;
    rows::insert(&mut session, schema, &[token]).await?;
    session.commit().await?;
    Ok(Insertion::Inserted(number))
}

/// How many tokens of a tenant are alive, counted no further than the cap.
pub(super) fn living_statement(tenant: Option<&str>, cap: Cap) -> Statement {
    let mut statement =
        Statement::new("SELECT count(*) FROM (SELECT FROM tokenward.tokens WHERE revoked_at IS NULL");
    statement.and_tenant("tenant", tenant);
    let now = statement.number(cap.now.timestamp_millis());
    statement.and(&format!("expires_key > {now}"));
    statement.limit(cap.greatest.into());
    statement.sql.push_str(") AS living");
    statement
}

pub(super) async fn update(
    mut session: Session,
    schema: &Schema,
    changes: &[Change],
) -> Result<Updating, Fault> {
    session.begin().await?;
    let last = chronicle::draw(&mut session, schema, changes.len()).await?;
    let ids: Vec<_> = changes.iter().map(|change| change.token.record.id).collect();
    let mut versions = versions(&mut session, schema, &ids).await?;
    // A token that is named twice cannot have the expected version the second time.
    if changes.iter().any(|change| versions.remove(&change.token.record.id) != Some(change.expected_version))
    {
        return Ok(Updating::Conflict);
    }
    let numbers: Vec<_> = (last + 1 - changes.len() as u64..=last).collect();
    let tokens: Vec<_> = numbers
        .iter()
        .zip(changes)
        .map(|(number, change)| {
            let mut token = change.token.clone();
            token.record.sequence = *number;
            token
        })
        .collect();
    let drafts: Vec<_> = changes.iter().map(|change| change.history.clone()).collect();
    write(&mut session, schema, last, &drafts, &tokens).await?;
    session.commit().await?;
    Ok(Updating::Done(numbers))
}

async fn write(
    session: &mut Session,
    schema: &Schema,
    last: u64,
    drafts: &[HistoryDraft],
    tokens: &[StoredToken],
) -> Result<(), Fault> {
    chronicle::record(session, schema, last, drafts).await?;
    for tokens in tokens.chunks(chronicle::AT_ONCE) {
        rows::replace(session, schema, tokens).await?;
    }
    Ok(())
}

pub(super) async fn revoke_all(
    mut session: Session,
    schema: &Schema,
    revocation: &RevokeAll,
) -> Result<Vec<StoredToken>, Fault> {
    session.begin().await?;
    chronicle::lock(&mut session, schema).await?;
    let statement = chosen_statement(revocation);
    let found = session.rows(&schema.text(&statement.sql), &statement.parameters()).await?;
    let mut chosen = found.iter().map(rows::token).collect::<Result<Vec<_>, _>>()?;
    if chosen.is_empty() {
        return Ok(chosen);
    }
    let last = chronicle::draw(&mut session, schema, chosen.len()).await?;
    let drafts: Vec<_> = chosen.iter_mut().map(|token| revocation.apply(token)).collect();
    for (number, token) in (last + 1 - chosen.len() as u64..).zip(&mut chosen) {
        token.record.sequence = number;
    }
    write(&mut session, schema, last, &drafts, &chosen).await?;
    session.commit().await?;
    Ok(chosen)
}

pub(super) fn chosen_statement(revocation: &RevokeAll) -> Statement {
    let mut statement =
        Statement::new(format!("SELECT {TOKEN_COLUMNS} FROM tokenward.tokens WHERE revoked_at IS NULL"));
    if let TenantFilter::Only(tenant) = &revocation.tenant {
        statement.and_tenant("tenant", tenant.as_deref());
    }
    if let Some(owner) = &revocation.owner {
        let place = statement.text(owner);
        statement.and(&format!("owner = {place}"));
    }
    statement.sql.push_str(" ORDER BY id");
    statement
}

pub(super) async fn purge(
    mut session: Session,
    schema: &Schema,
    id: &TokenId,
    version: u64,
    history: &HistoryDraft,
) -> Result<Updating, Fault> {
    session.begin().await?;
    let number = chronicle::draw(&mut session, schema, 1).await?;
    if versions(&mut session, schema, &[*id]).await?.get(id) != Some(&version) {
        return Ok(Updating::Conflict);
    }
    chronicle::record(&mut session, schema, number, std::slice::from_ref(history)).await?;
    let delete = schema.text("DELETE FROM tokenward.tokens WHERE id = $1");
    session.execute(&delete, &[(&id.as_str(), Type::TEXT)]).await?;
    session.commit().await?;
    Ok(Updating::Done(vec![number]))
}

async fn versions(
    session: &mut Session,
    schema: &Schema,
    ids: &[TokenId],
) -> Result<HashMap<TokenId, u64>, Fault> {
    let sql = schema.text("SELECT id, version FROM tokenward.tokens WHERE id = ANY ($1)");
    let ids: Vec<_> = ids.iter().map(TokenId::as_str).collect();
    let rows = session.rows(&sql, &[(&ids, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| Ok((id(row, "id")?, number(row, "version")?))).collect()
}

/// The tokens with these ids, and whether a replica was asked: its answer may be an old one.
pub(super) static LOAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT server.is_replica, {} FROM (VALUES (pg_is_in_recovery())) AS server (is_replica) \
         LEFT JOIN tokenward.tokens AS t ON t.id = ANY ($1)",
        columns_of("t")
    )
});

/// The tokens with these ids, in one query.
pub(super) async fn load(
    session: &mut Session,
    schema: &Schema,
    ids: &[TokenId],
) -> Result<Vec<StoredToken>, Fault> {
    let ids: Vec<_> = ids.iter().map(TokenId::as_str).collect();
    let rows = session.rows(&schema.text(&LOAD), &[(&ids, Type::TEXT_ARRAY)]).await?;
    if rows.iter().any(|row| row.try_get("is_replica").unwrap_or(true)) {
        session.give_up_connection();
        return Err(
            StoreError::unavailable("the database that was reached is a replica, not the primary").into()
        );
    }
    let found = rows.iter().filter(|row| !matches!(row.try_get::<_, Option<&str>>("id"), Ok(None)));
    found.map(rows::token).collect()
}

pub(super) async fn load_settled(
    mut session: Session,
    schema: &Schema,
    id: &TokenId,
) -> Result<Option<StoredToken>, Fault> {
    session.begin().await?;
    chronicle::lock(&mut session, schema).await?;
    Ok(load(&mut session, schema, &[*id]).await?.pop())
}

pub(super) async fn service_key(mut session: Session, schema: &Schema) -> Result<[u8; 32], Fault> {
    let sql = schema.text("SELECT service_key FROM tokenward.state");
    let row = session.row(&sql, &[]).await?;
    let row =
        row.ok_or_else(|| StoreError::broken("the row of the table state is missing: restore a backup"))?;
    read::<&[u8]>(&row, "service_key")?.try_into().map_err(rows::unreadable)
}
