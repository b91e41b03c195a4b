//! The sliding window against a plain log of everything that was ever admitted.

use std::time::Duration;

use proptest::prelude::*;
use tokenward::limit::{InvalidLimit, Limited, Quota, RateLimit, Standing, Tick, Window};

const DAY: u64 = 86_400_000;

fn quota(limit: u32, window_ms: u64) -> Quota {
    Quota::new(limit, Duration::from_millis(window_ms)).unwrap()
}

fn limit_of(quotas: &[(u32, u64)]) -> RateLimit {
    quotas.iter().fold(RateLimit::unlimited(), |limit, &(n, window)| limit.and(quota(n, window)).unwrap())
}

fn tick(ms: u64, granularity_ms: u32) -> Tick {
    Tick { ms, granularity_ms }
}

/// What the window must do, done by counting.
#[derive(Default)]
struct Plain {
    admitted: Vec<u64>,
}

impl Plain {
    fn count(&self, span_ms: u64, now: u64) -> usize {
        self.admitted.len() - self.admitted.partition_point(|time| time + span_ms <= now)
    }

    /// Milliseconds until it passes, 0 if now.
    fn wait(&self, limit: &RateLimit, now: Tick) -> u64 {
        let waits = limit.quotas().map(|quota| {
            let span = u64::from(quota.window_ms() + now.granularity_ms);
            if self.count(span, now.ms) < quota.limit() as usize {
                return 0;
            }
            self.admitted[self.admitted.len() - quota.limit() as usize] + span - now.ms
        });
        waits.max().unwrap_or(0)
    }

    fn assert_standing(&self, limit: &RateLimit, now: Tick, standing: &Standing) {
        assert_eq!(standing.quotas().count(), limit.quotas().count());
        for (quota, standing) in limit.quotas().zip(standing.quotas()) {
            let span = u64::from(quota.window_ms() + now.granularity_ms);
            let count = self.count(span, now.ms) as u32;
            let reset = if count == 0 { 0 } else { self.admitted.last().unwrap() + span - now.ms };
            assert_eq!(standing.quota, quota);
            assert_eq!(standing.remaining, quota.limit().saturating_sub(count));
            assert_eq!(u64::from(standing.reset_ms), reset);
        }
    }

    /// Takes from both and compares all that can be seen.
    fn take(&mut self, window: &mut Window, limit: &RateLimit, now: Tick) -> bool {
        let wait = self.wait(limit, now);
        let taken = window.take(limit, now);
        assert_eq!(taken.is_ok(), wait == 0, "at {now:?} under {limit}");
        match taken {
            Ok(standing) => {
                self.admitted.push(now.ms);
                self.assert_standing(limit, now, &standing);
            }
            Err(limited) => {
                assert_eq!(u64::from(limited.retry_after_ms), wait);
                assert_eq!(limited.by.remaining, 0);
                self.assert_standing(limit, now, &limited.standing);
                assert_retry_exact(window, limit, now, &limited);
            }
        }
        wait == 0
    }
}

fn assert_retry_exact(window: &Window, limit: &RateLimit, now: Tick, limited: &Limited) {
    let retry = u64::from(limited.retry_after_ms);
    assert!(retry > 0);
    let at = |after: u64| Tick { ms: now.ms + after, ..now };
    assert!(window.clone().check(limit, at(retry)).is_ok());
    assert!(window.clone().check(limit, at(retry - 1)).is_err());
}

/// So many cases, unless the environment asks for another number.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

/// Gaps that stand still, creep, meet the windows' edges and leap.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => Just(0),
        6 => 1..40u64,
        4 => 100..900u64,
        2 => prop_oneof![Just(999u64), Just(1_000), Just(1_001), Just(2_999), Just(3_000), Just(6_995)],
        1 => 2_000..9_000u64,
    ]
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn decides_as_the_plain_log_does(
        start in prop_oneof![Just(0), Just((1u64 << 32) - 2_000), Just(u64::MAX / 2)],
        granularity in prop_oneof![Just(0u32), Just(1), Just(5)],
        shape in 1..4usize,
        steps in prop::collection::vec((gap(), 1..30u32, 0..20u32, 0..20u32, 0..12u8), 1..250),
    ) {
        let limit = |n: u32, more: u32, most: u32| {
            limit_of(&[(n, 1_000), (n + more, 3_000), (n + more + most, 7_000)][..shape])
        };
        let (mut window, mut plain, mut now) = (Window::default(), Plain::default(), start);
        let mut current = limit(4, 5, 6);
        for (gap, n, more, most, change) in steps {
            now += gap;
            if change == 0 {
                current = limit(n, more, most);
            }
            let now = tick(now, granularity);
            plain.assert_standing(&current, now, &window.standing(&current, now));
            plain.take(&mut window, &current, now);
        }
    }

    #[test]
    fn idle_is_when_nothing_counts(
        granularity in prop_oneof![Just(0u32), Just(5)],
        steps in prop::collection::vec(gap(), 1..60),
    ) {
        let limit = limit_of(&[(8, 1_000), (11, 3_000)]);
        let (mut window, mut plain, mut now) = (Window::default(), Plain::default(), 0);
        for gap in steps {
            now += gap;
            let idle = plain.count(u64::from(3_000 + granularity), now) == 0;
            prop_assert_eq!(window.is_idle(tick(now, granularity)), idle);
            window.release(tick(now, granularity));
            if idle {
                prop_assert_eq!(window.heap_bytes(), 0);
            }
            plain.take(&mut window, &limit, tick(now, granularity));
        }
    }

    /// Any limits and any times: nothing panics, the promised time is exact, a refusal leaves no trace.
    #[test]
    fn survives_anything(
        steps in prop::collection::vec(
            (
                any::<u64>(), 0..4u8, any::<u32>(), 0..4u8,
                prop::collection::btree_map(
                    prop_oneof![Just(1_000u64), Just(1_001), Just(60_000), Just(DAY)],
                    prop_oneof![1..12u32, 9_995..10_010u32, any::<u32>().prop_map(|n| n.max(1))], 0..4),
                0..12usize,
                any::<(bool, bool)>(),
            ), 1..40),
    ) {
        let (mut window, mut now, mut latest) = (Window::default(), 0u64, 0u64);
        for (time, pace, granularity, coarse, quotas, times, (admits, releases)) in steps {
            now = match pace {
                0 => time,
                1 => now.saturating_add(time % DAY),
                _ => now.saturating_add(time % 1_500),
            };
            let granularity_ms = if coarse == 0 { granularity } else { granularity % 20 };
            let mut largest = 0;
            let mut limit = RateLimit::unlimited();
            for (window_ms, n) in quotas {
                largest = n.max(largest);
                if let Ok(more) = limit.and(quota(largest, window_ms)) {
                    limit = more;
                }
            }
            let now = Tick { ms: now, granularity_ms };
            for _ in 0..times {
                let checked = window.check(&limit, now);
                let taken = window.take(&limit, now);
                prop_assert_eq!(checked.err(), taken.err());
                match taken {
                    Ok(_) if !limit.is_unlimited() => latest = latest.max(now.ms),
                    Err(limited) if latest.max(now.ms) < u64::MAX - 3 * DAY => {
                        prop_assert_eq!(window.take(&limit, now).unwrap_err(), limited);
                        // A time that goes back counts as the latest.
                        assert_retry_exact(&window, &limit, Tick { ms: latest.max(now.ms), ..now }, &limited);
                    }
                    _ => {}
                }
            }
            if admits {
                window.admit(&limit, now);
                if !limit.is_unlimited() {
                    latest = latest.max(now.ms);
                }
            }
            if releases && now.ms >= latest && window.is_idle(now) {
                window.release(now);
                latest = 0;
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn a_change_of_form_never_admits_too_much(
        granularity in prop_oneof![Just(0u32), Just(5)],
        two in any::<bool>(),
        steps in prop::collection::vec((gap(), 0..7_000usize, 0..7usize), 1..25),
    ) {
        change_forms(granularity, two, &steps);
    }

    /// Other windows and another granularity with each request: what counts too long still is less than one
    /// of the widest buckets.
    #[test]
    fn changes_of_the_windows_do_not_add_up(
        steps in prop::collection::vec(
            (gap(), prop_oneof![Just(1u32), 1..40u32], 0..6u32, 0..3usize, 0..4usize), 1..400),
    ) {
        let (mut window, mut plain, mut now) = (Window::default(), Plain::default(), 0);
        for (gap, burst, granularity, large, shape) in steps {
            now += gap;
            let n = [900, 10_000, 10_001][large];
            let quotas = [(n, 1_000), (n, 3_000), (n, 7_000)];
            let limit = limit_of([&quotas[..1], &quotas[1..], &quotas[..2], &quotas[..]][shape]);
            for _ in 0..burst {
                if window.take(&limit, tick(now, granularity)).is_ok() {
                    plain.admitted.push(now);
                }
            }
            let too_long = most_too_long_ms(7_000, 5);
            for standing in window.standing(&limit, tick(now, granularity)).quotas() {
                let reach = u64::from(standing.quota.window_ms() + granularity);
                let used = (n - standing.remaining) as usize;
                prop_assert!(used <= plain.count(reach + too_long, now), "{} of {} at {}", used, standing.quota, now);
            }
        }
    }
}

/// How much too long a request may count under any window when the longest that was counted in buckets is
/// this one: its time and that of the bucket's last request are less than a width apart.
fn most_too_long_ms(longest_ms: u32, granularity: u32) -> u64 {
    (1 << ((longest_ms + granularity) / 60).ilog2()) - 1
}

/// Over changes between the two forms no window ever holds more than the limit then in force, and only that
/// is refused which a window longer by the stated loss would refuse too. In each step: the time since the
/// last one, how many requests come, and the place of the limit.
fn change_forms(granularity: u32, two: bool, steps: &[(u64, usize, usize)]) {
    let limits = [60, 6_000, 9_000, 10_000, 10_001, 12_000, 20_000];
    let (mut window, mut plain, mut now) = (Window::default(), Plain::default(), 0);
    for &(gap, burst, n) in steps {
        now += gap;
        let mut quotas = vec![(limits[n], 3_000)];
        if two {
            quotas.insert(0, (limits[n] / 3, 1_000));
        }
        let limit = limit_of(&quotas);
        for _ in 0..burst {
            let at = tick(now, granularity);
            match window.take(&limit, at) {
                Ok(_) => {
                    for quota in limit.quotas() {
                        let span = u64::from(quota.window_ms() + granularity);
                        assert!(plain.count(span, now) < quota.limit() as usize);
                    }
                    plain.admitted.push(now);
                }
                Err(limited) => {
                    assert_retry_exact(&window, &limit, at, &limited);
                    let by = limited.by.quota;
                    let reach = u64::from(by.window_ms() + granularity);
                    let span = reach + most_too_long_ms(3_000, granularity);
                    assert!(plain.count(span, now) >= by.limit() as usize, "{by} at {now}");
                    break;
                }
            }
        }
    }
}

/// The log of the shorter window forgets the times when the limit falls to 60, and has them again from the
/// buckets of the longer one.
#[test]
fn a_shorter_window_may_learn_from_the_buckets_of_a_longer_one() {
    let steps = [(0, 437, 1), (20, 0, 0), (30, 2_405, 2), (35, 3_159, 6), (999, 0, 0), (0, 1, 0), (0, 1, 3)];
    change_forms(0, true, &steps);
}

#[test]
fn changes_back_and_forth_do_not_add_up() {
    let mut window = Window::default();
    let limits = [limit_of(&[(10_000, 3_000)]), limit_of(&[(10_001, 3_000)])];
    for _ in 0..5_000 {
        window.take(&limits[0], Tick::exact(0)).unwrap();
    }
    // One request every 20 ms, each under another form than the last. Buckets are 32 ms wide, so what came
    // at 0 counts with the one at 20.
    for step in 1..300 {
        let limit = &limits[step % 2];
        let standing = window.take(limit, Tick::exact(20 * step as u64)).unwrap();
        let quota = standing.tightest().unwrap();
        let used = quota.quota.limit() - quota.remaining;
        assert_eq!(used > 1_000, 20 * step < 3_000 + 20, "step {step}");
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_within_a_bound_passes_it(
        own in prop::collection::btree_map(1..8u64, 1..6u32, 1..4),
        bound in prop::collection::btree_map(1..8u64, 1..20u32, 0..4),
        gaps in prop::collection::vec(prop_oneof![Just(0u64), 1..1_000u64, Just(1_000), Just(2_000)], 1..300),
    ) {
        let limit = |quotas: std::collections::BTreeMap<u64, u32>| {
            let mut largest = 0;
            quotas.into_iter().fold(RateLimit::unlimited(), |limit, (seconds, n)| {
                largest = n.max(largest);
                limit.and(quota(largest, seconds * 1_000)).unwrap()
            })
        };
        let (own, bound) = (limit(own), limit(bound));
        prop_assert!(own.is_within(&own));
        if own.is_within(&bound) {
            let (mut ours, mut theirs, mut now) = (Window::default(), Window::default(), 0);
            for gap in gaps {
                now += gap;
                for _ in 0..3 {
                    if ours.take(&own, Tick::exact(now)).is_ok() {
                        prop_assert!(theirs.take(&bound, Tick::exact(now)).is_ok(), "{} in {}", own, bound);
                    }
                }
            }
        }
    }
}

#[test]
fn no_window_of_true_time_holds_more_than_the_limit() {
    for (n, granularity) in [(1, 0), (7, 0), (100, 0), (100, 4), (100, 10)] {
        let limit = limit_of(&[(n, 1_000)]);
        let mut window = Window::default();
        let mut admitted = Vec::new();
        // A burst at the end of the first second, then one try in each millisecond.
        for now in 900..6_000u64 {
            let read = if granularity == 0 { now } else { now - now % u64::from(granularity) };
            let tries = if now == 999 { 2 * n } else { 1 };
            for _ in 0..tries {
                if (now >= 999) && window.take(&limit, tick(read, granularity)).is_ok() {
                    admitted.push(now);
                }
            }
        }
        for start in 0..6_000u64 {
            let within = admitted.iter().filter(|time| (start..start + 1_000).contains(*time)).count();
            assert!(within <= n as usize, "{within} of {n} from {start}");
        }
        assert!(admitted.len() > 3 * n as usize);
    }
}

#[test]
fn buckets_are_never_over_and_lose_at_most_one() {
    for n in [10_001, 30_000] {
        let limit = limit_of(&[(n, 60_000)]);
        let (mut window, mut plain) = (Window::default(), Plain::default());
        let mut random = 12_345u64;
        for step in 0..20_000u64 {
            let now = step * 15;
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            for _ in 0..(random >> 33) % 18 {
                match window.take(&limit, Tick::exact(now)) {
                    Ok(standing) => {
                        assert!(plain.count(60_000, now) < n as usize);
                        plain.admitted.push(now);
                        let used = n - standing.quotas().next().unwrap().remaining;
                        assert!(used as usize >= plain.count(60_000, now));
                        assert!(used as usize <= plain.count(60_511, now));
                    }
                    Err(limited) => {
                        assert!(plain.count(60_511, now) >= n as usize);
                        assert_retry_exact(&window, &limit, Tick::exact(now), &limited);
                        break;
                    }
                }
            }
        }
        assert!(window.heap_bytes() < 1_200);
    }
}

/// The narrow buckets of the exact clock count twice as long under the coarse one, and would need more room
/// than there is.
#[test]
fn buckets_widen_when_the_clock_becomes_coarser() {
    let limit = limit_of(&[(10_001, 1_900)]);
    let (mut window, mut plain) = (Window::default(), Plain::default());
    for now in 0..9_000 {
        let (granularity, width) = if now < 2_500 { (0, 16) } else { (1_900, 32) };
        let standing = window.take(&limit, tick(now, granularity)).unwrap();
        plain.admitted.push(now);
        let used = (10_001 - standing.tightest().unwrap().remaining) as usize;
        let reach = u64::from(1_900 + granularity);
        // What has left the window before the change is not known any more.
        assert!(used >= plain.count(reach.min(1_900 + now.saturating_sub(2_499)), now), "at {now}");
        assert!(used <= plain.count(reach + width - 1, now), "at {now}");
    }
}

#[test]
fn the_largest_limit_admits_and_counts() {
    let limit = RateLimit::per_minute(u32::MAX).unwrap();
    let mut window = Window::default();
    for now in 0..1_000 {
        let standing = window.take(&limit, Tick::exact(now)).unwrap();
        assert_eq!(standing.tightest().unwrap().remaining, u32::MAX - now as u32 - 1);
    }
    assert_eq!(window.standing(&limit, Tick::exact(60_999)).tightest().unwrap().remaining, u32::MAX);
}

#[test]
fn a_limit_of_one_passes_once_a_window() {
    let limit = RateLimit::per_minute(1).unwrap();
    let (mut window, mut plain) = (Window::default(), Plain::default());
    for now in (0..200_000).step_by(500) {
        plain.take(&mut window, &limit, Tick::exact(now));
    }
    assert_eq!(plain.admitted, [0, 60_000, 120_000, 180_000]);
    assert_eq!(window.heap_bytes(), 0);
}

#[test]
fn an_idle_token_survives_the_wrap_of_its_times() {
    let wrap = 1u64 << 32;
    for limit in [limit_of(&[(9, 60_000)]), limit_of(&[(9, 60_000), (40, DAY)]), limit_of(&[(20_000, DAY)])] {
        for later in [wrap - 1, wrap, wrap + 1, wrap + 59_999, 3 * wrap + 7, 1_000 * wrap] {
            let mut window = Window::default();
            for now in 1_000..1_009 {
                window.take(&limit, Tick::exact(now)).unwrap();
            }
            let now = Tick::exact(1_008 + later);
            assert!(window.is_idle(now));
            let standing = window.take(&limit, now).unwrap();
            for quota in standing.quotas() {
                assert_eq!(quota.remaining, quota.quota.limit() - 1);
            }
        }
    }
}

#[test]
fn rare_requests_over_years_are_decided_right() {
    let limit = limit_of(&[(3, 1_000), (400, DAY)]);
    let (mut window, mut plain) = (Window::default(), Plain::default());
    let mut now = 0;
    for step in 0..3_000 {
        now += if step < 300 { 10_000 } else { DAY - 10_000 + step % 20_000 };
        assert!(plain.take(&mut window, &limit, Tick::exact(now)) || step < 700);
    }
    assert!(now > 50 * (1 << 32));
}

#[test]
fn time_that_goes_back_counts_as_the_latest() {
    let limit = RateLimit::per_minute(2).unwrap();
    let mut window = Window::default();
    window.take(&limit, Tick::exact(100_000)).unwrap();
    let standing = window.take(&limit, Tick::exact(5)).unwrap();
    assert_eq!(standing.tightest().unwrap().reset_ms, 60_000);
    assert_eq!(window.take(&limit, Tick::exact(50)).unwrap_err().retry_after_ms, 60_000);
    assert!(window.check(&limit, Tick::exact(159_999)).is_err());
    assert!(window.check(&limit, Tick::exact(160_000)).is_ok());
}

#[test]
fn refused_requests_change_nothing() {
    let limit = limit_of(&[(30, 1_000), (70, 5_000)]);
    let (mut polled, mut left_alone) = (Window::default(), Window::default());
    let mut now = 0;
    while now < 30_000 {
        let taken = left_alone.take(&limit, Tick::exact(now));
        assert_eq!(polled.take(&limit, Tick::exact(now)), taken);
        if let Err(limited) = taken {
            for poll in now..now + u64::from(limited.retry_after_ms) {
                assert!(polled.take(&limit, Tick::exact(poll)).is_err());
            }
            now += u64::from(limited.retry_after_ms);
        }
    }
}

#[test]
fn check_then_admit_is_take() {
    let limit = limit_of(&[(5, 1_000), (12, 4_000)]);
    let (mut taken, mut admitted) = (Window::default(), Window::default());
    for now in (0..20_000).step_by(70) {
        let now = Tick::exact(now);
        let by_two = admitted.check(&limit, now).map(|()| admitted.admit(&limit, now));
        assert_eq!(by_two, taken.take(&limit, now));
    }
}

#[test]
fn admitting_without_asking_stays_in_bounds() {
    let limit = limit_of(&[(5, 1_000)]);
    let mut window = Window::default();
    for _ in 0..100 {
        window.admit(&limit, Tick::exact(7));
    }
    assert_eq!(window.take(&limit, Tick::exact(7)).unwrap_err().retry_after_ms, 1_000);
    assert!(window.heap_bytes() <= 5 * 4);
}

#[test]
fn memory_is_claimed_late_and_given_back() {
    let limit = RateLimit::per_minute(60).unwrap();
    let mut window = Window::default();
    for now in 0..60 {
        window.take(&limit, Tick::exact(now)).unwrap();
        assert_eq!(window.heap_bytes() == 0, now < 6);
    }
    assert_eq!(window.heap_bytes(), 60 * 4);
    window.release(Tick::exact(60_058));
    assert_eq!(window.heap_bytes(), 60 * 4);
    window.release(Tick::exact(60_059));
    assert_eq!(window.heap_bytes(), 0);
    assert!(window.is_idle(Tick::exact(0)));
}

#[test]
fn a_window_added_later_knows_what_is_known() {
    let mut window = Window::default();
    let minute = RateLimit::per_minute(60).unwrap();
    for now in 0..20 {
        window.take(&minute, Tick::exact(now)).unwrap();
    }
    let both = minute.and(Quota::per_hour(60).unwrap()).unwrap();
    let standing = window.take(&both, Tick::exact(59_000)).unwrap();
    assert_eq!(standing.quotas().map(|standing| standing.remaining).collect::<Vec<_>>(), [39, 39]);
    assert!(!window.is_idle(Tick::exact(3_600_000)));
    assert!(window.is_idle(Tick::exact(3_659_000)));
}

#[test]
fn unlimited_counts_nothing_and_forgets_nothing() {
    let limit = RateLimit::per_minute(1).unwrap();
    let mut window = Window::default();
    window.take(&limit, Tick::exact(0)).unwrap();
    for now in 0..100 {
        let standing = window.take(&RateLimit::unlimited(), Tick::exact(now)).unwrap();
        assert_eq!(standing.tightest(), None);
    }
    assert_eq!(window.take(&limit, Tick::exact(100)).unwrap_err().retry_after_ms, 59_900);
}

#[test]
fn the_tightest_has_the_smallest_share_left() {
    let limit = limit_of(&[(10, 1_000), (12, 60_000)]);
    let mut window = Window::default();
    let tightest = |standing: Standing| standing.tightest().unwrap().quota.limit();
    assert_eq!(tightest(window.take(&limit, Tick::exact(0)).unwrap()), 10);
    for now in [0, 0, 0, 2_000] {
        window.take(&limit, Tick::exact(now)).unwrap();
    }
    assert_eq!(tightest(window.take(&limit, Tick::exact(2_000)).unwrap()), 12);
}

#[test]
fn of_several_that_refuse_the_longest_wait_is_named() {
    let limit = limit_of(&[(2, 1_000), (2, 60_000)]);
    let mut window = Window::default();
    window.take(&limit, Tick::exact(0)).unwrap();
    window.take(&limit, Tick::exact(0)).unwrap();
    let limited = window.take(&limit, Tick::exact(0)).unwrap_err();
    assert_eq!((limited.retry_after_ms, limited.by.quota.window_ms()), (60_000, 60_000));
    assert_eq!(
        limited.to_string(),
        "the limit of 2 requests per minute is used up: the next request passes in 60000 ms"
    );
}

#[test]
fn limits_are_checked_and_say_what_is_wrong() {
    let text = |invalid: InvalidLimit| invalid.to_string();
    assert_eq!(
        text(Quota::per_minute(0).unwrap_err()),
        "a limit of 0 would refuse every request: give at least 1, or pause the token"
    );
    for (window, expected) in [
        (Duration::from_millis(999), InvalidLimit::WindowOutOfRange(Duration::from_millis(999))),
        (Duration::from_millis(DAY + 1), InvalidLimit::WindowOutOfRange(Duration::from_millis(DAY + 1))),
        (Duration::MAX, InvalidLimit::WindowOutOfRange(Duration::MAX)),
        (Duration::from_micros(1_000_500), InvalidLimit::WindowNotWhole(Duration::from_micros(1_000_500))),
        (
            Duration::from_nanos(DAY * 1_000_000 + 1),
            InvalidLimit::WindowNotWhole(Duration::from_nanos(DAY * 1_000_000 + 1)),
        ),
    ] {
        assert_eq!(Quota::new(1, window), Err(expected));
    }
    let limit = limit_of(&[(1_000, 3_600_000)]);
    assert_eq!(
        text(limit.and(Quota::per_hour(5).unwrap()).unwrap_err()),
        "\"5 requests per hour\" and \"1,000 requests per hour\" have the same window: give one limit for each window"
    );
    assert_eq!(
        text(limit.and(Quota::per_minute(1_001).unwrap()).unwrap_err()),
        "\"1,000 requests per hour\" allows less than \"1,001 requests per minute\": give the longer window at least the shorter one's limit"
    );
    let three = limit_of(&[(1_000, 3_600_000), (1_000, DAY), (60, 60_000)]);
    assert_eq!(three.quotas().map(Quota::limit).collect::<Vec<_>>(), [60, 1_000, 1_000]);
    assert_eq!(three.and(quota(1, 1_000)), Err(InvalidLimit::TooMany));
    assert_eq!(three.quota_for(Duration::from_secs(60)), Some(quota(60, 60_000)));
    assert_eq!(three.quota_for(Duration::from_secs(61)), None);
}

#[test]
fn limits_read_as_words() {
    for (n, window, words) in [
        (60, 60_000, "60 requests per minute"),
        (1, 1_000, "1 request per second"),
        (1_000, 3_600_000, "1,000 requests per hour"),
        (1_000_001, DAY, "1,000,001 requests per day"),
        (u32::MAX, DAY, "4,294,967,295 requests per day"),
        (5, 2_000, "5 requests per 2 seconds"),
        (5, 5_400_000, "5 requests per 90 minutes"),
        (5, 1_500, "5 requests per 1,500 milliseconds"),
    ] {
        assert_eq!(quota(n, window).to_string(), words);
    }
    assert_eq!(RateLimit::default().to_string(), "60 requests per minute");
    assert_eq!(RateLimit::unlimited().to_string(), "unlimited");
    let both = limit_of(&[(60, 60_000), (100, DAY)]);
    assert_eq!(both.to_string(), "60 requests per minute and 100 requests per day");
}

#[test]
fn limits_are_written_as_a_list_and_checked_when_read() {
    let both = limit_of(&[(60, 60_000), (100, DAY)]);
    let json = r#"[{"limit":60,"window_ms":60000},{"limit":100,"window_ms":86400000}]"#;
    assert_eq!(serde_json::to_string(&both).unwrap(), json);
    assert_eq!(serde_json::from_str::<RateLimit>(json).unwrap(), both);
    assert_eq!(serde_json::from_str::<RateLimit>("[]").unwrap(), RateLimit::unlimited());
    for (wrong, why) in [
        (r#"[{"limit":0,"window_ms":60000}]"#, "a limit of 0"),
        (r#"[{"limit":1,"window_ms":60}]"#, "out of range"),
        (r#"[{"limit":1,"window_ms":1000},{"limit":1,"window_ms":1000}]"#, "same window"),
        (r#"[{"limit":2,"window_ms":1000},{"limit":1,"window_ms":2000}]"#, "allows less"),
        (r#"[{"limit":1,"window_ms":1000,"burst":5}]"#, "unknown field"),
        (r#"[{"limit":-1,"window_ms":1000}]"#, "invalid value"),
        ("null", "invalid type"),
    ] {
        let error = serde_json::from_str::<RateLimit>(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}

#[test]
fn within_is_exact_for_the_offered_windows() {
    let minute = |n| RateLimit::per_minute(n).unwrap();
    let both = |n, hour| minute(n).and(Quota::per_hour(hour).unwrap()).unwrap();
    assert!(minute(60).is_within(&minute(60)));
    assert!(!minute(61).is_within(&minute(60)));
    assert!(both(60, 1_000).is_within(&minute(60)));
    assert!(!minute(60).is_within(&both(60, 1_000)));
    assert!(minute(10).is_within(&both(60, 600)));
    assert!(!minute(10).is_within(&both(60, 599)));
    assert!(limit_of(&[(50, 3_600_000)]).is_within(&minute(50)));
    assert!(limit_of(&[(10, 60_000), (100, 3_600_000)]).is_within(&limit_of(&[(110, 3_660_000)])));
    assert!(!RateLimit::unlimited().is_within(&minute(u32::MAX)));
    assert!(minute(u32::MAX).is_within(&RateLimit::unlimited()));
    assert!(RateLimit::unlimited().is_within(&RateLimit::unlimited()));
}
