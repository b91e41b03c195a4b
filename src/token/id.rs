//! The public name of a token.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{ID_LENGTH, alphabet};
use crate::randomness::{Randomness, RandomnessFailed};

/// The public name of a token: it finds the row, and may stand in logs and URLs.
///
/// Printed as `tok_` and the sixteen characters that stand in the token's text as well, so that
/// a log line finds a row. 96 random bits; it says nothing about the secret.
///
/// ```
/// use tokenward::TokenId;
/// let id: TokenId = "tok_Zm9vYmFyYmF6cXV4".parse().unwrap();
/// assert_eq!(id.to_string(), "tok_Zm9vYmFyYmF6cXV4");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenId([u8; ID_LENGTH]);

/// The text is no [`TokenId`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a token id reads tok_ and 16 characters of A-Z, a-z, 0-9 and _")]
pub struct InvalidTokenId;

impl TokenId {
    /// The sixteen characters as they stand in the token's text, without `tok_`. What a store
    /// keeps as its key.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII is ever stored in an id")
    }

    /// Reads the sixteen characters of [`TokenId::as_str`].
    #[inline]
    pub fn from_characters(characters: &[u8]) -> Result<TokenId, InvalidTokenId> {
        let id: [u8; ID_LENGTH] = characters.try_into().map_err(|_| InvalidTokenId)?;
        // All of them without stopping at the first: sixteen at once instead of one by one.
        if id.iter().fold(true, |all, byte| all & alphabet::is_token_byte(*byte)) {
            Ok(TokenId(id))
        } else {
            Err(InvalidTokenId)
        }
    }

    /// An id made of twelve bytes, or nothing where their text has a character that ids do not have.
    pub(crate) fn from_bytes(bytes: [u8; 12]) -> Option<TokenId> {
        let mut id = [0; ID_LENGTH];
        alphabet::encode(&bytes, &mut id).then_some(TokenId(id))
    }

    /// A new random id.
    pub(crate) fn random(randomness: &dyn Randomness) -> Result<TokenId, RandomnessFailed> {
        for _ in 0..alphabet::DRAWS {
            let mut bytes = [0; 12];
            randomness.fill(&mut bytes)?;
            if let Some(id) = TokenId::from_bytes(bytes) {
                return Ok(id);
            }
        }
        Err(RandomnessFailed)
    }

    /// An id that no token has, where one must stand before there is one.
    pub(crate) const fn placeholder() -> TokenId {
        TokenId([b'_'; ID_LENGTH])
    }

    pub(crate) fn as_bytes(&self) -> &[u8; ID_LENGTH] {
        &self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tok_{}", self.as_str())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for TokenId {
    type Err = InvalidTokenId;

    fn from_str(text: &str) -> Result<Self, InvalidTokenId> {
        TokenId::from_characters(text.strip_prefix("tok_").ok_or(InvalidTokenId)?.as_bytes())
    }
}

// Two words instead of sixteen bytes with a length: the live table hashes an id on every request.
impl Hash for TokenId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let id = u128::from_ne_bytes(self.0);
        state.write_u64(id as u64);
        state.write_u64((id >> 64) as u64);
    }
}

impl Serialize for TokenId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TokenId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
