//! How many misses may be under way, and for whom some are kept free.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bounds how many misses ask the store at once, and keeps some of them free for ids that were
/// known before, so that a flood of guesses does not starve the tokens that were evicted.
///
/// Which ids were known is kept as one bit each in a field of fixed size. A guess that happens to
/// share a bit may use the reserve, which harms nobody.
pub(super) struct Misses {
    under_way: AtomicUsize,
    greatest: usize,
    known: Box<[AtomicU64]>,
}

/// One miss that asks the store. Dropping it makes room.
pub(crate) struct MissLane<'a>(&'a AtomicUsize);

const KNOWN_BITS: usize = 1 << 20;

impl Misses {
    pub(super) fn new(greatest: usize) -> Misses {
        let known = (0..KNOWN_BITS / 64).map(|_| AtomicU64::new(0)).collect();
        Misses { under_way: AtomicUsize::new(0), greatest, known }
    }

    /// Notes that an id is known, when its entry is evicted.
    pub(super) fn note_known(&self, hash: u64) {
        let bit = hash as usize % KNOWN_BITS;
        self.known[bit / 64].fetch_or(1 << (bit % 64), Ordering::Relaxed);
    }

    pub(super) fn was_known(&self, hash: u64) -> bool {
        let bit = hash as usize % KNOWN_BITS;
        self.known[bit / 64].load(Ordering::Relaxed) >> (bit % 64) & 1 == 1
    }

    /// A lane to the store, if one is free. A quarter of them is for known ids.
    pub(super) fn enter(&self, is_known: bool) -> Option<MissLane<'_>> {
        let greatest = if is_known { self.greatest } else { self.greatest - self.greatest / 4 };
        // Compared before it is counted: a flood that is turned away must not fill the reserve, not
        // even for the moment between the two.
        let count_one = |under_way| (under_way < greatest).then_some(under_way + 1);
        let entered = self.under_way.fetch_update(Ordering::AcqRel, Ordering::Acquire, count_one);
        entered.is_ok().then(|| MissLane(&self.under_way))
    }
}

impl Drop for MissLane<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
