//! How a node stands, as a probe and as an operator ask it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::limiter::{Take, Taken};
use tokenward::web::Request;
use tokenward::{
    Limiter, LimiterError, ManualClock, MemoryStore, NewToken, RateLimit, Tokens, TokensBuilder,
};

use super::support::{catalog, everything, shop};
use super::watched_store::WatchedStore;

/// A limiter that is down.
struct Down;

#[tokenward::async_trait]
impl Limiter for Down {
    async fn take(&self, _: &Take<'_>) -> Result<Taken, LimiterError> {
        Err(LimiterError::unreachable("connection refused"))
    }
}

fn builder(store: &Arc<WatchedStore>, clock: &ManualClock) -> TokensBuilder {
    Tokens::builder(store.clone()).catalog(catalog()).clock(clock.clone()).without_background()
}

async fn asked(tokens: &Tokens, access: Access) -> (u16, Value) {
    let headers = [("host", "shop"), ("sec-fetch-site", "none")];
    let request = AdminRequest::new(Request::new("GET", "/healthz", &headers), b"");
    let reply = AdminApi::new(tokens.clone()).handle(access, request).await;
    assert_eq!(reply.header_value("cache-control"), Some("no-store"));
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn operator() -> Access {
    Access::ReadOnly("maria".into())
}

#[tokio::test]
async fn anybody_is_told_a_word_and_who_may_look_the_figures() {
    let shop = shop().await;
    let (weak, _) = shop.token("Weak", &["orders:read"]).await;
    for bearer in ["", "tw_nonsense", &weak] {
        let answer = shop.send_by(bearer, "GET", "/healthz", &[], None).await;
        assert_eq!((answer.status, &answer.json), (200, &json!({"status": "ok"})), "{bearer}");
    }
    let told = shop.get("/healthz").await.json;
    assert_eq!(told["status"], "ok");
    assert_eq!(told["store"], json!({"reachable": true}));
    assert!(told["node"].as_str().unwrap().starts_with("node_"), "{told}");
    for (pointer, expected) in
        [("/lease", Value::Null), ("/last_applied", Value::Null), ("/limiter", Value::Null)]
    {
        assert_eq!(told.pointer(pointer), Some(&expected), "{told}");
    }
    let usage = &told["usage"];
    assert_eq!(usage["given_up"], json!({"calls": 0, "names": 0, "minutes": 0, "figures": 0}), "{told}");
    assert!(
        usage["lag_ms"].is_u64() && usage["waiting_bytes"].is_u64() && usage["written_until"].is_string()
    );
    let asked = shop.get("/healthz?verbose=1").await;
    assert_eq!(asked.code(), (400, "malformed"));
    assert_eq!(shop.post("/healthz", json!({})).await.status, 405);
}

#[tokio::test]
async fn who_is_not_to_know_of_the_api_is_told_nothing() {
    let tokens = builder(&Arc::default(), &ManualClock::new()).build().unwrap();
    assert_eq!(asked(&tokens, Access::Nobody).await, (200, json!({"status": "ok"})));
    assert_eq!(asked(&tokens, Access::Forbidden).await.0, 404);
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable() {
    let store = Arc::new(WatchedStore::default());
    let tokens = builder(&store, &ManualClock::new()).build().unwrap();
    assert_eq!(asked(&tokens, operator()).await.1["status"], "ok");
    store.go_down();
    assert_eq!(asked(&tokens, Access::Nobody).await, (503, json!({"status": "unavailable"})));
    let (status, told) = asked(&tokens, operator()).await;
    assert_eq!((status, &told["store"]), (503, &json!({"reachable": false})));
}

#[tokio::test]
async fn a_bearer_who_cannot_be_looked_up_is_told_a_word() {
    let store = Arc::new(WatchedStore::default());
    let tokens = builder(&store, &ManualClock::new()).build().unwrap();
    let manager = tokens.issue(NewToken::named("Manager").scopes(everything())).by("root").await.unwrap();
    let bearer = format!("Bearer {}", manager.secret.expose());
    let headers = [("authorization", &*bearer)];
    let api = AdminApi::new(tokens);
    let get =
        || api.handle(Access::Nobody, AdminRequest::new(Request::new("GET", "/healthz", &headers), b""));
    assert_eq!(get().await.status, 200);
    store.go_down();
    let reply = get().await;
    assert_eq!((reply.status, &*reply.body), (503, &br#"{"status":"unavailable"}"#[..]));
}

#[tokio::test]
async fn a_lease_outlasts_the_store_for_a_while() {
    let (store, clock) = (Arc::new(WatchedStore::default()), ManualClock::new());
    let tokens = builder(&store, &clock)
        .change_feed(Arc::new(MemoryStore::new()))
        .lease(Duration::from_secs(10))
        .build()
        .unwrap();
    let node = tokens.health().node.to_string();
    // Before the first renewal each verification asks the store.
    let (status, told) = asked(&tokens, operator()).await;
    assert_eq!(
        (status, &told["status"], &told["lease"]["trusted_for_ms"]),
        (200, &json!("degraded"), &json!(0))
    );
    tokens.flush().await.unwrap();
    let (status, told) = asked(&tokens, operator()).await;
    assert_eq!((status, &told["status"], &told["node"]), (200, &json!("ok"), &json!(node)), "{told}");
    let lease = &told["lease"];
    assert_eq!((&lease["length_s"], &lease["bound_ms"]), (&json!(10.0), &json!(11_000)), "{told}");
    assert!(lease["trusted_for_ms"].as_u64().is_some_and(|left| left > 8_000), "{told}");
    assert!(
        lease["hints"].is_boolean() && lease["nodes"].is_u64() && told["last_applied"].is_u64(),
        "{told}"
    );

    store.go_down();
    clock.advance(TimeDelta::seconds(7));
    let (status, told) = asked(&tokens, operator()).await;
    assert_eq!((status, &told["status"]), (200, &json!("degraded")), "{told}");
    assert_eq!(told["store"], json!({"reachable": false}));
    clock.advance(TimeDelta::seconds(3));
    assert_eq!(asked(&tokens, Access::Nobody).await, (503, json!({"status": "unavailable"})));
    store.come_back();
    assert_eq!(asked(&tokens, Access::Nobody).await, (200, json!({"status": "degraded"})));
}

#[tokio::test]
async fn a_limiter_that_fails_degrades() {
    let tokens =
        builder(&Arc::default(), &ManualClock::new()).limiter(Arc::new(Down)).nodes(1).build().unwrap();
    let new = NewToken::named("a").scopes(["orders:read"]).rate_limit(RateLimit::per_minute(9).unwrap());
    let issued = tokens.issue(new).by("root").await.unwrap();
    assert_eq!(asked(&tokens, operator()).await.1["limiter"]["state"]["is"], "working");
    let need = tokenward::Need::scope("orders:read").any_tenant();
    _ = tokens.verify(issued.secret.expose(), &need).await.unwrap();
    let (status, told) = asked(&tokens, operator()).await;
    assert_eq!((status, &told["status"]), (200, &json!("degraded")), "{told}");
    assert_eq!(told["limiter"]["state"]["is"], "failing", "{told}");
    assert_eq!(told["limiter"]["when_it_fails"], "local_share", "{told}");
}
