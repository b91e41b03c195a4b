use super::tick::Moment;

/// How many buckets cover one window at least.
const PER_WINDOW: u32 = 60;
/// A width is more than half of what it could be, so twice as many may be needed; and one more, as the oldest
/// has begun before the window.
const SLOTS: usize = 2 * PER_WINDOW as usize + 1;

/// Requests that count as if all had come at the last one's time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Run {
    /// The low 32 bits of the time, in milliseconds.
    pub(super) last_ms: u32,
    pub(super) count: u32,
}

/// The requests of one large quota, counted in buckets.
///
/// A bucket counts whole until its last request leaves the window. So it never counts too little.
///
/// Time is cut into buckets at the multiples of their width, which is a power of two: so each bucket lies
/// within one of every larger width. Requests may go from buckets to a log and into other buckets any number
/// of times, each time with the time of the last one beside them: they never leave the widest bucket they
/// were in, and so count less than its width too long. If buckets began with their first request instead,
/// each change would add to that. That the low bits of the time begin again at 0 cuts no bucket either.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    window_ms: u32,
    /// The sum of all runs.
    total: u64,
    oldest: usize,
    count: usize,
    runs: [Run; SLOTS],
}

impl Buckets {
    pub(super) fn new(window_ms: u32) -> Buckets {
        Buckets { window_ms, total: 0, oldest: 0, count: 0, runs: [Run::default(); SLOTS] }
    }

    pub(super) fn window_ms(&self) -> u32 {
        self.window_ms
    }

    /// All that is known, including what has left the window since the last request.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The buckets, newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = Run> {
        (0..self.count).rev().map(|place| self.runs[self.slot(place)])
    }

    /// How many requests count at `now`.
    #[inline]
    pub(super) fn within(&self, now: Moment) -> u64 {
        let reach_ms = now.reach_ms(self.window_ms);
        if now.since_latest_ms >= reach_ms {
            return 0;
        }
        let stale = self.oldest_first().take_while(|run| age_ms(run, now) >= reach_ms);
        self.total - stale.map(|run| u64::from(run.count)).sum::<u64>()
    }

    /// Milliseconds until fewer than `limit` requests count, `limit` being at least 1.
    pub(super) fn wait_ms(&self, limit: u32, now: Moment) -> u32 {
        let reach_ms = now.reach_ms(self.window_ms);
        let mut left = self.total;
        for run in self.oldest_first() {
            if left < u64::from(limit) {
                break;
            }
            left -= u64::from(run.count);
            if left < u64::from(limit) {
                return reach_ms.saturating_sub(age_ms(&run, now));
            }
        }
        0
    }

    /// Counts requests at a time that is not before those counted.
    #[inline]
    pub(super) fn add(&mut self, added: Run, now: Moment) {
        let reach_ms = now.reach_ms(self.window_ms);
        // After such a pause the ages can no longer be told from the low bits.
        if now.since_latest_ms >= reach_ms {
            (self.total, self.count) = (0, 0);
        }
        while self.count > 0 && age_ms(&self.runs[self.oldest], now) >= reach_ms {
            self.total -= u64::from(self.runs[self.oldest].count);
            self.oldest = self.slot(1);
            self.count -= 1;
        }
        let shift = shift(reach_ms);
        let is_open =
            self.count > 0 && self.runs[self.slot(self.count - 1)].last_ms >> shift == added.last_ms >> shift;
        if !is_open {
            if self.count == SLOTS {
                self.widen(shift);
            }
            self.count += 1;
            let newest = self.slot(self.count - 1);
            self.runs[newest] = Run::default();
        }
        let newest = self.slot(self.count - 1);
        let run = &mut self.runs[newest];
        let before = run.count;
        run.last_ms = added.last_ms;
        run.count = before.saturating_add(added.count);
        self.total += u64::from(run.count - before);
    }

    /// Makes room when a clock's granularity has grown, and buckets are narrower than now wanted.
    #[cold]
    fn widen(&mut self, shift: u32) {
        let mut kept = 0;
        for place in 1..self.count {
            let run = self.runs[self.slot(place)];
            let before = self.slot(kept);
            if self.runs[before].last_ms >> shift == run.last_ms >> shift {
                let count = self.runs[before].count.saturating_add(run.count);
                self.runs[before] = Run { count, ..run };
            } else {
                kept += 1;
                let next = self.slot(kept);
                self.runs[next] = run;
            }
        }
        self.count = kept + 1;
        self.total = self.oldest_first().map(|run| u64::from(run.count)).sum();
    }

    fn oldest_first(&self) -> impl Iterator<Item = Run> {
        (0..self.count).map(|place| self.runs[self.slot(place)])
    }

    fn slot(&self, place: usize) -> usize {
        let slot = self.oldest + place;
        if slot >= SLOTS { slot - SLOTS } else { slot }
    }
}

fn age_ms(run: &Run, now: Moment) -> u32 {
    now.low_ms.wrapping_sub(run.last_ms)
}

/// The width of a bucket, as a power of two: the largest that is at most a sixtieth of the time for which a
/// request counts.
fn shift(reach_ms: u32) -> u32 {
    (reach_ms / PER_WINDOW).ilog2()
}
