//! SQL that is put together from what a query asks for, with its values.

use rusqlite::types::Value;

/// A statement and the values for its places. Text of a query never becomes part of the SQL.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Statement {
    pub(super) fn new() -> Statement {
        Statement { sql: String::new(), values: Vec::new() }
    }

    /// A place for this value.
    pub(super) fn place(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }

    /// `AND condition value`, where the condition ends with its operator.
    pub(super) fn and(&mut self, condition: &str, value: Value) {
        let place = self.place(value);
        self.sql.push_str(&format!(" AND {condition} {place}"));
    }

    /// A condition that is looked at in each row of a walk, and never changes which way is walked.
    ///
    /// Some versions of SQLite, once there are statistics, expect it to leave so few rows that they
    /// collect them all and sort them instead of walking in order up to the limit. Being told that
    /// all rows pass keeps them from it.
    pub(super) fn look_at(&mut self, condition: &str) {
        self.sql.push_str(&format!(" AND likelihood({condition}, 1.0)"));
    }

    pub(super) fn and_tenant(&mut self, column: &str, tenant: Option<&str>) {
        match tenant {
            None => self.sql.push_str(&format!(" AND {column} IS NULL")),
            Some(tenant) => self.and(&format!("{column} ="), Value::Text(tenant.to_owned())),
        }
    }

    pub(super) fn and_one_of(&mut self, expression: &str, values: Vec<Value>) {
        let places: Vec<_> = values.into_iter().map(|value| self.place(value)).collect();
        self.sql.push_str(&format!(" AND {expression} IN ({})", places.join(", ")));
    }

    pub(super) fn limit(&mut self, number: i64) {
        let place = self.place(Value::Integer(number));
        self.sql.push_str(&format!(" LIMIT {place}"));
    }
}
