use super::buckets::{Buckets, Run};
use super::log::Log;
use super::quota::{Quota, RateLimit};
use super::tick::Moment;

/// As many as a limit has quotas.
const MOST_BUCKETS: usize = 3;

/// The state of a token with a quota too large to log: buckets for each such quota, and a log if there are
/// smaller ones beside it.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    limit: RateLimit,
    /// Empty, save for its longest window, if `limit` has no quota small enough.
    log: Log,
    /// Those `limit` asks for, and older ones that know of requests the log does not.
    buckets: Vec<Buckets>,
}

impl Counted {
    /// A log that grows out of its form.
    pub(super) fn from_log(log: Log, limit: &RateLimit, now: Moment) -> Counted {
        Counted { limit: *limit, log, buckets: Vec::new() }.suited_to(limit, now)
    }

    pub(super) fn is_suited_to(&self, limit: &RateLimit) -> bool {
        self.limit == *limit
    }

    /// The same requests, kept as `limit` needs them.
    ///
    /// A request whose own time is no longer known takes the time of its bucket, which is not earlier: so a
    /// change of form may refuse too long by less than that bucket's width, and never admits too much. Buckets
    /// of a window that has become small enough to log stay until the log knows as much, in case the limit is
    /// raised again.
    pub(super) fn suited_to(mut self, limit: &RateLimit, now: Moment) -> Counted {
        let longest_ms = self.log.longest_ms();
        let known = if now.since_latest_ms < now.reach_ms(longest_ms) {
            self.known(now)
        } else {
            self.buckets.clear();
            Vec::new()
        };
        let mut log = Log::new();
        log.set_longest_ms(longest_ms);
        let slots = limit.log_slots();
        let newest: Vec<u32> = known
            .iter()
            .flat_map(|run| std::iter::repeat_n(run.last_ms, run.count as usize))
            .take(slots)
            .collect();
        for time in newest.into_iter().rev() {
            log.push(time, 0, slots);
        }
        for quota in limit.quotas().filter(|quota| !quota.is_logged()) {
            if self.buckets_of(quota).is_none() {
                let mut buckets = Buckets::new(quota.window_ms());
                let reach_ms = now.reach_ms(quota.window_ms());
                let is_within = |run: &&Run| now.low_ms.wrapping_sub(run.last_ms) < reach_ms;
                for run in known.iter().rev().filter(is_within) {
                    buckets.add(*run, now);
                }
                self.buckets.reserve_exact(1);
                self.buckets.push(buckets);
            }
        }
        let mut suited = Counted { limit: *limit, log, buckets: self.buckets };
        suited.retire();
        // Windows the limit names come first, then the longest: it knows most.
        let rank = |buckets: &Buckets| {
            let is_named = limit.quotas().any(|quota| quota.window_ms() == buckets.window_ms());
            std::cmp::Reverse((is_named, buckets.window_ms()))
        };
        suited.buckets.sort_by_key(rank);
        suited.buckets.truncate(MOST_BUCKETS);
        suited.buckets.shrink_to_fit();
        suited
    }

    /// Lets go of buckets that `limit` does not ask for and that know no more than the log.
    pub(super) fn retire(&mut self) {
        let asked = |window_ms: u32| {
            self.limit.quotas().any(|quota| quota.window_ms() == window_ms && !quota.is_logged())
        };
        let logged = self.log.times().count() as u64;
        self.buckets.retain(|buckets| asked(buckets.window_ms()) || buckets.total() > logged);
    }

    /// The log alone, if nothing else is left.
    pub(super) fn only_log(&mut self) -> Option<Log> {
        self.buckets.is_empty().then(|| std::mem::replace(&mut self.log, Log::new()))
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn log_mut(&mut self) -> &mut Log {
        &mut self.log
    }

    /// How many requests count under the quota at this place of the limit.
    pub(super) fn within(&self, place: usize, quota: Quota, now: Moment) -> u64 {
        if quota.is_logged() {
            return self.log.within(place, now.reach_ms(quota.window_ms()), now) as u64;
        }
        self.buckets_of(quota).map_or(0, |buckets| buckets.within(now))
    }

    /// Milliseconds until fewer requests than its limit count under a quota that is used up.
    pub(super) fn wait_ms(&self, quota: Quota, now: Moment) -> u32 {
        if quota.is_logged() {
            return self.log.wait_ms(quota, now);
        }
        self.buckets_of(quota).map_or(0, |buckets| buckets.wait_ms(quota.limit(), now))
    }

    /// Counts one request now.
    pub(super) fn add(&mut self, longest_ms: u32, now: Moment) {
        let slots = self.limit.log_slots();
        if slots > 0 {
            let times = self.log.times();
            let stale = times.count() - times.within(times.count(), now.reach_ms(longest_ms), now);
            self.log.push(now.low_ms, stale, slots);
        }
        for buckets in &mut self.buckets {
            buckets.add(Run { last_ms: now.low_ms, count: 1 }, now);
        }
        if self.buckets.len() > self.limit.quotas().filter(|quota| !quota.is_logged()).count() {
            self.retire();
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of::<Counted>() + self.log.heap_bytes() + self.buckets.capacity() * size_of::<Buckets>()
    }

    fn buckets_of(&self, quota: Quota) -> Option<&Buckets> {
        self.buckets.iter().find(|buckets| buckets.window_ms() == quota.window_ms())
    }

    /// All requests that are known of, newest first.
    ///
    /// The log and each of the buckets know the newest so and so many requests, the shorter windows more
    /// finely and the longer ones further back. So each adds those that come before what is known already.
    fn known(&self, now: Moment) -> Vec<Run> {
        let times = self.log.times();
        let mut known: Vec<Run> =
            (1..=times.count()).map(|back| Run { last_ms: times.newest(back), count: 1 }).collect();
        let mut total = times.count() as u64;
        let mut by_window: Vec<&Buckets> = self.buckets.iter().collect();
        by_window.sort_by_key(|buckets| buckets.window_ms());
        for buckets in by_window {
            let mut skip = total;
            for mut run in buckets.newest_first() {
                let skipped = skip.min(u64::from(run.count)) as u32;
                skip -= u64::from(skipped);
                run.count -= skipped;
                if run.count == 0 {
                    continue;
                }
                // It was admitted before those known, and each time is a bound from above: the earlier holds.
                if let Some(later) = known.last() {
                    let age_ms = |time: u32| now.low_ms.wrapping_sub(time);
                    if age_ms(later.last_ms) > age_ms(run.last_ms) {
                        run.last_ms = later.last_ms;
                    }
                }
                known.push(run);
            }
            total = total.max(buckets.total());
        }
        known
    }
}
