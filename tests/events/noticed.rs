//! What a flush shows: expired and still called, limited, called from a new address, failing.

use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::usage::Client;
use tokenward::{Attention, EventKind, Issued, NewToken, RateLimit, Update};

use crate::kit::{Answer, Service, Stores, maria, ms, over_every_store};

over_every_store! {
    an_expired_token_is_told_of_when_it_is_called
    an_expired_token_that_was_extended_is_told_of_anew
    what_a_limit_refuses_is_told_once_a_day
    an_address_is_news_where_there_was_another_before
    an_address_stays_known_for_every_process
    a_token_of_a_crowd_has_no_new_address
    erased_clients_are_not_told
    calls_that_fail_are_told_from_the_threshold_on
    failures_of_the_first_second_are_looked_at_when_the_minute_is_over
    only_the_last_hour_counts
    nothing_is_told_of_a_token_that_is_revoked_or_purged
    what_was_noticed_waits_for_the_store
}

const HOME: Option<(&str, &str)> = Some(("203.0.113.7", "curl/8.5.0"));

fn a_token(service: &Service) -> Issued {
    let limit = RateLimit::per_minute(100_000).unwrap();
    service.issue(NewToken::named("Export").without_expiry().rate_limit(limit))
}

/// The next minute, in which a token may be looked at again.
fn next_minute(service: &Service) {
    service.advance(TimeDelta::minutes(1));
}

fn an_expired_token_is_told_of_when_it_is_called(stores: Stores) {
    let service = Service::over(stores);
    let token = service.issue(NewToken::named("Export").expires_in(TimeDelta::hours(10)));
    let end = token.record.expires_at.unwrap();
    service.go_to(end, ms(1));
    assert!(service.call(&token, 200, None));
    assert_eq!(service.settle(), []);
    service.go_to(end, ms(0));
    assert_eq!(service.settle(), [], "nobody has called it");
    assert!(!service.call(&token, 200, None));
    assert_eq!(service.settled_kinds(), [EventKind::ExpiredInUse { expires_at: end }]);
    for _ in 0..100 {
        service.advance(TimeDelta::hours(5));
        for process in [&service, &service.another()] {
            process.call(&token, 200, None);
            assert_eq!(process.settle(), []);
        }
    }
}

fn an_expired_token_that_was_extended_is_told_of_anew(stores: Stores) {
    let service = Service::over(stores);
    let token = service.issue(NewToken::named("Export").expires_in(TimeDelta::minutes(10)));
    service.advance(TimeDelta::minutes(10));
    service.call(&token, 200, None);
    let first = service.settle();
    assert_eq!(first.len(), 1);
    let id = token.record.id;
    let update = Update::new().expires_in(TimeDelta::minutes(5));
    service.run(service.tokens.update(&id, update).by(maria())).unwrap();
    assert!(service.call(&token, 200, None));
    service.advance(TimeDelta::minutes(5));
    assert!(!service.call(&token, 200, None));
    // It is looked at again within the hour, also if it is not called any more.
    let mut told = Vec::new();
    for _ in 0..60 {
        next_minute(&service);
        told.extend(service.settle());
    }
    assert_eq!(told.len(), 1);
    assert_ne!(told[0].id, first[0].id);
}

fn what_a_limit_refuses_is_told_once_a_day(stores: Stores) {
    let service = Service::over(stores);
    let token = service.issue(NewToken::named("Poller").per_minute(2).without_expiry());
    let mut told = Vec::new();
    for _ in 0..2 {
        service.call(&token, 200, None);
    }
    assert_eq!(service.settle(), [], "the limit has refused nothing");
    for _ in 0..3 {
        assert!(!service.call(&token, 200, None));
    }
    assert_eq!(service.settled_kinds(), [EventKind::Limited]);
    // It began at noon: twelve hours of this day, and the next one.
    for _ in 0..36 {
        service.advance(TimeDelta::hours(1));
        for process in [&service, &service.another()] {
            for _ in 0..3 {
                process.call(&token, 200, None);
            }
            told.extend(process.settle());
        }
    }
    let days: Vec<_> = told.iter().map(|event| event.at.date_naive().to_string()).collect();
    assert_eq!(days, ["2027-01-02", "2027-01-03"]);
    assert!(told.iter().all(|event| event.kind == EventKind::Limited));
}

fn an_address_is_news_where_there_was_another_before(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    service.call(&token, 200, HOME);
    assert_eq!(service.settle(), [], "the first client is no news");
    next_minute(&service);
    service.call(&token, 200, Some(("203.0.113.7", "curl/8.6.0")));
    assert_eq!(service.settle(), [], "another agent at the same address is none");
    next_minute(&service);
    service.call(&token, 200, Some(("198.51.100.4", "python/3")));
    let client = Client::new("198.51.100.4", "python/3");
    assert_eq!(service.settled_kinds(), [EventKind::NewAddress { client }]);
    next_minute(&service);
    service.call(&token, 200, Some(("198.51.100.5", "python/3")));
    assert_eq!(service.settle(), [], "one a day is enough");
    // The next day none of them is new.
    service.advance(TimeDelta::days(1));
    for client in [HOME, Some(("198.51.100.4", "python/3")), Some(("198.51.100.5", "python/3"))] {
        service.call(&token, 200, client);
        next_minute(&service);
        assert_eq!(service.settle(), []);
    }
    service.call(&token, 200, Some(("198.51.100.6", "python/3")));
    assert_eq!(service.settle().len(), 1);
    // Two that come together, of which neither was first, are no news.
    let other = a_token(&service);
    service.call(&other, 200, HOME);
    service.call(&other, 200, Some(("198.51.100.4", "python/3")));
    assert_eq!(service.settle(), []);
}

fn an_address_stays_known_for_every_process(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    service.call(&token, 200, HOME);
    service.settle();
    service.advance(TimeDelta::days(2));
    let away = Some(("198.51.100.4", "python/3"));
    service.call(&token, 200, away);
    // The process dies between having counted it and having told of it.
    service.stores.usage.outbox_is_away.store(true, Ordering::SeqCst);
    service.try_tick();
    service.stores.usage.outbox_is_away.store(false, Ordering::SeqCst);
    let successor = service.another();
    drop(service);
    assert_eq!(successor.settle(), []);
    successor.advance(TimeDelta::hours(3));
    successor.call(&token, 200, away);
    assert_eq!(successor.settle().len(), 1, "it is made up for when the address is seen next");
    for days in 1..30 {
        successor.advance(TimeDelta::days(1));
        for process in [&successor, &successor.another()] {
            process.call(&token, 200, if days % 2 == 0 { HOME } else { away });
            assert_eq!(process.settle(), [], "day {days}");
        }
    }
}

fn a_token_of_a_crowd_has_no_new_address(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    let address = |number: u32| format!("198.51.{}.{}", number / 250, number % 250);
    for number in 0..300 {
        service.call(&token, 200, Some((&address(number), "browser")));
        service.advance(ms(1));
    }
    assert_eq!(service.settle(), []);
    let questions = || service.stores.usage.questions.load(Ordering::SeqCst);
    let before = questions();
    for number in 300..400 {
        service.call(&token, 200, Some((&address(number), "browser")));
        next_minute(&service);
        assert_eq!(service.settle(), []);
    }
    assert_eq!(questions(), before, "a crowd is not asked about again on the same day");
}

fn erased_clients_are_not_told(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    service.call(&token, 200, HOME);
    service.advance(ms(1));
    service.call(&token, 200, Some(("198.51.100.4", "python/3")));
    // Found, and not yet delivered.
    service.host.answers(&[Answer::Fails]);
    assert_eq!(service.settle().len(), 1);
    service.run(service.tokens.forget_clients(&token.record.id)).unwrap();
    service.advance(TimeDelta::minutes(2));
    assert_eq!(service.settled_kinds(), [EventKind::NewAddress { client: Client::default() }]);
}

fn calls(service: &Service, token: &Issued, succeed: u64, fail: u64) {
    for number in 0..succeed + fail {
        assert!(service.call(token, if number < succeed { 302 } else { 500 }, None));
    }
}

fn calls_that_fail_are_told_from_the_threshold_on(stores: Stores) {
    let service = Service::over(stores.clone());
    let failing = |succeed, fail| {
        let token = a_token(&service);
        calls(&service, &token, succeed, fail);
        service.settled_kinds()
    };
    assert_eq!(failing(0, 49), [], "too few calls to say anything");
    assert_eq!(failing(45, 5), [], "nine of ten succeed");
    assert_eq!(failing(44, 6), [EventKind::Failing { success_rate: 0.88, calls: 50 }]);
    assert_eq!(failing(0, 50), [EventKind::Failing { success_rate: 0.0, calls: 50 }]);

    let token = a_token(&service);
    calls(&service, &token, 0, 50);
    assert_eq!(service.settle().len(), 1);
    for _ in 0..11 {
        service.advance(TimeDelta::hours(1));
        calls(&service, &token, 0, 50);
        assert_eq!(service.settle(), []);
    }
    service.advance(TimeDelta::hours(1));
    calls(&service, &token, 0, 50);
    assert_eq!(service.settle().len(), 1, "a new day");

    let attention = Attention { success_below: 0.5, least_calls: 2, ..Attention::default() };
    let strict = Service::with(stores, attention);
    let token = a_token(&strict);
    calls(&strict, &token, 1, 1);
    assert_eq!(strict.settle(), []);
    next_minute(&strict);
    calls(&strict, &token, 0, 1);
    let kinds = strict.settled_kinds();
    assert!(matches!(kinds[..], [EventKind::Failing { calls: 3, .. }]), "{kinds:?}");
}

fn failures_of_the_first_second_are_looked_at_when_the_minute_is_over(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    calls(&service, &token, 0, 10);
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::seconds(1));
    calls(&service, &token, 0, 50);
    let questions = service.stores.usage.questions.load(Ordering::SeqCst);
    assert_eq!(service.settle(), []);
    assert_eq!(service.stores.usage.questions.load(Ordering::SeqCst), questions, "once a minute");
    // No call comes after it.
    next_minute(&service);
    assert_eq!(service.settled_kinds(), [EventKind::Failing { success_rate: 0.0, calls: 60 }]);
}

fn only_the_last_hour_counts(stores: Stores) {
    let service = Service::over(stores);
    let token = a_token(&service);
    calls(&service, &token, 0, 30);
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::minutes(60));
    calls(&service, &token, 0, 30);
    assert_eq!(service.settle(), [], "the first thirty are over");
    service.advance(TimeDelta::minutes(59));
    calls(&service, &token, 0, 20);
    assert_eq!(service.settled_kinds(), [EventKind::Failing { success_rate: 0.0, calls: 50 }]);
}

fn nothing_is_told_of_a_token_that_is_revoked_or_purged(stores: Stores) {
    let service = Service::over(stores);
    for purge in [false, true] {
        let token = service.issue(NewToken::named("Poller").per_minute(60).without_expiry());
        for _ in 0..70 {
            service.call(&token, 500, None);
        }
        let id = token.record.id;
        service.run(service.tokens.revoke(&id).by(maria())).unwrap();
        if purge {
            service.run(service.tokens.purge(&id).by(maria())).unwrap();
        }
        assert_eq!(service.settle(), []);
    }
    // What waits for its delivery goes with its token.
    let token = service.issue(NewToken::named("Poller").per_minute(1).without_expiry());
    service.call(&token, 200, None);
    service.call(&token, 200, None);
    service.host.answers(&[Answer::Fails]);
    assert_eq!(service.settle().len(), 1);
    service.run(service.tokens.revoke(&token.record.id).by(maria())).unwrap();
    service.run(service.tokens.purge(&token.record.id).by(maria())).unwrap();
    service.advance(TimeDelta::hours(1));
    assert_eq!(service.settle(), []);
}

fn what_was_noticed_waits_for_the_store(stores: Stores) {
    let service = Service::over(stores);
    let usage = service.stores.usage.clone();
    let token = service.issue(NewToken::named("Poller").per_minute(1).without_expiry());
    service.call(&token, 200, None);
    service.call(&token, 200, None);
    usage.outbox_is_away.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        service.try_tick();
    }
    assert_eq!(service.host.given(), []);
    usage.outbox_is_away.store(false, Ordering::SeqCst);
    assert_eq!(service.settled_kinds(), [EventKind::Limited]);

    // The same while nothing of the store answers.
    service.advance(TimeDelta::days(1));
    service.call(&token, 200, None);
    service.call(&token, 200, None);
    usage.is_away.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        service.try_tick();
    }
    usage.is_away.store(false, Ordering::SeqCst);
    assert_eq!(service.settled_kinds(), [EventKind::Limited]);
}
