//! The texts of statements, with the schema in which our tables are.

use std::borrow::Cow;

use crate::StoreError;

/// The schema in which our tables are. In the texts of statements it is called `tokenward`.
#[derive(Clone, Debug)]
pub(super) struct Schema(String);

const NAME: &str = "tokenward";

impl Default for Schema {
    fn default() -> Schema {
        Schema(NAME.to_owned())
    }
}

impl Schema {
    /// # Errors
    /// Where it is no plain name: a lower-case letter, then lower-case letters, digits and `_`, 48 at
    /// most.
    pub(super) fn named(name: &str) -> Result<Schema, StoreError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let starts_with_letter = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !starts_with_letter || name.len() > 48 || !name.bytes().all(is_plain) || name.starts_with("pg_") {
            return Err(StoreError::broken(format!(
                "{name:?} cannot be the schema of the tokens: a lower-case letter, then lower-case letters, digits \
                 and _, 48 at most"
            )));
        }
        Ok(Schema(name.to_owned()))
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    /// Where each change of a token is announced.
    pub(super) fn channel(&self) -> String {
        format!("tokenward_{}", self.0)
    }

    /// The text of a statement, in which our tables are called `tokenward.…`.
    pub(super) fn text<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        if self.0 == NAME {
            return Cow::Borrowed(sql);
        }
        Cow::Owned(sql.replace("tokenward.", &format!("{}.", self.0)))
    }
}
