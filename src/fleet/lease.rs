//! For how long a node may believe its own memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The length of a lease: for how long a node may believe its own memory after it has asked what was
/// changed, less the margin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lease {
    length_ms: u32,
}

impl Lease {
    pub(crate) const SHORTEST_MS: u32 = 1_000;
    /// Whoever cannot learn how long the leases of others are has to wait for this one.
    pub(crate) const LONGEST_MS: u32 = 60_000;

    /// One of this length, or of the nearest that is allowed.
    pub(crate) fn lasting(length: Duration) -> Lease {
        let length_ms = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
        Lease { length_ms: length_ms.clamp(Lease::SHORTEST_MS, Lease::LONGEST_MS) }
    }

    pub(crate) fn length_ms(self) -> u32 {
        self.length_ms
    }

    /// For how long a node trusts its memory after the reading of its clock with which a renewal began.
    pub(crate) fn trust_ms(self) -> u64 {
        u64::from(self.length_ms) - margin_ms(self.length_ms)
    }

    /// How often it is renewed: three times may fail before it is lost.
    pub(crate) fn renewed_every(self) -> Duration {
        Duration::from_millis(u64::from(self.length_ms) / 4)
    }

    /// The longest that a change may take to be heeded everywhere.
    pub(crate) fn bound_ms(self) -> u64 {
        wait_ms(self.length_ms)
    }
}

impl Default for Lease {
    fn default() -> Lease {
        Lease { length_ms: 10_000 }
    }
}

/// A node counts this much less than the length of its lease, and whoever waits for it this much more:
/// clocks are slewed by up to 8 %, on two machines in opposite directions.
fn margin_ms(length_ms: u32) -> u64 {
    u64::from(length_ms.div_ceil(10))
}

/// After this time, by anybody's clock, a lease of this length is over whatever its node knows.
pub(super) fn wait_ms(length_ms: u32) -> u64 {
    u64::from(length_ms) + margin_ms(length_ms)
}

/// Until when a node trusts its memory, on its own clock: what every hit compares its clock with.
///
/// A moment and not a flag: a node that was stopped (by a debugger, a full machine, a closed lid) must
/// find its trust gone at its next hit, before any task of its own could have cleared anything.
#[derive(Default)]
pub(crate) struct Trusted {
    until_ms: AtomicU64,
}

impl Trusted {
    #[inline]
    pub(crate) fn holds(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms.load(Ordering::Acquire)
    }

    /// From now on this holds, whatever was before; 0 for none at all.
    pub(crate) fn set(&self, until_ms: u64) {
        self.until_ms.store(until_ms, Ordering::Release);
    }

    pub(crate) fn left_ms(&self, now_ms: u64) -> u64 {
        self.until_ms.load(Ordering::Acquire).saturating_sub(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_covers_clocks_that_are_slewed_in_opposite_directions() {
        for length_ms in [Lease::SHORTEST_MS, 1_001, 9_999, 10_000, Lease::LONGEST_MS] {
            let lease = Lease::lasting(Duration::from_millis(length_ms.into()));
            // The node's clock is slow, so that it trusts for longer; the other's is fast.
            let trusted_for = lease.trust_ms() as f64 / 0.92;
            let waited_for = lease.bound_ms() as f64 / 1.08;
            assert!(trusted_for < waited_for, "{length_ms}: {trusted_for} against {waited_for}");
        }
    }

    #[test]
    fn a_length_out_of_range_is_the_nearest_in_it() {
        assert_eq!(Lease::lasting(Duration::ZERO).length_ms(), Lease::SHORTEST_MS);
        assert_eq!(Lease::lasting(Duration::MAX).length_ms(), Lease::LONGEST_MS);
    }
}
