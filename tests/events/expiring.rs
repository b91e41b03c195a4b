//! Tokens that expire soon.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::{Attention, EventKind, NewToken, TokenRecord, Update};

use crate::kit::{Service, Stores, days, maria, ms, over_every_store};

over_every_store! {
    each_threshold_is_told_at_its_millisecond
    a_process_that_starts_late_tells_the_tightest_threshold_alone
    a_lifetime_that_is_no_longer_than_a_threshold_is_no_news
    a_changed_expiry_is_found_within_the_hour
    a_revoked_token_is_not_told_of
    restarts_and_a_second_process_tell_nothing_again
    an_event_bears_the_name_of_its_moment
    a_clock_that_is_set_back_repeats_nothing
}

fn a_token(service: &Service, lifetime: TimeDelta) -> (TokenRecord, DateTime<Utc>) {
    let record = service.issue(NewToken::named("Export").tenant("acme").expires_in(lifetime)).record;
    let end = record.expires_at.unwrap();
    (record, end)
}

fn each_threshold_is_told_at_its_millisecond(stores: Stores) {
    let service = Service::with(stores, Attention { unused_days: None, ..Default::default() });
    let (record, end) = a_token(&service, TimeDelta::days(90));
    let mut ids = BTreeSet::new();
    for threshold in [14, 3, 1] {
        let before = TimeDelta::days(threshold);
        // A minute before that, so that what has passed since is looked at just before and just at.
        for early in [60_001, 1] {
            service.go_to(end, before + ms(early));
            assert_eq!(service.settle(), []);
        }
        service.go_to(end, before - ms(59_999));
        let found = service.settle();
        assert_eq!(found.len(), 1, "{found:?}");
        let event = &found[0];
        assert_eq!(event.kind, EventKind::Expiring { days: threshold as u32, expires_at: end });
        assert_eq!((event.token, event.name.as_str(), event.at), (record.id, "Export", service.now()));
        assert_eq!(event.tenant.as_deref(), Some("acme"));
        assert!(event.id.starts_with("evt_") && event.id.len() == 28, "{}", event.id);
        assert!(ids.insert(event.id.clone()));
    }
    service.go_to(end, ms(0));
    assert_eq!(service.settle(), []);

    // To the millisecond: what a process finds at its start.
    let (_, end) = a_token(&service, TimeDelta::days(90));
    for threshold in [14, 3, 1] {
        service.go_to(end, TimeDelta::days(threshold) + ms(1));
        assert_eq!(service.another().settle(), []);
        service.go_to(end, TimeDelta::days(threshold));
        assert_eq!(days(&service.another().settled_kinds()), [threshold as u32]);
    }
}

fn a_process_that_starts_late_tells_the_tightest_threshold_alone(stores: Stores) {
    let service = Service::over(stores);
    let (_, end) = a_token(&service, TimeDelta::days(60));
    service.go_to(end, TimeDelta::hours(20));
    assert_eq!(days(&service.settled_kinds()), [1]);
    assert_eq!(service.another().settle(), []);
}

fn a_lifetime_that_is_no_longer_than_a_threshold_is_no_news(stores: Stores) {
    let service = Service::over(stores);
    let start = service.now();
    for (lifetime, expected) in [
        (TimeDelta::hours(12), &[][..]),
        (TimeDelta::days(1), &[]),
        (TimeDelta::days(1) + ms(1), &[1]),
        (TimeDelta::days(3), &[1]),
        (TimeDelta::days(14), &[3, 1]),
        (TimeDelta::days(14) + ms(1), &[14, 3, 1]),
    ] {
        let (_, end) = a_token(&service, lifetime);
        let mut told = Vec::new();
        while service.now() < end {
            told.extend(days(&service.settled_kinds()));
            service.advance(TimeDelta::minutes(61));
        }
        assert_eq!(told, expected, "a lifetime of {lifetime}");
    }
    assert!(service.now() > start + TimeDelta::days(30));
}

fn a_changed_expiry_is_found_within_the_hour(stores: Stores) {
    let service = Service::over(stores);
    let (record, _) = a_token(&service, TimeDelta::days(80));
    service.advance(TimeDelta::days(20));
    assert_eq!(service.settle(), []);
    let set = |days| {
        let update = Update::new().expires_at(service.now() + TimeDelta::days(days));
        service.run(service.tokens.update(&record.id, update).by(maria())).unwrap();
    };
    set(2);
    service.advance(TimeDelta::hours(1));
    let first = service.settle();
    assert_eq!(days(&[first[0].kind.clone()]), [3]);
    set(29);
    for _ in 0..14 {
        service.advance(TimeDelta::days(1));
        assert_eq!(service.settle(), []);
    }
    service.advance(TimeDelta::days(1));
    assert_eq!(days(&service.settled_kinds()), [14]);
    // The same threshold of another expiry is another occurrence.
    set(2);
    service.advance(TimeDelta::hours(1));
    let second = service.settle();
    assert_eq!(days(&[second[0].kind.clone()]), [3]);
    assert_ne!(first[0].id, second[0].id);
}

fn a_revoked_token_is_not_told_of(stores: Stores) {
    let service = Service::over(stores);
    let (record, end) = a_token(&service, TimeDelta::days(30));
    service.run(service.tokens.revoke(&record.id).by(maria())).unwrap();
    service.go_to(end, TimeDelta::days(2));
    assert_eq!(service.settle(), []);
}

fn restarts_and_a_second_process_tell_nothing_again(stores: Stores) {
    let one = Service::over(stores);
    let other = one.another();
    let (_, end) = a_token(&one, TimeDelta::days(60));
    one.go_to(end, TimeDelta::days(15));
    let mut told = Vec::new();
    while one.now() < end {
        for service in [&one, &other, &one.another()] {
            service.tick();
            service.tick();
            told.extend(service.host.given());
        }
        one.advance(TimeDelta::minutes(97));
    }
    let kinds: Vec<_> = told.into_iter().map(|event| event.kind).collect();
    assert_eq!(days(&kinds), [14, 3, 1]);
}

fn an_event_bears_the_name_of_its_moment(stores: Stores) {
    let service = Service::over(stores);
    let (record, end) = a_token(&service, TimeDelta::days(30));
    let rename = |name: &str| {
        service.run(service.tokens.update(&record.id, Update::new().name(name)).by(maria())).unwrap();
    };
    rename("Nightly export");
    service.go_to(end, TimeDelta::days(14));
    assert_eq!(service.settle()[0].name, "Nightly export");
    rename("Daily export");
    assert_eq!(service.another().settle(), []);
    service.go_to(end, TimeDelta::days(3));
    assert_eq!(service.settle()[0].name, "Daily export");
}

fn a_clock_that_is_set_back_repeats_nothing(stores: Stores) {
    let service = Service::over(stores);
    let (_, end) = a_token(&service, TimeDelta::days(30));
    service.go_to(end, TimeDelta::days(14));
    assert_eq!(days(&service.settled_kinds()), [14]);
    service.clock.set_wall(end - TimeDelta::days(20));
    assert_eq!(service.settle(), []);
    for _ in 0..(6 * 24) {
        service.advance(TimeDelta::hours(1));
        assert_eq!(service.settle(), []);
    }
    service.advance(TimeDelta::days(11));
    assert_eq!(days(&service.settled_kinds()), [3]);
}
