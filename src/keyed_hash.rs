//! A hash under a key, for one purpose each.

use sha2::{Digest as _, Sha256};

/// SHA-256 over a key of fixed length, a purpose, and parts with their lengths. What follows the
/// key cannot be extended: every part tells its length, and the count of parts is the purpose's.
pub(crate) fn keyed_hash(key: &[u8; 32], purpose: &str, parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key);
    for part in std::iter::once(&purpose).chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}
