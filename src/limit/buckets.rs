use super::tick::Moment;

/// How many buckets cover one window.
const PER_WINDOW: u32 = 60;
/// One more than cover a window: the oldest has begun before it.
const SLOTS: usize = PER_WINDOW as usize + 1;

/// Requests that count as if all had come at the last one's time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Run {
    /// The low 32 bits of the time, in milliseconds.
    pub(super) last_ms: u32,
    pub(super) count: u32,
}

/// The requests of one large quota, counted in buckets.
///
/// A bucket begins with a request, takes what comes in a sixtieth of the window from there, and counts whole
/// until its last request leaves the window. So it never counts too little.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    window_ms: u32,
    /// When the newest bucket began.
    opened_ms: u32,
    /// The sum of all runs.
    total: u64,
    oldest: usize,
    count: usize,
    runs: [Run; SLOTS],
}

impl Buckets {
    pub(super) fn new(window_ms: u32) -> Buckets {
        Buckets { window_ms, opened_ms: 0, total: 0, oldest: 0, count: 0, runs: [Run::default(); SLOTS] }
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
        let is_open =
            self.count > 0 && added.last_ms.wrapping_sub(self.opened_ms) < reach_ms.div_ceil(PER_WINDOW);
        if !is_open {
            if self.count == SLOTS {
                self.merge_oldest();
            }
            self.opened_ms = added.last_ms;
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

    /// Makes room when a clock's granularity has changed and buckets are narrower than now wanted. They
    /// count until the later one's end, so not too little.
    fn merge_oldest(&mut self) {
        let second = self.slot(1);
        self.runs[second].count = self.runs[second].count.saturating_add(self.runs[self.oldest].count);
        self.oldest = second;
        self.count -= 1;
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
