//! The guard among the layers of a service: CORS and time-outs, outside and inside.

use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::routing::get;
use tokenward::web::{EXPOSED_HEADERS, Guard, Rules};
use tower::ServiceBuilder;
use tower_http::cors::{Any, CorsLayer};
use tower_http::timeout::TimeoutLayer;

use super::kit::{Kit, Server, kit};

const PREFLIGHT: [&str; 2] = ["Origin: https://app.example", "Access-Control-Request-Method: GET"];

fn guard(kit: &Kit) -> Guard {
    kit.tokens.guard(Rules::new().resource("/orders", "orders")).tenant_from_subdomain_of("shop.example")
}

fn cors() -> CorsLayer {
    let exposed = EXPOSED_HEADERS.map(axum::http::HeaderName::from_static);
    CorsLayer::new().allow_origin(Any).allow_methods([Method::GET]).expose_headers(exposed)
}

#[test]
fn cors_outside_answers_preflights_itself_and_lets_a_browser_read_refusals() {
    let kit = kit();
    let app = Router::new().route("/orders", get(|| async { "" })).route_layer(guard(&kit));
    let server = Server::start(app.layer(cors()));
    let answer = server.ask("OPTIONS", "/orders", &PREFLIGHT);
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (200, Some("GET")));
    let answer = server.ask("GET", "/orders", &PREFLIGHT[..1]);
    answer.is(401, "token-missing");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for (name, _) in answer.headers.iter().filter(|(name, _)| name == "www-authenticate") {
        assert!(exposed.contains(name.as_str()));
    }
    for name in EXPOSED_HEADERS {
        assert!(exposed.contains(name));
    }
}

#[test]
fn cors_inside_answers_preflights_that_the_guard_lets_by() {
    let kit = kit();
    let app = || Router::new().route("/orders", get(|| async { "" })).layer(cors());
    let closed = Server::start(app().layer(guard(&kit)));
    closed.ask("OPTIONS", "/orders", &PREFLIGHT).is(401, "token-missing");
    let server = Server::start(app().layer(guard(&kit).let_preflight_pass()));
    let answer = server.ask("OPTIONS", "/orders", &PREFLIGHT);
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (200, Some("GET")));
    server.ask("GET", "/orders", &PREFLIGHT).is(401, "token-missing");
}

#[test]
fn a_time_out_inside_is_recorded_as_what_it_answers_and_one_outside_as_nobody_waiting() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let time_out = || TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_millis(5));
    let never = || Router::new().route("/orders", get(std::future::pending::<&str>));
    let inside = never().layer(ServiceBuilder::new().layer(guard(&kit)).layer(time_out()));
    let server = Server::start(inside);
    assert_eq!(server.get("/orders", &token).status, 504);
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 504));
    // Such a layer needs a body that can be empty.
    let outside = never().layer(ServiceBuilder::new().layer(time_out()).layer(guard(&kit)));
    let server = Server::start(outside);
    assert_eq!(server.get("/orders", &token).status, 504);
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 499));
    assert_eq!(kit.counted(&id), (2, 2, 0));
}
