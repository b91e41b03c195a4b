use super::Quota;
use super::tick::Moment;

const INLINE: usize = 6;
const FIRST_RING: usize = 16;
/// How far is stepped before a search by halves is the better way.
const STEPS: usize = 8;

/// The times of the last admitted requests, as the low 32 bits of their milliseconds, in order.
///
/// The first six stand in place; more are in a ring on the heap. A time is told from one that lies 2^32 ms
/// apart by its owner, who drops all times before they are half that old.
#[derive(Clone, Debug)]
pub(super) enum Log {
    Few {
        times: [u32; INLINE],
        longest_ms: u32,
        oldest: u8,
        count: u8,
    },
    Ring {
        times: Box<[u32]>,
        longest_ms: u32,
        oldest: u16,
        count: u16,
        /// How many times lay within each window when last asked: where the next search begins.
        within: [u16; 3],
    },
}

impl Log {
    pub(super) const fn new() -> Log {
        Log::Few { times: [0; INLINE], longest_ms: 0, oldest: 0, count: 0 }
    }

    /// The longest window under which a request was admitted, in milliseconds; 0 if none was.
    pub(super) fn longest_ms(&self) -> u32 {
        match self {
            Log::Few { longest_ms, .. } | Log::Ring { longest_ms, .. } => *longest_ms,
        }
    }

    pub(super) fn set_longest_ms(&mut self, window_ms: u32) {
        match self {
            Log::Few { longest_ms, .. } | Log::Ring { longest_ms, .. } => *longest_ms = window_ms,
        }
    }

    /// The kept times.
    #[inline]
    pub(super) fn times(&self) -> Times<'_> {
        match self {
            Log::Few { times, oldest, count, .. } => {
                Times { slots: times, oldest: usize::from(*oldest), count: usize::from(*count) }
            }
            Log::Ring { times, oldest, count, .. } => {
                Times { slots: times, oldest: usize::from(*oldest), count: usize::from(*count) }
            }
        }
    }

    /// How many times lie within `reach_ms` before `now`. `place` is the quota's, 0 to 2: its last answer is
    /// where the search begins, and has no influence on the result.
    #[inline]
    pub(super) fn within(&self, place: usize, reach_ms: u32, now: Moment) -> usize {
        let guess = match self {
            Log::Few { count, .. } => usize::from(*count),
            Log::Ring { within, .. } => usize::from(within[place]),
        };
        self.times().within(guess, reach_ms, now)
    }

    /// Keeps how many times lie within each window as the next guesses.
    pub(super) fn remember_within(&mut self, counts: &[u64; 3]) {
        if let Log::Ring { within, .. } = self {
            *within = counts.map(|count| count as u16);
        }
    }

    /// The short way for the only quota, whose window is the longest in use: counts one request and says how
    /// many count then. `None` if there is no room, or if the log would have to grow, or if more than a few
    /// times have become stale: nothing is changed then, and the long way decides.
    #[inline]
    pub(super) fn count_one(&mut self, limit: u32, reach_ms: u32, now: Moment) -> Option<u32> {
        match self {
            Log::Few { times, oldest, count, .. } => {
                let place = (usize::from(*oldest), usize::from(*count));
                let (first, length) = count_one(times, place, limit, reach_ms, now)?;
                (*oldest, *count) = (first as u8, length as u8);
                Some(length as u32)
            }
            Log::Ring { times, oldest, count, within, .. } => {
                let place = (usize::from(*oldest), usize::from(*count));
                let (first, length) = count_one(times, place, limit, reach_ms, now)?;
                (*oldest, *count) = (first as u16, length as u16);
                within[0] = *count;
                Some(length as u32)
            }
        }
    }

    /// Milliseconds until fewer requests than its limit count under a quota that is used up.
    pub(super) fn wait_ms(&self, quota: Quota, now: Moment) -> u32 {
        let deciding = self.times().newest(quota.limit() as usize);
        now.reach_ms(quota.window_ms()).saturating_sub(now.low_ms.wrapping_sub(deciding))
    }

    /// Drops the `stale` oldest times and adds one. When the log is full it grows up to `most` times, and
    /// beyond that the oldest goes.
    #[inline]
    pub(super) fn push(&mut self, low_ms: u32, stale: usize, most: usize) {
        match self {
            Log::Few { times, oldest, count, .. } => {
                let mut first = usize::from(*oldest);
                let mut length = usize::from(*count);
                if push(times, &mut first, &mut length, low_ms, stale, most) {
                    (*oldest, *count) = (first as u8, length as u8);
                    return;
                }
            }
            Log::Ring { times, oldest, count, .. } => {
                let mut first = usize::from(*oldest);
                let mut length = usize::from(*count);
                if push(times, &mut first, &mut length, low_ms, stale, most) {
                    (*oldest, *count) = (first as u16, length as u16);
                    return;
                }
            }
        }
        self.grow(most);
        self.push(low_ms, 0, most);
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Log::Few { .. } => 0,
            Log::Ring { times, .. } => size_of_val::<[u32]>(times),
        }
    }

    #[cold]
    fn grow(&mut self, most: usize) {
        let old = self.times();
        let slots = (old.slots.len() * 2).max(FIRST_RING).min(most);
        let mut times = vec![0; slots].into_boxed_slice();
        for (slot, back) in times.iter_mut().zip((1..=old.count).rev()) {
            *slot = old.newest(back);
        }
        let count = old.count as u16;
        let within = match self {
            Log::Few { .. } => [count; 3],
            Log::Ring { within, .. } => *within,
        };
        *self = Log::Ring { times, longest_ms: self.longest_ms(), oldest: 0, count, within };
    }
}

/// A view of a log's times.
#[derive(Clone, Copy)]
pub(super) struct Times<'a> {
    slots: &'a [u32],
    oldest: usize,
    count: usize,
}

impl Times<'_> {
    pub(super) fn count(self) -> usize {
        self.count
    }

    /// The newest time is 1, the oldest is the count.
    #[inline]
    pub(super) fn newest(self, back: usize) -> u32 {
        let slot = self.oldest + self.count - back;
        self.slots[if slot >= self.slots.len() { slot - self.slots.len() } else { slot }]
    }

    /// How many lie within `reach_ms` before `now`. Steps from the guess, since between two questions little
    /// changes; after a few steps it halves the rest, since after a pause much may have.
    #[inline]
    pub(super) fn within(self, guess: usize, reach_ms: u32, now: Moment) -> usize {
        if now.since_latest_ms >= reach_ms {
            return 0;
        }
        let is_within = |back: usize| now.low_ms.wrapping_sub(self.newest(back)) < reach_ms;
        let mut within = guess.min(self.count);
        for _ in 0..STEPS {
            if within > 0 && !is_within(within) {
                within -= 1;
            } else if within < self.count && is_within(within + 1) {
                within += 1;
            } else {
                return within;
            }
        }
        let (mut inside, mut outside) = (0, self.count + 1);
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if is_within(middle) { inside = middle } else { outside = middle }
        }
        inside
    }
}

/// Whether there was room, or the oldest could go for it. Drops the stale ones in any case.
#[inline]
fn push(
    slots: &mut [u32],
    oldest: &mut usize,
    count: &mut usize,
    low_ms: u32,
    stale: usize,
    most: usize,
) -> bool {
    let wrap = |slot: usize| if slot >= slots.len() { slot - slots.len() } else { slot };
    let mut first = wrap(*oldest + stale);
    let mut length = *count - stale;
    let is_full = length == slots.len();
    if is_full && slots.len() >= most {
        first = wrap(first + 1);
        length -= 1;
    }
    let next = wrap(first + length);
    (*oldest, *count) = (first, length);
    if is_full && slots.len() < most {
        return false;
    }
    slots[next] = low_ms;
    *count += 1;
    true
}

/// Where the times begin and how many there are after one more, if there is room for it.
#[inline]
fn count_one(
    slots: &mut [u32],
    (mut oldest, mut count): (usize, usize),
    limit: u32,
    reach_ms: u32,
    now: Moment,
) -> Option<(usize, usize)> {
    if now.since_latest_ms >= reach_ms {
        count = 0;
    }
    for _ in 0..STEPS {
        if count == 0 || now.low_ms.wrapping_sub(slots[oldest]) < reach_ms {
            break;
        }
        oldest = if oldest + 1 >= slots.len() { 0 } else { oldest + 1 };
        count -= 1;
    }
    let has_stale = count > 0 && now.low_ms.wrapping_sub(slots[oldest]) >= reach_ms;
    if has_stale || count >= limit as usize || count >= slots.len() {
        return None;
    }
    let next = oldest + count;
    slots[if next >= slots.len() { next - slots.len() } else { next }] = now.low_ms;
    Some((oldest, count + 1))
}
