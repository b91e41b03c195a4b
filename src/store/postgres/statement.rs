//! SQL that is put together from what a query asks for, with its values.

use serde::Serialize;
use tokio_postgres::types::{Json, ToSql, Type};

use super::session::Parameter;
use crate::StoreError;

/// A statement and the values for its places. Text of a query never becomes part of the SQL.
pub(super) struct Statement {
    pub(super) sql: String,
    values: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), values: Vec::new() }
    }

    pub(super) fn parameters(&self) -> Vec<Parameter<'_>> {
        self.values.iter().map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone())).collect()
    }

    fn place(&mut self, value: impl ToSql + Sync + Send + 'static, kind: Type) -> String {
        self.values.push((Box::new(value), kind));
        format!("${}", self.values.len())
    }

    pub(super) fn number(&mut self, number: i64) -> String {
        self.place(number, Type::INT8)
    }

    /// A place for a text that rows are compared with. None has the character NUL, which cannot even be
    /// asked for: then nothing is what is asked for.
    pub(super) fn text(&mut self, text: &str) -> String {
        match text.contains('\0') {
            true => "NULL".into(),
            false => self.place(text.to_owned(), Type::TEXT),
        }
    }

    pub(super) fn texts(&mut self, texts: Vec<String>) -> String {
        self.place(texts, Type::TEXT_ARRAY)
    }

    pub(super) fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    pub(super) fn and_tenant(&mut self, column: &str, tenant: Option<&str>) {
        match tenant {
            None => self.and(&format!("{column} IS NULL")),
            Some(tenant) => {
                let place = self.text(tenant);
                self.and(&format!("{column} = {place}"));
            }
        }
    }

    pub(super) fn limit(&mut self, number: i64) {
        let place = self.number(number);
        self.sql.push_str(&format!(" LIMIT {place}"));
    }
}

/// Rows as one parameter of type `json`: an array in which each has its columns by their names.
///
/// # Errors
/// Where a text has the character NUL, which PostgreSQL cannot keep.
pub(super) fn rows<T: Serialize>(
    rows: impl Iterator<Item = T>,
) -> Result<Json<serde_json::Value>, StoreError> {
    let rows = serde_json::to_value(rows.collect::<Vec<_>>()).map_err(StoreError::broken)?;
    match has_nul(&rows) {
        true => Err(nul()),
        false => Ok(Json(rows)),
    }
}

pub(super) fn nul() -> StoreError {
    StoreError::broken("PostgreSQL cannot keep a text with the character NUL: leave it out")
}

fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
