//! Row 15, and what a dry run tells: what a change would break.

use serde_json::{Value, json};
use tokenward::NewToken;

use super::fed::Minute;
use super::support::{Shop, shop};

/// 40 calls three minutes ago, 10 an hour ago, all by `orders:read`.
async fn used() -> (Shop, String) {
    let shop = shop().await;
    let asked =
        NewToken::named("Sync").tenant("acme").scopes(["orders:read", "orders:write"]).per_minute(100);
    let (_, record) = shop.issue(asked).await;
    for (minutes_ago, number) in [(3, 40), (60, 10)] {
        let calls = vec![("GET /orders", 200, 5); number];
        let minute = Minute { calls, scope: "orders:read", address: "203.0.113.7", ..Minute::default() };
        shop.used(&record, minutes_ago, minute).await;
    }
    shop.called(&record, [json!({})]).await;
    (shop, format!("/tokens/{}", record.id))
}

async fn told(shop: &Shop, path: &str, query: &str) -> Value {
    let answer = shop.get(&format!("{path}/impact?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_revocation_tells_who_would_fail_and_how_much() {
    let (shop, path) = used().await;
    let told = told(&shop, &path, "action=revoke").await;
    assert_eq!(
        (&told["calls_24h"], &told["granted_24h"], &told["would_fail_24h"]),
        (&json!(50), &json!(50), &json!(50))
    );
    assert_eq!(told["would_fail_per_hour"], json!(50.0 / 24.0));
    assert_eq!((&told["clients_total"], &told["clients"][0]["ip"]), (&json!(1), &json!("203.0.113.7")));
    assert_eq!(told["endpoints"][0]["endpoint"], "GET /orders");
    assert_eq!((&told["minutes_over"], &told["heeded_within_ms"]), (&Value::Null, &json!(0)));
    let text = told["text"].as_str().unwrap();
    assert!(
        text.contains("50 calls in the last 24 hours, from 1 client on 1 endpoint, will start failing"),
        "{text}"
    );
}

#[tokio::test]
async fn a_limit_and_scopes_and_an_expiry_are_weighed() {
    let (shop, path) = used().await;
    let limit = told(&shop, &path, "action=rate_limit&per_minute=15").await;
    assert_eq!((&limit["would_fail_24h"], &limit["minutes_over"]), (&json!(25), &json!(1)));
    assert_eq!(
        limit["text"],
        "At 15/min, 1 of the last 1,440 minutes would have been cut: 25 calls (50.0 %)."
    );
    // The limit per minute stays beside the one per hour.
    let hour = told(&shop, &path, "action=rate_limit&per_hour=100").await;
    assert_eq!(
        hour["text"],
        "At 100/min and 100/h, none of the last 1,440 minutes would have been cut. The busiest had 40 calls."
    );
    let scopes = told(&shop, &path, "action=remove_scopes&scope=orders:read&scope=orders:write").await;
    let rows: Vec<_> =
        scopes["scopes"].as_array().unwrap().iter().map(|row| (&row["scope"], &row["calls_30d"])).collect();
    assert_eq!(rows, [(&json!("orders:read"), &json!(50)), (&json!("orders:write"), &json!(0))]);
    assert_eq!(scopes["scopes"][0]["endpoints"], json!(["GET /orders"]));
    assert_eq!(told(&shop, &path, "action=expiry&expires_in=3600").await["would_fail_24h"], 50);
    for query in [
        "",
        "action=purge",
        "action=remove_scopes",
        "action=rate_limit",
        "action=rate_limit&per_minute=0",
        "action=rate_limit&per_minute=100&per_hour=99",
        "action=expiry",
        "action=expiry&expires_in=1&expires_at=2027-02-01T00:00:00Z",
        "action=expiry&expires_in=99999999999999",
        "action=revoke&per_minute=1",
    ] {
        assert_eq!(shop.get(&format!("{path}/impact?{query}")).await.code(), (400, "malformed"), "{query}");
    }
    shop.usage_is_away(true);
    assert_eq!(shop.get(&format!("{path}/impact?action=revoke")).await.code(), (503, "usage-unavailable"));
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_break_and_changes_nothing() {
    let (shop, path) = used().await;
    let dry = |body| {
        let (shop, path) = (&shop, format!("{path}?dry_run=true"));
        async move { shop.send("PATCH", &path, &[], Some(body)).await }
    };
    let body = json!({"scopes": ["orders:write"], "rate_limit": {"per_minute": 15}, "expires_in": 60, "name": "New"});
    let told = dry(body).await;
    assert_eq!((told.status, &told.json["name"]), (200, &json!("New")));
    let impact = told.json["impact"].as_array().unwrap();
    let actions: Vec<_> = impact.iter().map(|impact| impact["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["remove_scopes", "rate_limit", "expiry"]);
    assert_eq!((&impact[0]["would_fail_24h"], &impact[1]["would_fail_24h"]), (&json!(50), &json!(25)));
    let wider = dry(json!({"rate_limit": {"per_minute": 200}, "scopes": ["orders:read", "orders:write", "customers:read"]})).await;
    assert_eq!(wider.json["impact"], json!([]));
    assert_eq!(shop.get(&path).await.json["name"], "Sync");
    shop.usage_is_away(true);
    let away = dry(json!({"scopes": []})).await;
    assert_eq!((away.status, &away.json["impact"]), (200, &Value::Null));
}

#[tokio::test]
async fn another_tenants_token_is_none() {
    let shop = shop().await;
    let (_, foreign) = shop.issue(NewToken::named("Foreign").tenant("other")).await;
    let answer = shop.get(&format!("/tokens/{}/impact?action=revoke", foreign.id)).await;
    assert_eq!(answer.code(), (404, "not-found"));
}
