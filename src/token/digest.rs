//! What is kept of a secret.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::block_api::compress256;
use subtle::ConstantTimeEq;

use super::{ID_LENGTH, SECRET_LENGTH};

/// What is kept of a token's secret: SHA-256 (FIPS 180-4) over the id and the secret.
///
/// The secret has over 192 random bits, so that one plain hash suffices (OWASP ASVS 6.5.2) and a
/// stolen table opens nothing. Id and secret are 52 bytes: one block of the hash. A version byte
/// stands before the stored form; bytes of an unknown version, or of a wrong length, become a
/// digest that no token matches.
#[derive(Clone, Copy)]
pub struct Digest {
    /// All zeros for a digest that matches nothing: SHA-256 of no token comes out as that.
    words: [u64; 4],
}

/// What is hashed: id and secret. With the padding's nine bytes it must fit into one block.
const HASHED: usize = ID_LENGTH + SECRET_LENGTH;
const _: () = assert!(HASHED <= 64 - 9);

/// The initial hash value of FIPS 180-4, 5.3.3.
const SHA_256_START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const SHA_256: u8 = 1;
const UNREADABLE: u8 = 0;

impl Digest {
    /// The digest of the 52 characters of id and secret.
    #[inline]
    pub(crate) fn of(id_and_secret: &[u8]) -> Digest {
        // One block, padded as FIPS 180-4 says, and no buffer around it: the length never differs.
        let mut block = [0; 64];
        block[..HASHED].copy_from_slice(id_and_secret);
        block[HASHED] = 0x80;
        block[62..].copy_from_slice(&(HASHED as u16 * 8).to_be_bytes());
        let mut state = SHA_256_START;
        compress256(&mut state, &[block]);
        let word = |place: usize| u64::from(state[place]) << 32 | u64::from(state[place + 1]);
        Digest { words: [word(0), word(2), word(4), word(6)] }
    }

    /// Reads what [`Digest::to_bytes`] wrote. Anything else becomes a digest that matches nothing.
    pub fn from_bytes(bytes: &[u8]) -> Digest {
        match bytes.split_first() {
            Some((&SHA_256, sum)) if sum.len() == 32 => Digest { words: words(sum) },
            _ => Digest::matching_nothing(),
        }
    }

    /// The stored form: one byte that names the version, and the 32 bytes of the hash.
    pub fn to_bytes(&self) -> [u8; 33] {
        let version = if self.words == [0; 4] { UNREADABLE } else { SHA_256 };
        let mut bytes = [version; 33];
        for (place, word) in bytes[1..].chunks_exact_mut(8).zip(self.words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// Whether both are the digest of one secret, in constant time.
    #[inline]
    pub fn matches(&self, other: &Digest) -> bool {
        let [a, b, c, d] = self.words;
        let [e, f, g, h] = other.words;
        // One comparison of the folded difference: over bytes it would cost as much as the hash.
        let difference = a ^ e | b ^ f | c ^ g | d ^ h;
        let readable = !(a | b | c | d).ct_eq(&0);
        (difference.ct_eq(&0) & readable).into()
    }

    /// Stands in where there is no digest, so that a refusal does the work of a comparison.
    pub(crate) const fn matching_nothing() -> Digest {
        Digest { words: [0; 4] }
    }
}

fn words(sum: &[u8]) -> [u64; 4] {
    let word = |place: usize| u64::from_be_bytes(sum[place * 8..][..8].try_into().expect("eight bytes"));
    [word(0), word(1), word(2), word(3)]
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digest(redacted)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine;
        serializer.serialize_str(&base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine;
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text.as_bytes()).unwrap_or_default();
        Ok(Digest::from_bytes(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn it_is_sha_256() {
        // The two-block and the one-block example of NIST's FIPS 180-4 sample vectors.
        let nist = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(
            hex(&Sha256::digest(nist)),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        let text = &nist.as_bytes()[..52];
        assert_eq!(Digest::of(text).to_bytes()[1..], Sha256::digest(text)[..]);
    }

    #[test]
    fn what_cannot_be_read_matches_nothing() {
        let digest = Digest::of(&[b'a'; 52]);
        assert!(digest.matches(&Digest::from_bytes(&digest.to_bytes())));
        for bytes in [&[][..], &[1], &[1; 32], &[1; 34], &[0; 33], &[2; 33]] {
            let unreadable = Digest::from_bytes(bytes);
            assert!(!unreadable.matches(&digest) && !unreadable.matches(&unreadable));
        }
    }

    #[test]
    fn each_bit_counts() {
        let digest = Digest::of(&[b'a'; 52]);
        for bit in 0..256 {
            let mut bytes = digest.to_bytes();
            bytes[1 + bit / 8] ^= 1 << (bit % 8);
            assert!(!digest.matches(&Digest::from_bytes(&bytes)), "bit {bit}");
        }
    }
}
