//! The script against the window that one process counts with, and against a plain log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::{Commands, Connection};

use super::*;
use crate::TokenId;
use crate::limit::{Limited, Quota, RateLimit, Standing, Tick, Window};

/// The script, with a clock that is moved by hand.
struct Driven {
    connection: Connection,
    script: Script,
    prefix: String,
}

/// None where no server is named, which fails where nothing may be left out.
fn driven(change: impl Fn(&str) -> String) -> Option<Driven> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let Ok(address) = std::env::var("TOKENWARD_REDIS") else {
        assert!(std::env::var("TOKENWARD_NO_SKIP").map_or(true, |value| value != "1"), "TOKENWARD_REDIS");
        eprintln!("skipped: TOKENWARD_REDIS names no server");
        return None;
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let prefix = format!("tokenward-test-{}-{number}", std::process::id());
    let mut connection = Client::open(address).unwrap().get_connection().unwrap();
    let clock = format!("redis.call('MGET', '{prefix}:s', '{prefix}:us')");
    let text = change(script::TAKE).replace("redis.call('TIME')", &clock);
    assert!(!text.contains("'TIME'"));
    connection.set_ex::<_, _, ()>(format!("{prefix}:s"), 0, 600).unwrap();
    Some(Driven { connection, script: Script::new(&text), prefix })
}

/// Where buckets of every width begin.
const START_US: u64 = (1 << 32) * 1_000;

impl Driven {
    /// What is taken at this moment since the beginning of a case.
    fn take(&mut self, case: &str, request: &Take<'_>, at_us: u64) -> Taken {
        self.connection.set_ex::<_, _, ()>(format!("{}:us", self.prefix), START_US + at_us, 600).unwrap();
        let mut invocation = self.script.prepare_invoke();
        keys::of(&format!("{}:{case}", self.prefix), request).iter().for_each(|key| _ = invocation.key(key));
        script::arguments(request).into_iter().for_each(|argument| _ = invocation.arg(argument));
        let answer: Vec<i64> = invocation.invoke(&mut self.connection).unwrap();
        script::read(request, &answer).unwrap_or_else(|| panic!("{answer:?}"))
    }

    fn forget(&mut self, case: &str) {
        let keys: Vec<String> = self.connection.keys(format!("{}:{case}*", self.prefix)).unwrap();
        if !keys.is_empty() {
            self.connection.del::<_, ()>(keys).unwrap();
        }
    }
}

fn quota(limit: u32, window_ms: u64) -> Quota {
    Quota::new(limit, Duration::from_millis(window_ms)).unwrap()
}

fn limit(quotas: &[(u32, u64)]) -> RateLimit {
    let quotas = quotas.iter().map(|(limit, window_ms)| quota(*limit, *window_ms));
    quotas.fold(RateLimit::unlimited(), |limit, quota| limit.and(quota).unwrap())
}

fn told(taken: Taken) -> Result<Standing, Limited> {
    match taken {
        Taken::Admitted(standing) => Ok(standing),
        Taken::Limited(limited) => Err(limited),
        Taken::SharedLimited(limited) => panic!("{limited:?}"),
    }
}

fn token() -> TokenId {
    "tok_Zm9vYmFyYmF6cXV4".parse().unwrap()
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&strategy, test)
        .unwrap();
}

/// Sets of limits that log each request, between which a token is moved.
fn logged_limits() -> [[RateLimit; 4]; 3] {
    let one = |number| limit(&[(number, 1_500)]);
    let two = |first, second| limit(&[(first, 1_000), (second, 3_000)]);
    let three = |first, second, third| limit(&[(first, 1_000), (second, 2_000), (third, 5_000)]);
    [
        [one(1), one(3), one(12), one(70)],
        [two(2, 4), two(1, 20), two(9, 9), two(3, 100)],
        [three(2, 3, 5), three(1, 1, 1), three(8, 10, 30), three(4, 4, 9)],
    ]
}

#[test]
fn it_answers_as_a_window_does() {
    let Some(driven) = driven(str::to_owned) else { return };
    let driven = std::cell::RefCell::new(driven);
    let step = (0..20u8, 0..4usize, prop_oneof![Just(0u64), 0..60u64, 0..1_100u64, 0..6_000u64]);
    let steps = (0..3usize, prop::collection::vec(step, 1..150));
    run(200, steps, |(set, steps)| {
        driven.borrow_mut().forget("window");
        let (mut window, mut now_ms) = (Window::default(), 0);
        let limits = logged_limits()[set];
        let mut under = limits[steps[0].1];
        for (change, other, later_ms) in steps {
            if change == 0 {
                under = limits[other];
            }
            now_ms += later_ms;
            let by_script = driven.borrow_mut().take("window", &Take::new(token(), under), now_ms * 1_000);
            let by_window = window.take(&under, Tick::exact(now_ms));
            prop_assert_eq!(told(by_script), by_window);
        }
        Ok(())
    });
}

#[test]
fn windows_that_come_and_go_are_held() {
    let Some(driven) = driven(str::to_owned) else { return };
    let driven = std::cell::RefCell::new(driven);
    let limits = [
        limit(&[(2, 1_000)]),
        limit(&[(3, 1_000), (5, 2_000)]),
        limit(&[(2, 1_000), (4, 3_000), (9, 9_000)]),
        limit(&[(20, 1_000), (30, 7_000)]),
    ];
    let step = (0..8u8, 0..4usize, prop_oneof![Just(0u64), 0..60u64, 0..1_100u64, 0..6_000u64]);
    run(150, prop::collection::vec(step, 1..150), |steps| {
        driven.borrow_mut().forget("windows");
        let (mut plain, mut now_us, mut under) = (Plain::default(), 0, limits[0]);
        for (change, other, later_ms) in steps {
            if change == 0 {
                under = limits[other];
            }
            now_us += later_ms * 1_000;
            let taken = told(driven.borrow_mut().take("windows", &Take::new(token(), under), now_us));
            let within = |quota: Quota| plain.within(now_us, u64::from(quota.window_ms()) * 1_000);
            let is_used_up = |quota: &Quota| within(*quota) >= quota.limit() as usize;
            match taken {
                // The shortest window is that of all limits.
                Ok(_) => {
                    prop_assert!(!is_used_up(&under.quotas().next().unwrap()));
                    plain.0.push(now_us);
                }
                Err(limited) => prop_assert!(under.quotas().any(|quota| is_used_up(&quota)), "{limited}"),
            }
        }
        Ok(())
    });
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let Some(mut driven) = driven(str::to_owned) else { return };
    let request = Take::new(token(), limit(&[(2, 1_000)]));
    assert!(told(driven.take("back", &request, 5_000_000)).is_ok());
    assert!(told(driven.take("back", &request, 1_000_000)).is_ok());
    assert_eq!(told(driven.take("back", &request, 2_000_000)).unwrap_err().retry_after_ms, 1_000);
    assert!(told(driven.take("back", &request, 5_999_999)).is_err());
    assert!(told(driven.take("back", &request, 6_000_000)).is_ok());
    driven.forget("back");
}

#[test]
fn a_large_limit_is_counted_as_a_window_does() {
    let Some(mut driven) = driven(str::to_owned) else { return };
    let under = limit(&[(300, 1_000), (10_050, 60_000)]);
    let (mut window, mut now_ms, mut refused) = (Window::default(), 0, 0);
    for number in 0..13_000u64 {
        // Bursts and pauses, none of them of one length.
        now_ms += if number % 97 == 0 { number % 300 } else { number % 7 };
        let by_script = told(driven.take("large", &Take::new(token(), under), now_ms * 1_000));
        assert_eq!(by_script, window.take(&under, Tick::exact(now_ms)), "{number}");
        refused += u32::from(by_script.is_err());
    }
    assert!((100..12_000).contains(&refused), "{refused}");
    driven.forget("large");
}

/// Requests of which all times are known.
#[derive(Default)]
struct Plain(Vec<u64>);

impl Plain {
    fn within(&self, now_us: u64, reach_us: u64) -> usize {
        self.0.iter().filter(|at| **at + reach_us > now_us).count()
    }
}

/// Buckets from a limit of 6 on, so that a few requests are enough to go from one form to the other.
fn buckets_from_6(text: &str) -> String {
    let text = text
        .replace("BUCKETS, LARGEST_LOGGED = 48, 40, 121, 10000", "BUCKETS, LARGEST_LOGGED = 48, 40, 121, 5");
    assert_ne!(text, script::TAKE);
    text
}

#[test]
fn no_window_holds_more_than_the_limit_whichever_form_it_was_counted_in() {
    let Some(driven) = driven(buckets_from_6) else { return };
    let driven = std::cell::RefCell::new(driven);
    let later = prop_oneof![Just(0u64), 0..90_000u64, 0..1_200_000u64, 0..5_000_000u64];
    let step = (0..6u8, 1..12u32, 0..12u32, later);
    run(150, prop::collection::vec(step, 1..150), |steps| {
        driven.borrow_mut().forget("forms");
        let (mut plain, mut now_us) = (Plain::default(), 0);
        let mut under = limit(&[(4, 1_000), (8, 4_000)]);
        for (change, short, more, later_us) in steps {
            if change == 0 {
                under = limit(&[(short, 1_000), (short + more, 4_000)]);
            }
            now_us += later_us;
            let taken = told(driven.borrow_mut().take("forms", &Take::new(token(), under), now_us));
            let all = under.quotas().all(|quota| {
                plain.within(now_us, u64::from(quota.window_ms()) * 1_000) < quota.limit() as usize
            });
            match taken {
                Ok(_) => {
                    prop_assert!(all, "at {now_us} under {under}");
                    plain.0.push(now_us);
                }
                Err(limited) => {
                    // A bucket of 4 seconds is 64 ms wide: by less than that something counts too long.
                    let justly = under.quotas().any(|quota| {
                        plain.within(now_us, u64::from(quota.window_ms()) * 1_000 + 64_000)
                            >= quota.limit() as usize
                    });
                    prop_assert!(justly, "at {now_us} under {under}: {limited}");
                    prop_assert!(limited.retry_after_ms > 0);
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_shared_limit_and_the_own_one_are_taken_together() {
    let Some(driven) = driven(buckets_from_6) else { return };
    let driven = std::cell::RefCell::new(driven);
    let ids = [token(), "tok_Zm9vYmFyYmF6cXV5".parse().unwrap()];
    let step = (0..2usize, prop_oneof![Just(0u64), 0..400u64, 0..2_500u64]);
    for shared in [limit(&[(3, 1_000)]), limit(&[(5, 2_000), (9, 6_000)])] {
        run(60, prop::collection::vec(step.clone(), 1..100), |steps| {
            driven.borrow_mut().forget("both");
            let under = limit(&[(2, 1_000), (5, 3_000)]);
            let (mut own, mut both, mut now_ms) =
                ([Window::default(), Window::default()], Plain::default(), 0);
            for (which, later_ms) in steps {
                now_ms += later_ms;
                let request = Take::new(ids[which], under).shared(Some("{acme}"), shared);
                let taken = driven.borrow_mut().take("both", &request, now_ms * 1_000);
                let tick = Tick::exact(now_ms);
                match taken {
                    Taken::Admitted(standing) => {
                        for quota in shared.quotas() {
                            let within = both.within(now_ms * 1_000, u64::from(quota.window_ms()) * 1_000);
                            prop_assert!(within < quota.limit() as usize);
                        }
                        both.0.push(now_ms * 1_000);
                        prop_assert_eq!(own[which].take(&under, tick), Ok(standing));
                    }
                    Taken::Limited(limited) => prop_assert_eq!(own[which].take(&under, tick), Err(limited)),
                    Taken::SharedLimited(limited) => {
                        prop_assert_eq!(shared.quota_for(limited.by.quota.window()), Some(limited.by.quota));
                        prop_assert_eq!(limited.by.remaining, 0);
                    }
                }
            }
            Ok(())
        });
    }
}
