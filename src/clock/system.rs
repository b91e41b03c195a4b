//! The machine's clocks, read cheaply.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Clock, Reading};

/// The machine's clocks, read cheaply: one coarse monotonic reading a call (4 ns instead of 25).
///
/// The wall clock is the monotonic hand and an offset, which is taken anew once a second, so that
/// setting the machine's clock is noticed within a second of use. On Linux the coarse clock moves
/// with the scheduler's tick (1 to 10 ms); elsewhere [`std::time::Instant`] is read. Leases go by
/// `CLOCK_BOOTTIME` on Linux. Elsewhere they go by `Instant` as well, which may stand still while the
/// machine is suspended: do not suspend a node of a fleet there.
#[derive(Debug)]
pub struct SystemClock {
    monotonic: Monotonic,
    offset_ms: AtomicI64,
    offset_until_ms: AtomicU64,
}

/// How long an offset between the two hands is believed.
const OFFSET_MS: u64 = 1_000;

impl SystemClock {
    /// The machine's clocks.
    pub fn new() -> SystemClock {
        SystemClock {
            monotonic: Monotonic::new(),
            offset_ms: AtomicI64::new(0),
            offset_until_ms: AtomicU64::new(0),
        }
    }

    #[cold]
    fn renew_offset(&self, monotonic_ms: u64) {
        let wall_ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        };
        self.offset_ms.store(wall_ms.saturating_sub_unsigned(monotonic_ms), Ordering::Relaxed);
        self.offset_until_ms.store(monotonic_ms + OFFSET_MS, Ordering::Release);
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Reading {
        let monotonic_ms = self.monotonic.now_ms();
        if monotonic_ms >= self.offset_until_ms.load(Ordering::Acquire) {
            self.renew_offset(monotonic_ms);
        }
        let wall_ms = self.offset_ms.load(Ordering::Relaxed).saturating_add_unsigned(monotonic_ms);
        Reading { monotonic_ms, wall_ms }
    }

    fn granularity_ms(&self) -> u32 {
        self.monotonic.granularity_ms
    }

    #[inline]
    fn boottime_ms(&self) -> u64 {
        self.monotonic.boottime_ms()
    }
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Monotonic {
    granularity_ms: u32,
}

#[cfg(target_os = "linux")]
impl Monotonic {
    fn new() -> Monotonic {
        let tick = rustix::time::clock_getres(rustix::time::ClockId::MonotonicCoarse);
        let tick_ms = u32::try_from(tick.tv_nsec / 1_000_000).unwrap_or(10);
        // The tick, rounded up, and the millisecond that cutting to milliseconds may take.
        Monotonic { granularity_ms: tick_ms + 2 }
    }

    #[inline]
    fn now_ms(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // Never negative: the monotonic clock counts from the machine's start. A second is added
        // so that 0, the offset's first end, is always past.
        (now.tv_sec as u64 + 1) * 1_000 + now.tv_nsec as u64 / 1_000_000
    }

    #[inline]
    fn boottime_ms(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
    }
}

#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
struct Monotonic {
    granularity_ms: u32,
    origin: std::time::Instant,
}

#[cfg(not(target_os = "linux"))]
impl Monotonic {
    fn new() -> Monotonic {
        Monotonic { granularity_ms: 1, origin: std::time::Instant::now() }
    }

    fn now_ms(&self) -> u64 {
        1_000 + self.origin.elapsed().as_millis() as u64
    }

    fn boottime_ms(&self) -> u64 {
        self.now_ms()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hands_follow_the_machine() {
        let clock = SystemClock::new();
        let start = clock.now();
        let wall = chrono::Utc::now().timestamp_millis();
        assert!((start.wall_ms - wall).abs() < 1_000, "{start:?} against {wall}");
        assert!((1..=20).contains(&clock.granularity_ms()));
        let mut last = start;
        while last.monotonic_ms < start.monotonic_ms + 30 {
            let next = clock.now();
            assert!(next.monotonic_ms >= last.monotonic_ms);
            last = next;
        }
    }
}
