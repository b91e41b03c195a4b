//! A hash for random ids, for names of tenants, and for names that clients have chosen.

use std::hash::{BuildHasher, Hasher};

use crate::randomness::{Randomness, RandomnessFailed};

/// Hashes ids, which are random already, and the names of tenants: one multiplication a word. The
/// seed is random as well, so that nobody can choose ids or names to meet in one place.
#[derive(Clone)]
pub(crate) struct IdHash {
    seed: u64,
    factor: u64,
}

impl IdHash {
    pub(crate) fn random(randomness: &dyn Randomness) -> Result<IdHash, RandomnessFailed> {
        let mut bytes = [0; 16];
        randomness.fill(&mut bytes)?;
        let words = u128::from_ne_bytes(bytes);
        Ok(IdHash { seed: words as u64, factor: (words >> 64) as u64 | 1 })
    }
}

impl BuildHasher for IdHash {
    type Hasher = IdHasher;

    #[inline]
    fn build_hasher(&self) -> IdHasher {
        IdHasher { state: self.seed, factor: self.factor }
    }
}

pub(crate) struct IdHasher {
    state: u64,
    factor: u64,
}

impl Hasher for IdHasher {
    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor ^ 0x9e37_79b9_7f4a_7c15);
        self.state = product as u64 ^ (product >> 64) as u64;
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_ne_bytes(*word)));
        if !rest.is_empty() {
            let word = rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte));
            self.write_u64(word);
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}
