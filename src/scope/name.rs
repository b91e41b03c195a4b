//! The name of a scope.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::token::repeatable;

/// The name of one thing that a token may do: `resource:action`, such as `orders:read`.
///
/// 3 to 64 characters of `A-Z`, `a-z`, `0-9`, `.`, `_`, `-` and `:`, with at least one `:` between
/// two parts, none of them empty; what stands before the last `:` is the resource. A subset of the
/// scope-token of RFC 6749, and ASCII throughout, so that two names that look alike are alike.
///
/// ```
/// use tokenward::Scope;
/// let scope: Scope = "orders:read".parse().unwrap();
/// assert_eq!((scope.resource(), scope.action()), ("orders", "read"));
/// assert!("orders".parse::<Scope>().is_err() && "orders:*".parse::<Scope>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Scope(Box<str>);

/// The text is no [`Scope`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a scope reads resource:action, in A-Z a-z 0-9 . _ - and at most 64 characters; {0:?} does not")]
pub struct InvalidScope(String);

impl Scope {
    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the last colon: `orders` of `orders:read`.
    pub fn resource(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(resource, _)| resource)
    }

    /// What stands behind the last colon: `read` of `orders:read`.
    pub fn action(&self) -> &str {
        self.0.rsplit_once(':').map_or("", |(_, action)| action)
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let part_is_well_formed = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        };
        if text.len() <= 64 && text.contains(':') && text.split(':').all(part_is_well_formed) {
            Ok(Scope(text.into()))
        } else {
            Err(InvalidScope(repeatable(text)))
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl std::borrow::Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_read_in_two_ways_are_refused() {
        let long = format!("{}:read", "a".repeat(60));
        for text in [
            "",
            ":",
            "read",
            "a:",
            ":a",
            "a::b",
            "read write",
            "a:b c",
            "a:b\nadmin:x",
            "a:\"b\"",
            "a:b,c:d",
            "*",
            "a:*",
            "аdmin:read",
            "a:b\0",
            " a:b",
            "a:b ",
            &long,
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        for text in ["a:b", "orders:read", "user:email:read", "Orders.v2:read_all-x", &long[1..]] {
            assert_eq!(text.parse::<Scope>().unwrap().as_str(), text);
        }
    }
}
