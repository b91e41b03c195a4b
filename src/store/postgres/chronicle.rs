//! Numbers of changes, what tells the other nodes of them, and history in its chain.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::failure::Fault;
use super::rows::{id, json, moment, number, optional_id, read, unreadable};
use super::session::Session;
use super::sql::Schema;
use super::statement::{self, Statement};
use crate::history::FieldChange;
use crate::store::columns::HISTORY_COLUMNS;
use crate::store::{HistoryQuery, TenantFilter};
use crate::{Action, HistoryDraft, HistoryEntry, Personal, Seal, StoreError, Via};

/// So many rows are written by one statement.
pub(super) const AT_ONCE: usize = 500;

/// Takes the lock of all changes, until the transaction ends.
pub(super) async fn lock(session: &mut Session, schema: &Schema) -> Result<(), Fault> {
    let sql = schema.text("SELECT FROM tokenward.state FOR UPDATE");
    session.row(&sql, &[]).await?.map(drop).ok_or_else(|| no_state().into())
}

/// Draws so many numbers, which takes the lock of all changes as well: it is held until the
/// transaction ends. Gives the last one of them.
pub(super) async fn draw(session: &mut Session, schema: &Schema, numbers: usize) -> Result<u64, Fault> {
    let sql = schema.text("UPDATE tokenward.state SET last_number = last_number + $1 RETURNING last_number");
    let row = session.row(&sql, &[(&(numbers as i64), Type::INT8)]).await?;
    number(&row.ok_or_else(no_state)?, "last_number")
}

fn no_state() -> StoreError {
    StoreError::broken("the row of the table state is missing: restore a backup")
}

static RECORD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH entries AS (SELECT * FROM json_populate_recordset(NULL::tokenward.history, $1)), \
         told AS (INSERT INTO tokenward.history ({HISTORY_COLUMNS}) SELECT {HISTORY_COLUMNS} FROM entries), \
         numbered AS (INSERT INTO tokenward.changes (number, token) SELECT number, token FROM entries) \
         SELECT pg_notify($2, max(number)::text) FROM entries"
    )
});

/// Writes what history and the other nodes are to be told of changes whose numbers were drawn: the
/// numbers up to `last`, in this order.
pub(super) async fn record(
    session: &mut Session,
    schema: &Schema,
    last: u64,
    drafts: &[HistoryDraft],
) -> Result<(), Fault> {
    let mut seals = last_seals(session, schema, drafts).await?;
    let numbers = last + 1 - drafts.len() as u64..;
    let sealed = |(number, draft): (u64, &HistoryDraft)| {
        let previous = seals.get(&draft.tenant);
        let entry = draft.clone().seal(number, previous);
        seals.insert(draft.tenant.clone(), entry.seal.clone());
        entry
    };
    let entries: Vec<_> = numbers.zip(drafts).map(sealed).collect();
    for entries in entries.chunks(AT_ONCE) {
        let rows = statement::rows(entries.iter().map(HistoryRow::of))?;
        session.rows(&schema.text(&RECORD), &[(&rows, Type::JSON), (&schema.channel(), Type::TEXT)]).await?;
    }
    Ok(())
}

/// The last seal of each of these tenants, and of what has none. It is the last entry that does not stand
/// behind the tenant's place in the index by tenants: asked for in this way, that index alone serves, and
/// nobody walks back through the entries of others to find that a tenant has none yet.
pub(super) const LAST_SEALS: &str = "\
    SELECT last.* FROM unnest($1) AS chain (tenant) CROSS JOIN LATERAL (\
        SELECT tenant, previous, commitment, hash FROM tokenward.history AS h \
        WHERE (h.tenant, h.number) <= (chain.tenant, 9223372036854775807) \
        ORDER BY h.tenant DESC, h.number DESC LIMIT 1) AS last \
    WHERE last.tenant = chain.tenant \
    UNION ALL (\
        SELECT tenant, previous, commitment, hash FROM tokenward.history \
        WHERE tenant IS NULL ORDER BY tenant DESC, number DESC LIMIT 1)";

async fn last_seals(
    session: &mut Session,
    schema: &Schema,
    drafts: &[HistoryDraft],
) -> Result<HashMap<Option<String>, Seal>, Fault> {
    let mut tenants: Vec<_> = drafts.iter().filter_map(|draft| draft.tenant.as_deref()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    if tenants.iter().any(|tenant| tenant.contains('\0')) {
        return Err(statement::nul().into());
    }
    let rows = session.rows(&schema.text(LAST_SEALS), &[(&tenants, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| Ok((read(row, "tenant")?, seal(row)?))).collect()
}

/// The columns by their names, as JSON has them.
#[derive(Serialize)]
struct HistoryRow<'a> {
    number: u64,
    at: i64,
    action: &'a str,
    token: &'a str,
    token_name: &'a str,
    tenant: Option<&'a str>,
    actor: Option<&'a str>,
    address: Option<&'a str>,
    salt: Option<&'a str>,
    actor_token: Option<&'a str>,
    via: &'a str,
    request_id: Option<&'a str>,
    reason: Option<&'a str>,
    changes: &'a [FieldChange],
    previous: &'a str,
    commitment: &'a str,
    hash: &'a str,
}

impl HistoryRow<'_> {
    fn of(entry: &HistoryEntry) -> HistoryRow<'_> {
        let draft = &entry.draft;
        let personal = draft.personal.as_ref();
        HistoryRow {
            number: entry.number,
            at: draft.at.timestamp_millis(),
            action: draft.action.as_str(),
            token: draft.token.as_str(),
            token_name: &draft.token_name,
            tenant: draft.tenant.as_deref(),
            actor: personal.map(|personal| personal.actor.as_str()),
            address: personal.and_then(|personal| personal.address.as_deref()),
            salt: personal.map(|personal| personal.salt.as_str()),
            actor_token: draft.actor_token.as_ref().map(|token| token.as_str()),
            via: draft.via.as_str(),
            request_id: draft.request_id.as_deref(),
            reason: draft.reason.as_deref(),
            changes: &draft.changes,
            previous: &entry.seal.previous,
            commitment: &entry.seal.commitment,
            hash: &entry.seal.hash,
        }
    }
}

/// One page, newest first.
pub(super) async fn page(
    mut session: Session,
    schema: &Schema,
    query: &HistoryQuery,
) -> Result<Vec<HistoryEntry>, Fault> {
    let statement = statement(query);
    let rows = session.rows(&schema.text(&statement.sql), &statement.parameters()).await?;
    rows.iter().map(entry).collect()
}

pub(super) fn statement(query: &HistoryQuery) -> Statement {
    let mut statement = Statement::new(format!("SELECT {HISTORY_COLUMNS} FROM tokenward.history WHERE true"));
    if let TenantFilter::Only(tenant) = &query.tenant {
        statement.and_tenant("tenant", tenant.as_deref());
    }
    if let Some(token) = &query.token {
        let place = statement.text(token.as_str());
        statement.and(&format!("token = {place}"));
    }
    if !query.actions.is_empty() {
        let words = query.actions.iter().map(|action| action.as_str().to_owned());
        let place = statement.texts(words.collect());
        statement.and(&format!("action = ANY ({place})"));
    }
    if let Some(actor) = &query.actor {
        let place = statement.text(actor);
        statement.and(&format!("actor = {place}"));
    }
    if let Some(from) = query.from {
        let place = statement.number(from.timestamp_millis());
        statement.and(&format!("at >= {place}"));
    }
    if let Some(to) = query.to {
        let place = statement.number(to.timestamp_millis());
        statement.and(&format!("at < {place}"));
    }
    if let Some(before) = query.before {
        let place = statement.number(i64::try_from(before).unwrap_or(i64::MAX));
        statement.and(&format!("number < {place}"));
    }
    let walks_a_tenant = matches!(query.tenant, TenantFilter::Only(_)) && query.token.is_none();
    statement.sql.push_str(match walks_a_tenant {
        true => " ORDER BY tenant DESC, number DESC",
        false => " ORDER BY number DESC",
    });
    statement.limit(query.limit.into());
    statement
}

fn entry(row: &Row) -> Result<HistoryEntry, Fault> {
    let personal = match read(row, "actor")? {
        None => None,
        Some(actor) => Some(Personal {
            actor,
            address: read(row, "address")?,
            salt: read::<Option<String>>(row, "salt")?.unwrap_or_default(),
        }),
    };
    let action = Action::from_word(read(row, "action")?);
    let via = Via::from_word(read(row, "via")?);
    let draft = HistoryDraft {
        at: moment(row, "at")?,
        action: action.ok_or_else(|| unreadable("an action that this version does not know"))?,
        token: id(row, "token")?,
        token_name: read(row, "token_name")?,
        tenant: read(row, "tenant")?,
        personal,
        actor_token: optional_id(row, "actor_token")?,
        via: via.ok_or_else(|| unreadable("a way that this version does not know"))?,
        request_id: read(row, "request_id")?,
        reason: read(row, "reason")?,
        changes: json(row, "changes")?,
    };
    Ok(HistoryEntry { number: number(row, "number")?, draft, seal: seal(row)? })
}

fn seal(row: &Row) -> Result<Seal, Fault> {
    Ok(Seal {
        previous: read(row, "previous")?,
        commitment: read(row, "commitment")?,
        hash: read(row, "hash")?,
    })
}
