//! What is recorded of a request that came over a socket: once, with all that is known of it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use bytes::Bytes;
use http_body::Frame;
use tokenward::usage::{CallQuery, Outcome, RecordedCall};
use tokenward::web::Rules;
use tokenward::{Caller, Subject, TokenId, block_on};

use super::kit::{Kit, Server, kit, request};

/// All calls of a token, the oldest first.
fn calls(kit: &Kit, id: TokenId) -> Vec<RecordedCall> {
    let mut query = CallQuery::new(Subject::Token(id));
    query.oldest_first = true;
    block_on(async {
        kit.tokens.flush().await.unwrap();
        kit.tokens.recent_calls(&query).await.unwrap().calls
    })
}

/// A body of these frames.
struct Frames(std::vec::IntoIter<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

async fn with_trailers() -> Response {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    let data = |bytes: &'static [u8]| Frame::data(Bytes::from_static(bytes));
    let frames = vec![data(b"four"), data(b""), data(b"seven.."), Frame::trailers(trailers)];
    Response::new(Body::new(Frames(frames.into_iter())))
}

async fn records_itself(caller: Caller) -> &'static str {
    caller.record("GET /mine", 207, Duration::from_millis(3));
    "recorded"
}

fn service(kit: &Kit) -> Router {
    let answer =
        |status: u16| any(move || async move { (StatusCode::from_u16(status).unwrap(), "12 bytes long") });
    let rules = Rules::new().resource("/orders", "orders").live("/busy").live("/moved").live("/broken");
    let rules = rules.live("/silent").live("/unchanged").live("/trailers").live("/itself");
    Router::new()
        .route("/orders/{id}", get(|| async { "an order" }))
        .route("/busy", answer(429))
        .route("/moved", answer(308))
        .route("/broken", answer(503))
        .route("/silent", answer(204))
        .route("/unchanged", answer(304))
        .route("/trailers", get(with_trailers))
        .route("/itself", get(records_itself))
        .nest("/deep", Router::new().route("/orders/{id}", get(|| async { "deep" })))
        .route_layer(
            kit.tokens.guard(rules.resource("/deep", "orders")).tenant_from_subdomain_of("shop.example"),
        )
}

#[test]
fn every_answer_is_recorded_once_as_what_it_was() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read", "orders:write"]);
    let server = Server::start(service(&kit));
    let expected = [
        ("GET", "/orders/7", "GET /orders/{id}", 200, Some(8)),
        ("GET", "/orders/7%2F8", "GET /orders/{id}", 200, Some(8)),
        ("GET", "/orders/%2e%2e?token=x", "GET /orders/{id}", 200, Some(8)),
        ("HEAD", "/orders/7", "HEAD /orders/{id}", 200, Some(0)),
        ("POST", "/orders/7", "POST /orders/{id}", 405, Some(0)),
        ("OPTIONS", "/orders/7", "OPTIONS /orders/{id}", 405, Some(0)),
        ("BREW", "/orders/7", "OTHER /orders/{id}", 405, Some(0)),
        ("GET", "/busy", "GET /busy", 429, Some(13)),
        ("DELETE", "/moved", "DELETE /moved", 308, Some(13)),
        ("GET", "/broken", "GET /broken", 503, Some(13)),
        ("GET", "/trailers", "GET /trailers", 200, Some(11)),
        ("GET", "/itself", "GET /mine", 207, None),
        ("GET", "/deep/orders/7", "GET /deep/orders/{id}", 200, Some(4)),
    ];
    for (method, target, ..) in expected {
        let lines = [&*format!("Authorization: Bearer {token}"), "User-Agent: curl/8", "User-Agent: other"];
        server.ask(method, target, &lines);
        server.recorded();
    }
    // Nothing of ours stands before these.
    for target in ["//orders/7", "/orders/7/8", "/elsewhere"] {
        assert_eq!(server.get(target, &token).status, 404);
    }
    let told = calls(&kit, id);
    assert_eq!(told.len(), expected.len());
    for (call, (method, target, route, status, bytes)) in told.iter().zip(expected) {
        assert_eq!(
            (call.route.as_str(), call.status, call.bytes),
            (route, status, bytes),
            "{method} {target}"
        );
        assert_eq!((call.outcome, call.secret_version), (Outcome::Granted, 1));
        assert!(call.duration_us < 10_000_000, "{call:?}");
        if bytes.is_some() {
            let client = call.client.as_ref().unwrap();
            assert_eq!((client.address.as_str(), client.agent.as_str()), ("127.0.0.1", "curl/8"));
        }
    }
    let usage = block_on(kit.tokens.usage(&id)).unwrap();
    let of = expected.len() as u64;
    assert_eq!((usage.granted, usage.finished, usage.limited), (of, of, 0), "429 by the handler is its own");
    assert_eq!(
        (usage.last_24_hours.statuses.client_error, usage.last_24_hours.statuses.server_error),
        (4, 1)
    );
}

#[test]
fn answers_without_a_body_are_recorded_without_bytes() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let server = Server::start(service(&kit));
    for target in ["/silent", "/unchanged"] {
        server.get(target, &token);
        server.recorded();
    }
    let told: Vec<_> = calls(&kit, id).iter().map(|call| (call.status, call.bytes)).collect();
    assert_eq!(told, [(204, Some(0)), (304, Some(0))]);
}

#[test]
fn refusals_are_recorded_once_with_their_route_and_client() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    kit.limit(&id, 1);
    let server = Server::start(
        service(&kit).layer(axum::middleware::map_response(|response: Response| async { response })),
    );
    let line = format!("Authorization: Bearer {token}");
    let agent = format!("User-Agent: sync {token}");
    let mut client = server.connect();
    for (method, target) in
        [("GET", "/orders/7"), ("GET", "/orders/8"), ("POST", "/orders/9"), ("PUT", "/silent")]
    {
        client.send(request(method, target, &[&line, &agent]));
        client.answer(false);
    }
    server.ask("GET", "/orders/7", &[]).is(401, "token-missing");
    let told = calls(&kit, id);
    let told: Vec<_> = told
        .iter()
        .map(|call| (call.route.as_str(), call.outcome, call.status, call.client.as_ref().unwrap()))
        .collect();
    let seen: Vec<_> = told.iter().map(|(route, outcome, status, _)| (*route, *outcome, *status)).collect();
    assert_eq!(
        seen,
        [
            ("GET /orders/{id}", Outcome::Granted, 200),
            ("GET /orders/{id}", Outcome::Limited, 429),
            ("POST /orders/{id}", Outcome::MissingScope, 403),
            ("PUT /silent", Outcome::Limited, 429),
        ]
    );
    for (.., client) in told {
        assert_eq!(client.address, "127.0.0.1");
        assert!(!client.agent.contains(&token[20..40]), "{}", client.agent);
    }
}
