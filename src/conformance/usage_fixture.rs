//! Use to check with.

use super::fixture::{NOW_MS, at, sample_id};
use crate::TokenId;
use crate::usage::{
    Call, CallQuery, Client, ClientUse, EndpointUse, Level, MemoryUsage, Outcome, RecordedCall, ScopeUse,
    SecretUse, Slice, SliceQuery, Span, StatusClasses, StoredSlice, Strangers, Subject, TokenUse, UsageBatch,
    UsageStore,
};

/// The minute around which everything happens: 08:00, the first of its hour.
pub(super) const MINUTE: i64 = NOW_MS / 60_000;

pub(super) fn of_token(number: u32) -> Subject {
    Subject::Token(sample_id(number))
}

pub(super) fn of_tenant(name: &str) -> Subject {
    Subject::Tenant(Some(name.into()))
}

/// A slice with something in every part, unlike that of any other number.
pub(super) fn sample_slice(subject: Subject, minute: i64, number: u64) -> Slice {
    let mut slice = Slice::new(subject, minute);
    let tally = &mut slice.tally;
    tally.granted = number;
    tally.limited = number % 3;
    tally.missing_scope = number + 2;
    tally.refusals.revoked = number + 3;
    tally.refusals.expired = number + 4;
    tally.refusals.not_yet_valid = number + 5;
    tally.refusals.paused = number + 6;
    tally.refusals.rotated = number + 7;
    tally.refusals.address = number + 8;
    tally.refusals.not_for_tokens = number + 9;
    tally.wrong_secret = number + 10;
    tally.strangers = Strangers {
        malformed: number + 11,
        unknown: number + 12,
        wrong_secret: number + 13,
        foreign_tenant: number + 14,
    };
    tally.finished = number + 15;
    tally.statuses = StatusClasses {
        informational: number + 16,
        success: number + 17,
        redirection: number + 18,
        client_error: number + 19,
        server_error: number + 20,
    };
    tally.duration_us = number + 21;
    tally.bytes = number + 22;
    tally.latency.record(number);
    tally.latency.record(1_000_000 * number);
    let moment = Some(at(number as i64));
    let client = Client::new(format!("192.0.2.{number}"), "curl/8.5.0");
    let mut endpoint =
        EndpointUse { calls: number, limited: 1, errors: 2, duration_us: number, ..EndpointUse::default() };
    endpoint.latency.record(number);
    slice.detail.endpoints.add(&format!("GET /orders/{}", number % 4), &endpoint);
    let scope = ScopeUse { used: number, missing: 1, last_used_at: moment, last_missing_at: moment };
    slice.detail.scopes.add(&format!("orders.{}:read", number % 2), &scope);
    let secret = SecretUse { calls: number, last_seen_at: moment, last_client: Some(client.clone()) };
    slice.detail.secrets.add(&(number as u32 % 3), &secret);
    let token = TokenUse { calls: number, limited: 1, errors: 2 };
    slice.detail.tokens.add(&sample_id(number as u32), &token);
    slice.clients.add(&client, &ClientUse { calls: number, first_seen_at: moment, last_seen_at: moment });
    slice
}

/// A call with something in every field, unlike that of any other number.
pub(super) fn sample_call(number: u32) -> RecordedCall {
    let method = ["GET", "POST", "DELETE"][number as usize % 3];
    let finished = Call::new("", [200, 204, 301, 404, 429, 500][number as usize % 6], Default::default());
    RecordedCall {
        id: 0,
        token: sample_id(number % 5),
        tenant: [None, Some("acme".into()), Some("".into())][number as usize % 3].clone(),
        secret_version: number % 2 + 1,
        at: at(i64::from(number / 2) * 1_000),
        route: format!("{method} /orders/{}", number % 4),
        outcome: Outcome::ALL[number as usize % Outcome::ALL.len()],
        status: finished.status,
        duration_us: u64::from(number % 50) * 1_000,
        bytes: number.is_multiple_of(2).then(|| number.into()),
        scopes: "orders:read".into(),
        client: (!number.is_multiple_of(7))
            .then(|| Client::new(format!("192.0.2.{}", number % 7), "curl/8.5.0")),
        left_out: u64::from(number % 3),
    }
}

/// Adds a batch of its own node, so that it is never a repetition.
pub(super) async fn add_slices(store: &impl UsageStore, node: u64, slices: Vec<Slice>) {
    let batch = UsageBatch { slices, ..UsageBatch::new(node, 1) };
    store.add(&batch).await.expect("slices can be added");
}

/// Adds calls, a batch of its own node.
pub(super) async fn add_calls(store: &impl UsageStore, node: u64, calls: Vec<RecordedCall>) {
    let batch = UsageBatch { calls, ..UsageBatch::new(node, 1) };
    store.add(&batch).await.expect("calls can be added");
}

/// All that begins within two days around the moment, with what stands behind it.
pub(super) async fn all_of(store: &impl UsageStore, subjects: Vec<Subject>) -> Vec<StoredSlice> {
    let span = |level| Span { level, from: MINUTE - 2_880, until: MINUTE + 2_880 };
    let query = SliceQuery::new(subjects, Level::ALL.map(span).to_vec()).detailed();
    store.slices(&query).await.expect("slices can be read")
}

/// The one span of a level that there is.
pub(super) async fn only(store: &impl UsageStore, subject: &Subject, level: Level) -> StoredSlice {
    let mut found = all_of(store, vec![subject.clone()]).await;
    found.retain(|slice| slice.level == level);
    assert_eq!(found.len(), 1, "there is one {level:?}");
    found.remove(0)
}

/// What the store in memory makes of the same batches.
pub(super) async fn model(batches: &[UsageBatch]) -> MemoryUsage {
    let model = MemoryUsage::new();
    for batch in batches {
        model.add(batch).await.expect("memory takes everything");
    }
    model
}

/// Every call that is kept, the oldest first.
pub(super) async fn every_call(store: &impl UsageStore) -> Vec<RecordedCall> {
    let mut query = CallQuery::new(Subject::All);
    (query.oldest_first, query.limit) = (true, 100_000);
    store.calls(&query).await.expect("calls can be read")
}

/// The ids of calls, in their order.
pub(super) fn ids(calls: &[RecordedCall]) -> Vec<u64> {
    calls.iter().map(|call| call.id).collect()
}

/// Tokens, as the statements of use name them.
pub(super) fn tokens(numbers: impl IntoIterator<Item = u32>) -> Vec<TokenId> {
    numbers.into_iter().map(sample_id).collect()
}
