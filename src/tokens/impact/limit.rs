//! What another limit would have refused, by the minute.

use std::collections::VecDeque;

use crate::RateLimit;

/// What a limit would have refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Cut {
    pub(super) calls: u64,
    /// In how many minutes.
    pub(super) minutes: u64,
}

/// What a limit would have refused of so many requests in each of several minutes that follow each
/// other: whatever goes beyond it. A window of an hour or a day looks back over the minutes before,
/// as far as there are any, and counts what would have passed in them.
pub(super) fn cut(limit: &RateLimit, minutes: impl Iterator<Item = u64>) -> Cut {
    let mut windows: Vec<_> =
        limit.quotas().map(|quota| Window::new(quota.limit(), quota.window_ms())).collect();
    let mut cut = Cut::default();
    for asked in minutes {
        let room = windows.iter_mut().map(Window::room).min().unwrap_or(u64::MAX);
        let passed = asked.min(room);
        windows.iter_mut().for_each(|window| window.pass(passed));
        cut.calls = cut.calls.saturating_add(asked - passed);
        cut.minutes += u64::from(asked > passed);
    }
    cut
}

/// A window by whole minutes: a shorter one is as many of it as a minute has.
struct Window {
    limit: u64,
    /// How many minutes before the one that runs it reaches back.
    back: usize,
    passed: VecDeque<u64>,
    sum: u64,
}

const MINUTE_MS: u64 = 60_000;

impl Window {
    fn new(limit: u32, window_ms: u32) -> Window {
        let (limit, window_ms) = (u64::from(limit), u64::from(window_ms));
        let limit = if window_ms < MINUTE_MS { (limit * MINUTE_MS).div_ceil(window_ms) } else { limit };
        let back = (window_ms / MINUTE_MS).max(1) as usize - 1;
        Window { limit, back, passed: VecDeque::new(), sum: 0 }
    }

    /// How many may pass in the next minute.
    fn room(&mut self) -> u64 {
        if self.passed.len() > self.back {
            self.sum -= self.passed.pop_front().unwrap_or(0);
        }
        self.limit.saturating_sub(self.sum)
    }

    fn pass(&mut self, passed: u64) {
        self.passed.push_back(passed);
        self.sum += passed;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Quota;

    #[test]
    fn what_lies_above_a_minute_is_cut() {
        let limit = RateLimit::per_minute(30).unwrap();
        assert_eq!(cut(&limit, [0, 30, 31, 100, 5].into_iter()), Cut { calls: 71, minutes: 2 });
        assert_eq!(cut(&RateLimit::unlimited(), [u64::MAX].into_iter()), Cut::default());
    }

    #[test]
    fn a_longer_window_counts_what_passed_before() {
        let limit = RateLimit::per_minute(50).unwrap().and(Quota::per_hour(100).unwrap()).unwrap();
        // 50 and 50 pass; then the hour is full until the first fifty have left it.
        let mut minutes = [0; 62];
        (minutes[0], minutes[1], minutes[2], minutes[59], minutes[60]) = (60, 50, 10, 1, 50);
        assert_eq!(cut(&limit, minutes.into_iter()), Cut { calls: 10 + 10 + 1, minutes: 3 });
    }

    #[test]
    fn a_shorter_window_is_as_many_of_it_as_a_minute_has() {
        let limit = RateLimit::of(Quota::new(2, Duration::from_secs(10)).unwrap());
        assert_eq!(cut(&limit, [12, 13].into_iter()), Cut { calls: 1, minutes: 1 });
    }
}
