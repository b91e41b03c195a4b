//! A clock that follows the log.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokenward::{Clock, Reading};

thread_local! {
    /// The time of the line that this thread is at.
    static LINE: Cell<Option<i64>> = const { Cell::new(None) };
}

/// A clock that follows the log: for a thread that is at a line it is the line's time, for all others
/// the time of the line that the slowest thread is at. Whoever reads the lines sees to it that a line
/// with an earlier time than the one before does not move it back.
#[derive(Clone)]
pub struct LogClock(Arc<[AtomicI64]>);

impl LogClock {
    /// For so many threads that push. It is 1970 until it is told otherwise.
    pub fn new(threads: usize) -> LogClock {
        LogClock((0..threads).map(|_| AtomicI64::new(0)).collect())
    }

    /// This thread is at a line of this time, in milliseconds since 1970.
    pub fn at(&self, ms: i64) {
        LINE.set(Some(ms));
    }

    /// So is one of the threads that push, as far as others are concerned.
    pub fn thread_is_at(&self, thread: usize, ms: i64) {
        self.0[thread].store(ms, Ordering::Release);
    }

    /// All threads are at this time, and this one is at no line.
    pub fn all_are_at(&self, ms: i64) {
        LINE.set(None);
        self.0.iter().for_each(|thread| thread.store(ms, Ordering::Release));
    }
}

impl Clock for LogClock {
    fn now(&self) -> Reading {
        let slowest = || self.0.iter().map(|thread| thread.load(Ordering::Acquire)).min().unwrap_or(0);
        let wall_ms = LINE.get().unwrap_or_else(slowest);
        Reading { monotonic_ms: wall_ms.max(0) as u64, wall_ms }
    }

    fn granularity_ms(&self) -> u32 {
        0
    }
}
