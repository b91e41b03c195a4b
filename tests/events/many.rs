//! Thousands of tokens at once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::{Attention, NewToken};

use crate::kit::{Service, Stores, over_every_store};

over_every_store! {
    thousands_of_tokens_that_expire_at_once_are_all_told_of
    many_tokens_that_fail_at_once_are_looked_into_piece_by_piece
}

fn thousands_of_tokens_that_expire_at_once_are_all_told_of(stores: Stores) {
    let many = stores.many;
    let service = Service::over(stores);
    for number in 0..many {
        service.issue(NewToken::named(format!("Export {number}")).expires_in(TimeDelta::days(30)));
    }
    service.advance(TimeDelta::days(16));
    let mut told = BTreeSet::new();
    let (mut announced, mut ticks) = (0, 0);
    while told.len() < many {
        service.tick();
        let given = service.host.given();
        assert!(given.len() <= 20, "at most twenty are with the hook at once");
        given.into_iter().for_each(|event| assert!(told.insert(event.token), "told twice"));
        let all = service.stores.usage.announced.load(Ordering::SeqCst);
        assert!(all - announced <= 200, "at most a page is looked at in one tick");
        announced = all;
        ticks += 1;
        assert!(ticks <= 600, "{} after {ticks} ticks", told.len());
    }
    assert_eq!(service.settle(), []);
}

fn many_tokens_that_fail_at_once_are_looked_into_piece_by_piece(stores: Stores) {
    let service = Service::with(stores, Attention { least_calls: 1, ..Attention::default() });
    for number in 0..500 {
        let token = service.issue(NewToken::named(format!("Export {number}")).without_expiry());
        service.call(&token, 500, Some(("203.0.113.7", "curl")));
    }
    let questions = || service.stores.usage.questions.load(Ordering::SeqCst);
    let mut told = BTreeSet::new();
    for _ in 0..100 {
        let before = questions();
        service.tick();
        assert!(questions() - before <= 3);
        service.host.given().into_iter().for_each(|event| assert!(told.insert(event.token)));
    }
    assert_eq!(told.len(), 500);
}
