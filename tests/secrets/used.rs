//! What is told of the use of tokens, though clients send their token where it does not belong.

use std::time::Duration;

use tokenward::usage::{Call, CallQuery, Level, Outdated, Retention, Slice, SliceQuery, Span};
use tokenward::{
    Grant, Intent, Period, Privacy, RateLimit, Recording, Subject, TenantFilter, TokenId, Tokens, UsageBatch,
};

use crate::seen::Shown;

/// Records a call by a client that calls itself by its token.
pub fn record(grant: &Grant<'_>, text: &str) {
    let agent = format!("sync/2.3 (token {text})");
    let call = Call::new("/orders/{id}", 200, Duration::from_millis(3)).bytes(512);
    grant.record_call(&call.agent(&agent).address("203.0.113.9".parse().unwrap()));
}

/// Shows everything that is told of the use of these tokens.
pub async fn show(shown: &mut Shown, tokens: &Tokens, ids: &[TokenId], batches: &[UsageBatch]) {
    let now = tokens.clock().now().wall();
    let period = Period::last_24_hours(now);
    shown.json(&period);
    for usage in tokens.usage_of(ids).await.unwrap().values() {
        shown.json(usage);
        shown.json(&usage.counts);
    }
    let subjects = ids.iter().copied().map(Subject::Token);
    for subject in subjects.chain([Subject::All, Subject::Tenant(Some("acme".into()))]) {
        let told = tokens.statistics(subject.clone(), period).await.unwrap();
        let calls = tokens.recent_calls(&CallQuery::new(subject.clone())).await.unwrap();
        calls.calls.iter().for_each(|call| {
            shown.json(call);
            shown.json(&call.outcome);
            call.client.iter().for_each(|client| shown.json(client));
        });
        shown.json(&calls);
        shown.json(&told.tally);
        shown.json(&told.detail);
        shown.json(&told.detail.endpoints);
        told.detail.endpoints.iter().for_each(|(_, of)| shown.json(of));
        told.detail.scopes.iter().for_each(|(_, of)| shown.json(of));
        told.detail.secrets.iter().for_each(|(_, of)| shown.json(of));
        told.detail.tokens.iter().for_each(|(_, of)| shown.json(of));
        told.clients.iter().for_each(|(_, of)| shown.json(of));
        shown.json(&told.refusals);
        shown.json(&told.strangers);
        shown.json(&told.statuses);
        shown.json(&told.latency);
        told.peak.iter().for_each(|peak| shown.json(peak));
        shown.json(&told);
        let series = tokens.time_series(subject.clone(), period, 60).await.unwrap();
        shown.json(&series.steps[0]);
        shown.json(&series);
        shown.json(&subject);
    }
    for batch in batches {
        batch.slices.iter().for_each(|slice: &Slice| shown.json(slice));
        shown.json(batch);
    }
    judge(shown, tokens, ids).await;
    shown.json(&Level::Hour);
    shown.debug(&everything());
    everything().spans.iter().for_each(|span| shown.debug(span));
    shown.debug(&CallQuery::new(Subject::All));
    shown.debug(&Outdated::nothing());
    shown.debug(&Retention::default());
    shown.debug(&Recording::default());
    shown.debug(&Privacy::Hashed);
    shown.debug(&Call::new("GET /orders", 200, Duration::ZERO));
    let health = tokens.recording_health();
    shown.json(&health);
    shown.json(&health.given_up);
}

/// Shows what a change would break, and what deserves attention.
async fn judge(shown: &mut Shown, tokens: &Tokens, ids: &[TokenId]) {
    let usage = tokens.usage_of(ids).await.unwrap();
    let mut findings = Vec::new();
    for id in ids {
        let Some(record) = tokens.find(id).await.unwrap() else { continue };
        let held = record.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
        let intents = [
            Intent::Revoke,
            Intent::Rotate,
            Intent::RemoveScopes(held),
            Intent::RateLimit(RateLimit::per_minute(1).unwrap()),
        ];
        for intent in intents {
            let impact = tokens.impact(&record, &intent).await.unwrap();
            impact.scopes.iter().for_each(|scope| shown.json(scope));
            shown.json(&impact);
            shown.debug(&impact.sentences(&intent, tokens.clock().now().wall()));
            shown.debug(&intent);
        }
        findings.extend(tokens.findings_of_one(&record).await.unwrap());
        findings.extend(tokens.findings_of(&[record], &usage));
    }
    let all = tokens.findings(&TenantFilter::Any, 100).await.unwrap();
    findings.extend(all.tokens.iter().flat_map(|(_, findings)| findings.clone()));
    assert!(!findings.is_empty(), "nothing deserves attention: nothing was looked at");
    for finding in &findings {
        shown.json(finding);
        shown.json(&finding.kind);
    }
    shown.debug(&all);
    shown.debug(&tokens.check_history(&TenantFilter::Any).await.unwrap());
}

/// All that is kept by the hour of all tokens together.
pub fn everything() -> SliceQuery {
    let span = Span { level: Level::Hour, from: i64::MIN, until: i64::MAX };
    SliceQuery::new(vec![Subject::All], vec![span]).detailed()
}
