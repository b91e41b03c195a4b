//! Whoever may not see the addresses of clients finds them in no answer.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use serde_json::json;
use tokenward::admin::{Access, AdminApi, Permissions};
use tokenward::usage::Call;
use tokenward::{Actor, HistoryQuery, Need, TenantFilter, Verdict};

use super::fed::Minute;
use super::support::{send, shop};

#[tokio::test]
async fn no_answer_has_an_address_for_whoever_may_not_see_one() {
    let shop = shop().await;
    let (text, record) = shop.token("Sync", &["orders:read"]).await;
    // Two addresses a day and a half apart, so that one is new.
    for (minutes_ago, address) in [(2_200, "203.0.113.7"), (3, "203.0.113.9")] {
        let calls = vec![("GET /orders", 200, 5); 2];
        shop.used(&record, minutes_ago, Minute { calls, scope: "orders:read", address, ..Minute::default() })
            .await;
    }
    shop.called(&record, [json!({}), json!({"client": {"address": "203.0.113.9", "agent": "curl/8"}})]).await;
    match shop.tokens.verify(&*text, &Need::live().any_tenant()).await.unwrap() {
        Verdict::Granted(grant) => {
            let call = Call::new("GET /orders", 200, Duration::from_millis(5)).agent("curl/8");
            grant.record_call(&call.address("203.0.113.9".parse().unwrap()));
        }
        Verdict::Denied(denied) => panic!("{}", denied.detail()),
    }
    shop.tokens.flush().await.unwrap();
    let from = Actor::new("root").all_tenants().address("203.0.113.1".parse().unwrap());
    shop.tokens.pause(&record.id).by(from.clone()).await.unwrap();
    shop.tokens.resume(&record.id).by(from).await.unwrap();
    let entries = shop.tokens.history(&HistoryQuery::new(TenantFilter::Any)).await.unwrap();
    assert!(entries[0].draft.personal.as_ref().unwrap().address.is_some());

    let who = |parts: Parts| {
        let mut permissions = Permissions::all();
        permissions.view_addresses = parts.headers.contains_key("x-sees");
        std::future::ready(Access::Custom(Actor::new("maria").tenant("acme"), permissions))
    };
    let api = AdminApi::new(shop.tokens.clone()).authorize(who).at("/api");
    let app = Router::new().merge(api);
    let id = record.id;
    let paths = [
        format!("/tokens/{id}?include=usage"),
        "/tokens?include=usage".to_owned(),
        format!("/tokens/{id}/usage"),
        format!("/tokens/{id}/clients"),
        format!("/tokens/{id}/calls"),
        format!("/tokens/{id}/secrets"),
        format!("/tokens/{id}/impact?action=revoke"),
        format!("/tokens/{id}/impact?action=rotate"),
        format!("/tokens/{id}/audit"),
        "/audit".to_owned(),
    ];
    for path in &paths {
        let uri = format!("/api{path}");
        let shown = send(&app, "GET", &uri, &[("x-sees", "1")], Vec::new()).await;
        let hidden = send(&app, "GET", &uri, &[], Vec::new()).await;
        assert_eq!((shown.status, hidden.status), (200, 200), "{path}: {}", hidden.text);
        assert!(!hidden.text.contains("203.0.113"), "{path}: {}", hidden.text);
        assert!(shown.text.contains("203.0.113"), "{path} has nothing to hide: {}", shown.text);
    }
    for uri in [format!("/api/tokens/{id}/calls"), "/api/audit".to_owned()] {
        let lines = send(&app, "GET", &uri, &[("accept", "application/x-ndjson")], Vec::new()).await;
        assert!(lines.status == 200 && !lines.text.contains("203.0.113"), "{}", lines.text);
    }
    // Nor by asking for one.
    let asked = send(&app, "GET", &format!("/api/tokens/{id}/calls?ip=203.0.113.9"), &[], Vec::new()).await;
    assert_eq!(asked.code(), (403, "forbidden"));
}
