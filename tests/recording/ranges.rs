//! Ranges of time: exact to the minute, and widened where less is kept.

use chrono::TimeDelta;
use tokenward::usage::Retention;
use tokenward::{Clock, Period, Recording, Subject, block_on};

use super::Watched;

#[test]
fn a_call_counts_in_its_own_minute_however_late_it_is_flushed() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    watched.advance(59_999);
    watched.call(&issued, "GET /orders", 200);
    watched.advance(1);
    watched.call(&issued, "GET /orders", 200);
    watched.call(&issued, "GET /orders", 200);
    watched.advance(179_999);
    watched.call(&issued, "GET /orders", 200);
    watched.flush();
    let now = watched.clock.now().wall();
    let period = Period::new(now - TimeDelta::minutes(4), now);
    let series = block_on(watched.tokens.time_series(Subject::Token(issued.record.id), period, 1)).unwrap();
    let granted: Vec<_> = series.steps.iter().map(|step| (step.tally.granted, step.tally.finished)).collect();
    assert_eq!(granted, [(0, 0), (1, 1), (2, 2), (0, 0), (1, 1)]);
    let told = watched.last_24_hours(Subject::Token(issued.record.id));
    assert_eq!(told.peak.unwrap().granted, 2);
}

#[test]
fn the_last_24_hours_are_the_running_minute_and_the_1439_before_it() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    let id = issued.record.id;
    watched.advance(30_000);
    watched.call(&issued, "GET /orders", 200);
    watched.flush();
    let calls = || block_on(watched.tokens.usage(&id)).unwrap().last_24_hours.calls();
    watched.clock.advance(TimeDelta::minutes(1_439));
    assert_eq!(calls(), 1);
    assert_eq!(watched.last_24_hours(Subject::Token(id)).calls(), 1);
    watched.advance(29_999);
    assert_eq!(calls(), 1);
    watched.advance(1);
    assert_eq!(calls(), 0);
    assert_eq!(watched.last_24_hours(Subject::Token(id)).calls(), 0);
    assert_eq!(block_on(watched.tokens.usage(&id)).unwrap().total(), 1);
}

#[test]
fn an_answer_says_as_of_when_it_is_true() {
    let watched = Watched::new();
    let issued = watched.issue(None);
    watched.flush();
    let written = watched.clock.now().wall();
    watched.advance(700);
    watched.call(&issued, "GET /orders", 200);
    let usage = block_on(watched.tokens.usage(&issued.record.id)).unwrap();
    assert_eq!((usage.as_of, usage.total()), (written, 0));
    watched.flush();
    let usage = block_on(watched.tokens.usage(&issued.record.id)).unwrap();
    assert_eq!((usage.as_of, usage.total()), (watched.clock.now().wall(), 1));
}

#[test]
fn what_is_no_longer_kept_by_the_minute_is_told_by_the_hour_and_then_by_the_day() {
    let retention = Retention { hours: TimeDelta::days(3), ..Retention::default() };
    let watched = Watched::with(Recording { retention, ..Recording::default() });
    let issued = watched.issue(None);
    let subject = Subject::Token(issued.record.id);
    watched.call(&issued, "GET /orders", 200);
    let called = watched.clock.now().wall();
    let minute = || Period::new(called, called + TimeDelta::minutes(1));
    let told = || {
        watched.flush();
        let told = block_on(watched.tokens.statistics(subject.clone(), minute())).unwrap();
        (told.calls(), told.period.minutes())
    };
    assert_eq!(told(), (1, 1));
    watched.clock.advance(TimeDelta::hours(49));
    assert_eq!(told(), (1, 60));
    watched.clock.advance(TimeDelta::hours(25));
    assert_eq!(told(), (1, 1_440));
    watched.clock.advance(TimeDelta::days(400));
    assert_eq!(told(), (0, 1_440));
    assert_eq!(block_on(watched.tokens.usage(&issued.record.id)).unwrap().total(), 1);
}

#[test]
fn a_page_of_tokens_is_read_in_two_questions() {
    let watched = Watched::new();
    let issued: Vec<_> = (0..50).map(|_| watched.issue(None)).collect();
    issued.iter().for_each(|issued| watched.call(issued, "GET /orders", 200));
    watched.flush();
    let ids: Vec<_> = issued.iter().map(|issued| issued.record.id).collect();
    let before = watched.usage.questions.load(std::sync::atomic::Ordering::SeqCst);
    let usage = block_on(watched.tokens.usage_of(&ids)).unwrap();
    assert_eq!(watched.usage.questions.load(std::sync::atomic::Ordering::SeqCst) - before, 2);
    assert!(ids.iter().all(|id| usage[id].total() == 1 && usage[id].last_24_hours.calls() == 1));
}
