//! Stores that go away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::{Reply, Request, TenantSource};
use tokenward::{Actor, MemoryStore, NewToken, Tokens};

use super::shared::WatchedUsage;
use super::support::{catalog, everything};
use super::watched_store::WatchedStore;

#[tokio::test]
async fn tokens_are_managed_while_use_cannot_be_read() {
    let usage = Arc::new(WatchedUsage::default());
    usage.is_away.store(true, Ordering::SeqCst);
    let tokens = Tokens::builder(Arc::new(MemoryStore::new()))
        .usage_store(usage)
        .catalog(catalog())
        .without_background()
        .build()
        .unwrap();
    let api = AdminApi::new(tokens).tenant(TenantSource::without());
    let headers = [("content-type", "application/json"), ("origin", "http://shop"), ("host", "shop")];
    let answer = |method: &'static str, path: String, query: Option<&'static str>, body: &'static str| {
        let (api, headers) = (&api, &headers);
        async move {
            let request = Request { query, ..Request::new(method, &path, headers) };
            let reply =
                api.handle(Access::Manage("maria".into()), AdminRequest::new(request, body.as_bytes())).await;
            let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            (reply.status, json)
        }
    };
    let (status, created) = answer("POST", "/tokens".into(), None, "{\"name\":\"a\"}").await;
    assert_eq!(status, 201);
    let path = format!("/tokens/{}", created["token"]["id"].as_str().unwrap());
    let (status, shown) = answer("GET", path.clone(), None, "").await;
    assert_eq!((status, shown.get("last_used_at")), (200, None));
    let (status, rotated) = answer("POST", format!("{path}/rotate"), None, "").await;
    assert_eq!((status, rotated["secret"].is_string()), (201, true));
    assert_eq!(answer("GET", "/tokens".into(), None, "").await.0, 200);
    for (path, query) in [
        ("/tokens".to_owned(), Some("include=usage")),
        (path.clone(), Some("include=usage")),
        (format!("{path}/usage"), None),
    ] {
        let (status, fault) = answer("GET", path, query, "").await;
        assert_eq!((status, fault["code"].as_str()), (503, Some("usage-unavailable")));
    }
    assert_eq!(answer("POST", format!("{path}/revoke"), None, "").await.0, 200);
    assert_eq!(answer("DELETE", path.clone(), None, "").await.0, 204);
    assert_eq!(answer("DELETE", path, None, "").await.0, 404);
}

#[tokio::test]
async fn a_store_that_is_down_is_neither_a_yes_nor_a_no() {
    let store = Arc::new(WatchedStore::default());
    let tokens = Tokens::builder(store.clone()).catalog(catalog()).without_background().build().unwrap();
    let manager = tokens.issue(NewToken::named("Manager").scopes(everything())).by("root").await.unwrap();
    let api = AdminApi::new(tokens.clone());
    let bearer = format!("Bearer {}", manager.secret.expose());
    let id = manager.record.id;
    store.go_down();
    let rows = [
        ("GET", "/tokens".to_owned(), ""),
        ("POST", "/tokens".to_owned(), "{\"name\":\"a\"}"),
        ("POST", "/tokens/find".to_owned(), "{\"secret\":\"tw_x\"}"),
        ("GET", format!("/tokens/{id}"), ""),
        ("PATCH", format!("/tokens/{id}"), "{}"),
        ("DELETE", format!("/tokens/{id}"), ""),
        ("POST", format!("/tokens/{id}/rotate"), ""),
        ("POST", format!("/tokens/{id}/revoke"), ""),
        ("GET", format!("/tokens/{id}/audit"), ""),
    ];
    for (method, path, body) in &rows {
        let by_login = [("content-type", "application/json"), ("sec-fetch-site", "none")];
        let by_bearer = [("content-type", "application/json"), ("authorization", &*bearer)];
        for headers in [by_login, by_bearer] {
            let request = AdminRequest::new(Request::new(method, path, &headers), body.as_bytes());
            let access = Access::Manage(Actor::new("maria"));
            let reply = api.handle(access, request).await;
            if *path == "/tokens/find" && headers == by_login {
                assert_eq!(reply.status, 404, "a text that is none of ours needs no store");
                continue;
            }
            assert_unavailable(&reply, &format!("{method} {path}"));
        }
    }
    store.come_back();
    let headers = [("authorization", &*bearer)];
    let request = AdminRequest::new(Request::new("GET", "/tokens", &headers), b"");
    assert_eq!(api.handle(Access::Nobody, request).await.status, 200);
}

fn assert_unavailable(reply: &Reply, what: &str) {
    let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.status, body["code"].as_str()), (503, Some("store-unavailable")), "{what}");
    assert_eq!(reply.header_value("retry-after"), Some("1"), "{what}");
    assert!(!body.to_string().contains("10.0.0.7"));
}
