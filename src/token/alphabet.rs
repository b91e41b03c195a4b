//! The characters of a token, and how random bytes and checksums become them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::CHECKSUM_LENGTH;

/// How often is drawn for a text without `-` before the generator counts as failed. At least half
/// of all draws have none: a working generator never comes here.
pub(super) const DRAWS: usize = 256;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes `bytes` as URL-safe base64 into `text`, and says whether a token may hold it: the
/// alphabet's `-` ends a word for a double click, so that text with one is drawn again. Drawing
/// again keeps every text without `-` equally likely.
pub(super) fn encode(bytes: &[u8], text: &mut [u8]) -> bool {
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, text).expect("the buffer is sized for the bytes");
    !text[..written].contains(&b'-')
}

/// The CRC-32 (IEEE) of `text`, as six characters of URL-safe base64.
pub(super) fn checksum(text: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let sum = crc32fast::hash(text);
    let six_bits = |shift: u32| ALPHABET[(sum >> shift & 63) as usize];
    // 32 bits fill five characters and a third: the last holds two bits and four zeros.
    let last = ALPHABET[((sum & 3) << 4) as usize];
    [six_bits(26), six_bits(20), six_bits(14), six_bits(8), six_bits(2), last]
}

/// Whether `byte` may stand in an id or a secret.
#[inline]
pub(super) fn is_token_byte(byte: u8) -> bool {
    // `|` instead of `||`: without a branch many bytes are looked at together.
    byte.is_ascii_digit() | (byte | 0x20).is_ascii_lowercase() | (byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_base64_of_the_big_endian_crc() {
        for text in ["", "a", "acme_live_0123456789abcdef"] {
            let sum = crc32fast::hash(text.as_bytes()).to_be_bytes();
            assert_eq!(checksum(text.as_bytes()).as_slice(), URL_SAFE_NO_PAD.encode(sum).as_bytes());
        }
    }
}
