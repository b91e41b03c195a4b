//! Promises of a [`UsageStore`] about what is forgotten and erased.

use super::fixture::{at, sample_id};
use super::usage_fixture::{
    MINUTE, add_calls, add_slices, all_of, every_call, ids, of_tenant, of_token, sample_call, sample_slice,
    tokens,
};
use super::used::{add, counts, read};
use crate::usage::{
    CallQuery, Clients, Counts, Level, Outdated, RecordedCall, StoredSlice, Subject, UsageBatch, UsageStore,
};

/// Until there is nothing more to forget.
pub(super) async fn forget_all(store: &impl UsageStore, outdated: &Outdated) {
    for _ in 0..1_000 {
        if !store.forget(outdated).await.expect("what is outdated can be forgotten") {
            return;
        }
    }
    panic!("forgetting comes to an end");
}

/// Spans that begin before the bound of their level are forgotten, and no others.
pub async fn spans_are_forgotten_by_level<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subjects = [Subject::All, of_tenant("acme"), of_token(1)];
    let slices = subjects.iter().flat_map(|subject| {
        [-2_000, -1_000, -60, -1, 0, 1].map(|minute| sample_slice(subject.clone(), MINUTE + minute, 5))
    });
    add_slices(&store, 1, slices.collect()).await;
    let before = all_of(&store, subjects.to_vec()).await;
    assert!(!store.forget(&Outdated::nothing()).await.unwrap(), "where nothing is outdated there is no more");
    assert_eq!(all_of(&store, subjects.to_vec()).await, before, "what is not outdated stays");
    let mut expected = before;
    let steps: [fn(&mut Outdated); 4] = [
        |outdated| outdated.minutes = MINUTE,
        |outdated| outdated.hours = MINUTE - 60,
        |outdated| outdated.hours = MINUTE,
        |outdated| outdated.days = MINUTE - 480,
    ];
    let mut outdated = Outdated::nothing();
    for step in steps {
        step(&mut outdated);
        forget_all(&store, &outdated).await;
        expected.retain(|slice| {
            let bound = match slice.level {
                Level::Minute => outdated.minutes,
                Level::Hour => outdated.hours,
                Level::Day => outdated.days,
            };
            slice.start >= bound
        });
        assert_eq!(all_of(&store, subjects.to_vec()).await, expected, "each level has its own bound");
    }
    assert_eq!(expected.len(), subjects.len() * (2 + 1 + 1), "what begins at the bound stays");
}

fn without_clients(mut slice: StoredSlice) -> StoredSlice {
    slice.clients = Clients::default();
    slice.detail.forget_clients();
    slice
}

/// The last client of a token is forgotten with the clients of the time at which it was last used.
pub async fn the_last_client_is_forgotten_in_time<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    add(&store, 1, 1, vec![(sample_id(1), counts(1)), (sample_id(2), counts(90_000))]).await;
    forget_all(&store, &Outdated { clients: MINUTE, ..Outdated::nothing() }).await;
    assert_eq!(read(&store, 1).await, Some(counts(1)), "what was used since the bound keeps its client");
    forget_all(&store, &Outdated { clients: MINUTE + 1, ..Outdated::nothing() }).await;
    let without_client = Counts { last_client: None, ..counts(1) };
    assert_eq!(read(&store, 1).await, Some(without_client), "the totals stay, without the last client");
    assert_eq!(read(&store, 2).await, Some(counts(90_000)), "what was used later keeps its client");
    let earlier = Counts { last_used_at: Some(at(0)), ..counts(1) };
    add(&store, 1, 2, vec![(sample_id(1), earlier.clone())]).await;
    let found = read(&store, 1).await.and_then(|counts| counts.last_client);
    assert_eq!(found, earlier.last_client, "a client that is told later fills the gap");
}

/// Clients are forgotten before the spans they are in, and who has made the last call with a secret
/// with them.
pub async fn clients_are_forgotten_before_the_rest<S: UsageStore, F: Future<Output = S>>(
    fresh: impl Fn() -> F,
) {
    let store = fresh().await;
    let subjects = [Subject::All, of_token(1)];
    let slices = |number| {
        let of = move |subject: &Subject| {
            [-1_000, -1, 0].map(|minute| sample_slice(subject.clone(), MINUTE + minute, number))
        };
        subjects.iter().flat_map(of).collect::<Vec<_>>()
    };
    add_slices(&store, 1, slices(5)).await;
    let before = all_of(&store, subjects.to_vec()).await;
    let outdated = Outdated { clients: MINUTE - 60, ..Outdated::nothing() };
    forget_all(&store, &outdated).await;
    let forget = |slice: StoredSlice| match slice.level {
        Level::Hour | Level::Day if slice.start < outdated.clients => without_clients(slice),
        _ => slice,
    };
    let expected: Vec<_> = before.into_iter().map(forget).collect();
    assert_eq!(all_of(&store, subjects.to_vec()).await, expected, "clients go, and figures stay");
    add_slices(&store, 2, slices(6)).await;
    let found = all_of(&store, subjects.to_vec()).await;
    assert!(
        found.iter().all(|slice| slice.level == Level::Minute || !slice.clients.is_empty()),
        "what comes later begins anew"
    );
    forget_all(&store, &outdated).await;
    let found = all_of(&store, subjects.to_vec()).await;
    let is_told = |slice: &StoredSlice| slice.clients.is_empty() && slice.start < outdated.clients;
    assert!(found.iter().any(is_told), "and is forgotten in its turn");
}

/// Calls are forgotten by their time, and of each token all but so many of the newest.
pub async fn calls_are_forgotten<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    add_calls(&store, 1, (0..100).map(sample_call).collect()).await;
    let mut expected = every_call(&store).await;
    let outdated = Outdated { calls: at(20_000), ..Outdated::nothing() };
    forget_all(&store, &outdated).await;
    expected.retain(|call| call.at >= at(20_000));
    assert_eq!(every_call(&store).await, expected, "calls before the moment go");
    let outdated = Outdated { calls_per_token: 5, ..Outdated::nothing() };
    forget_all(&store, &outdated).await;
    let newest: Vec<_> = (0..5)
        .flat_map(|token| {
            let of_token = expected.iter().rev().filter(|call| call.token == sample_id(token));
            of_token.take(5).map(|call| call.id).collect::<Vec<_>>()
        })
        .collect();
    expected.retain(|call| newest.contains(&call.id));
    assert_eq!(every_call(&store).await, expected, "of each token the newest stay");
    let last = expected.last().map(|call| call.id);
    forget_all(&store, &Outdated { calls_per_token: 0, ..Outdated::nothing() }).await;
    assert!(every_call(&store).await.is_empty(), "none are kept where none shall be");
    add_calls(&store, 2, vec![sample_call(1)]).await;
    assert!(every_call(&store).await.first().map(|call| call.id) > last, "no number is used twice");
}

/// However much is outdated, forgetting comes to an end, and nothing else goes.
pub async fn much_is_forgotten_step_by_step<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let slices = (0..1_200).map(|number| sample_slice(of_token(number), MINUTE, 3));
    let later = (0..10).map(|number| sample_slice(of_token(number), MINUTE + 1_440, 3));
    add_slices(&store, 1, slices.collect()).await;
    add_slices(&store, 2, later.collect()).await;
    let calls = |number| RecordedCall { token: sample_id(number % 3), ..sample_call(number) };
    add_calls(&store, 3, (0..2_400).map(calls).collect()).await;
    let bound = MINUTE + 1_000;
    let outdated = Outdated {
        minutes: bound,
        hours: bound,
        days: MINUTE + 900,
        calls_per_token: 10,
        ..Outdated::nothing()
    };
    forget_all(&store, &outdated).await;
    let found = all_of(&store, (0..1_200).map(of_token).collect()).await;
    assert_eq!(found.len(), 10 * 3, "what is not outdated stays");
    assert!(found.iter().all(|slice| slice.start >= MINUTE + 900), "what is outdated goes");
    assert_eq!(every_call(&store).await.len(), 30, "of each token the newest calls stay");
    assert!(!store.forget(&outdated).await.unwrap(), "there is nothing more");
}

/// What is erased of a token is gone: its totals, its spans and its calls. Others keep theirs.
pub async fn everything_of_a_token_is_erased<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subjects = [Subject::All, of_tenant("acme"), of_token(1), of_token(2), of_token(3)];
    let slices = subjects
        .iter()
        .flat_map(|subject| (0..700).map(|minute| sample_slice(subject.clone(), MINUTE + minute, 5)));
    let batch = UsageBatch {
        counts: (1..4).map(|number| (sample_id(number), counts(number.into()))).collect(),
        slices: slices.collect(),
        calls: (0..1_000).map(sample_call).collect(),
        ..UsageBatch::new(1, 1)
    };
    store.add(&batch).await.unwrap();
    store.erase(&[]).await.unwrap();
    let (mut spans, mut calls) = (all_of(&store, subjects.to_vec()).await, every_call(&store).await);
    store.erase(&tokens([1, 3, 99])).await.unwrap();
    spans.retain(|slice| ![of_token(1), of_token(3)].contains(&slice.subject));
    calls.retain(|call| ![sample_id(1), sample_id(3)].contains(&call.token));
    assert!(all_of(&store, subjects.to_vec()).await == spans, "the spans of others stay, and only those");
    assert_eq!(ids(&every_call(&store).await), ids(&calls), "the calls of others stay, and only those");
    assert_eq!(read(&store, 1).await, None, "the totals go");
    assert_eq!(read(&store, 2).await, Some(counts(2)), "the totals of others stay");
    store.add(&batch).await.unwrap();
    assert_eq!(read(&store, 1).await, None, "a batch from before counts nothing after");
    add_slices(&store, 2, vec![sample_slice(of_token(1), MINUTE, 6)]).await;
    let found = all_of(&store, vec![of_token(1)]).await;
    assert!(found.iter().all(|slice| slice.tally.granted == 6), "what is counted later begins anew");
    let query = CallQuery { limit: 1, ..CallQuery::new(of_token(1)) };
    assert!(store.calls(&query).await.unwrap().is_empty(), "the calls stay erased");
}

/// The clients of a token are erased wherever its own use is told, and nothing else of it.
pub async fn clients_of_a_token_are_erased<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let subjects = [Subject::All, of_token(1), of_token(2)];
    let slices = subjects
        .iter()
        .flat_map(|subject| (0..30).map(|place| sample_slice(subject.clone(), MINUTE - 45 * place, 5)));
    let mut slices: Vec<_> = slices.collect();
    slices.sort_by(|one, other| (&one.subject, one.minute).cmp(&(&other.subject, other.minute)));
    add_slices(&store, 1, slices).await;
    add(&store, 2, 1, (1..3).map(|number| (sample_id(number), counts(number.into()))).collect()).await;
    add_calls(&store, 3, (0..700).map(sample_call).collect()).await;
    let (spans, mut calls) = (all_of(&store, subjects.to_vec()).await, every_call(&store).await);
    store.erase_clients(&tokens([1, 99])).await.unwrap();
    let erase = |slice: StoredSlice| match slice.subject == of_token(1) {
        true => without_clients(slice),
        false => slice,
    };
    let expected: Vec<_> = spans.into_iter().map(erase).collect();
    assert_eq!(all_of(&store, subjects.to_vec()).await, expected, "clients go, and figures stay");
    for call in calls.iter_mut().filter(|call| call.token == sample_id(1)) {
        call.client = None;
    }
    assert_eq!(every_call(&store).await, calls, "calls stay, without their clients");
    let without_client = Counts { last_client: None, ..counts(1) };
    assert_eq!(read(&store, 1).await, Some(without_client), "the totals stay, without the last client");
    assert_eq!(read(&store, 2).await, Some(counts(2)), "others keep their clients");
    store.erase_clients(&tokens([1])).await.unwrap();
    add(&store, 4, 1, vec![(sample_id(1), counts(5))]).await;
    let told = read(&store, 1).await.and_then(|counts| counts.last_client);
    assert_eq!(told, counts(5).last_client, "what comes later is told");
}
