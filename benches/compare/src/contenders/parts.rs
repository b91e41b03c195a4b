//! A text taken apart by length, for contenders that do it by hand.

use crate::sample::PREFIX;

const ID_LENGTH: usize = 16;
const SECRET_LENGTH: usize = 36;
const BODY_LENGTH: usize = 58;

/// The id, and the id with the secret behind it. The checksum is for whoever wants it.
#[inline]
pub fn split(text: &[u8]) -> Option<(&[u8; ID_LENGTH], &[u8; ID_LENGTH + SECRET_LENGTH])> {
    let body = text.strip_prefix(PREFIX.as_bytes())?.strip_prefix(b"_")?;
    if body.len() != BODY_LENGTH {
        return None;
    }
    Some((body.first_chunk()?, body.first_chunk()?))
}
