//! The tenant of the host: one way to read it, and everything else is refused.

use axum::Router;
use axum::routing::get;
use tokenward::web::{Rules, TenantSource};

use super::kit::{Kit, Server, kit};

fn serve(kit: &Kit) -> Server {
    let rules = Rules::new().resource("/orders", "orders").public("/health");
    let guard = kit.tokens.guard(rules).tenant_from_subdomain_of("shop.example");
    let app = Router::new().route("/orders", get(|| async { "" })).route("/health", get(|| async { "" }));
    Server::start(app.route_layer(guard))
}

#[test]
fn a_host_is_read_in_one_way_or_not_at_all() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(&kit);
    let line = format!("Authorization: Bearer {token}");
    let ask = |hosts: &str| server.raw(format!("GET /orders HTTP/1.1\r\n{hosts}{line}\r\n\r\n"));
    for host in [
        "acme.shop.example",
        "acme.shop.example:8443",
        "ACME.Shop.EXAMPLE",
        "acme.shop.example.",
        "acme.shop.example.:80",
        "acme.shop.example:",
    ] {
        ask(&format!("Host: {host}\r\n")).is(200, "");
    }
    // It reads well, and is no tenant's.
    for host in [
        "globex.shop.example",
        "shop.example",
        "x.acme.shop.example",
        "acme.shop.example.evil.example",
        "acmeshop.example",
        "xn--acm-epa.shop.example",
        "acm_.shop.example",
        "localhost",
        "[::1]:80",
        "[::ffff:127.0.0.1]",
        "127.0.0.1",
        "127.0.0.1:80",
    ] {
        ask(&format!("Host: {host}\r\n")).is(401, "token-invalid");
    }
    for host in [
        "",
        ".",
        ".shop.example",
        "acme.shop.example..",
        "acme..shop.example",
        "acme.shop.example, globex.shop.example",
        "acme.shop.example acme.shop.example",
        "user@acme.shop.example",
        "user:word@acme.shop.example",
        "https://acme.shop.example",
        "acme.shop.example/..%2f",
        "acme%2eshop.example",
        "acme.shop.example:port",
        "acme.shop.example:80:80",
        "acme.shop.example:123456",
        "acmé.shop.example",
        "-acme.shop.example",
        "*.shop.example",
        "[::1",
        "[acme.shop.example]",
    ] {
        ask(&format!("Host: {host}\r\n")).is(400, "invalid-request");
    }
    ask("").is(400, "invalid-request");
    ask("Host: acme.shop.example\r\nHost: acme.shop.example\r\n").is(400, "invalid-request");
    ask("Host: acme.shop.example\r\nhost: globex.shop.example\r\n").is(400, "invalid-request");
    ask(&format!("Host: {}.shop.example\r\n", "a".repeat(300))).is(400, "invalid-request");
}

#[test]
fn forwarded_hosts_are_not_believed() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(&kit);
    for name in ["X-Forwarded-Host", "X-Original-Host", "X-Host", "X-HTTP-Host-Override"] {
        let lines = format!("{name}: acme.shop.example\r\nAuthorization: Bearer {token}");
        let ask = |host: &str| server.raw(format!("GET /orders HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n\r\n"));
        ask("globex.shop.example").is(401, "token-invalid");
        let lines = lines.replace("acme", "globex");
        let answer =
            server.raw(format!("GET /orders HTTP/1.1\r\nHost: acme.shop.example\r\n{lines}\r\n\r\n"));
        answer.is(200, "");
    }
    let lines = format!("Forwarded: host=acme.shop.example\r\nAuthorization: Bearer {token}");
    let answer = server.raw(format!("GET /orders HTTP/1.1\r\nHost: globex.shop.example\r\n{lines}\r\n\r\n"));
    answer.is(401, "token-invalid");
}

#[test]
fn an_absolute_request_target_has_to_agree_with_the_host() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(&kit);
    let ask = |target: &str, host: &str| {
        let line = format!("Authorization: Bearer {token}");
        server.raw(format!("GET {target} HTTP/1.1\r\n{host}{line}\r\n\r\n"))
    };
    ask("http://acme.shop.example/orders", "Host: acme.shop.example\r\n").is(200, "");
    ask("http://acme.shop.example:80/orders", "Host: ACME.shop.example\r\n").is(200, "");
    ask("http://acme.shop.example/orders", "Host: globex.shop.example\r\n").is(400, "invalid-request");
    ask("http://globex.shop.example/orders", "Host: acme.shop.example\r\n").is(400, "invalid-request");
    ask("http://globex.shop.example/orders", "Host: globex.shop.example\r\n").is(401, "token-invalid");
    ask("http://user@acme.shop.example/orders", "Host: acme.shop.example\r\n").is(400, "invalid-request");
}

#[test]
fn a_client_of_http_1_0_without_a_host_reaches_what_is_public_and_no_more() {
    let kit = kit();
    let (token, _) = kit.issue(&["orders:read"]);
    let server = serve(&kit);
    assert_eq!(server.raw("GET /health HTTP/1.0\r\n\r\n").status, 200);
    assert_eq!(server.raw("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status, 200);
    server.raw("GET /orders HTTP/1.0\r\n\r\n").is(401, "token-missing");
    let line = format!("Authorization: Bearer {token}");
    server.raw(format!("GET /orders HTTP/1.0\r\n{line}\r\n\r\n")).is(400, "invalid-request");
    server.raw(format!("GET /health HTTP/1.0\r\n{line}\r\n\r\n")).is(400, "invalid-request");
    server.raw(format!("GET /orders HTTP/1.0\r\nHost: acme.shop.example\r\n{line}\r\n\r\n")).is(200, "");
}

#[test]
fn a_tenant_finder_that_panics_or_finds_nothing_lets_nobody_by() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let find = |request: &tokenward::web::Request<'_>| match request.only_header("x-tenant").unwrap() {
        Some(b"acme") => Some("acme".to_owned()),
        Some(b"panic") => panic!("a tenant finder panics, as this test wants"),
        _ => None,
    };
    let guard = kit.tokens.guard(Rules::new().resource("/orders", "orders")).tenant(TenantSource::by(find));
    let server = Server::start(Router::new().route("/orders", get(|| async { "" })).route_layer(guard));
    let line = format!("Authorization: Bearer {token}");
    server.ask("GET", "/orders", &[&line, "X-Tenant: acme"]).is(200, "");
    server.ask("GET", "/orders", &[&line, "X-Tenant: globex"]).is(401, "token-invalid");
    server.ask("GET", "/orders", &[&line]).is(401, "token-invalid");
    let mut connection = server.connect();
    connection.send(super::kit::request("GET", "/orders", &[&line, "X-Tenant: panic"]));
    assert_eq!(connection.head(), None);
    let mut connection = server.connect();
    connection.send(super::kit::request("GET", "/orders", &[&line, "X-Tenant: a", "X-Tenant: b"]));
    assert_eq!(connection.head(), None);
    assert_eq!(kit.counted(&id), (1, 1, 1));
}
