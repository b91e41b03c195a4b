//! From a request through the guard to what the admin API tells of it.

use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};
use tokenward::NewToken;
use tokenward::admin::{Access, AdminApi};
use tokenward::web::Rules;
use tokenward::web::tower::ClientAddress;
use tower::ServiceExt;

use super::events::{call_ids, open};
use super::support::{Shop, shop};

fn service(shop: &Shop) -> Router {
    let guard = shop.tokens.guard(Rules::new().resource("/orders", "orders"));
    Router::new()
        .route("/orders", get(|| async { "orders" }).post(|| async { "created" }))
        .route("/orders/{id}", get(|| async { StatusCode::NOT_FOUND }))
        .route_layer(guard.tenant_from_subdomain_of("localhost"))
}

async fn call(service: &Router, token: &str, method: &str, path: &str, address: &str) -> u16 {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "acme.localhost")
        .header("authorization", format!("Bearer {token}"))
        .header("user-agent", "wh-sync/2.3")
        .extension(ClientAddress(address.parse::<IpAddr>().unwrap()))
        .body(Body::empty())
        .unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    // The request is recorded when its body is finished.
    drop(axum::body::to_bytes(response.into_body(), 1_000).await.unwrap());
    status
}

#[tokio::test]
async fn each_request_is_found_in_every_row() {
    let shop = shop().await;
    let service = service(&shop);
    let asked = NewToken::named("Sync").tenant("acme").scopes(["orders:read"]).per_minute(4);
    let (token, record) = shop.issue(asked).await;
    let api = AdminApi::new(shop.tokens.clone());
    let person = Access::ReadOnly(tokenward::Actor::new("maria").tenant("acme"));
    let path = format!("/tokens/{}", record.id);
    let mut stream = open(&api, person, &format!("{path}/calls/stream"), &[]).await;
    let mut statuses = Vec::new();
    for (method, path, address) in [
        ("GET", "/orders", "203.0.113.7"),
        ("GET", "/orders?page=2", "203.0.113.7"),
        ("GET", "/orders/7", "203.0.113.7"),
        ("POST", "/orders", "203.0.113.7"),
        ("GET", "/orders", "198.51.100.4"),
        ("GET", "/orders", "198.51.100.4"),
    ] {
        statuses.push(call(&service, &token, method, path, address).await);
    }
    assert_eq!(statuses, [200, 200, 404, 403, 200, 429]);
    shop.tokens.flush().await.unwrap();

    let usage = shop.get(&format!("{path}/usage")).await.json;
    assert_eq!((&usage["calls_total"], &usage["calls_24h"]), (&json!(6), &json!(6)), "{usage}");
    assert_eq!((&usage["success_rate"], &usage["success_rate_total"]), (&json!(0.6), &json!(0.6)));
    assert_eq!((&usage["limited_24h"], &usage["denied_24h"]), (&json!(1), &json!(1)));
    assert_eq!(usage["by_status"], json!({"1xx": 0, "2xx": 3, "3xx": 0, "4xx": 1, "5xx": 0}));
    assert_eq!(usage["peak_minute"], json!({"at": "2027-01-01T12:00:00.000Z", "calls": 4}));
    assert_eq!(usage["last_client"], json!({"ip": "198.51.100.4", "agent": "wh-sync/2.3"}));
    assert_eq!(usage["range"]["secrets"][0]["calls"], json!(6));
    assert!(usage["p95_ms"].is_number());

    let series = shop.get(&format!("{path}/timeseries?from=2027-01-01T12:00:00Z")).await.json;
    assert_eq!(
        (&series["calls"], &series["limited"], &series["limit"]),
        (&json!([6]), &json!([1]), &json!([4]))
    );
    let endpoints = shop.get(&format!("{path}/endpoints")).await.json;
    let rows: Vec<_> =
        endpoints["data"].as_array().unwrap().iter().map(|row| (&row["endpoint"], &row["calls"])).collect();
    assert_eq!(rows[0], (&json!("GET /orders"), &json!(4)));
    assert!(rows.contains(&(&json!("GET /orders/{id}"), &json!(1))), "{rows:?}");
    let clients = shop.get(&format!("{path}/clients")).await.json;
    assert_eq!((&clients["data"][0]["ip"], &clients["data"][0]["calls"]), (&json!("203.0.113.7"), &json!(4)));
    let scopes = shop.get(&format!("{path}/scopes")).await.json;
    assert_eq!(
        (&scopes["data"][0]["scope"], &scopes["data"][0]["calls"]),
        (&json!("orders:read"), &json!(4))
    );
    assert_eq!(
        (&scopes["data"][1]["scope"], &scopes["data"][1]["denied"]),
        (&json!("orders:write"), &json!(1))
    );
    let calls = shop.get(&format!("{path}/calls")).await.json;
    let told: Vec<_> =
        calls["data"].as_array().unwrap().iter().map(|call| call["status"].as_u64().unwrap()).collect();
    assert_eq!(told, [429, 200, 403, 404, 200, 200]);
    assert_eq!(calls["data"][2]["scopes_missing"], json!(["orders:write"]));
    let ids: Vec<_> =
        calls["data"].as_array().unwrap().iter().rev().map(|call| call["id"].as_u64().unwrap()).collect();
    assert_eq!(call_ids(&stream.poll().unwrap()), ids);
    let all = shop.get("/usage?group_by=token").await.json;
    assert_eq!((&all["groups"][0]["name"], &all["groups"][0]["calls"]), (&json!("Sync"), &json!(6)));
    let list = shop.get("/tokens?include=usage&q=Sync").await.json;
    let same = |name: &str| assert_eq!(list["data"][0]["usage"][name], usage[name], "{name}");
    ["calls_24h", "success_rate", "mean_ms", "p95_ms", "trend", "as_of"].into_iter().for_each(same);
    let nothing = shop.get(&format!("/tokens/{}/usage", shop.manager_id)).await.json;
    assert_eq!(nothing["range"]["peak_minute"], Value::Null, "what was not flushed is not told yet");
}
