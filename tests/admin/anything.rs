//! Whatever is sent is answered: never a panic, never a 500, never another secret.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::Request;
use tokenward::{Actor, NewToken, Tokens, block_on};

const FIELDS: [&str; 24] = [
    "action",
    "ids",
    "token",
    "token_type_hint",
    "name",
    "description",
    "scopes",
    "preset",
    "rate_limit",
    "expires_at",
    "expires_in",
    "not_before",
    "ip_allow",
    "env",
    "metadata",
    "owner",
    "reason",
    "compromised",
    "for",
    "resume_at",
    "grace",
    "secret",
    "per_minute",
    "tenant",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5_i64..100_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("orders:read")),
        Just(json!("2027-02-01T00:00:00Z")),
        Just(json!("203.0.113.0/24")),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(&FIELDS[..]).prop_map(str::to_owned), any::<String>()]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop::collection::vec((key(), value()), 0..6)
        .prop_map(|entries| serde_json::to_vec(&entries.into_iter().collect::<Map<_, _>>()).unwrap());
    prop_oneof![8 => fields, 1 => value().prop_map(|value| value.to_string().into_bytes()), 1 => any::<Vec<u8>>()]
}

fn path() -> impl Strategy<Value = String> {
    let known = [
        "/tokens",
        "/tokens/find",
        "/tokens/ID",
        "/tokens/ID/revoke",
        "/tokens/ID/pause",
        "/tokens/ID/resume",
        "/tokens/ID/rotate",
        "/tokens/ID/usage",
        "/tokens/ID/timeseries",
        "/tokens/ID/endpoints",
        "/tokens/ID/clients",
        "/tokens/ID/scopes",
        "/tokens/ID/calls",
        "/tokens/ID/calls/stream",
        "/tokens/ID/audit",
        "/tokens/ID/impact",
        "/tokens/ID/secrets",
        "/tokens/ID/secrets/sec_1",
        "/tokens/bulk",
        "/audit",
        "/audit/verify",
        "/attention",
        "/introspect",
        "/usage",
        "/usage/timeseries",
        "/calls/stream",
        "/scopes",
        "/presets",
        "/me",
    ];
    prop_oneof![9 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

fn query() -> impl Strategy<Value = Option<String>> {
    let names = [
        "q",
        "status",
        "scope",
        "owner",
        "sort",
        "limit",
        "cursor",
        "unused_since",
        "metadata.a",
        "dry_run",
        "from",
        "to",
        "step",
        "metric",
        "group_by",
        "endpoint",
        "method",
        "ip",
        "min_ms",
        "after",
        "action",
        "actor",
        "token",
        "attention",
        "per_minute",
        "expires_at",
        "expires_in",
    ];
    let values = prop_oneof![
        any::<String>(),
        prop::sample::select(vec![
            "active",
            "-name",
            "5",
            "true",
            "2026-01-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
            "60",
            "4xx",
            "GET",
            "calls",
            "token",
            "0",
            "9999-12-31T23:59:59Z",
            "revoke",
            "remove_scopes",
            "rate_limit",
            "expiry",
        ])
        .prop_map(str::to_owned),
    ];
    let pair =
        (prop::sample::select(names.to_vec()), values).prop_map(|(name, value)| format!("{name}={value}"));
    prop_oneof![3 => Just(None), 1 => prop::collection::vec(pair, 0..4).prop_map(|pairs| Some(pairs.join("&")))]
}

/// So many cases, unless the environment asks for another number.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(cases), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn nothing_makes_it_fall_over(
        method in prop::sample::select(vec!["GET", "POST", "PATCH", "DELETE", "HEAD", "PUT"]),
        path in path(),
        query in query(),
        body in body(),
        header in prop::sample::select(vec!["if-match", "idempotency-key", "x-request-id", "origin", "authorization", "accept", "last-event-id"]),
        header_value in prop_oneof![any::<Vec<u8>>(), Just(b"\"1\"".to_vec()), Just(b"Bearer tw_x".to_vec())],
    ) {
        let (tokens, _clock) = Tokens::for_tests();
        let reply = block_on(async {
            let issued = tokens.issue(NewToken::named("First")).by("root").await.unwrap();
            let path = path.replace("ID", &issued.record.id.to_string());
            let headers = [
                ("content-type", b"application/json".to_vec()),
                ("sec-fetch-site", b"none".to_vec()),
                (header, header_value),
            ];
            let http = Request { query: query.as_deref(), ..Request::new(method, &path, &headers) };
            let access = Access::Manage(Actor::new("maria"));
            let reply = AdminApi::new(tokens).handle(access, AdminRequest::new(http, &body)).await;
            assert!(!String::from_utf8_lossy(&reply.body).contains(issued.secret.expose()));
            reply
        });
        prop_assert!(reply.status < 500, "{method} {path}: {}", String::from_utf8_lossy(&reply.body));
        prop_assert!(reply.headers.iter().all(|(_, value)| value.bytes().all(|byte| (b' '..=b'~').contains(&byte))));
        prop_assert_eq!(reply.header_value("cache-control"), Some("no-store"));
        if reply.status >= 400 && method != "HEAD" {
            prop_assert_eq!(reply.header_value("content-type"), Some("application/problem+json"));
        }
    }
}
