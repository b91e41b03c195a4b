//! Promises of an [`Outbox`].

use super::fixture::{at, sample_id};
use super::forgetting::forget_all;
use super::side_by_side::side_by_side;
use crate::event::{Event, EventKind, Outbox};
use crate::usage::{Client, Outdated, UsageStore};

fn event(number: u32) -> Event {
    let client = Client::new("192.0.2.7", "curl/8.5.0 \"it's\" 🦀");
    let kinds = [
        EventKind::Expiring { days: 14, expires_at: at(5) },
        EventKind::ExpiredInUse { expires_at: at(-5) },
        EventKind::Limited,
        EventKind::Unused { days: 90, last_used_at: None },
        EventKind::Unused { days: 90, last_used_at: Some(at(-7)) },
        EventKind::NewAddress { client },
        EventKind::Failing { success_rate: 0.25, calls: u64::from(u32::MAX) + 1 },
    ];
    Event {
        id: format!("event {number}: 'one' \"\\ é"),
        kind: kinds[number as usize % kinds.len()].clone(),
        token: sample_id(number),
        name: format!("Nightly export '{number}' 🦀"),
        tenant: [None, Some("acme".into()), Some(String::new())][number as usize % 3].clone(),
        at: at(i64::from(number)),
    }
}

fn events(numbers: std::ops::Range<u32>) -> Vec<Event> {
    numbers.map(event).collect()
}

async fn due(store: &impl Outbox, now: i64, until: i64) -> Vec<Event> {
    store.due(at(now), at(until), 1_000).await.expect("events can be asked for")
}

/// Events wait in the order in which they were announced, and come back as they were.
pub async fn events_wait_in_order<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    assert!(due(&store, 0, 10).await.is_empty(), "nothing waits in an empty outbox");
    // Neither their ids nor their times go up.
    let later = [event(25), event(12), event(3)];
    store.announce(&later).await.unwrap();
    store.announce(&events(30..40)).await.unwrap();
    store.announce(&[]).await.unwrap();
    let expected = [&later[..], &events(30..40)].concat();
    assert_eq!(due(&store, 0, 10).await, expected, "in the order in which they were announced");
}

/// An event is kept once, whether it waits, is being delivered, or was.
pub async fn an_event_is_kept_once<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    store.announce(&[event(1), event(2), event(1)]).await.unwrap();
    let again = Event { name: "Another".into(), ..event(1) };
    store.announce(&[again.clone(), event(3)]).await.unwrap();
    assert_eq!(due(&store, 0, 10).await, events(1..4), "the first of an id stays as it was");
    store.announce(std::slice::from_ref(&again)).await.unwrap();
    assert!(due(&store, 5, 20).await.is_empty(), "what is being delivered is not announced anew");
    store.delivered(&again.id, at(6)).await.unwrap();
    store.announce(&[again]).await.unwrap();
    assert_eq!(due(&store, 1_000, 2_000).await, events(2..4), "what was delivered is not announced anew");
}

/// An event is given to one caller until the moment that it has named, and comes again after that.
pub async fn an_event_is_given_to_one<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    store.announce(&events(0..3)).await.unwrap();
    assert_eq!(due(&store, 0, 100).await.len(), 3, "all wait");
    store.announce(&events(3..4)).await.unwrap();
    assert_eq!(due(&store, 99, 150).await, events(3..4), "before the moment nobody else gets them");
    assert_eq!(due(&store, 100, 200).await, events(0..3), "at the moment they come again");
    store.delivered(&event(1).id, at(110)).await.unwrap();
    store.delivered("an event that nobody knows", at(110)).await.unwrap();
    assert_eq!(due(&store, 199, 300).await, events(3..4), "each has the moment of its own taking");
    assert_eq!(due(&store, 200, 300).await, [event(0), event(2)], "what is delivered does not come again");
    assert_eq!(due(&store, 10_000, 10_001).await, [event(0), event(2), event(3)], "the rest does, for ever");
}

/// No more are given than asked for, the oldest first.
pub async fn events_come_in_portions<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    store.announce(&events(0..700)).await.unwrap();
    let mut found = Vec::new();
    for _ in 0..7 {
        found.extend(store.due(at(0), at(10), 100).await.unwrap());
    }
    assert!(found == events(0..700), "portions follow each other");
    assert!(store.due(at(0), at(10), 100).await.unwrap().is_empty(), "all are taken");
    assert!(store.due(at(20), at(30), 0).await.unwrap().is_empty(), "a portion of none is empty");
}

/// Of many that ask at once, each gets other events.
pub async fn an_event_is_given_once_among_many<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    store.announce(&events(0..50)).await.unwrap();
    let given = side_by_side((0..10).map(|_| store.due(at(0), at(10), 20))).await;
    let mut ids: Vec<_> = given.into_iter().flatten().flatten().map(|event| event.id).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((all, ids.len()), (50, 50), "each event is given once");
}

/// Of a token's events only the first that is not delivered is given, in the order in which they
/// were announced, whatever becomes of it; other tokens' are not held up.
pub async fn events_of_a_token_come_one_after_the_other<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let of_one = |number| Event { token: sample_id(1), ..event(number) };
    store.announce(&[of_one(5), of_one(4), event(2), of_one(3)]).await.unwrap();
    assert_eq!(due(&store, 0, 10).await, [of_one(5), event(2)], "one of each token");
    assert!(due(&store, 5, 20).await.is_empty(), "a later one waits while the first is delivered");
    assert_eq!(due(&store, 10, 20).await, [of_one(5), event(2)], "what is not delivered comes again first");
    store.delivered(&event(2).id, at(11)).await.unwrap();
    store.postpone(&of_one(5).id, at(100)).await.unwrap();
    assert!(due(&store, 99, 110).await.is_empty(), "a later one waits while the first is postponed");
    store.delivered(&of_one(5).id, at(99)).await.unwrap();
    assert_eq!(due(&store, 99, 110).await, [of_one(4)], "the next one comes once the first is delivered");
    // Whoever delivers out of turn harms nothing.
    store.delivered(&of_one(3).id, at(100)).await.unwrap();
    store.announce(&[of_one(6), of_one(7)]).await.unwrap();
    assert_eq!(due(&store, 110, 120).await, [of_one(4)], "what is announced later waits as well");
    store.delivered(&of_one(4).id, at(111)).await.unwrap();
    assert_eq!(due(&store, 111, 120).await, [of_one(6)], "each in its turn");
    store.delivered(&of_one(6).id, at(112)).await.unwrap();
    assert_eq!(store.due(at(112), at(120), 1).await.unwrap(), [of_one(7)], "up to the last");
}

/// An event that is postponed is given to nobody before the moment that is named, also if it is not
/// the first of its token yet. Nothing happens to one that was delivered, or that nobody knows.
pub async fn a_postponed_event_waits<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let second = Event { token: sample_id(1), ..event(3) };
    store.announce(&[event(1), event(2), second.clone()]).await.unwrap();
    store.postpone(&event(1).id, at(50)).await.unwrap();
    store.postpone(&second.id, at(60)).await.unwrap();
    store.postpone("an event that nobody knows", at(50)).await.unwrap();
    assert_eq!(due(&store, 0, 10).await, [event(2)], "what is postponed is not given");
    store.postpone(&event(2).id, at(40)).await.unwrap();
    assert!(due(&store, 39, 45).await.is_empty(), "before the moment nobody gets it");
    assert_eq!(due(&store, 40, 45).await, [event(2)], "at the moment it comes again");
    store.delivered(&event(2).id, at(41)).await.unwrap();
    store.postpone(&event(2).id, at(42)).await.unwrap();
    assert_eq!(due(&store, 50, 55).await, [event(1)], "what was delivered stays delivered");
    store.delivered(&event(1).id, at(51)).await.unwrap();
    assert!(due(&store, 59, 70).await.is_empty(), "a later one keeps its own moment");
    assert_eq!(due(&store, 60, 70).await, [second], "and comes at it");
}

/// Delivered events are forgotten once they are outdated; what waits never is.
pub async fn delivered_events_are_forgotten<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    store.announce(&events(0..4)).await.unwrap();
    for (number, ms) in [(0, 5), (1, 10), (2, 15)] {
        store.delivered(&event(number).id, at(ms)).await.unwrap();
    }
    forget_all(&store, &Outdated { events: at(10), ..Outdated::nothing() }).await;
    store.announce(&events(0..4)).await.unwrap();
    assert_eq!(due(&store, 20, 30).await, [event(3), event(0)], "only what is forgotten is announced anew");
}

/// The waiting events of an erased token are dropped, also those that are being delivered. Those of
/// others stay, and what was delivered is not announced anew.
pub async fn waiting_events_of_a_token_are_erased<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let of_one = |number| Event { token: sample_id(1), ..event(number) };
    store.announce(&[of_one(1), event(2), of_one(3), of_one(4), event(5)]).await.unwrap();
    store.delivered(&of_one(1).id, at(1)).await.unwrap();
    assert_eq!(due(&store, 2, 10).await, [event(2), of_one(3), event(5)], "all wait");
    store.erase(&[sample_id(1), sample_id(5), sample_id(99)]).await.unwrap();
    assert_eq!(due(&store, 10, 20).await, [event(2)], "those of others stay");
    for id in [of_one(3).id, of_one(4).id] {
        store.postpone(&id, at(30)).await.unwrap();
        store.delivered(&id, at(11)).await.unwrap();
    }
    store.announce(&[of_one(1), of_one(6)]).await.unwrap();
    assert_eq!(due(&store, 20, 30).await, [event(2), of_one(6)], "what was delivered stays known");
}

/// Where the clients of a token are erased, those in its waiting events are, and nothing else.
pub async fn clients_in_waiting_events_are_erased<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let client = |agent: &str| Client::new("192.0.2.7", agent);
    let told = |token, number, client| Event {
        kind: EventKind::NewAddress { client },
        token: sample_id(token),
        ..event(number)
    };
    let of_one: Vec<_> = (0..600).map(|number| told(1, 10 + number, client("curl"))).collect();
    let others = [told(2, 2, client("{\"a\": '1'}")), Event { token: sample_id(3), ..event(9) }];
    store.announce(&[&of_one[..], &others].concat()).await.unwrap();
    store.erase_clients(&[sample_id(1), sample_id(3), sample_id(99)]).await.unwrap();
    let erased = |number: usize| told(1, 10 + number as u32, Client::default());
    assert_eq!(due(&store, 0, 10).await, [&[erased(0)], &others[..]].concat(), "only its own clients go");
    for number in 0..600 {
        let found = store.due(at(20), at(10), 1).await.unwrap();
        assert_eq!(found, [erased(number)], "wherever they wait");
        store.delivered(&found[0].id, at(20)).await.unwrap();
    }
}
