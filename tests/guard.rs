//! The guard on axum: rules, refusals, and what the handler receives.
#![cfg(feature = "axum")]

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::TimeDelta;
use serde_json::Value;
use tokenward::web::Rules;
use tokenward::{Actor, Caller, NewToken, Tokens, Update};
use tower::ServiceExt;

async fn who(caller: Caller) -> String {
    format!("{} {}", caller.tenant().unwrap_or("nobody"), caller.token_id())
}

async fn perhaps(caller: Option<Caller>) -> Json<bool> {
    Json(caller.is_some())
}

fn app(tokens: &Tokens) -> Router {
    let rules = Rules::new()
        .resource("/orders", "orders")
        .route("POST /orders/search", "orders:read")
        .live("/me")
        .public("/health")
        .never_by_token("/session");
    Router::new()
        .route("/orders", get(who).post(who))
        .route("/orders/{id}", get(who).delete(who))
        .route("/orders/search", post(who))
        .route("/me", get(who))
        .route("/health", get(perhaps))
        .route("/session", post(perhaps))
        .route("/forgotten", get(perhaps))
        .route_layer(tokens.guard(rules).tenant_from_subdomain_of("shop.example").realm("acme"))
}

async fn send(app: &Router, method: &str, path: &str, token: Option<&str>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri(path).header("host", "acme.shop.example");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1_000_000).await.unwrap().to_vec()).unwrap()
}

async fn code(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&text(response).await).unwrap_or_default();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

async fn issue(tokens: &Tokens, scopes: &[&str]) -> (String, tokenward::TokenId) {
    let asked = NewToken::named("Production mobile app").tenant("acme").scopes(scopes.iter().copied());
    let issued = tokens.issue(asked).by("maria").await.unwrap();
    (issued.secret.expose().to_owned(), issued.record.id)
}

#[tokio::test]
async fn one_table_guards_a_service() {
    let (tokens, _clock) = Tokens::for_tests();
    let app = app(&tokens);
    let (token, id) = issue(&tokens, &["orders:read"]).await;
    let with = Some(token.as_str());
    for (method, path, token, expected) in [
        ("GET", "/orders", with, (200, "")),
        ("HEAD", "/orders", with, (200, "")),
        ("GET", "/orders/7", with, (200, "")),
        ("POST", "/orders/search", with, (200, "")),
        ("POST", "/orders", with, (403, "insufficient-scope")),
        ("DELETE", "/orders/7", with, (403, "insufficient-scope")),
        ("GET", "/me", with, (200, "")),
        ("GET", "/health", None, (200, "")),
        ("GET", "/health", with, (200, "")),
        ("GET", "/health", Some("tw_bad"), (401, "token-invalid")),
        ("POST", "/session", None, (200, "")),
        ("POST", "/session", with, (403, "not-for-tokens")),
        ("GET", "/forgotten", with, (403, "not-for-tokens")),
        ("GET", "/forgotten", None, (401, "token-missing")),
        ("GET", "/orders", None, (401, "token-missing")),
        ("GET", "/nowhere", None, (404, "")),
    ] {
        let answered = code(send(&app, method, path, token).await).await;
        assert_eq!((answered.0, answered.1.as_str()), expected, "{method} {path} {}", token.is_some());
    }
    assert_eq!(text(send(&app, "GET", "/orders", with).await).await, format!("acme {id}"));
}

#[tokio::test]
async fn a_holder_reads_what_is_wrong() {
    let (tokens, clock) = Tokens::for_tests();
    let app = app(&tokens);
    let (token, id) = issue(&tokens, &["products:read", "orders:read"]).await;
    let by = Actor::new("maria").tenant("acme");
    tokens.update(&id, Update::new().per_minute(1)).by(&by).await.unwrap();

    let response = send(&app, "POST", "/orders", Some(&token)).await;
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer realm="acme", error="insufficient_scope", scope="orders:write""#
    );
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        body["detail"],
        "The token \"Production mobile app\" has orders:read, products:read. POST /orders needs orders:write. \
         Its owner can add the scope without changing the token."
    );
    assert_eq!(body["missing"], serde_json::json!(["orders:write"]));

    // A 403 has taken nothing from the limit.
    let response = send(&app, "GET", "/orders", Some(&token)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["ratelimit-policy"], "\"default\";q=1;w=60");
    assert_eq!(response.headers()["ratelimit"], "\"default\";r=0;t=60");
    assert_eq!(text(response).await, format!("acme {id}"));
    clock.advance(TimeDelta::milliseconds(47_001));
    let response = send(&app, "GET", "/orders", Some(&token)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "13");
    assert_eq!(response.headers()["x-ratelimit-remaining"], "0");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        body["detail"],
        "1 request per minute is allowed, and 1 was made in the last minute. The next one can pass in 13 seconds."
    );
    clock.advance(TimeDelta::seconds(13));
    assert_eq!(send(&app, "GET", "/orders", Some(&token)).await.status(), 200);

    tokens.flush().await.unwrap();
    let usage = tokens.usage(&id).await.unwrap();
    assert_eq!(
        (usage.granted, usage.finished, usage.succeeded, usage.limited, usage.missing_scope),
        (2, 2, 2, 1, 1)
    );
}

#[tokio::test]
async fn a_caller_without_a_guard_is_a_mistake() {
    let unguarded = Router::new().route("/orders", get(who));
    assert_eq!(send(&unguarded, "GET", "/orders", None).await.status(), 500);
    let (tokens, _clock) = Tokens::for_tests();
    let twice = Router::new()
        .route("/orders", get(who).route_layer(tokens.require("orders:read")))
        .route_layer(tokens.guard(Rules::new().resource("/orders", "orders")));
    let asked = NewToken::named("Trial").scopes(["orders:read"]);
    let token = tokens.issue(asked).by("maria").await.unwrap().secret;
    assert_eq!(send(&twice, "GET", "/orders", Some(token.expose())).await.status(), 500);
    let alone = Router::new().route("/orders", get(who).route_layer(tokens.require("orders:read")));
    assert_eq!(send(&alone, "GET", "/orders", Some(token.expose())).await.status(), 200);
    assert_eq!(send(&alone, "GET", "/orders", None).await.status(), 401);
}

#[tokio::test]
async fn retries_can_be_spread() {
    let (tokens, _clock) = Tokens::for_tests();
    let guard = tokens.guard(Rules::new().live("/me")).spread_retries(5);
    let app = Router::new().route("/me", get(who)).route_layer(guard);
    let token = tokens.issue(NewToken::named("Herd").per_minute(1)).by("maria").await.unwrap().secret;
    assert_eq!(send(&app, "GET", "/me", Some(token.expose())).await.status(), 200);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let response = send(&app, "GET", "/me", Some(token.expose())).await;
        seen.insert(response.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap());
    }
    assert_eq!(seen, (60..=65).collect());
}
