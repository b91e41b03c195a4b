//! A text that somebody presents as a token, taken apart.

use std::fmt;

use super::{BODY_LENGTH, Digest, ID_LENGTH, Prefix, SECRET_LENGTH, TokenId, alphabet};

/// A text that somebody presents as a token: of the right shape and checksum, and nothing more
/// is known of it.
///
/// Reading allocates nothing and asks no store.
pub struct Presented<'a> {
    id: TokenId,
    id_and_secret: &'a [u8],
}

/// Why a text is not [`Presented`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreadable {
    /// It does not start with the service's prefix: another vendor's credential, or another
    /// environment's. Not ours to judge.
    NotOurs,
    /// It starts with the service's prefix, and its shape or its checksum is wrong.
    Malformed,
}

impl<'a> Presented<'a> {
    /// Takes `text` apart, from the right, by length.
    ///
    /// Costs one comparison of the prefix and a CRC-32 of at most 85 bytes, however long the text.
    #[inline]
    pub fn read(text: &'a [u8], prefix: &Prefix) -> Result<Presented<'a>, Unreadable> {
        let body = text
            .strip_prefix(prefix.as_str().as_bytes())
            .and_then(|rest| rest.strip_prefix(b"_"))
            .ok_or(Unreadable::NotOurs)?;
        if body.len() != BODY_LENGTH {
            return Err(Unreadable::Malformed);
        }
        let (id_and_secret, checksum) = body.split_at(ID_LENGTH + SECRET_LENGTH);
        if alphabet::checksum(&text[..text.len() - checksum.len()]) != checksum {
            return Err(Unreadable::Malformed);
        }
        // Of the characters only the id's are looked at: the secret's decide nothing but the digest.
        let id = TokenId::from_characters(&id_and_secret[..ID_LENGTH]).map_err(|_| Unreadable::Malformed)?;
        Ok(Presented { id, id_and_secret })
    }

    /// The id that the text claims.
    #[inline]
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// The digest of what was presented: one SHA-256 of one block.
    #[inline]
    pub fn digest(&self) -> Digest {
        Digest::of(self.id_and_secret)
    }
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Presented({}, redacted)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Token;
    use super::*;
    use crate::randomness::SystemRandomness;

    fn fresh() -> (Prefix, Token) {
        let prefix: Prefix = "acme_live".parse().unwrap();
        let id = TokenId::random(&SystemRandomness).unwrap();
        let token = Token::draw(&prefix, &id, &SystemRandomness).unwrap();
        (prefix, token)
    }

    #[test]
    fn a_drawn_token_reads_back() {
        for _ in 0..1000 {
            let (prefix, token) = fresh();
            let text = token.expose();
            assert_eq!(text.len(), "acme_live_".len() + 58);
            assert!(text.bytes().all(alphabet::is_token_byte));
            let presented = Presented::read(text.as_bytes(), &prefix).unwrap();
            assert!(presented.digest().matches(&token.digest()));
            assert!(text.contains(presented.id().as_str()));
            assert_eq!(token.last_four(), &text[text.len() - 10..text.len() - 6]);
        }
    }

    #[test]
    fn one_wrong_character_is_noticed_wherever_it_stands() {
        let (prefix, token) = fresh();
        for place in 0..token.expose().len() {
            for other in [b'A', b'z', b'_', b'-', b' ', 0, 0xff] {
                let mut text = token.expose().as_bytes().to_vec();
                if text[place] == other {
                    continue;
                }
                text[place] = other;
                let expected =
                    if place < "acme_live_".len() { Unreadable::NotOurs } else { Unreadable::Malformed };
                assert_eq!(Presented::read(&text, &prefix).err(), Some(expected), "at {place}");
            }
        }
    }

    #[test]
    fn lengths_and_foreign_prefixes() {
        let (prefix, token) = fresh();
        let text = token.expose();
        for end in 0..text.len() {
            assert!(Presented::read(&text.as_bytes()[..end], &prefix).is_err());
        }
        let longer = format!("{text}A");
        assert_eq!(Presented::read(longer.as_bytes(), &prefix).err(), Some(Unreadable::Malformed));
        let test: Prefix = "acme_test".parse().unwrap();
        assert_eq!(Presented::read(text.as_bytes(), &test).err(), Some(Unreadable::NotOurs));
        let shorter: Prefix = "acme".parse().unwrap();
        assert_eq!(Presented::read(text.as_bytes(), &shorter).err(), Some(Unreadable::Malformed));
        assert_eq!(
            Presented::read(format!("secret-token:{text}").as_bytes(), &prefix).err(),
            Some(Unreadable::NotOurs)
        );
    }
}
