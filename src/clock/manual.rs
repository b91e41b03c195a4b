//! A clock that stands still until it is moved.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Clock, Reading};

/// A clock that stands still until it is moved, for tests: of this crate and of yours.
///
/// Clones are one clock. It starts at noon of 1 January 2027 (UTC) unless told otherwise, and is
/// exact to the millisecond.
///
/// ```
/// use chrono::TimeDelta;
/// use tokenward::{Clock, ManualClock};
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(TimeDelta::days(91));
/// assert_eq!(clock.now().wall() - before.wall(), TimeDelta::days(91));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    reading: Reading,
    suspended_ms: u64,
}

impl ManualClock {
    /// A clock that stands at noon of 1 January 2027 (UTC).
    pub fn new() -> ManualClock {
        ManualClock::at(DateTime::from_timestamp_millis(1_798_804_800_000).expect("a date of this century"))
    }

    /// A clock that stands at `wall`.
    pub fn at(wall: DateTime<Utc>) -> ManualClock {
        let reading = Reading { monotonic_ms: 0, wall_ms: wall.timestamp_millis() };
        ManualClock(Arc::new(Mutex::new(Hands { reading, suspended_ms: 0 })))
    }

    /// Lets `time` go by, on all hands, in whole milliseconds.
    ///
    /// # Panics
    /// If `time` is negative: time does not run backwards. Only the wall clock can be
    /// [set](ManualClock::set_wall) back.
    pub fn advance(&self, time: TimeDelta) {
        let ms = whole_ms(time);
        let reading = &mut self.hands().reading;
        reading.monotonic_ms = reading.monotonic_ms.saturating_add(ms);
        reading.wall_ms = reading.wall_ms.saturating_add_unsigned(ms);
    }

    /// Suspends the machine for `time`, in whole milliseconds: the monotonic hand stands still, the wall
    /// clock and the one of leases go on.
    ///
    /// # Panics
    /// If `time` is negative.
    pub fn suspend(&self, time: TimeDelta) {
        let ms = whole_ms(time);
        let hands = &mut *self.hands();
        hands.suspended_ms = hands.suspended_ms.saturating_add(ms);
        hands.reading.wall_ms = hands.reading.wall_ms.saturating_add_unsigned(ms);
    }

    /// Sets the wall clock, as a person or NTP would, while the monotonic hand stays.
    pub fn set_wall(&self, wall: DateTime<Utc>) {
        self.hands().reading.wall_ms = wall.timestamp_millis();
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Reading {
        self.hands().reading
    }

    fn granularity_ms(&self) -> u32 {
        0
    }
    fn boottime_ms(&self) -> u64 {
        let hands = self.hands();
        hands.reading.monotonic_ms.saturating_add(hands.suspended_ms)
    }
}

fn whole_ms(time: TimeDelta) -> u64 {
    u64::try_from(time.num_milliseconds()).expect("time does not run backwards")
}
