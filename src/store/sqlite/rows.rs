//! Between a token and its row.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use rusqlite::types::{Type, Value, ValueRef};
use rusqlite::{Connection, Error, Row, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) use crate::store::columns::TOKEN_COLUMNS as COLUMNS;
use crate::{Digest, PreviousSecret, SecretInfo, StoredToken, TokenId, TokenRecord};

static INSERT: LazyLock<String> =
    LazyLock::new(|| format!("INSERT INTO tokenward_tokens ({COLUMNS}) VALUES ({})", placeholders()));
static REPLACE: LazyLock<String> =
    LazyLock::new(|| format!("UPDATE tokenward_tokens SET ({COLUMNS}) = ({}) WHERE id = ?1", placeholders()));

fn placeholders() -> String {
    let numbers: Vec<_> = (1..=COLUMNS.split(',').count()).map(|number| format!("?{number}")).collect();
    numbers.join(", ")
}

pub(super) fn insert(connection: &Connection, token: &StoredToken) -> rusqlite::Result<()> {
    connection.prepare_cached(&INSERT)?.execute(params_from_iter(values(token)?)).map(drop)
}

pub(super) fn replace(connection: &Connection, token: &StoredToken) -> rusqlite::Result<()> {
    connection.prepare_cached(&REPLACE)?.execute(params_from_iter(values(token)?)).map(drop)
}

fn values(token: &StoredToken) -> rusqlite::Result<Vec<Value>> {
    let record = &token.record;
    let text = |text: &str| Value::Text(text.to_owned());
    let optional = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
    let number = |number: u64| Value::Integer(number as i64);
    let previous = record.previous_secret.as_ref();
    Ok(vec![
        text(record.id.as_str()),
        text(&record.name),
        text(&record.description),
        optional(&record.tenant),
        optional(&record.owner),
        record.parent.as_ref().map_or(Value::Null, |parent| text(parent.as_str())),
        json(&record.scopes)?,
        json(&record.rate_limit)?,
        json(&record.addresses)?,
        optional(&record.environment),
        json(&record.metadata)?,
        time(record.not_before),
        time(record.expires_at),
        time(record.paused_at),
        time(record.paused_until),
        time(record.revoked_at),
        optional(&record.revoked_because),
        time(Some(record.created_at)),
        text(&record.created_by),
        Value::Blob(token.digest.to_bytes().to_vec()),
        Value::Integer(record.secret.version.into()),
        text(&record.secret.start),
        text(&record.secret.last4),
        time(Some(record.secret.created_at)),
        token.previous_digest.map_or(Value::Null, |digest| Value::Blob(digest.to_bytes().to_vec())),
        previous.map_or(Value::Null, |previous| Value::Integer(previous.version.into())),
        previous.map_or(Value::Null, |previous| text(&previous.last4)),
        time(previous.map(|previous| previous.created_at)),
        time(previous.map(|previous| previous.ends_at)),
        json(&token.rotation_keys)?,
        number(record.version),
        number(record.sequence),
    ])
}

/// Reads a row of [`COLUMNS`].
pub(super) fn token(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    let record = TokenRecord {
        id: id(row, "id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        tenant: row.get("tenant")?,
        owner: row.get("owner")?,
        parent: optional_id(row, "parent")?,
        scopes: read_json(row, "scopes")?,
        rate_limit: read_json(row, "rate_limit")?,
        addresses: read_json(row, "addresses")?,
        environment: row.get("environment")?,
        metadata: read_json(row, "metadata")?,
        not_before: optional_moment(row, "not_before")?,
        expires_at: optional_moment(row, "expires_at")?,
        paused_at: optional_moment(row, "paused_at")?,
        paused_until: optional_moment(row, "paused_until")?,
        revoked_at: optional_moment(row, "revoked_at")?,
        revoked_because: row.get("revoked_because")?,
        created_at: moment(row, "created_at")?,
        created_by: row.get("created_by")?,
        secret: SecretInfo {
            version: row.get("secret_version")?,
            start: row.get("secret_start")?,
            last4: row.get("secret_last4")?,
            created_at: moment(row, "secret_created_at")?,
        },
        previous_secret: previous_secret(row)?,
        version: row.get::<_, i64>("version")? as u64,
        sequence: row.get::<_, i64>("sequence")? as u64,
    };
    Ok(StoredToken {
        record,
        digest: digest(row, "digest")?.unwrap_or(Digest::matching_nothing()),
        previous_digest: digest(row, "previous_digest")?,
        rotation_keys: read_json(row, "rotation_keys")?,
    })
}

fn previous_secret(row: &Row<'_>) -> rusqlite::Result<Option<PreviousSecret>> {
    let Some(version) = row.get("previous_version")? else { return Ok(None) };
    Ok(Some(PreviousSecret {
        version,
        last4: row.get("previous_last4")?,
        created_at: moment(row, "previous_created_at")?,
        ends_at: moment(row, "previous_ends_at")?,
    }))
}

/// Whatever stands there by mistake is a digest that matches nothing.
fn digest(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Digest>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Blob(bytes) => Some(Digest::from_bytes(bytes)),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Some(Digest::matching_nothing()),
    })
}

pub(super) fn id(row: &Row<'_>, column: &str) -> rusqlite::Result<TokenId> {
    optional_id(row, column)?.ok_or_else(|| unreadable(crate::InvalidTokenId))
}

pub(super) fn optional_id(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<TokenId>> {
    let Some(text) = row.get::<_, Option<String>>(column)? else { return Ok(None) };
    TokenId::from_characters(text.as_bytes()).map(Some).map_err(unreadable)
}

pub(super) fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<DateTime<Utc>> {
    let ms: i64 = row.get(column)?;
    DateTime::from_timestamp_millis(ms).ok_or_else(|| unreadable(format!("{ms} is no time")))
}

pub(super) fn optional_moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<DateTime<Utc>>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        _ => moment(row, column).map(Some),
    }
}

pub(super) fn time(time: Option<DateTime<Utc>>) -> Value {
    time.map_or(Value::Null, |time| Value::Integer(time.timestamp_millis()))
}

/// The first whole millisecond that is not before this moment.
pub(super) fn next_millisecond(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000_000))
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<Value> {
    let text = serde_json::to_string(value);
    text.map(Value::Text).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn read_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(unreadable)
}

/// What stands in the file cannot be what it should be.
pub(super) fn unreadable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::FromSqlConversionFailure(0, Type::Text, why.into())
}
