//! Time, injected.

mod manual;
mod system;

pub use manual::ManualClock;
pub use system::SystemClock;

use chrono::{DateTime, Utc};

/// What time it is, for everything that this crate decides.
///
/// Two hands: a monotonic one, which windows are measured with, and the wall clock, which expiry is
/// judged by. A third, which counts suspension, is for leases alone. Stores never look at a clock; they
/// are told.
pub trait Clock: Send + Sync + 'static {
    /// Both hands, read together. On the path of every request: a few nanoseconds are right.
    fn now(&self) -> Reading;

    /// The greatest distance, in milliseconds, by which the monotonic hand may stand behind true
    /// time. 0 says that it is exact, as only a clock that is moved by hand can be. Windows are
    /// lengthened by it, so that no window of true time ever holds more than its limit.
    fn granularity_ms(&self) -> u32;

    /// Milliseconds since a moment of the clock's choice: monotonic, and going on while the machine is
    /// suspended. Leases are measured with it, and it is read only where there are leases.
    ///
    /// Unless it is written, the monotonic hand: right for tests, and for machines that are never
    /// suspended.
    fn boottime_ms(&self) -> u64 {
        self.now().monotonic_ms
    }
}

/// Both hands of a [`Clock`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Milliseconds since a moment of the clock's choice; never runs backwards.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z; may be set forwards and backwards.
    pub wall_ms: i64,
}

impl Reading {
    /// The wall clock's hand as a time. Beyond the years that [`DateTime`] can hold it is the
    /// last of them.
    pub fn wall(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.wall_ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}
