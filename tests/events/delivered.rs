//! From the outbox to the hook.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::{Event, EventKind, Issued, ManualClock, MemoryStore, NewToken, Outbox, Tokens, block_on};

use crate::kit::{Answer, Service, Stores, ms, over_every_store};

over_every_store! {
    what_fails_comes_again_later_and_later
    a_panic_and_a_hook_that_hangs_come_again
    a_hook_that_answers_late_within_its_time_is_heard
    the_events_of_a_token_keep_their_order
    an_event_that_fails_holds_up_no_other_token
    a_process_that_dies_before_it_could_tell_delivers_the_same_again
    a_process_that_cannot_tell_the_store_delivers_once
    a_spawner_that_drops_a_delivery_loses_no_event
    two_processes_deliver_each_event_once
    events_carry_no_secret
}

/// A token that is limited now: one event.
fn limited(service: &Service, name: &str) -> Issued {
    let token = service.issue(NewToken::named(name).per_minute(1).expires_in(TimeDelta::days(40)));
    service.call(&token, 200, None);
    service.call(&token, 200, None);
    token
}

fn what_fails_comes_again_later_and_later(stores: Stores) {
    let service = Service::over(stores);
    limited(&service, "Poller");
    service.host.answers(&[Answer::Fails; 9]);
    let start = service.now();
    let mut tries = Vec::new();
    let mut ids = BTreeSet::new();
    for _ in 0..(6 * 60 * 8) {
        service.tick();
        for event in service.host.given() {
            tries.push((service.now() - start).num_minutes());
            ids.insert(event.id);
        }
        service.advance(TimeDelta::seconds(10));
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(ids.len(), 1);
}

fn a_panic_and_a_hook_that_hangs_come_again(stores: Stores) {
    let service = Service::over(stores);
    limited(&service, "Poller");
    service.host.answers(&[Answer::Panics, Answer::Hangs]);
    assert_eq!(service.settle().len(), 1);
    service.advance(TimeDelta::minutes(1) - ms(1));
    assert_eq!(service.settle(), []);
    service.advance(ms(1));
    service.advance(TimeDelta::seconds(10));
    assert_eq!(service.settle().len(), 1);
    assert!(!service.changes.is_empty(), "it hangs");
    // Its time is over after 30 seconds; what hangs is dropped, and does not pile up.
    service.advance(TimeDelta::seconds(30) - ms(1));
    assert_eq!(service.settle(), []);
    assert!(!service.changes.is_empty());
    service.advance(ms(1));
    assert_eq!(service.settle(), []);
    assert!(service.changes.is_empty());
    service.advance(TimeDelta::minutes(2) - ms(1));
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::seconds(10));
    assert_eq!(service.settle().len(), 1);
    service.advance(TimeDelta::hours(2));
    assert_eq!(service.settle(), []);
}

fn a_hook_that_answers_late_within_its_time_is_heard(stores: Stores) {
    let service = Service::over(stores);
    limited(&service, "Poller");
    // Nothing polls it: the host's runtime has much to do.
    block_on(service.tokens.flush()).unwrap();
    assert!(!service.changes.is_empty());
    service.advance(TimeDelta::seconds(29));
    assert_eq!(service.settle().len(), 1);
    service.advance(TimeDelta::hours(2));
    assert_eq!(service.settle(), []);

    // Later than that, another node may have it: this one leaves it alone.
    limited(&service, "Poller of the afternoon");
    block_on(service.tokens.flush()).unwrap();
    service.advance(TimeDelta::seconds(31));
    service.changes.run();
    assert_eq!(service.host.given(), []);
    service.advance(TimeDelta::seconds(29));
    assert_eq!(service.settle().len(), 1);
}

fn the_events_of_a_token_keep_their_order(stores: Stores) {
    let service = Service::over(stores);
    let token = limited(&service, "Poller");
    service.host.answers(&[Answer::Fails, Answer::Fails]);
    assert_eq!(service.settle().len(), 1);
    // A second event of it comes while the first has not arrived.
    service.go_to(token.record.expires_at.unwrap(), TimeDelta::days(14));
    let mut arrived = Vec::new();
    for _ in 0..40 {
        for process in [&service, &service.another()] {
            process.tick();
            arrived.extend(process.host.kinds());
        }
        service.advance(TimeDelta::seconds(10));
    }
    let (last, before) = arrived.split_last().unwrap();
    assert!(matches!(last, EventKind::Expiring { .. }), "{arrived:?}");
    assert!(!before.is_empty() && before.iter().all(|kind| *kind == EventKind::Limited), "{arrived:?}");
}

fn an_event_that_fails_holds_up_no_other_token(stores: Stores) {
    let service = Service::over(stores);
    for number in 0..30 {
        limited(&service, &format!("Poller {number}"));
    }
    service.host.answers(&[Answer::Fails; 20]);
    service.tick();
    assert_eq!(service.host.given().len(), 20);
    let rest = service.settle();
    let names: BTreeSet<_> = rest.iter().map(|event| &event.name).collect();
    assert_eq!((rest.len(), names.len()), (10, 10));
    service.advance(TimeDelta::minutes(2));
    assert_eq!(service.settle().len(), 20);
}

fn a_process_that_dies_before_it_could_tell_delivers_the_same_again(stores: Stores) {
    let service = Service::over(stores);
    limited(&service, "Poller");
    block_on(service.tokens.flush()).unwrap();
    service.stores.usage.outbox_is_away.store(true, Ordering::SeqCst);
    service.changes.run();
    let first = service.host.given();
    assert_eq!(first.len(), 1);
    let successor = service.another();
    drop(service);
    successor.stores.usage.outbox_is_away.store(false, Ordering::SeqCst);
    assert_eq!(successor.settle(), [], "it was taken for a minute");
    successor.advance(TimeDelta::minutes(1));
    let second = successor.settle();
    assert_eq!(first, second);
    successor.advance(TimeDelta::hours(2));
    assert_eq!(successor.settle(), []);
}

fn a_process_that_cannot_tell_the_store_delivers_once(stores: Stores) {
    let service = Service::over(stores);
    let away = &service.stores.usage.outbox_is_away;
    limited(&service, "Poller");
    block_on(service.tokens.flush()).unwrap();
    away.store(true, Ordering::SeqCst);
    for _ in 0..10 {
        service.try_tick();
        service.advance(TimeDelta::minutes(1));
    }
    assert_eq!(service.host.given().len(), 1);
    away.store(false, Ordering::SeqCst);
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::hours(2));
    assert_eq!(service.settle(), []);
    assert_eq!(service.another().settle(), []);
}

fn a_spawner_that_drops_a_delivery_loses_no_event(stores: Stores) {
    let service = Service::over(stores);
    limited(&service, "Poller");
    block_on(service.tokens.flush()).unwrap();
    service.changes.abandon();
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::minutes(1));
    assert_eq!(service.settle().len(), 1);
}

fn two_processes_deliver_each_event_once(stores: Stores) {
    let one = Service::over(stores);
    let other = one.another();
    for number in 0..100 {
        limited(&one, &format!("Poller {number}"));
    }
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..20 {
        for process in [&one, &other] {
            // Both have taken theirs before either hook is called.
            block_on(process.tokens.flush()).unwrap();
        }
        for process in [&one, &other] {
            process.changes.run();
            process.host.given().into_iter().for_each(|event| *given.entry(event.id).or_default() += 1);
        }
        one.advance(TimeDelta::seconds(10));
    }
    assert_eq!(given.len(), 100);
    assert!(given.values().all(|times| *times == 1));
}

fn events_carry_no_secret(stores: Stores) {
    let service = Service::over(stores);
    let token = limited(&service, "Poller");
    let client = Some(("203.0.113.7", token.secret.expose()));
    service.advance(TimeDelta::minutes(1));
    service.call(&token, 200, client);
    service.advance(TimeDelta::minutes(1));
    service.call(&token, 200, Some(("203.0.113.8", token.secret.expose())));
    let events = service.settle();
    assert_eq!(events.len(), 2);
    let secret = &token.secret.expose()[token.secret.expose().len() - 42..];
    for event in &events {
        let shown = format!("{event:?} {}", serde_json::to_string(event).unwrap());
        assert!(!shown.contains(&secret[..12]), "{shown}");
        let read: Event = serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
        assert_eq!(&read, event);
    }
    let json = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(json["kind"], "limited");
}

#[test]
fn without_a_hook_nothing_is_looked_for() {
    let (store, clock) = (Arc::new(MemoryStore::new()), ManualClock::new());
    let tokens = Tokens::builder(store.clone()).usage_store(store.clone()).clock(clock.clone());
    let tokens = tokens.without_background().build().unwrap();
    block_on(async {
        tokens.issue(NewToken::named("Export").expires_in(TimeDelta::days(20))).by("maria").await.unwrap();
        clock.advance(TimeDelta::days(18));
        tokens.flush().await.unwrap();
        let now = tokens.clock().now().wall();
        assert_eq!(store.due(now, now, 10).await.unwrap(), []);
    });
}
