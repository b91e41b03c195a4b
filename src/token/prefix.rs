//! The readable start of every token of a service.

use std::fmt;
use std::str::FromStr;

/// The readable start of every token of a service: the vendor and, if wished, the environment.
///
/// 2 to 32 characters of `a-z`, `0-9` and `_`, with a letter first and no underscore at the end.
/// The default is `tw`. A text that starts with another prefix is not a token of this service,
/// so `acme_live` and `acme_test` keep the environments apart.
///
/// ```
/// use tokenward::Prefix;
/// assert_eq!("acme_live".parse::<Prefix>().unwrap().as_str(), "acme_live");
/// assert!("Acme".parse::<Prefix>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix(Box<str>);

/// The text is no [`Prefix`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a token's prefix has 2 to 32 characters of a-z, 0-9 and _, starts with a letter and does not end with _; {0:?} does not"
)]
pub struct InvalidPrefix(String);

impl Prefix {
    /// The prefix as it was given, without the underscore that follows it in a token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Prefix("tw".into())
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let sized = (2..=32).contains(&text.len());
        let allowed =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
        if sized && allowed && starts && !text.ends_with('_') {
            Ok(Prefix(text.into()))
        } else {
            Err(InvalidPrefix(text.chars().take(40).collect()))
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
