//! Whatever happens to a service, its use is told as a recount tells it.

use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tokenward::usage::{CallQuery, MemoryUsage, Peak, Retention, Strangers, Tally, UsageStore, start_of};
use tokenward::{Period, Recording, Subject, block_on};

use super::recount::{What, behind, between, counts, tally};
use super::world::{Step, TENANTS, World};

/// With leaps of the wall clock of at most so many milliseconds, and batches that fare like this.
fn steps(leap_ms: i64, fates: Range<u8>) -> impl Strategy<Value = Vec<Step>> {
    let token = || 0..5_usize;
    let ms = || prop_oneof![Just(0_i64), 1..500_000_i64];
    let pause = prop_oneof![
        16 => 0..2_000_i64,
        8 => 0..70_000_i64,
        3 => 0..7_200_000_i64,
        1 => 0..100_000_000_i64,
    ];
    let step = prop_oneof![
        12 => pause.prop_map(Step::Advance),
        1 => (-leap_ms..=leap_ms).prop_map(Step::SetWall),
        40 => (token(), 0..40_usize, 0..10_000_u32)
            .prop_map(|(token, how, detail)| Step::Ask { token, how, detail }),
        6 => (any::<usize>(), 0..10_000_u32).prop_map(|(place, detail)| Step::Finish(place, detail)),
        2 => (token(), ms()).prop_map(|(token, grace)| Step::Rotate(token, grace)),
        1 => token().prop_map(Step::Pause),
        2 => token().prop_map(Step::Resume),
        1 => prop_oneof![9 => Just(Step::Advance(0)), 1 => token().prop_map(Step::Revoke)],
        1 => (token(), 1..5_u32).prop_map(|(token, limit)| Step::Limit(token, limit)),
        1 => (token(), ms()).prop_map(|(token, ms)| Step::Expire(token, ms)),
        6 => proptest::collection::vec(fates, 0..3).prop_map(Step::Flush),
        1 => any::<bool>().prop_map(Step::Restart),
    ];
    proptest::collection::vec(step, 20..200)
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Nothing is outdated for years.
fn kept_long() -> Retention {
    let long = TimeDelta::days(4_000);
    let mut retention = Retention { minutes: long, hours: long, days: long, ..Retention::default() };
    (retention.clients, retention.calls, retention.calls_per_token) = (long, long, 100_000);
    retention
}

fn run(store: Arc<dyn UsageStore>, retention: Retention, steps: &[Step], odd: u32) {
    let mut world = World::new(store, Recording { retention, ..Recording::default() });
    for (number, step) in steps.iter().enumerate() {
        world.step(step);
        if number % 50 == 49 {
            compare(&world, odd.wrapping_add(number as u32));
        }
    }
    compare(&world, odd);
    world.flush(&[]);
    world.flush(&[]);
    assert_eq!(block_on(world.tokens.statistics(Subject::All, day(&world))).unwrap().as_of, world.now());
    compare(&world, odd);
}

fn day(world: &World) -> Period {
    Period::last_24_hours(world.now())
}

fn subjects(world: &World) -> Vec<Subject> {
    let tenants = TENANTS.map(|tenant| Subject::Tenant(tenant.map(str::to_owned)));
    let tokens = world.holders.iter().map(|holder| Subject::Token(holder.id));
    [Subject::All].into_iter().chain(tenants).chain(tokens).collect()
}

fn minute(time: DateTime<Utc>) -> i64 {
    time.timestamp().div_euclid(60)
}

fn recount(world: &World, subject: &Subject, period: Period) -> Tally {
    let (from, until) = (minute(period.from()), minute(period.until()));
    let mut told = tally(&between(&world.written, subject, from, until));
    if *subject == Subject::All {
        for (_, more) in world.strangers.iter().filter(|(minute, _)| (from..until).contains(minute)) {
            let Strangers { malformed, unknown, wrong_secret, foreign_tenant, .. } = more;
            told.strangers.malformed += malformed;
            told.strangers.unknown += unknown;
            told.strangers.wrong_secret += wrong_secret;
            told.strangers.foreign_tenant += foreign_tenant;
        }
    }
    told
}

fn compare(world: &World, odd: u32) {
    compare_totals(world);
    let back = |ms: u32| world.now() - TimeDelta::milliseconds(i64::from(ms));
    let periods = [
        day(world),
        Period::new(back(odd % 300_000_000), back(odd % 7_000_000)),
        Period::new(back(odd % 20_000_000), world.now() + TimeDelta::hours(40)),
        Period::new(back(u32::MAX), back(odd)),
    ];
    for (place, subject) in subjects(world).into_iter().enumerate() {
        for period in periods {
            let told = block_on(world.tokens.statistics(subject.clone(), period)).unwrap();
            assert_eq!(told.as_of, world.as_of);
            assert!(told.period.from() <= period.from() && told.period.until() >= period.until());
            assert_eq!(told.tally, recount(world, &subject, told.period), "{subject:?} in {:?}", told.period);
            let whole_hours = |time: DateTime<Utc>, up: i64| (minute(time) + up).div_euclid(60) * 60;
            let hours = match told.period.is_empty() {
                true => (0, 0),
                false => (whole_hours(told.period.from(), 0), whole_hours(told.period.until(), 59)),
            };
            let (detail, clients) = behind(&between(&world.written, &subject, hours.0, hours.1), &subject);
            let mut without_clients = told.detail.clone();
            without_clients.forget_clients();
            assert_eq!(without_clients.endpoints, detail.endpoints, "{subject:?} in {period:?}");
            assert_eq!(without_clients, detail, "{subject:?} in {period:?}");
            assert_eq!(told.clients, clients, "{subject:?} in {period:?}");
        }
        let step = [1, 7, 60, 90, 1_000, 1_440, 5_000][(odd as usize + place) % 7];
        let told = block_on(world.tokens.time_series(subject.clone(), periods[place % 4], step)).unwrap();
        for step in &told.steps {
            let end = step.start + TimeDelta::minutes(told.step_minutes);
            let is_as_recounted = step.tally == recount(world, &subject, Period::new(step.start, end));
            assert!(is_as_recounted, "{subject:?}: {step:?}");
        }
    }
    let told = block_on(world.tokens.figures(&subjects(world), day(world))).unwrap();
    assert_eq!(told.len(), subjects(world).len());
    told.iter().for_each(|(subject, told)| assert_eq!(*told, recount(world, subject, day(world))));
}

fn compare_totals(world: &World) {
    let ids: Vec<_> = world.holders.iter().map(|holder| holder.id).collect();
    let usage = block_on(world.tokens.usage_of(&ids)).unwrap();
    for id in ids {
        let (told, subject) = (&usage[&id], Subject::Token(id));
        let mut told_counts = told.counts.clone();
        let last_client = told_counts.last_client.take();
        let expected = counts(&world.written, id);
        assert_eq!(told_counts, expected);
        let success = (expected.finished + expected.missing_scope + expected.refused > 0).then(|| {
            let of = expected.total() - expected.limited - (expected.granted - expected.finished);
            expected.succeeded as f64 / of as f64
        });
        // An end whose grant was lost by a kill is lost as well.
        assert_eq!(told.success_rate(), success);
        assert_eq!(told.as_of, world.as_of);
        let of_token = between(&world.written, &subject, i64::MIN, i64::MAX);
        let clients = of_token.iter().filter_map(|it| match &it.what {
            What::Ended(ended) if ended.status < 600 => ended.client.clone(),
            _ => None,
        });
        assert!(last_client.is_none_or(|client| clients.into_iter().any(|known| known == client)));
        assert_eq!(told.last_24_hours, recount(world, &subject, day(world)));
        let hour = Period::last_minutes(world.now(), 60);
        let peak: Option<Peak> = recount(world, &subject, hour).peak;
        assert_eq!(told.peak_of_last_hour, peak);
        let first = minute(day(world).from()).div_euclid(60);
        for (place, calls) in told.trend.iter().enumerate() {
            let start = (first + place as i64) * 60;
            // Up to the running minute: a clock that was set back has stamped calls beyond it.
            let end = start_of(start + 60).min(day(world).until());
            let hour = Period::new(start_of(start), end);
            assert_eq!(*calls, recount(world, &subject, hour).calls(), "hour {place} of the trend");
        }
        compare_calls(world, id);
    }
}

fn compare_calls(world: &World, id: tokenward::TokenId) {
    let mut query = CallQuery::new(Subject::Token(id));
    (query.limit, query.oldest_first) = (100_000, true);
    let told = block_on(world.tokens.recent_calls(&query)).unwrap().calls;
    let happened = between(&world.written, &Subject::Token(id), i64::MIN, i64::MAX);
    let mut ended: Vec<_> = happened
        .iter()
        .filter_map(|it| if let What::Ended(ended) = &it.what { Some((it, ended)) } else { None })
        .collect();
    let in_all = ended.len() as u64;
    assert_eq!(told.iter().map(|call| call.left_out + 1).sum::<u64>(), in_all);
    for call in &told {
        let place = ended.iter().position(|(it, ended)| {
            let route = if ended.route.is_empty() { "(unnamed)" } else { &ended.route };
            (it.at, ended.outcome, ended.status, ended.duration_us, ended.bytes, ended.version)
                == (call.at, call.outcome, call.status, call.duration_us, call.bytes, call.secret_version)
                && (route, &ended.client, &it.tenant) == (&*call.route, &call.client, &call.tenant)
        });
        let place = place.unwrap_or_else(|| panic!("this never happened: {call:?}"));
        ended.remove(place);
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn use_is_told_as_a_recount_tells_it(steps in steps(200_000_000, 0..3), odd in any::<u32>()) {
        run(Arc::new(MemoryUsage::new()), kept_long(), &steps, odd);
    }

    /// No batch waits here until its minutes are outdated: what is added to those is another minute.
    #[test]
    fn what_is_forgotten_is_told_by_the_hour_or_the_day(steps in steps(0, 0..1), odd in any::<u32>()) {
        let mut retention = kept_long();
        (retention.minutes, retention.hours) = (TimeDelta::hours(25), TimeDelta::hours(50));
        run(Arc::new(MemoryUsage::new()), retention, &steps, odd);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn use_in_sqlite_is_told_as_a_recount_tells_it(steps in steps(200_000_000, 0..3), odd in any::<u32>()) {
        use tokenward::TokenStore;

        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(tokenward::SqliteStore::at(directory.path().join("use.db")));
        block_on(store.open()).unwrap();
        run(store, kept_long(), &steps, odd);
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(config(3))]

    #[test]
    fn use_in_postgresql_is_told_as_a_recount_tells_it(steps in steps(200_000_000, 0..3), odd in any::<u32>()) {
        if let Some(scratch) = super::scratch::Scratch::if_there() {
            run(Arc::new(scratch.another()), kept_long(), &steps, odd);
        }
    }
}
