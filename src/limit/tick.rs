use super::quota::DAY_MS;

/// A reading of a monotonic clock, and how coarse that clock is.
///
/// The clock may start anywhere, but all readings given to one [`Window`](super::Window) must be of the same
/// clock. A reading lies at most the granularity behind the true time, and never ahead of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tick {
    /// Milliseconds since the clock's own zero. The whole range is allowed.
    pub ms: u64,
    /// How many milliseconds a reading may lag behind the true time; 0 for a clock that is exact. More than
    /// one day is taken as one day.
    pub granularity_ms: u32,
}

impl Tick {
    /// A reading of a clock that is exact to the millisecond.
    pub const fn exact(ms: u64) -> Tick {
        Tick { ms, granularity_ms: 0 }
    }
}

/// A tick as the forms of a window see it: relative to the latest request they know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// The low 32 bits of the time.
    pub(super) low_ms: u32,
    /// Time since the latest admitted request; what does not fit is far beyond every window anyway.
    pub(super) since_latest_ms: u32,
    pub(super) granularity_ms: u32,
}

impl Moment {
    /// `now` after `latest_ms`. A time before that counts as that.
    #[inline]
    pub(super) fn after(latest_ms: u64, now: Tick) -> Moment {
        let ms = now.ms.max(latest_ms);
        Moment {
            low_ms: ms as u32,
            since_latest_ms: u32::try_from(ms - latest_ms).unwrap_or(u32::MAX),
            granularity_ms: now.granularity_ms.min(DAY_MS),
        }
    }

    /// For how long a request counts under a window of this length; at most two days.
    #[inline]
    pub(super) fn reach_ms(self, window_ms: u32) -> u32 {
        window_ms + self.granularity_ms
    }
}
