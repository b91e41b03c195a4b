//! The most recent calls, one by one.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::super::rows::{id, moment, next_millisecond, unreadable};
use super::super::statement::Statement;
use super::totals;
use crate::usage::columns::integer;
use crate::usage::{CallQuery, Outcome, RecordedCall, Subject};

const COLUMNS: &str = "id, token, tenant, secret_version, at, route, outcome, status, duration_us, bytes, scopes, \
     client_address, client_agent, left_out";

/// Writes calls under the next numbers, and keeps tokens from having very many.
pub(super) fn add(connection: &Connection, calls: &[RecordedCall]) -> rusqlite::Result<()> {
    if calls.is_empty() {
        return Ok(());
    }
    let last: i64 = connection
        .prepare_cached("UPDATE tokenward_state SET last_call = last_call + ?1 RETURNING last_call")?
        .query_row([calls.len() as i64], |row| row.get(0))?;
    let sql = format!(
        "INSERT INTO tokenward_calls ({COLUMNS}) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for (call, id) in calls.iter().zip(last - calls.len() as i64 + 1..) {
        let client = call.client.as_ref();
        statement.execute(params![
            id,
            call.token.as_str(),
            call.tenant,
            call.secret_version,
            call.at.timestamp_millis(),
            call.route,
            call.outcome.as_str(),
            call.status,
            integer(call.duration_us),
            call.bytes.map(integer),
            call.scopes,
            client.map(|client| &client.address),
            client.map(|client| &client.agent),
            integer(call.left_out),
        ])?;
    }
    // Not at each call beyond what is kept: the oldest go once there are as many of them again.
    let kept = RecordedCall::KEPT_UNTIL_FORGOTTEN;
    cut(connection, 2 * kept, kept, u32::MAX).map(drop)
}

pub(in super::super) const CROWDED: &str = "SELECT token, calls FROM tokenward_call_numbers \
     INDEXED BY tokenward_call_numbers_by_calls WHERE calls > ?1 LIMIT ?2";
pub(in super::super) const OLDEST: &str = "DELETE FROM tokenward_calls WHERE id IN \
     (SELECT id FROM tokenward_calls INDEXED BY tokenward_calls_by_token WHERE token = ?1 ORDER BY id LIMIT ?2)";

/// Of each token that has more than `most` calls, deletes all but the `kept` newest, and about
/// `limit` calls in all. Says how many it has deleted.
pub(super) fn cut(connection: &Connection, most: u32, kept: u32, limit: u32) -> rusqlite::Result<u32> {
    let crowded: Vec<(String, u32)> = connection
        .prepare_cached(CROWDED)?
        .query_map([most, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut oldest = connection.prepare_cached(OLDEST)?;
    let mut deleted = 0;
    for (token, calls) in crowded {
        if deleted >= limit {
            break;
        }
        let surplus = calls.saturating_sub(kept).min(limit - deleted);
        deleted += oldest.execute(params![token, surplus])? as u32;
    }
    Ok(deleted)
}

pub(in super::super) fn page(
    connection: &Connection,
    query: &CallQuery,
) -> rusqlite::Result<Vec<RecordedCall>> {
    let statement = statement(query);
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    prepared.query_map(params_from_iter(statement.values), call)?.collect()
}

/// Walks the calls of the subject in the order of their numbers. All other filters are looked at on
/// the way.
pub(in super::super) fn statement(query: &CallQuery) -> Statement {
    let mut statement = Statement::new();
    let index = match &query.subject {
        Subject::All => "NOT INDEXED",
        Subject::Tenant(_) => "INDEXED BY tokenward_calls_by_tenant",
        Subject::Token(_) => "INDEXED BY tokenward_calls_by_token",
    };
    statement.sql = format!("SELECT {COLUMNS} FROM tokenward_calls {index} WHERE 1");
    match &query.subject {
        Subject::All => {}
        Subject::Tenant(tenant) => statement.and_tenant("tenant", tenant.as_deref()),
        Subject::Token(id) => statement.and("token =", Value::Text(id.as_str().to_owned())),
    }
    let bounds = [("id >", query.after), ("id <", query.before)];
    for (condition, bound) in bounds {
        if let Some(bound) = bound {
            statement.and(condition, Value::Integer(integer(bound)));
        }
    }
    filters(&mut statement, query);
    let direction = if query.oldest_first { "ASC" } else { "DESC" };
    statement.sql.push_str(&format!(" ORDER BY id {direction}"));
    statement.limit(query.limit.into());
    statement
}

fn filters(statement: &mut Statement, query: &CallQuery) {
    let text = |text: &String| Value::Text(text.clone());
    let (first, last) = query.status.unzip();
    let looked_at = [
        // Moments are kept in whole milliseconds.
        ("at >=", query.from.map(|from| Value::Integer(next_millisecond(from)))),
        ("at <", query.until.map(|until| Value::Integer(next_millisecond(until)))),
        ("status >=", first.map(|first| Value::Integer(first.into()))),
        ("status <=", last.map(|last| Value::Integer(last.into()))),
        ("route =", query.route.as_ref().map(text)),
        (
            "iif(instr(route, ' '), substr(route, 1, instr(route, ' ') - 1), '') =",
            query.method.as_ref().map(text),
        ),
        ("ifnull(client_address, '') =", query.address.as_ref().map(text)),
    ];
    for (condition, value) in looked_at {
        if let Some(value) = value {
            let place = statement.place(value);
            statement.look_at(&format!("{condition} {place}"));
        }
    }
    match query.at_least.map(|least| i64::try_from(least.as_micros())) {
        None => {}
        Some(Ok(least)) => {
            let place = statement.place(Value::Integer(least));
            statement.look_at(&format!("duration_us >= {place}"));
        }
        // Longer than anything that is kept.
        Some(Err(_)) => statement.sql.push_str(" AND 0"),
    }
}

fn call(row: &Row<'_>) -> rusqlite::Result<RecordedCall> {
    let number = |column: &str| row.get::<_, i64>(column).map(|number| number as u64);
    let outcome: String = row.get("outcome")?;
    Ok(RecordedCall {
        id: number("id")?,
        token: id(row, "token")?,
        tenant: row.get("tenant")?,
        secret_version: row.get("secret_version")?,
        at: moment(row, "at")?,
        route: row.get("route")?,
        outcome: Outcome::named(&outcome).ok_or_else(|| unreadable(format!("{outcome:?} is no outcome")))?,
        status: row.get("status")?,
        duration_us: number("duration_us")?,
        bytes: row.get::<_, Option<i64>>("bytes")?.map(|bytes| bytes as u64),
        scopes: row.get("scopes")?,
        client: totals::client(row, "client_address", "client_agent")?,
        left_out: number("left_out")?,
    })
}
