//! Tokens that are bound to addresses.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::routing::get;
use axum::{Extension, Router};
use tokenward::NewToken;
use tokenward::web::Rules;
use tokenward::web::tower::ClientAddress;
use tower::ServiceExt;

use super::kit::{Kit, Server, kit};

fn app(kit: &Kit) -> Router {
    let guard = kit.tokens.guard(Rules::new().resource("/orders", "orders"));
    let guard = guard.tenant_from_subdomain_of("shop.example");
    Router::new().route("/orders", get(|| async { "" })).route_layer(guard)
}

fn bound(kit: &Kit, ranges: &[&str]) -> String {
    let asked = NewToken::named("Bound").tenant("acme").scopes(["orders:read"]);
    kit.issue_as(asked.addresses(ranges.iter().copied())).0
}

#[test]
fn the_address_of_the_connection_decides() {
    let kit = kit();
    let server = Server::start(app(&kit));
    server.get("/orders", &bound(&kit, &["127.0.0.0/8"])).is(200, "");
    server.get("/orders", &bound(&kit, &["203.0.113.7", "127.0.0.1"])).is(200, "");
    let elsewhere = bound(&kit, &["203.0.113.0/24", "2001:db8::/48"]);
    let answer = server.get("/orders", &elsewhere);
    answer.is(403, "address-not-allowed");
    assert!(!answer.text().contains("203.0.113"), "which addresses would do, only the owner knows");
    let line = format!("Authorization: Bearer {elsewhere}");
    for forwarded in ["X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "X-Real-IP: 203.0.113.7"]
    {
        server.ask("GET", "/orders", &[&line, forwarded]).is(403, "address-not-allowed");
    }
}

#[test]
fn an_address_that_a_trusted_proxy_said_comes_before_that_of_the_connection() {
    let kit = kit();
    let token = bound(&kit, &["203.0.113.0/24"]);
    for (said, status) in
        [("203.0.113.7", 200), ("::ffff:203.0.113.7", 200), ("203.0.114.7", 403), ("127.0.0.1", 403)]
    {
        let said = Extension(ClientAddress(said.parse().unwrap()));
        let server = Server::start(app(&kit).layer(said));
        assert_eq!(server.get("/orders", &token).status, status);
    }
}

#[tokio::test]
async fn where_the_address_is_not_known_a_bound_token_is_refused() {
    let kit = kit();
    let issue = async |ranges: &[&str]| {
        let asked = NewToken::named("Bound").tenant("acme").scopes(["orders:read"]);
        let asked = asked.addresses(ranges.iter().copied());
        kit.tokens.issue(asked).by("maria").await.unwrap().secret.expose().to_owned()
    };
    let bound = issue(&["0.0.0.0/0", "::/0"]).await;
    let free = issue(&[]).await;
    let ask = async |token: &str, peer: Option<SocketAddr>| {
        let request = Request::get("/orders").header("host", "acme.shop.example");
        let mut request =
            request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        app(&kit).oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(ask(&bound, None).await, 403);
    assert_eq!(ask(&bound, Some("[2001:db8::1]:80".parse().unwrap())).await, 200);
    assert_eq!(ask(&free, None).await, 200);
}
