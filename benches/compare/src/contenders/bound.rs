//! The bound: the least that a verification with a digest and an expiry can do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use foldhash::fast::RandomState;
use sha2::block_api::compress256;

use super::parts::split;
use crate::contender::{Contender, pass};
use crate::sample::{Sample, Texts};

/// A table that never changes, one block of SHA-256 without the buffer around it, a comparison of
/// words, a clock that is one load, and one counter. No revocation, no window, no tenant.
struct Bound {
    records: HashMap<u128, Record, RandomState>,
    now_ms: AtomicI64,
}

struct Record {
    digest: [u32; 8],
    expires_ms: i64,
    uses: AtomicU32,
}

pub fn build(sample: &Sample) -> Box<dyn Contender> {
    let mut records = HashMap::with_capacity_and_hasher(sample.size(), RandomState::default());
    for text in sample.texts().iter().take(sample.size()) {
        let (id, id_and_secret) = split(text).expect("the sample's texts are tokens");
        let record = Record { digest: digest(id_and_secret), expires_ms: i64::MAX, uses: AtomicU32::new(0) };
        records.insert(u128::from_ne_bytes(*id), record);
    }
    Box::new(Bound { records, now_ms: AtomicI64::new(0) })
}

impl Contender for Bound {
    fn name(&self) -> &'static str {
        "bound"
    }

    fn pass(&self, texts: Texts<'_>) -> usize {
        pass(texts, |text| self.verify(text).is_some())
    }
}

impl Bound {
    #[inline]
    fn verify(&self, text: &[u8]) -> Option<()> {
        let (id, id_and_secret) = split(text)?;
        let digest = digest(id_and_secret);
        let record = self.records.get(&u128::from_ne_bytes(*id))?;
        let difference = record.digest.iter().zip(digest).fold(0, |all, (is, asked)| all | (is ^ asked));
        if difference != 0 || self.now_ms.load(Ordering::Relaxed) >= record.expires_ms {
            return None;
        }
        record.uses.fetch_add(1, Ordering::Relaxed);
        Some(())
    }
}

const SHA_256_START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

#[inline]
fn digest(id_and_secret: &[u8; 52]) -> [u32; 8] {
    let mut block = [0; 64];
    block[..52].copy_from_slice(id_and_secret);
    block[52] = 0x80;
    block[62..].copy_from_slice(&(52 * 8_u16).to_be_bytes());
    let mut state = SHA_256_START;
    compress256(&mut state, &[block]);
    state
}
