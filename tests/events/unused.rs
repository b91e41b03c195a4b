//! Tokens that nobody uses.

use chrono::TimeDelta;
use tokenward::{Attention, EventKind, NewToken};

use crate::kit::{Service, Stores, maria, ms, over_every_store};

over_every_store! {
    a_token_that_was_never_used_is_told_of_at_its_millisecond
    use_puts_it_off_and_ends_it
    what_cannot_be_used_is_not_unused
    nothing_is_told_where_no_days_are_set
    what_stays_unused_is_not_told_again_when_the_outbox_has_forgotten_it
}

fn a_token_that_was_never_used_is_told_of_at_its_millisecond(stores: Stores) {
    let service = Service::over(stores);
    let record = service.issue(NewToken::named("Old app")).record;
    service.advance(TimeDelta::days(90) - ms(1));
    assert_eq!(service.another().settle(), []);
    service.advance(ms(1));
    let found = service.another().settle();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, EventKind::Unused { days: 90, last_used_at: None });
    assert_eq!(found[0].token, record.id);
    // Each process looks once a day, and each finds the same.
    for _ in 0..5 {
        service.advance(TimeDelta::days(1));
        assert_eq!(service.settle(), []);
        assert_eq!(service.another().settle(), []);
    }
}

fn use_puts_it_off_and_ends_it(stores: Stores) {
    let service = Service::with(stores, Attention { unused_days: Some(7), ..Attention::default() });
    let token = service.issue(NewToken::named("Weekly report"));
    service.advance(TimeDelta::days(6));
    assert!(service.call(&token, 200, None));
    let last_used_at = service.now();
    assert_eq!(service.settle(), []);
    let mut told = Vec::new();
    for _ in 0..20 {
        service.advance(TimeDelta::days(1));
        told.extend(service.settle());
    }
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, EventKind::Unused { days: 7, last_used_at: Some(last_used_at) });
    assert_eq!(told[0].at, last_used_at + TimeDelta::days(7));
    // Used and left again, it is another occurrence.
    service.call(&token, 200, None);
    service.settle();
    service.advance(TimeDelta::days(8));
    let again = service.settle();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].id, told[0].id);
}

fn what_cannot_be_used_is_not_unused(stores: Stores) {
    let service = Service::with(stores, Attention { unused_days: Some(7), ..Attention::default() });
    let paused = service.issue(NewToken::named("Paused")).record.id;
    let revoked = service.issue(NewToken::named("Revoked")).record.id;
    service.issue(NewToken::named("Over").expires_in(TimeDelta::hours(5)));
    service.issue(NewToken::named("Later").not_before(service.now() + TimeDelta::days(20)));
    service.run(service.tokens.pause(&paused).by(maria())).unwrap();
    service.run(service.tokens.revoke(&revoked).by(maria())).unwrap();
    service.advance(TimeDelta::days(10));
    assert_eq!(service.settle(), []);
    // From the moment at which it could be used, the days begin.
    service.advance(TimeDelta::days(16));
    assert_eq!(service.settle(), []);
    service.advance(TimeDelta::days(1));
    let told: Vec<_> = service.settle().into_iter().map(|event| event.name).collect();
    assert_eq!(told, ["Later"]);
    service.run(service.tokens.resume(&paused).by(maria())).unwrap();
    service.advance(TimeDelta::days(1));
    let told: Vec<_> = service.settle().into_iter().map(|event| event.name).collect();
    assert_eq!(told, ["Paused"]);
}

fn nothing_is_told_where_no_days_are_set(stores: Stores) {
    let service = Service::with(stores, Attention { unused_days: None, ..Attention::default() });
    service.issue(NewToken::named("Old app"));
    service.advance(TimeDelta::days(1_000));
    assert_eq!(service.settle(), []);
}

fn what_stays_unused_is_not_told_again_when_the_outbox_has_forgotten_it(stores: Stores) {
    let service = Service::over(stores);
    service.issue(NewToken::named("Old app"));
    let mut told = 0;
    for _ in 0..60 {
        service.advance(TimeDelta::days(10));
        told += service.settle().len();
        told += service.another().settle().len();
    }
    assert_eq!(told, 1);
}
