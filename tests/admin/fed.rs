//! Use that is fed to the store by hand, so that a test knows each figure.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokenward::usage::{Client, ClientUse, EndpointUse, ScopeUse, SecretUse, Slice, TokenUse};
use tokenward::{Clock, Counts, Subject, TokenRecord, UsageBatch, UsageStore};

use super::support::Shop;

/// What happened in one minute with one token.
#[derive(Clone, Default)]
pub struct Minute {
    /// Finished calls: route, status, milliseconds.
    pub calls: Vec<(&'static str, u16, u64)>,
    pub limited: u64,
    /// Refusals for want of this scope.
    pub missing: Vec<&'static str>,
    /// The scope that has authorised each call.
    pub scope: &'static str,
    /// The address that each call came from.
    pub address: &'static str,
}

impl Shop {
    /// The moment so many minutes ago.
    pub fn ago(&self, minutes: i64) -> DateTime<Utc> {
        self.clock.now().wall() - TimeDelta::minutes(minutes)
    }

    /// Hands a batch to the store of use.
    pub async fn add(&self, fill: impl FnOnce(&mut UsageBatch)) {
        let mut batch = UsageBatch::new(7, self.next_batch());
        fill(&mut batch);
        self.usage.add(&batch).await.unwrap();
    }

    /// What happened so many minutes ago.
    pub async fn used(&self, record: &TokenRecord, minutes_ago: i64, minute: Minute) {
        let at = self.ago(minutes_ago);
        let subjects = [Subject::All, Subject::Tenant(record.tenant.clone()), Subject::Token(record.id)];
        self.add(|batch| {
            batch.slices.extend(subjects.map(|subject| slice(subject, record, at, &minute)));
            batch.counts.push((record.id, counts(at, &minute)));
        })
        .await;
    }

    /// Calls one by one, a second apart, the last of them now.
    pub async fn called(&self, record: &TokenRecord, calls: impl IntoIterator<Item = Value>) {
        let calls: Vec<_> = calls.into_iter().collect();
        let number = calls.len() as i64;
        self.add(|batch| {
            for (place, changes) in calls.into_iter().enumerate() {
                let at = self.ago(0) - TimeDelta::seconds(number - 1 - place as i64);
                let mut call = json!({
                    "id": 0, "token": record.id, "tenant": record.tenant, "secret_version": 1, "at": at,
                    "route": "GET /orders", "outcome": "granted", "status": 200, "duration_us": 4_000,
                    "bytes": null, "scopes": "orders:read",
                    "client": {"address": "203.0.113.7", "agent": "curl/8"}, "left_out": 0,
                });
                call.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
                batch.calls.push(serde_json::from_value(call).unwrap());
            }
        })
        .await;
    }
}

fn slice(subject: Subject, record: &TokenRecord, at: DateTime<Utc>, minute: &Minute) -> Slice {
    let mut slice = Slice::new(subject.clone(), at.timestamp() / 60);
    let mut all = 0;
    for (route, status, ms) in &minute.calls {
        let tally = &mut slice.tally;
        tally.granted += 1;
        tally.finished += 1;
        tally.duration_us += ms * 1_000;
        tally.bytes += 100;
        tally.latency.record(ms * 1_000);
        let statuses = &mut tally.statuses;
        *match status {
            ..200 => &mut statuses.informational,
            200..300 => &mut statuses.success,
            300..400 => &mut statuses.redirection,
            400..500 => &mut statuses.client_error,
            500.. => &mut statuses.server_error,
        } += 1;
        let mut endpoint = EndpointUse::default();
        (endpoint.calls, endpoint.errors) = (1, u64::from(*status >= 400));
        endpoint.duration_us = ms * 1_000;
        endpoint.latency.record(ms * 1_000);
        slice.detail.endpoints.add(&(*route).to_owned(), &endpoint);
        if !minute.scope.is_empty() {
            let mut scope = ScopeUse::default();
            (scope.used, scope.last_used_at) = (1, Some(at));
            slice.detail.scopes.add(&minute.scope.to_owned(), &scope);
        }
        all += 1;
    }
    slice.tally.limited = minute.limited;
    for scope in &minute.missing {
        slice.tally.missing_scope += 1;
        let mut missing = ScopeUse::default();
        (missing.missing, missing.last_missing_at) = (1, Some(at));
        slice.detail.scopes.add(&(*scope).to_owned(), &missing);
    }
    let refused = minute.missing.len() as u64;
    let calls = all + minute.limited + refused;
    if matches!(subject, Subject::Token(_)) {
        let mut secret = SecretUse::default();
        (secret.calls, secret.last_seen_at) = (calls, Some(at));
        slice.detail.secrets.add(&record.secret.version, &secret);
    } else {
        let mut token = TokenUse::default();
        (token.calls, token.limited) = (calls, minute.limited);
        token.errors = refused + minute.calls.iter().filter(|(_, status, _)| *status >= 400).count() as u64;
        slice.detail.tokens.add(&record.id, &token);
    }
    if !minute.address.is_empty() {
        let mut client = ClientUse::default();
        (client.calls, client.first_seen_at, client.last_seen_at) = (calls, Some(at), Some(at));
        slice.clients.add(&Client::new(minute.address, "curl/8"), &client);
    }
    slice
}

fn counts(at: DateTime<Utc>, minute: &Minute) -> Counts {
    let mut counts = Counts::default();
    counts.granted = minute.calls.len() as u64;
    counts.finished = counts.granted;
    counts.limited = minute.limited;
    counts.missing_scope = minute.missing.len() as u64;
    counts.succeeded = minute.calls.iter().filter(|(_, status, _)| *status < 400).count() as u64;
    counts.duration_us = minute.calls.iter().map(|(_, _, ms)| ms * 1_000).sum();
    if counts.granted > 0 {
        counts.last_used_at = Some(at);
    }
    counts.last_seen_at = Some(at);
    counts
}
