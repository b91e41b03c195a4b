//! Without a router that tells its templates: the table itself matches the path.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokenward::web::Rules;
use tower::{Layer, ServiceExt};

use super::kit::{Kit, Server, kit};

fn rules() -> Rules {
    Rules::new()
        .resource("/orders", "orders")
        .route("POST /orders/search", "orders:read")
        .resource("/orders/{id}/products", "products")
        .live("/me")
        .public("/health")
        .public("/assets/{*rest}")
        .never_by_token("/session")
}

/// A service of tower's alone; how often it is reached.
fn serve(kit: &Kit) -> (Server, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = reached.clone();
    let service = tower::service_fn(move |_: Request| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, Infallible>(Response::new(Body::from("reached"))) }
    });
    let guard = kit.tokens.guard(rules()).tenant_from_subdomain_of("shop.example");
    (Server::start(Router::new().fallback_service(guard.layer(service))), reached)
}

#[test]
fn the_decoded_path_is_matched_by_whole_segments() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let (server, reached) = serve(&kit);
    for (target, route) in [
        ("/orders", "/orders"),
        ("/orders/", "/orders"),
        ("/orders/7", "/orders"),
        ("/order%73/7?x=%2f..", "/orders"),
        ("/orders/%e2%82%ac", "/orders"),
        ("/%6de", "/me"),
        ("/health", "/health"),
        ("/assets/a/b.css", "/assets/{*rest}"),
    ] {
        server.get(target, &token).is(200, "");
        assert_eq!(server.recorded(), (format!("GET {route}"), 200), "{target}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 8);
    for path in
        ["/ORDERS", "/orders2", "/me/more", "/health/deep", "/assets", "/", "/orders%2573", "/session/x"]
    {
        server.get(path, &token).is(403, "not-for-tokens");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 8);
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let (server, reached) = serve(&kit);
    let line = format!("Authorization: Bearer {token}");
    for target in [
        "//orders",
        "/orders//7",
        "/orders/7//",
        "/./orders",
        "/orders/.",
        "/health/../orders",
        "/health/%2e%2e/orders",
        "/health/%2E./orders",
        "/orders%2f7",
        "/health%2F..%2Forders",
        "/orders%5c7",
        "/orders/%00",
        "/orders/%ff",
        "/orders/%c0%af",
        "/session/../orders",
        "/assets/../orders",
        "/assets/..%2forders",
    ] {
        server.get(target, &token).is(400, "invalid-request");
        server.ask("GET", target, &[]).is(401, "token-missing");
    }
    server.ask("OPTIONS", "*", &[&line]).is(400, "invalid-request");
    server.ask("OPTIONS", "*", &[]).is(401, "token-missing");
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    assert_eq!(kit.counted(&id), (0, 0, 0));
}

#[test]
fn every_rule_that_matches_holds_and_the_most_specific_gives_the_name() {
    let kit = kit();
    let (reader, _) = kit.issue(&["orders:read"]);
    let (writer, _) = kit.issue(&["orders:read", "orders:write"]);
    let (both, _) = kit.issue(&["orders:read", "products:read"]);
    let (server, _) = serve(&kit);
    let post =
        |target: &str, token: &str| server.ask("POST", target, &[&format!("Authorization: Bearer {token}")]);
    let refused = post("/orders/search", &reader);
    refused.is(403, "insufficient-scope");
    assert!(
        refused.text().contains("POST /orders/search needs orders:read, orders:write."),
        "{}",
        refused.text()
    );
    post("/orders/search", &writer).is(200, "");
    assert_eq!(server.recorded(), ("POST /orders/search".to_owned(), 200));
    let refused = server.get("/orders/secret-name/products", &writer);
    refused.is(403, "insufficient-scope");
    assert!(refused.text().contains("GET /orders/{id}/products needs orders:read, products:read."));
    assert!(!refused.text().contains("secret-name"), "a path as it came is never repeated");
    server.get("/orders/7/products/8", &both).is(200, "");
    assert_eq!(server.recorded(), ("GET /orders/{id}/products".to_owned(), 200));
    // `products:write` is not declared: nobody can do it.
    post("/orders/7/products", &writer).is(403, "not-for-tokens");
    assert!(server.logged("no rule says").contains("POST /orders/{id}/products"));
}

#[test]
fn without_a_token_only_what_is_public_or_left_to_a_login_passes() {
    let kit = kit();
    let (server, reached) = serve(&kit);
    for (target, status) in [
        ("/health", 200),
        ("/assets/a/b", 200),
        ("/session", 200),
        ("/session/new", 200),
        ("/orders", 401),
        ("/me", 401),
        ("/nothing", 401),
        ("/", 401),
    ] {
        assert_eq!(server.ask("GET", target, &[]).status, status, "{target}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 4);
}

#[test]
fn a_path_without_a_rule_is_told_of_once_and_not_by_its_text() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let (server, _) = serve(&kit);
    for number in 0..50 {
        server.get(&format!("/u/secret-name-{number}"), &token).is(403, "not-for-tokens");
    }
    let lines = server.lines_with("");
    assert_eq!(lines.iter().filter(|line| line.contains("no rule says")).count(), 1, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("secret-name")), "{lines:?}");
}

#[tokio::test]
async fn no_framework_is_needed() {
    let kit = kit();
    let guard = kit.tokens.guard(rules());
    type Empty = http_body_util::Empty<bytes::Bytes>;
    let service = guard.layer(tower::service_fn(async |_: http::Request<Empty>| {
        Ok::<_, Infallible>(http::Response::new(Empty::new()))
    }));
    let issued = kit.tokens.issue(tokenward::NewToken::named("Trial")).by("maria").await.unwrap();
    let ask = async |path: &str| {
        let bearer = format!("Bearer {}", issued.secret.expose());
        let request = http::Request::get(path).header("authorization", bearer).body(Empty::new()).unwrap();
        service.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!((ask("/me").await, ask("/orders").await, ask("/x").await), (200, 403, 403));
}
