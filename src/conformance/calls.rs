//! Promises of a [`UsageStore`] about recent calls.

use std::time::Duration;

use super::fixture::{at, sample_id};
use super::usage_fixture::{add_calls, every_call, ids, of_tenant, of_token, sample_call};
use crate::usage::{CallQuery, Client, Outcome, RecordedCall, Subject, UsageStore};

/// Every field of a call comes back, under a number of its own.
pub async fn calls_come_back_with_numbers<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let calls: Vec<_> = (0..Outcome::ALL.len() as u32 * 2).map(sample_call).collect();
    let (first, second) = calls.split_at(7);
    add_calls(&store, 1, first.to_vec()).await;
    add_calls(&store, 2, second.to_vec()).await;
    let found = every_call(&store).await;
    assert_eq!(found.len(), calls.len(), "each call is kept");
    assert!(found.windows(2).all(|pair| pair[0].id < pair[1].id), "later calls have greater numbers");
    assert!(found[0].id > 0, "0 is no call's number");
    for (found, given) in found.iter().zip(&calls) {
        let expected = RecordedCall { id: found.id, ..given.clone() };
        assert_eq!(*found, expected, "every field comes back as it went in");
    }
}

/// Texts of calls come back whatever characters they have, and great numbers do not wrap.
pub async fn awkward_calls_survive<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let long = "x".repeat(5_000);
    let texts = ["", " ", "'", "\"\\", "%_", "\r\n\t\u{1}", "İ سلام \u{202e}\u{10ffff}", "null", "0", &long];
    let call = |text: &&str| RecordedCall {
        tenant: Some((*text).into()),
        route: (*text).into(),
        scopes: (*text).into(),
        client: Some(Client::new(*text, *text)),
        duration_us: u64::MAX,
        bytes: Some(u64::MAX),
        left_out: u64::MAX,
        secret_version: u32::MAX,
        status: u16::MAX,
        ..sample_call(1)
    };
    let calls: Vec<_> = texts.iter().map(call).collect();
    add_calls(&store, 1, calls.clone()).await;
    let found = every_call(&store).await;
    assert_eq!(found.len(), calls.len(), "each call is kept");
    for (found, given) in found.iter().zip(&calls) {
        let numbers = [found.duration_us, found.bytes.unwrap_or_default(), found.left_out];
        assert!(numbers.into_iter().min() >= Some(i64::MAX as u64), "no number wraps: {numbers:?}");
        let RecordedCall { id, duration_us, bytes, left_out, .. } = *found;
        let expected = RecordedCall { id, duration_us, bytes, left_out, ..given.clone() };
        assert_eq!(*found, expected, "texts come back as they went in");
        for query in [CallQuery { route: Some(given.route.clone()), ..CallQuery::new(Subject::All) }, {
            let address = given.client.as_ref().map(|client| client.address.clone());
            CallQuery { address, ..CallQuery::new(of_tenant(&given.route)) }
        }] {
            let found = store.calls(&query).await.unwrap();
            assert_eq!(ids(&found), [id], "a text finds itself alone");
        }
    }
}

/// The newest come first or the oldest, in pages that go on behind or before a number.
pub async fn calls_come_in_pages<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    add_calls(&store, 1, (0..60).map(sample_call).collect()).await;
    for subject in [Subject::All, Subject::Tenant(None), of_tenant("acme"), of_token(3)] {
        let mut query = CallQuery::new(subject.clone());
        let mut expected = every_call(&store).await;
        expected.retain(|call| query.fits(call));
        assert!(expected.len() > 8, "there is more than a page");
        query.limit = 4;
        let mut newest_first = Vec::new();
        loop {
            let page = store.calls(&query).await.unwrap();
            assert!(page.len() <= 4, "a page has at most its limit");
            query.before = page.last().map(|call| call.id);
            newest_first.extend(page);
            if query.before.is_none() {
                break;
            }
        }
        newest_first.reverse();
        assert_eq!(newest_first, expected, "pages of the newest go back to the first");
        query = CallQuery { oldest_first: true, limit: 4, ..CallQuery::new(subject) };
        let mut oldest_first = Vec::new();
        loop {
            let page = store.calls(&query).await.unwrap();
            let Some(last) = page.last() else { break };
            query.after = Some(last.id);
            oldest_first.extend(page);
        }
        assert_eq!(oldest_first, expected, "pages of the oldest go on to the last");
    }
    let mut query = CallQuery::new(Subject::All);
    query.limit = 0;
    assert!(store.calls(&query).await.unwrap().is_empty(), "a page of none is empty");
    query.limit = u32::MAX;
    assert_eq!(store.calls(&query).await.unwrap().len(), 60, "a limit may be great");
    for (after, before) in [(None, Some(0)), (Some(u64::MAX), None)] {
        let query = CallQuery { after, before, ..query.clone() };
        assert!(store.calls(&query).await.unwrap().is_empty(), "no call has such a number");
    }
}

type Filter = fn(&mut CallQuery);

/// Each part of a query by itself.
const FILTERS: [Filter; 18] = [
    |query| query.subject = of_token(2),
    |query| query.subject = of_tenant("acme"),
    |query| query.subject = Subject::Tenant(None),
    |query| query.after = Some(40),
    |query| query.before = Some(70),
    |query| query.from = Some(at(20_000)),
    |query| query.from = Some(at(20_000) + chrono::TimeDelta::microseconds(1)),
    |query| query.until = Some(at(40_000)),
    |query| query.until = Some(at(40_000) + chrono::TimeDelta::microseconds(1)),
    |query| query.status = Some((400, 499)),
    |query| query.status = Some((204, 204)),
    |query| query.status = Some((500, 400)),
    |query| query.route = Some("POST /orders/1".into()),
    |query| query.method = Some("GET".into()),
    |query| query.method = Some(String::new()),
    |query| query.address = Some("192.0.2.3".into()),
    |query| query.address = Some(String::new()),
    |query| query.at_least = Some(Duration::from_millis(25)),
];

/// Those calls are found that fit every part of the query, and no others.
pub async fn calls_are_filtered<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    let mut calls: Vec<_> = (0..120).map(sample_call).collect();
    for (call, route) in calls.iter_mut().zip(["", "GET", " /orders", "GET ", "get /orders", "GET  /"]) {
        call.route = route.into();
    }
    add_calls(&store, 1, calls).await;
    let every = every_call(&store).await;
    let mut queries = Vec::new();
    for (place, one) in FILTERS.iter().enumerate() {
        for other in &FILTERS[place..] {
            let mut query = CallQuery::new(Subject::All);
            one(&mut query);
            other(&mut query);
            queries.push(query);
        }
    }
    let mut all = CallQuery::new(of_tenant("acme"));
    (all.after, all.before, all.from, all.until) = (Some(1), Some(119), Some(at(1)), Some(at(59_000)));
    (all.status, all.method, all.address) = (Some((200, 599)), Some("POST".into()), Some("192.0.2.3".into()));
    all.at_least = Some(Duration::from_micros(1));
    queries.push(CallQuery { route: Some("POST /orders/1".into()), ..all.clone() });
    queries.push(all);
    queries.push(CallQuery { at_least: Some(Duration::MAX), ..CallQuery::new(Subject::All) });
    let mut finds = 0;
    for mut query in queries {
        (query.limit, query.oldest_first) = (10_000, true);
        let mut expected = every.clone();
        expected.retain(|call| query.fits(call));
        let found = store.calls(&query).await.unwrap();
        assert_eq!(ids(&found), ids(&expected), "{query:?} finds the calls that fit");
        finds += usize::from(!found.is_empty());
    }
    assert!(finds > 60, "most queries find something, {finds} did");
}

/// A token that is called very often does not fill the store: at least the newest thousand of its
/// calls are kept, and at most twice as many, and no others go for them.
pub async fn calls_of_a_busy_token_are_bounded<S: UsageStore, F: Future<Output = S>>(fresh: impl Fn() -> F) {
    let store = fresh().await;
    add_calls(&store, 1, vec![RecordedCall { token: sample_id(7), ..sample_call(1) }]).await;
    let least = RecordedCall::KEPT_UNTIL_FORGOTTEN;
    let mut last = 0;
    for node in 2..6 {
        let calls = (0..600).map(|number| RecordedCall { token: sample_id(1), ..sample_call(number) });
        add_calls(&store, node, calls.collect()).await;
        let query = CallQuery { limit: 10_000, ..CallQuery::new(of_token(1)) };
        let found = store.calls(&query).await.unwrap();
        let added = (node as u32 - 1) * 600;
        let kept = found.len() as u32;
        assert!(kept >= added.min(least) && kept <= 2 * least, "{kept} of {added} calls are kept");
        assert!(found[0].id > last, "the newest are kept");
        assert_eq!(found[0].id - found[kept as usize - 1].id + 1, u64::from(kept), "the oldest go first");
        last = found[0].id;
    }
    assert_eq!(store.calls(&CallQuery::new(of_token(7))).await.unwrap().len(), 1, "no other token's go");
}
