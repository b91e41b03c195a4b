//! Between a token and its row.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Json, Type};

use super::failure::Fault;
use super::session::Session;
use super::sql::Schema;
use super::statement;
use crate::record::UsedKey;
use crate::store::columns::TOKEN_COLUMNS;
use crate::{
    AddressRange, Digest, PreviousSecret, RateLimit, Scope, SecretInfo, StoreError, StoredToken, TokenId,
    TokenRecord,
};

static INSERT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT INTO tokenward.tokens ({TOKEN_COLUMNS}) \
         SELECT {TOKEN_COLUMNS} FROM json_populate_recordset(NULL::tokenward.tokens, $1)"
    )
});
static REPLACE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE tokenward.tokens AS t SET ({TOKEN_COLUMNS}) = ROW({}) \
         FROM json_populate_recordset(NULL::tokenward.tokens, $1) AS r WHERE t.id = r.id",
        columns_of("r")
    )
});

/// The columns of a token, each with the table's short name before it.
pub(super) fn columns_of(table: &str) -> String {
    let columns = TOKEN_COLUMNS.split(", ").map(|column| format!("{table}.{column}"));
    columns.collect::<Vec<_>>().join(", ")
}

pub(super) async fn insert(
    session: &mut Session,
    schema: &Schema,
    tokens: &[StoredToken],
) -> Result<(), Fault> {
    write(session, &schema.text(&INSERT), tokens).await
}

pub(super) async fn replace(
    session: &mut Session,
    schema: &Schema,
    tokens: &[StoredToken],
) -> Result<(), Fault> {
    write(session, &schema.text(&REPLACE), tokens).await
}

async fn write(session: &mut Session, sql: &str, tokens: &[StoredToken]) -> Result<(), Fault> {
    let rows = statement::rows(tokens.iter().map(TokenRow::of))?;
    let written = session.execute(sql, &[(&rows, Type::JSON)]).await?;
    match usize::try_from(written) {
        Ok(written) if written == tokens.len() => Ok(()),
        _ => Err(StoreError::broken(format!("{written} rows were written where {} should be", tokens.len()))
            .into()),
    }
}

/// The columns by their names, as JSON has them.
#[derive(Serialize)]
struct TokenRow<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    tenant: Option<&'a str>,
    owner: Option<&'a str>,
    parent: Option<&'a str>,
    scopes: Vec<&'a str>,
    rate_limit: &'a RateLimit,
    addresses: &'a [AddressRange],
    environment: Option<&'a str>,
    metadata: &'a std::collections::BTreeMap<String, String>,
    not_before: Option<i64>,
    expires_at: Option<i64>,
    paused_at: Option<i64>,
    paused_until: Option<i64>,
    revoked_at: Option<i64>,
    revoked_because: Option<&'a str>,
    created_at: i64,
    created_by: &'a str,
    digest: String,
    secret_version: u32,
    secret_start: &'a str,
    secret_last4: &'a str,
    secret_created_at: i64,
    previous_digest: Option<String>,
    previous_version: Option<u32>,
    previous_last4: Option<&'a str>,
    previous_created_at: Option<i64>,
    previous_ends_at: Option<i64>,
    rotation_keys: &'a [UsedKey],
    version: i64,
    sequence: i64,
}

impl TokenRow<'_> {
    fn of(token: &StoredToken) -> TokenRow<'_> {
        let record = &token.record;
        let previous = record.previous_secret.as_ref();
        TokenRow {
            id: record.id.as_str(),
            name: &record.name,
            description: &record.description,
            tenant: record.tenant.as_deref(),
            owner: record.owner.as_deref(),
            parent: record.parent.as_ref().map(TokenId::as_str),
            scopes: record.scopes.iter().map(Scope::as_str).collect(),
            rate_limit: &record.rate_limit,
            addresses: &record.addresses,
            environment: record.environment.as_deref(),
            metadata: &record.metadata,
            not_before: time(record.not_before),
            expires_at: time(record.expires_at),
            paused_at: time(record.paused_at),
            paused_until: time(record.paused_until),
            revoked_at: time(record.revoked_at),
            revoked_because: record.revoked_because.as_deref(),
            created_at: record.created_at.timestamp_millis(),
            created_by: &record.created_by,
            digest: bytes(&token.digest),
            secret_version: record.secret.version,
            secret_start: &record.secret.start,
            secret_last4: &record.secret.last4,
            secret_created_at: record.secret.created_at.timestamp_millis(),
            previous_digest: token.previous_digest.as_ref().map(bytes),
            previous_version: previous.map(|previous| previous.version),
            previous_last4: previous.map(|previous| previous.last4.as_str()),
            previous_created_at: previous.map(|previous| previous.created_at.timestamp_millis()),
            previous_ends_at: previous.map(|previous| previous.ends_at.timestamp_millis()),
            rotation_keys: &token.rotation_keys,
            version: record.version as i64,
            sequence: record.sequence as i64,
        }
    }
}

/// `bytea` as text.
fn bytes(digest: &Digest) -> String {
    let hexadecimal: String = digest.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\\x{hexadecimal}")
}

/// Reads a row of [`TOKEN_COLUMNS`].
pub(super) fn token(row: &Row) -> Result<StoredToken, Fault> {
    let scopes: Vec<String> = read(row, "scopes")?;
    let record = TokenRecord {
        id: id(row, "id")?,
        name: read(row, "name")?,
        description: read(row, "description")?,
        tenant: read(row, "tenant")?,
        owner: read(row, "owner")?,
        parent: optional_id(row, "parent")?,
        scopes: scopes.iter().map(|scope| scope.parse()).collect::<Result<_, _>>().map_err(unreadable)?,
        rate_limit: json(row, "rate_limit")?,
        addresses: json(row, "addresses")?,
        environment: read(row, "environment")?,
        metadata: json(row, "metadata")?,
        not_before: optional_moment(row, "not_before")?,
        expires_at: optional_moment(row, "expires_at")?,
        paused_at: optional_moment(row, "paused_at")?,
        paused_until: optional_moment(row, "paused_until")?,
        revoked_at: optional_moment(row, "revoked_at")?,
        revoked_because: read(row, "revoked_because")?,
        created_at: moment(row, "created_at")?,
        created_by: read(row, "created_by")?,
        secret: SecretInfo {
            version: small(row, "secret_version")?,
            start: read(row, "secret_start")?,
            last4: read(row, "secret_last4")?,
            created_at: moment(row, "secret_created_at")?,
        },
        previous_secret: previous_secret(row)?,
        version: number(row, "version")?,
        sequence: number(row, "sequence")?,
    };
    let digest = |column| Ok::<_, Fault>(read::<Option<&[u8]>>(row, column)?.map(Digest::from_bytes));
    Ok(StoredToken {
        record,
        digest: digest("digest")?.unwrap_or(Digest::matching_nothing()),
        previous_digest: digest("previous_digest")?,
        rotation_keys: json(row, "rotation_keys")?,
    })
}

fn previous_secret(row: &Row) -> Result<Option<PreviousSecret>, Fault> {
    if read::<Option<i64>>(row, "previous_version")?.is_none() {
        return Ok(None);
    }
    Ok(Some(PreviousSecret {
        version: small(row, "previous_version")?,
        last4: read(row, "previous_last4")?,
        created_at: moment(row, "previous_created_at")?,
        ends_at: moment(row, "previous_ends_at")?,
    }))
}

pub(super) fn read<'a, T: FromSql<'a>>(row: &'a Row, column: &str) -> Result<T, Fault> {
    Ok(row.try_get(column)?)
}

pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    Ok(read::<Json<T>>(row, column)?.0)
}

pub(super) fn number(row: &Row, column: &str) -> Result<u64, Fault> {
    read::<i64>(row, column)?.try_into().map_err(unreadable)
}

fn small(row: &Row, column: &str) -> Result<u32, Fault> {
    read::<i64>(row, column)?.try_into().map_err(unreadable)
}

pub(super) fn id(row: &Row, column: &str) -> Result<TokenId, Fault> {
    TokenId::from_characters(read::<&str>(row, column)?.as_bytes()).map_err(unreadable)
}

pub(super) fn optional_id(row: &Row, column: &str) -> Result<Option<TokenId>, Fault> {
    let text = read::<Option<&str>>(row, column)?;
    text.map(|text| TokenId::from_characters(text.as_bytes())).transpose().map_err(unreadable)
}

pub(super) fn moment(row: &Row, column: &str) -> Result<DateTime<Utc>, Fault> {
    let ms = read(row, column)?;
    DateTime::from_timestamp_millis(ms).ok_or_else(|| unreadable(format!("{ms} is no time")))
}

fn optional_moment(row: &Row, column: &str) -> Result<Option<DateTime<Utc>>, Fault> {
    match read::<Option<i64>>(row, column)? {
        None => Ok(None),
        Some(_) => moment(row, column).map(Some),
    }
}

pub(super) fn time(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp_millis())
}

/// What stands in the database cannot be what it should be.
pub(super) fn unreadable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    StoreError::broken(why).into()
}
