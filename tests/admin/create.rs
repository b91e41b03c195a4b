//! Creating tokens, and a token's whole life through the API.

use axum::Router;
use axum::routing::get;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::web::Rules;
use tokenward::{Policy, RateLimit};

use super::support::{Shop, send, shop, shop_with};

#[tokio::test]
async fn a_token_is_created_with_all_that_can_be_said() {
    let shop = shop().await;
    let body = json!({
        "name": " Warehouse ", "description": "Stock export", "scopes": ["orders:read"],
        "rate_limit": {"per_minute": 10, "per_hour": 100, "per_day": 1000},
        "expires_in": 86400, "ip_allow": ["203.0.113.0/24"], "env": "live",
        "metadata": {"box": "wh-2"}, "owner": "42"
    });
    let answer = shop.post("/tokens", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let token = &answer.json["token"];
    let id = token["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(&*format!("tokens/{id}")));
    assert_eq!((answer.header("cache-control"), answer.header("etag")), (Some("no-store"), Some("\"1\"")));
    let secret = answer.json["secret"].as_str().unwrap();
    assert!(secret.starts_with(token["start"].as_str().unwrap()));
    let created = &token["created_at"];
    assert!(created.as_str().unwrap().ends_with('Z'));
    let expected = json!({
        "id": id, "name": "Warehouse", "description": "Stock export", "tenant": "acme", "owner": "42",
        "parent": shop.manager_id.to_string(), "status": "active", "start": token["start"],
        "last4": token["last4"], "scopes": ["orders:read"],
        "rate_limit": {"per_minute": 10, "per_hour": 100, "per_day": 1000},
        "not_before": null, "expires_at": token["expires_at"], "created_at": created,
        "created_by": "Manager", "last_used_at": null, "last_seen_at": null, "paused_until": null,
        "ip_allow": ["203.0.113.0/24"], "env": "live", "metadata": {"box": "wh-2"}, "version": 1
    });
    assert_eq!(*token, expected);

    let shown = shop.get(&format!("/tokens/{id}")).await;
    assert_eq!((shown.json, shown.headers["etag"].to_str().unwrap()), (expected, "\"1\""));
    assert!(!shown.text.contains(secret));
}

#[tokio::test]
async fn presets_come_first_and_what_is_said_replaces_them() {
    let shop = shop().await;
    let limit = |answer: &super::support::Answer| answer.json["token"]["rate_limit"].clone();
    let plain = shop.post("/tokens", json!({"name": "a", "preset": "export"})).await;
    assert_eq!(limit(&plain), json!({"per_minute": 30}));
    assert_eq!(plain.json["token"]["scopes"], json!(["orders:read"]));
    assert!(plain.json["token"]["expires_at"].is_string());
    let said = json!({"name": "b", "preset": "export", "scopes": [], "expires_at": null, "rate_limit": {"per_hour": 99}});
    let said = shop.post("/tokens", said).await;
    assert_eq!(limit(&said), json!({"per_minute": 30, "per_hour": 99}));
    assert_eq!(
        (&said.json["token"]["scopes"], &said.json["token"]["expires_at"]),
        (&json!([]), &Value::Null)
    );
    let default = shop.post("/tokens", json!({"name": "c", "rate_limit": {}})).await;
    assert_eq!(limit(&default), json!({"per_minute": 60}));
    let unknown = shop.post("/tokens", json!({"name": "d", "preset": "x"})).await;
    assert_eq!(unknown.errors(), [("/preset".into(), "unknown".into())]);

    // No limit at all has to be allowed.
    let none = json!({"name": "e", "rate_limit": null});
    assert_eq!(shop.post("/tokens", none.clone()).await.errors(), [("/rate_limit".into(), "range".into())]);
    let free = shop_with(Policy::new().allow_unlimited()).await;
    let (login, _) = free.token("x", &[]).await;
    assert_eq!(free.send_by(&login, "POST", "/tokens", &[], Some(none.clone())).await.status, 403);
    // The manager has a limit of its own, and gives no more.
    assert_eq!(free.post("/tokens", none).await.json["exceeds"], json!(["rate_limit"]));
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let shop = shop().await;
    let body = json!({
        "name": "", "tenant": "evil", "id": "tok_1", "created_by": "me", "scopes": ["orders:read write"],
        "rate_limit": {"per_minute": 0, "per_week": 3}, "expires_at": "tomorrow", "expires_in": -1,
        "ip_allow": ["nowhere"], "metadata": {"a b": "c", "n": 3}, "owner": 7, "not_before": "2026-01-01"
    });
    let answer = shop.post("/tokens", body).await;
    let mut pointers: Vec<_> = answer.errors().into_iter().map(|(pointer, _)| pointer).collect();
    pointers.sort();
    let expected = [
        "/created_by",
        "/expires_at",
        "/expires_in",
        "/id",
        "/ip_allow/0",
        "/metadata/a b",
        "/metadata/n",
        "/name",
        "/not_before",
        "/owner",
        "/rate_limit/per_minute",
        "/rate_limit/per_week",
        "/scopes/0",
        "/tenant",
    ];
    assert_eq!(pointers, expected, "{}", answer.text);
    assert_eq!(answer.json["detail"], "14 fields need attention.");
    for (body, pointer, code) in [
        (json!({}), "/name", "required"),
        (json!({"name": null}), "/name", "required"),
        (json!({"name": 7}), "/name", "type"),
        (json!({"name": "a\u{202e}b"}), "/name", "characters"),
        (json!({"name": "a\u{0}b"}), "/name", "characters"),
        (json!({"name": "x".repeat(101)}), "/name", "length"),
        (json!({"name": "a", "scopes": ["orders:read", 7]}), "/scopes/1", "type"),
        (json!({"name": "a", "scopes": ["*"]}), "/scopes/0", "unknown"),
        (json!({"name": "a", "scopes": ["оrders:read"]}), "/scopes/0", "unknown"),
        (json!({"name": "a", "expires_in": 1.5}), "/expires_in", "type"),
        (json!({"name": "a", "expires_in": 0}), "/expires_in", "range"),
        (json!({"name": "a", "expires_in": 400_000_000}), "/expires_in", "range"),
        (json!({"name": "a", "expires_in": i64::MAX}), "/expires_in", "type"),
        (json!({"name": "a", "expires_at": "2020-01-01T00:00:00Z"}), "/expires_at", "range"),
        (json!({"name": "a", "not_before": "9999-12-31T23:59:59-23:00"}), "/not_before", "format"),
        (
            json!({"name": "a", "rate_limit": {"per_minute": 60, "per_hour": 10}}),
            "/rate_limit/per_hour",
            "range",
        ),
        (json!({"name": "a", "rate_limit": {"per_minute": null}}), "/rate_limit/per_minute", "required"),
        (
            json!({"name": "a", "rate_limit": {"per_minute": 5_000_000_000_u64}}),
            "/rate_limit/per_minute",
            "range",
        ),
        (json!({"name": "a", "rate_limit": {"per_minute": 1_000_001}}), "/rate_limit/per_minute", "range"),
        (json!({"name": "a", "rate_limit": 7}), "/rate_limit", "type"),
    ] {
        let answer = shop.post("/tokens", body.clone()).await;
        assert_eq!(answer.errors(), [(pointer.to_owned(), code.to_owned())], "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_same_key_creates_once() {
    let shop = shop().await;
    let key = [("idempotency-key", "key-1")];
    let body = || Some(json!({"name": "Once"}));
    let first = shop.send("POST", "/tokens", &key, body()).await;
    let second = shop.send("POST", "/tokens", &key, body()).await;
    assert_eq!((first.status, second.code()), (201, (409, "secret-already-revealed")));
    assert_eq!(second.json["id"], first.json["token"]["id"]);
    assert!(!second.text.contains(first.json["secret"].as_str().unwrap()));
    assert_eq!(shop.get("/tokens?q=Once").await.json["page"]["total"], 1);
    let (other, _) = shop.token("Other", &["tokens:manage"]).await;
    assert_eq!(shop.send_by(&other, "POST", "/tokens", &key, body()).await.status, 201);
    for wrong in ["", "a b", &"x".repeat(201)] {
        let answer = shop.send("POST", "/tokens", &[("idempotency-key", wrong)], body()).await;
        assert_eq!(answer.code(), (400, "malformed"), "{wrong:?}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(shop.send("POST", "/tokens", &twice, body()).await.code(), (400, "malformed"));
}

#[tokio::test]
async fn an_account_has_as_many_tokens_as_it_may() {
    let shop = shop_with(Policy::new().tokens_per_tenant(2)).await;
    assert_eq!(shop.post("/tokens", json!({"name": "2"})).await.status, 201);
    let third = shop.post("/tokens", json!({"name": "3"})).await;
    assert_eq!(third.code(), (409, "too-many-tokens"));
    assert_eq!(third.json["greatest"], 2);
}

/// Whether the service itself lets a token in.
async fn passes(shop: &Shop, token: &str) -> u16 {
    let guard = shop.tokens.guard(Rules::new().resource("/orders", "orders"));
    let app: Router = Router::new()
        .route("/orders", get(|| async { "orders" }))
        .route_layer(guard.tenant_from_subdomain_of("localhost"));
    let bearer = format!("Bearer {token}");
    let headers = [("host", "acme.localhost"), ("authorization", &*bearer)];
    send(&app, "GET", "/orders", &headers, Vec::new()).await.status
}

#[tokio::test]
async fn a_token_lives_and_dies() {
    let shop = shop().await;
    let created = shop.post("/tokens", json!({"name": "Life", "scopes": ["orders:read"]})).await;
    let (id, first) = (created.id(), created.json["secret"].as_str().unwrap());
    assert_eq!(passes(&shop, first).await, 200);

    let rotated = shop.send("POST", &format!("/tokens/{id}/rotate"), &[], None).await;
    assert_eq!(rotated.status, 201, "{}", rotated.text);
    assert_eq!(rotated.header("location"), Some(&*format!("../{id}")));
    assert_eq!(rotated.json["previous"]["version"], 1);
    let second = rotated.json["secret"].as_str().unwrap();
    assert_eq!((passes(&shop, first).await, passes(&shop, second).await), (401, 200));

    let graceful = shop.post(&format!("/tokens/{id}/rotate/"), json!({"grace": 3600})).await;
    assert_eq!(graceful.header("location"), Some(&*format!("../../{id}")));
    let third = graceful.json["secret"].as_str().unwrap();
    assert_eq!((passes(&shop, second).await, passes(&shop, third).await), (200, 200));
    shop.clock.advance(TimeDelta::seconds(3600));
    assert_eq!((passes(&shop, second).await, passes(&shop, third).await), (401, 200));

    let usage = shop.get(&format!("/tokens/{id}/usage")).await;
    assert_eq!(usage.json["calls_total"], 0, "nothing was flushed yet");
    assert!(usage.json["success_rate"].is_null());
    shop.tokens.flush().await.unwrap();
    let usage = shop.get(&format!("/tokens/{id}/usage")).await;
    // Five were let in; two came with a secret that had been replaced.
    assert_eq!((&usage.json["calls_total"], &usage.json["refused_total"]), (&json!(7), &json!(2)));
    assert_eq!(usage.json["success_rate"], 5.0 / 7.0);
    let shown = shop.get(&format!("/tokens/{id}?include=usage")).await;
    assert_eq!(shown.json["usage"]["calls_total"], usage.json["calls_total"]);
    assert!(shown.json["last_used_at"].is_string());
    assert_eq!(shown.header("etag"), Some("\"3\""), "use is no new version");

    assert_eq!(shop.post(&format!("/tokens/{id}/pause"), json!({"for": 60})).await.json["status"], "paused");
    assert_eq!(passes(&shop, third).await, 403);
    assert_eq!(shop.post(&format!("/tokens/{id}/revoke"), json!({"compromised": true})).await.status, 200);
    assert_eq!(passes(&shop, third).await, 401);
    for text in [first, second, third] {
        for path in
            [format!("/tokens/{id}"), format!("/tokens/{id}/audit"), "/tokens?include=usage".to_owned()]
        {
            assert!(!shop.get(&path).await.text.contains(text));
        }
    }
}

#[tokio::test]
async fn a_rotation_with_a_key_or_a_version_happens_once() {
    let shop = shop().await;
    let (_, record) = shop.token("Spun", &[]).await;
    let path = format!("/tokens/{}/rotate", record.id);
    let key = [("idempotency-key", "spin"), ("if-match", "\"1\"")];
    assert_eq!(shop.send("POST", &path, &key, None).await.status, 201);
    let again = shop.send("POST", &path, &key, None).await;
    assert_eq!(again.code(), (409, "secret-already-revealed"));
    assert_eq!(again.json["id"], record.id.to_string());
    let stale = shop.send("POST", &path, &[("if-match", "\"1\"")], None).await;
    assert_eq!(stale.code(), (412, "stale-version"));
    assert_eq!(stale.json["current_etag"], "\"2\"");
    let races = (0..8).map(|_| shop.send("POST", &path, &[("if-match", "\"2\"")], None));
    let answers = all(races).await;
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(won, 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409 | 412)));
    let wrong = shop.post(&path, json!({"grace": 3_000_000})).await;
    assert_eq!(wrong.errors(), [("/grace".into(), "range".into())]);
    shop.post(&format!("/tokens/{}/revoke", record.id), json!({})).await;
    assert_eq!(shop.send("POST", &path, &[], None).await.code(), (409, "already-revoked"));
}

/// Polls all of them side by side.
async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        match futures.iter().all(|(_, output)| output.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

#[tokio::test]
async fn other_windows_are_shown_as_what_they_are() {
    let shop = shop().await;
    let (_, record) = shop.token("Short", &[]).await;
    let quota = tokenward::Quota::new(5, std::time::Duration::from_secs(10)).unwrap();
    let update = tokenward::Update::new().rate_limit(RateLimit::from(quota));
    shop.tokens.update(&record.id, update).by(super::support::by_root()).await.unwrap();
    let shown = shop.get(&format!("/tokens/{}", record.id)).await;
    assert_eq!(shown.json["rate_limit"], json!({"other": [{"limit": 5, "window_seconds": 10.0}]}));
}
