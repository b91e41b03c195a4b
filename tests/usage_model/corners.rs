//! Corners in which what is told of use was wrong once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::usage::{Call, CallQuery, Outcome, RecordedCall, Retention, UsageStore, start_of};
use tokenward::{
    Clock, Issued, ManualClock, MemoryStore, Need, NewToken, Period, Recording, Subject, Tokens, UsageBatch,
    Verdict, block_on,
};

use super::custom::BareStore;
use super::support;

fn tokens(clock: &ManualClock, usage: Arc<BareStore>) -> Tokens {
    let recording = Recording {
        retention: Retention { minutes: TimeDelta::hours(25), ..Retention::default() },
        ..Recording::default()
    };
    let builder = Tokens::builder(Arc::new(MemoryStore::new())).usage_store(usage).recording(recording);
    builder.catalog(support::catalog()).clock(clock.clone()).without_background().build().unwrap()
}

fn issue(tokens: &Tokens) -> Issued {
    let asked = NewToken::named("Export").scopes(["orders:read"]).per_minute(100_000);
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

fn call(tokens: &Tokens, issued: &Issued) {
    let Verdict::Granted(grant) =
        block_on(tokens.verify(issued.secret.expose(), &Need::scope("orders:read"))).unwrap()
    else {
        panic!("refused")
    };
    let call = Call::new("GET /orders", 200, Duration::from_millis(10));
    grant.record_call(&call.address([203, 0, 113, 7].into()).agent("curl/8"));
}

#[test]
fn a_flush_ends_although_calls_never_do() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage.clone());
    let issued = Arc::new(issue(&tokens));
    call(&tokens, &issued);
    let (busy, of_whom) = (tokens.clone(), issued.clone());
    let calls_left = Mutex::new(50);
    usage.while_adding(move || {
        let mut left = calls_left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            call(&busy, &of_whom);
        }
    });
    block_on(tokens.flush()).unwrap();
    assert_eq!(usage.batches(), 1, "what came while the batch was written is for the next flush");
    usage.fail_once();
    block_on(tokens.flush()).unwrap_err();
    block_on(tokens.flush()).unwrap();
    assert_eq!(usage.batches(), 3, "the batch that had to wait, and what came since");
    block_on(tokens.shutdown()).unwrap();
    assert_eq!(usage.batches(), 4);
}

#[test]
fn clients_that_wait_to_be_written_are_forgotten_as_well() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage.clone());
    let issued = issue(&tokens);
    let id = issued.record.id;
    call(&tokens, &issued);
    block_on(tokens.forget_clients(&id)).unwrap();
    block_on(tokens.flush()).unwrap();
    let period = Period::last_24_hours(clock.now().wall());
    let told = block_on(tokens.statistics(Subject::Token(id), period)).unwrap();
    assert_eq!((told.granted, told.clients.len()), (1, 0));
    assert_eq!(block_on(tokens.usage(&id)).unwrap().last_client, None);
}

#[test]
fn what_is_outdated_is_forgotten_after_a_clock_was_set_back_as_well() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage.clone());
    let start = clock.now().wall();
    clock.advance(TimeDelta::minutes(11));
    clock.set_wall(start + TimeDelta::days(3_650));
    block_on(tokens.flush()).unwrap();
    assert_eq!(usage.told_to_forget(), 0, "whoever set it may have been wrong");
    clock.advance(TimeDelta::minutes(59));
    block_on(tokens.flush()).unwrap();
    assert_eq!(usage.told_to_forget(), 0);
    clock.set_wall(start);
    clock.advance(TimeDelta::minutes(1));
    block_on(tokens.flush()).unwrap();
    let told = usage.told_to_forget();
    assert_eq!(told, 1);
    for _ in 0..3 {
        clock.advance(TimeDelta::minutes(11));
        block_on(tokens.flush()).unwrap();
    }
    assert_eq!(usage.told_to_forget() - told, 3);
}

#[test]
fn steps_of_any_length_tell_all_that_is_kept() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage.clone());
    let issued = issue(&tokens);
    for _ in 0..40 {
        call(&tokens, &issued);
        clock.advance(TimeDelta::hours(1));
    }
    block_on(tokens.flush()).unwrap();
    clock.advance(TimeDelta::minutes(11));
    block_on(tokens.flush()).unwrap();
    let now = clock.now().wall();
    for step in [1_u32, 7, 59, 60, 61, 90, 720, 1_000, 1_439, 1_440, 1_441] {
        for back in [1, 20, 24, 39, 41] {
            let period = Period::new(now - TimeDelta::hours(back), now);
            let told = block_on(tokens.time_series(Subject::All, period, step)).unwrap();
            let first = told.steps[0].start;
            // The calls, one an hour, that were made from the first step on.
            let made =
                (0..40).filter(|hours| now - TimeDelta::minutes(11) - TimeDelta::hours(40 - hours) >= first);
            let sum: u64 = told.steps.iter().map(|step| step.tally.granted).sum();
            assert_eq!(sum, made.count() as u64, "a step of {step}, {back} hours back");
        }
    }
}

#[test]
fn a_subject_that_is_asked_for_twice_is_told_twice() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage);
    let issued = issue(&tokens);
    call(&tokens, &issued);
    block_on(tokens.flush()).unwrap();
    let asked = [Subject::All, Subject::Token(issued.record.id), Subject::All];
    let told = block_on(tokens.figures(&asked, Period::last_24_hours(clock.now().wall()))).unwrap();
    let granted: Vec<_> = told.iter().map(|(subject, tally)| (subject, tally.granted)).collect();
    assert_eq!(granted, asked.iter().map(|subject| (subject, 1)).collect::<Vec<_>>());
}

#[test]
fn minutes_are_whole_before_1970_and_far_away() {
    for start in
        ["1969-07-20T20:17:59.000Z", "1970-01-01T00:00:59Z", "9999-12-31T23:59:59Z", "1900-02-28T23:59:59Z"]
    {
        let start: DateTime<Utc> = start.parse().unwrap();
        let (clock, usage) = (ManualClock::at(start), Arc::new(BareStore::default()));
        let tokens = tokens(&clock, usage);
        let asked = NewToken::named("Export").scopes(["orders:read"]);
        let issued = block_on(tokens.issue(asked).by("maria")).unwrap();
        call(&tokens, &issued);
        // The first in the second 59 of its minute, the others in the next.
        for _ in 0..9 {
            clock.advance(TimeDelta::seconds(5));
            call(&tokens, &issued);
        }
        block_on(tokens.flush()).unwrap();
        let now = clock.now().wall();
        let told = block_on(tokens.time_series(Subject::All, Period::last_minutes(now, 2), 1)).unwrap();
        let granted: Vec<_> = told.steps.iter().map(|step| step.tally.granted).collect();
        assert_eq!(granted, [1, 9], "{start}");
        assert_eq!(told.steps[1].start, start_of(start.timestamp().div_euclid(60) + 1));
    }
}

#[test]
fn what_was_not_flushed_for_weeks_is_never_told_of_the_future() {
    for days in [1, 24, 25, 30, 49, 50, 75, 100] {
        let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
        let tokens = tokens(&clock, usage);
        let issued = issue(&tokens);
        let need = Need::live();
        _ = block_on(tokens.verify(issued.secret.expose(), &need)).unwrap().granted().unwrap();
        clock.advance(TimeDelta::days(days));
        block_on(tokens.flush()).unwrap();
        let now = clock.now().wall();
        let usage = block_on(tokens.usage(&issued.record.id)).unwrap();
        assert_eq!(usage.granted, 1);
        assert!(usage.last_used_at.unwrap() <= now, "{days} days: {:?}", usage.last_used_at);
    }
}

#[test]
fn a_last_call_that_took_long_names_its_client() {
    let (clock, usage) = (ManualClock::new(), Arc::new(BareStore::default()));
    let tokens = tokens(&clock, usage);
    let issued = issue(&tokens);
    let verify = || match block_on(tokens.verify(issued.secret.expose(), &Need::live())).unwrap() {
        Verdict::Granted(grant) => grant,
        Verdict::Denied(denied) => panic!("{}", denied.detail()),
    };
    let from = |agent| Call::new("GET /orders", 200, Duration::from_millis(10)).agent(agent);
    verify().record_call(&from("z"));
    clock.advance(TimeDelta::seconds(1));
    let slow = verify();
    block_on(tokens.flush()).unwrap();
    slow.record_call(&from("a"));
    block_on(tokens.flush()).unwrap();
    let usage = block_on(tokens.usage(&issued.record.id)).unwrap();
    assert_eq!(usage.last_client.as_ref().unwrap().agent, "a");
}

#[test]
fn a_store_can_be_tested_with_calls_of_ones_own() {
    let (usage, id) = (BareStore::default(), tokenward::conformance::sample_id(1));
    let mut call = RecordedCall::new(id, ManualClock::new().now().wall(), Outcome::Granted, 200);
    call.route = "GET /orders".to_owned();
    let mut batch = UsageBatch::new(7, 1);
    batch.calls.push(call.clone());
    block_on(usage.add(&batch)).unwrap();
    call.id = 1;
    assert_eq!(block_on(usage.calls(&CallQuery::new(Subject::Token(id)))).unwrap(), [call]);
}
