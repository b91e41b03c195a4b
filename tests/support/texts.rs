//! Texts that read like tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A text with the prefix `tw` and the right checksum, whose id and secret are made of a number.
pub fn text_of(number: u64) -> String {
    text_with(&format!("{number:0>16}"), &format!("{number:0>36}"))
}

/// A text with the prefix `tw`, this id and secret, and the right checksum.
pub fn text_with(id: &str, secret: &str) -> String {
    let text = format!("tw_{id}{secret}");
    let sum = crc32fast::hash(text.as_bytes()).to_be_bytes();
    text + &URL_SAFE_NO_PAD.encode(sum)
}
