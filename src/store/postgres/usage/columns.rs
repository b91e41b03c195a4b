//! Between what is told of use and the columns of a row.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::super::failure::Fault;
use crate::usage::{Encoded, columns};
use crate::{StoreError, TokenId};

pub(in super::super) use crate::usage::columns::integer;

/// A text as PostgreSQL keeps it: all but U+0000, in the place of which U+FFFD stands. Whoever looks for
/// the text asks for the same.
pub(in super::super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(super) fn number(row: &Row, column: usize) -> Result<i64, StoreError> {
    row.try_get(column).map_err(StoreError::broken)
}

pub(super) fn flag(row: &Row, column: usize) -> Result<bool, StoreError> {
    row.try_get(column).map_err(StoreError::broken)
}

pub(super) fn id(text: &str) -> Result<TokenId, StoreError> {
    TokenId::from_characters(text.as_bytes()).map_err(StoreError::broken)
}

pub(super) fn moment(ms: i64) -> Result<DateTime<Utc>, StoreError> {
    let time = DateTime::from_timestamp_millis(ms);
    time.ok_or_else(|| StoreError::broken(format!("{ms} is no time, in milliseconds since 1970")))
}

/// The first whole millisecond that is not before this moment.
pub(in super::super) fn next_millisecond(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000_000))
}

pub(in super::super) fn texts(tokens: &[TokenId]) -> Vec<&str> {
    tokens.iter().map(TokenId::as_str).collect()
}

/// What was counted, for whoever wants to know.
pub(super) fn read<T: Encoded + Default>(row: &Row, column: usize) -> Result<T, Fault> {
    let unreadable = || StoreError::broken("what was counted in a span of time cannot be read");
    Ok(columns::kept(row.try_get(column)?).ok_or_else(unreadable)?)
}

/// The same for whoever writes to it next.
pub(super) fn mended<T: Encoded + Default>(row: &Row, column: usize) -> Result<T, Fault> {
    Ok(columns::mended(row.try_get(column)?))
}
