//! Numbers of changes, and history in its chain.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};

use super::rows::{id, json, moment, optional_id, read_json, time, unreadable};
use super::statement::Statement;
use crate::store::columns::HISTORY_COLUMNS;
use crate::store::{HistoryQuery, TenantFilter};
use crate::{Action, HistoryDraft, HistoryEntry, Personal, Seal, Via};

/// Draws the next number and writes the entry of a change behind the last one of its tenant.
pub(super) fn write(connection: &Connection, draft: &HistoryDraft) -> rusqlite::Result<u64> {
    let number: i64 = connection
        .prepare_cached("UPDATE tokenward_state SET last_number = last_number + 1 RETURNING last_number")?
        .query_row([], |row| row.get(0))?;
    let previous = last_seal(connection, draft.tenant.as_deref())?;
    let entry = draft.clone().seal(number as u64, previous.as_ref());
    insert(connection, number, &entry)?;
    Ok(entry.number)
}

fn last_seal(connection: &Connection, tenant: Option<&str>) -> rusqlite::Result<Option<Seal>> {
    connection
        .prepare_cached(
            "SELECT previous, commitment, hash FROM tokenward_history \
             INDEXED BY tokenward_history_by_tenant WHERE tenant IS ?1 ORDER BY number DESC LIMIT 1",
        )?
        .query_row([tenant], seal)
        .optional()
}

fn insert(connection: &Connection, number: i64, entry: &HistoryEntry) -> rusqlite::Result<()> {
    let draft = &entry.draft;
    let personal = draft.personal.as_ref();
    let sql = format!(
        "INSERT INTO tokenward_history ({HISTORY_COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"
    );
    let values: [&dyn ToSql; 17] = [
        &number,
        &draft.at.timestamp_millis(),
        &draft.action.as_str(),
        &draft.token.as_str(),
        &draft.token_name,
        &draft.tenant,
        &personal.map(|personal| &personal.actor),
        &personal.and_then(|personal| personal.address.as_ref()),
        &personal.map(|personal| &personal.salt),
        &draft.actor_token.as_ref().map(|token| token.as_str()),
        &draft.via.as_str(),
        &draft.request_id,
        &draft.reason,
        &json(&draft.changes)?,
        &entry.seal.previous,
        &entry.seal.commitment,
        &entry.seal.hash,
    ];
    connection.prepare_cached(&sql)?.execute(&values[..]).map(drop)
}

/// One page, newest first.
pub(super) fn page(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<Vec<HistoryEntry>> {
    let statement = statement(query);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    prepared.query_map(params_from_iter(statement.values), entry)?.collect()
}

pub(super) fn statement(query: &HistoryQuery) -> Statement {
    let mut statement = Statement::new();
    let index = match (&query.token, &query.tenant) {
        (Some(_), _) => " INDEXED BY tokenward_history_by_token",
        (None, TenantFilter::Only(_)) => " INDEXED BY tokenward_history_by_tenant",
        (None, TenantFilter::Any) => "",
    };
    statement.sql = format!("SELECT {HISTORY_COLUMNS} FROM tokenward_history{index} WHERE 1");
    if let TenantFilter::Only(tenant) = &query.tenant {
        statement.and_tenant("tenant", tenant.as_deref());
    }
    if let Some(token) = &query.token {
        statement.and("token =", Value::Text(token.as_str().to_owned()));
    }
    if !query.actions.is_empty() {
        let words = query.actions.iter().map(|action| Value::Text(action.as_str().to_owned()));
        statement.and_one_of("action", words.collect());
    }
    if let Some(actor) = &query.actor {
        statement.and("actor =", Value::Text(actor.clone()));
    }
    if let Some(from) = query.from {
        statement.and("at >=", time(Some(from)));
    }
    if let Some(to) = query.to {
        statement.and("at <", time(Some(to)));
    }
    if let Some(before) = query.before {
        statement.and("number <", Value::Integer(i64::try_from(before).unwrap_or(i64::MAX)));
    }
    statement.sql.push_str(" ORDER BY number DESC");
    statement.limit(query.limit.into());
    statement
}

fn entry(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    let action: String = row.get("action")?;
    let via: String = row.get("via")?;
    let personal = match row.get("actor")? {
        None => None,
        Some(actor) => Some(Personal {
            actor,
            address: row.get("address")?,
            salt: row.get::<_, Option<String>>("salt")?.unwrap_or_default(),
        }),
    };
    let draft = HistoryDraft {
        at: moment(row, "at")?,
        action: Action::from_word(&action)
            .ok_or_else(|| unreadable("an action that this version does not know"))?,
        token: id(row, "token")?,
        token_name: row.get("token_name")?,
        tenant: row.get("tenant")?,
        personal,
        actor_token: optional_id(row, "actor_token")?,
        via: Via::from_word(&via).ok_or_else(|| unreadable("a way that this version does not know"))?,
        request_id: row.get("request_id")?,
        reason: row.get("reason")?,
        changes: read_json(row, "changes")?,
    };
    Ok(HistoryEntry { number: row.get::<_, i64>("number")? as u64, draft, seal: seal(row)? })
}

fn seal(row: &Row<'_>) -> rusqlite::Result<Seal> {
    Ok(Seal { previous: row.get("previous")?, commitment: row.get("commitment")?, hash: row.get("hash")? })
}
