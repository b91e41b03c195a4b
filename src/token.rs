//! The token: its text, its public id, and the digest that is kept of it.
//!
//! A token reads `<prefix>_<id><secret><checksum>`:
//!
//! | part | characters | what it is |
//! |---|---|---|
//! | prefix | up to 32 | names the vendor and, if wished, the environment: `acme_live` |
//! | id | 16 | public and random (96 bits): finds the row, may stand in logs |
//! | secret | 36 | 27 random bytes (over 192 bits), never stored |
//! | checksum | 6 | CRC-32 of all before it: refuses typing errors and guesses before any look-up |
//!
//! All of it is in `[A-Za-z0-9_]`, so that a double click selects the whole token. The three
//! parts behind the prefix have fixed lengths and are taken apart from the right.

mod alphabet;
mod digest;
mod id;
mod prefix;
mod presented;
mod secret;

pub use digest::Digest;
pub use id::{InvalidTokenId, TokenId};
pub use prefix::{InvalidPrefix, Prefix};
pub use presented::{Presented, Unreadable};
pub use secret::Token;

/// Characters of the public id.
pub(crate) const ID_LENGTH: usize = 16;
/// Characters of the secret.
pub(crate) const SECRET_LENGTH: usize = 36;
/// Characters of the checksum.
pub(crate) const CHECKSUM_LENGTH: usize = 6;
/// Everything behind the prefix and its underscore.
pub(crate) const BODY_LENGTH: usize = ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;

/// What an error repeats of a text that it could not read: all of it, or its start where it is long
/// enough to be a token that was pasted into the wrong place.
pub(crate) fn repeatable(text: &str) -> String {
    if text.len() < SECRET_LENGTH {
        return text.to_owned();
    }
    text.chars().take(ID_LENGTH).chain(['…']).collect()
}
