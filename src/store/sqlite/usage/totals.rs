//! What was counted for a token in all.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::super::rows::{id, json, optional_moment, time};
use crate::TokenId;
use crate::usage::columns::integer;
use crate::usage::{Client, Counts};

pub(super) fn add(connection: &Connection, counts: &[(TokenId, Counts)]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(ADD)?;
    for (token, counts) in counts.iter().filter(|(_, counts)| *counts != Counts::default()) {
        let counters = [
            counts.granted,
            counts.limited,
            counts.missing_scope,
            counts.refused,
            counts.wrong_secret,
            counts.finished,
            counts.succeeded,
            counts.duration_us,
        ];
        let counters = counters.map(|counter| Value::Integer(integer(counter)));
        let mut values = vec![Value::Text(token.as_str().to_owned())];
        values.extend(counters);
        values.extend([time(counts.last_used_at), time(counts.last_seen_at)]);
        let client = counts.last_client.as_ref();
        let texts = [client.map(|client| &client.address), client.map(|client| &client.agent)];
        values.extend(texts.map(|text| text.cloned().map_or(Value::Null, Value::Text)));
        statement.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Adding stops at the greatest integer: the sum alone would turn into a floating point number. The
/// client is that of the last granted request; all expressions see the row as it was.
const ADD: &str = "INSERT INTO tokenward_usage (token, granted, limited, missing_scope, refused, wrong_secret, \
        finished, succeeded, duration_us, last_used_at, last_seen_at, last_client_address, last_client_agent) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
     ON CONFLICT (token) DO UPDATE SET \
        granted = granted + min(excluded.granted, 9223372036854775807 - granted), \
        limited = limited + min(excluded.limited, 9223372036854775807 - limited), \
        missing_scope = missing_scope + min(excluded.missing_scope, 9223372036854775807 - missing_scope), \
        refused = refused + min(excluded.refused, 9223372036854775807 - refused), \
        wrong_secret = wrong_secret + min(excluded.wrong_secret, 9223372036854775807 - wrong_secret), \
        finished = finished + min(excluded.finished, 9223372036854775807 - finished), \
        succeeded = succeeded + min(excluded.succeeded, 9223372036854775807 - succeeded), \
        duration_us = duration_us + min(excluded.duration_us, 9223372036854775807 - duration_us), \
        last_used_at = max(ifnull(last_used_at, excluded.last_used_at), ifnull(excluded.last_used_at, last_used_at)), \
        last_seen_at = max(ifnull(last_seen_at, excluded.last_seen_at), ifnull(excluded.last_seen_at, last_seen_at)), \
        last_client_address = iif(excluded.last_client_address IS NOT NULL \
            AND (last_client_address IS NULL OR last_used_at IS NULL OR excluded.last_used_at >= last_used_at), \
            excluded.last_client_address, last_client_address), \
        last_client_agent = iif(excluded.last_client_address IS NOT NULL \
            AND (last_client_address IS NULL OR last_used_at IS NULL OR excluded.last_used_at >= last_used_at), \
            excluded.last_client_agent, last_client_agent)";

pub(in super::super) const READ: &str =
    "SELECT * FROM tokenward_usage WHERE token IN (SELECT value FROM json_each(?1))";

pub(in super::super) fn read(
    connection: &Connection,
    tokens: &[TokenId],
) -> rusqlite::Result<Vec<(TokenId, Counts)>> {
    let ids = json(&tokens.iter().map(TokenId::as_str).collect::<Vec<_>>())?;
    connection.prepare_cached(READ)?.query_map([ids], counts)?.collect()
}

fn counts(row: &Row<'_>) -> rusqlite::Result<(TokenId, Counts)> {
    let counter = |column: &str| row.get::<_, i64>(column).map(|counter| counter as u64);
    let counts = Counts {
        granted: counter("granted")?,
        limited: counter("limited")?,
        missing_scope: counter("missing_scope")?,
        refused: counter("refused")?,
        wrong_secret: counter("wrong_secret")?,
        finished: counter("finished")?,
        succeeded: counter("succeeded")?,
        duration_us: counter("duration_us")?,
        last_used_at: optional_moment(row, "last_used_at")?,
        last_client: client(row, "last_client_address", "last_client_agent")?,
        last_seen_at: optional_moment(row, "last_seen_at")?,
    };
    Ok((id(row, "token")?, counts))
}

/// A client, where its address is not NULL.
pub(super) fn client(row: &Row<'_>, address: &str, agent: &str) -> rusqlite::Result<Option<Client>> {
    let Some(address) = row.get::<_, Option<String>>(address)? else { return Ok(None) };
    Ok(Some(Client::new(address, row.get::<_, Option<String>>(agent)?.unwrap_or_default())))
}
