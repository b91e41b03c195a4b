//! What the `metrics` facade is told: under stable names, once each, and without a token in a label.
#![cfg(feature = "metrics")]

#[path = "support/counting_limiter.rs"]
mod counting_limiter;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use counting_limiter::CountingLimiter;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use support::{WatchedUsage, text_of, tokens_of_threads};
use tokenward::{Issued, Need, NewToken, Tokens, Verdict, block_on};

fn issue(tokens: &Tokens) -> Issued {
    let asked = NewToken::named("Export").tenant("acme").scopes(["orders:read"]).per_minute(2);
    block_on(tokens.issue(asked).by("maria")).unwrap()
}

fn verify(tokens: &Tokens, text: &str, need: &Need<'_>, status: u16) {
    if let Verdict::Granted(grant) = block_on(tokens.verify(text, need)).unwrap() {
        grant.record("GET /orders/{id}", status, Duration::from_millis(20));
    }
}

#[test]
fn each_request_is_told_once_under_its_name() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    // What was told since the last time, by name and labels.
    let told = || -> BTreeMap<String, DebugValue> {
        let told = snapshots.snapshot().into_vec().into_iter();
        told.map(|(key, _, _, value)| {
            let labels: Vec<_> =
                key.key().labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            (format!("{}{{{}}}", key.key().name(), labels.join(",")), value)
        })
        .collect()
    };
    metrics::with_local_recorder(&recorder, || {
        let usage = Arc::new(WatchedUsage::default());
        let (tokens, clock) = tokens_of_threads(|builder| builder.usage_store(usage.clone()));
        let issued = issue(&tokens);
        let need = Need::scope("orders:read").tenant("acme");
        verify(&tokens, issued.secret.expose(), &need, 200);
        verify(&tokens, issued.secret.expose(), &need, 503);
        verify(&tokens, issued.secret.expose(), &need, 200);
        verify(&tokens, issued.secret.expose(), &Need::scope("orders:write").tenant("acme"), 200);
        verify(&tokens, &text_of(1), &need, 200);
        block_on(tokens.flush()).unwrap();
        let first = told();
        let count = |name: &str| match &first[name] {
            DebugValue::Counter(number) => *number,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(count("tokenward_requests_total{outcome=granted}"), 2);
        assert_eq!(count("tokenward_requests_total{outcome=limited}"), 1);
        assert_eq!(count("tokenward_requests_total{outcome=missing_scope}"), 1);
        assert_eq!(count("tokenward_responses_total{status=2xx}"), 1);
        assert_eq!(count("tokenward_responses_total{status=5xx}"), 1);
        assert_eq!(count("tokenward_strangers_total{reason=unknown}"), 1);
        assert_eq!(count("tokenward_usage_flushes_total{result=ok}"), 1);
        assert_eq!(first["tokenward_live_tokens{}"], DebugValue::Gauge(1.0.into()));
        assert_eq!(first["tokenward_usage_lag_seconds{}"], DebugValue::Gauge(0.0.into()));
        let DebugValue::Histogram(durations) = &first["tokenward_response_duration_seconds{}"] else {
            panic!()
        };
        assert_eq!(durations.len(), 2);
        assert!(durations.iter().all(|seconds| (seconds.into_inner() - 0.02).abs() < 0.001), "{durations:?}");
        let everything = format!("{:?}", first.keys());
        for part in [issued.record.id.as_str(), "acme", "orders"] {
            assert!(!everything.contains(part), "{everything}");
        }

        // While the store is away the figures go on, and the lag is told.
        usage.is_away.store(true, Ordering::SeqCst);
        clock.advance(chrono::TimeDelta::seconds(90));
        verify(&tokens, issued.secret.expose(), &need, 200);
        block_on(tokens.flush()).unwrap_err();
        verify(&tokens, issued.secret.expose(), &need, 200);
        block_on(tokens.flush()).unwrap_err();
        let second = told();
        assert_eq!(second["tokenward_requests_total{outcome=granted}"], DebugValue::Counter(2));
        assert_eq!(second["tokenward_usage_flushes_total{result=error}"], DebugValue::Counter(2));
        assert_eq!(second["tokenward_usage_lag_seconds{}"], DebugValue::Gauge(90.0.into()));
        assert!(
            !second.contains_key("tokenward_requests_total{outcome=limited}")
                || second["tokenward_requests_total{outcome=limited}"] == DebugValue::Counter(0)
        );
    });
}

#[test]
fn questions_to_a_limiter_are_told_and_what_is_decided_without_it() {
    let recorder = DebuggingRecorder::new();
    let snapshots = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let limiter = CountingLimiter::new(tokenward::SystemClock::new());
        let (tokens, _clock) =
            tokens_of_threads(|builder| builder.limiter(Arc::new(limiter.clone())).nodes(2));
        let issued = issue(&tokens);
        let need = Need::scope("orders:read").tenant("acme");
        for fails in [false, false, false, true, true] {
            limiter.fail(fails);
            verify(&tokens, issued.secret.expose(), &need, 200);
        }
        block_on(tokens.flush()).unwrap();
        let told: BTreeMap<String, DebugValue> = snapshots
            .snapshot()
            .into_vec()
            .into_iter()
            .filter(|(key, ..)| key.key().name().starts_with("tokenward_limiter_"))
            .map(|(key, _, _, value)| {
                let labels = key.key().labels().map(|label| label.value()).collect::<Vec<_>>();
                (format!("{} {}", &key.key().name()[18..], labels.join(",")), value)
            })
            .collect();
        let counted = |name: &str| match told.get(name) {
            Some(DebugValue::Counter(number)) => *number,
            other => panic!("{name}: {other:?}"),
        };
        for (result, number) in [("admitted", 2), ("limited", 1), ("error", 1)] {
            assert_eq!(counted(&format!("calls_total {result}")), number, "{result}");
        }
        for (decision, number) in [("granted", 0), ("limited", 2), ("unavailable", 0)] {
            assert_eq!(counted(&format!("decided_without_total {decision}")), number, "{decision}");
        }
        assert_eq!(told["failing "], DebugValue::Gauge(1.0.into()));
    });
}
