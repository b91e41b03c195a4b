//! Memory stays bounded whatever clients send and however long the store is away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use allocation_counter::measure;
use tokenward::usage::Call;
use tokenward::{Recording, Subject, block_on};

use super::Watched;

const MEMORY: usize = 16 << 20;

/// Calls whose routes, agents and addresses are never the same twice.
fn all_different(watched: &Watched, issued: &tokenward::Issued, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let (route, agent) =
            (format!("GET /{number}/{}", "x".repeat(300)), format!("agent {number} {}", "y".repeat(300)));
        let call = Call::new(&route, 200, Duration::from_micros(number.into()));
        watched
            .grant(issued)
            .record_call(&call.agent(&agent).address(std::net::Ipv4Addr::from(number).into()));
        watched.advance(7);
    }
}

#[test]
fn names_without_end_take_a_bounded_amount_of_memory() {
    let watched = Watched::with(Recording { memory: MEMORY, ..Recording::default() });
    let issued = watched.issue(None);
    let id = issued.record.id;
    watched.usage.is_away.store(true, Ordering::SeqCst);
    let claimed = measure(|| {
        for round in 0..30 {
            all_different(&watched, &issued, round * 3_000..(round + 1) * 3_000);
            block_on(watched.tokens.flush()).unwrap_err();
        }
    });
    assert!(claimed.bytes_max < MEMORY as u64, "{claimed:?}");
    let given_up = watched.tokens.recording_health().given_up;
    assert!(given_up.calls > 0 && given_up.names > 0, "{given_up:?}");
    watched.usage.is_away.store(false, Ordering::SeqCst);
    watched.flush();
    let told = watched.last_24_hours(Subject::Token(id));
    assert_eq!((told.granted, told.finished), (90_000, 90_000));
    let endpoints = &told.detail.endpoints;
    let named: u64 = endpoints.iter().map(|(_, of)| of.calls).sum();
    assert_eq!(named + endpoints.other().calls, 90_000);
    assert!(endpoints.error() > 0 && told.clients.other().calls > 0);
    let usage = block_on(watched.tokens.usage(&id)).unwrap();
    assert_eq!((usage.granted, usage.finished), (90_000, 90_000));
}

#[test]
fn minutes_without_end_become_hours_and_then_totals() {
    let watched = Watched::with(Recording { memory: MEMORY, ..Recording::default() });
    let issued: Vec<_> = (0..500).map(|_| watched.issue(None)).collect();
    watched.usage.is_away.store(true, Ordering::SeqCst);
    let claimed = measure(|| {
        for _ in 0..150 {
            issued.iter().for_each(|issued| watched.call(issued, "GET /orders", 200));
            watched.advance(60_000);
            block_on(watched.tokens.flush()).unwrap_err();
        }
    });
    assert!(claimed.bytes_max < MEMORY as u64 + 2 * 1_024 * 500, "{claimed:?}");
    let given_up = watched.tokens.recording_health().given_up;
    assert!(given_up.minutes > 0, "{given_up:?}");
    watched.usage.is_away.store(false, Ordering::SeqCst);
    watched.flush();
    for issued in &issued {
        let usage = block_on(watched.tokens.usage(&issued.record.id)).unwrap();
        assert_eq!((usage.granted, usage.finished), (150, 150));
    }
    let told = watched.last_24_hours(Subject::All);
    assert!(told.granted + given_up.figures >= 75_000, "{} {given_up:?}", told.granted);
}
