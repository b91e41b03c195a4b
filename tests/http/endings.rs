//! However a request ends, it is recorded once, and as what it was.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleError;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use http_body::Frame;
use hyper_util::rt::TokioIo;
use tokenward::web::Rules;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower::Layer;

use super::kit::{Connection, Kit, Server, kit, misspelt, request};

fn serve(kit: &Kit, orders: MethodRouter) -> Server {
    let guard = kit.tokens.guard(Rules::new().resource("/orders", "orders"));
    let guard = guard.tenant_from_subdomain_of("shop.example");
    Server::start(Router::new().route("/orders", orders).route_layer(guard))
}

fn send(server: &Server, token: &str) -> Connection {
    let mut connection = server.connect();
    connection.send(request("GET", "/orders", &[&format!("Authorization: Bearer {token}")]));
    connection
}

/// A body whose pieces come when the test sends them.
struct Pieces(UnboundedReceiver<Piece>);

enum Piece {
    Text(&'static str),
    Failure,
    Panic,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(context).map(|piece| {
            piece.map(|piece| match piece {
                Piece::Text(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
                Piece::Failure => Err(std::io::Error::other("the source of the stream is gone")),
                Piece::Panic => panic!("a body panics, as this test wants"),
            })
        })
    }
}

/// A handler that answers once, with such a body.
fn streamed() -> (UnboundedSender<Piece>, MethodRouter) {
    let (pieces, body) = unbounded_channel();
    let body = std::sync::Arc::new(Mutex::new(Some(Pieces(body))));
    let handler = move || {
        let body = body.lock().unwrap().take().unwrap();
        async { Response::new(Body::new(body)) }
    };
    (pieces, get(handler))
}

#[test]
fn a_streamed_body_is_recorded_when_it_ends() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let (pieces, handler) = streamed();
    let server = serve(&kit, handler);
    pieces.send(Piece::Text("one")).ok().unwrap();
    let mut client = send(&server, &token);
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"one"[..]));
    assert_eq!(kit.counted(&id), (1, 0, 0), "let in, and not finished");
    pieces.send(Piece::Text("two")).ok().unwrap();
    assert_eq!(client.chunk().as_deref(), Some(&b"two"[..]));
    assert_eq!(kit.counted(&id), (1, 0, 0));
    drop(pieces);
    assert_eq!(client.chunk(), None);
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 200));
    assert_eq!(kit.counted(&id), (1, 1, 1));
    // The connection goes on, and nothing is recorded twice.
    drop(client);
    server.get("/nowhere", &token).is(404, "");
    assert!(server.lines_with("a request with a token is finished").is_empty());
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_body_is_recorded_once_with_what_it_was_told() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let (pieces, handler) = streamed();
    let server = serve(&kit, handler);
    pieces.send(Piece::Text("one")).ok().unwrap();
    let mut client = send(&server, &token);
    assert_eq!(client.head().unwrap().status, 200);
    assert_eq!(client.chunk().as_deref(), Some(&b"one"[..]));
    drop(client);
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 200));
    assert_eq!(kit.counted(&id), (1, 1, 1));
    assert!(pieces.send(Piece::Text("two")).is_err(), "the body is dropped");
}

#[test]
fn a_body_that_breaks_off_is_no_success() {
    for end in [Piece::Failure, Piece::Panic] {
        let kit = kit();
        let (token, id) = kit.issue(&["orders:read"]);
        let (pieces, handler) = streamed();
        let server = serve(&kit, handler);
        pieces.send(Piece::Text("one")).ok().unwrap();
        let mut client = send(&server, &token);
        assert_eq!(client.head().unwrap().status, 200);
        assert_eq!(client.chunk().as_deref(), Some(&b"one"[..]));
        pieces.send(end).ok().unwrap();
        assert_eq!(server.recorded(), ("GET /orders".to_owned(), 500));
        assert_eq!(client.line(), None, "the end of the chunks never comes");
        assert_eq!(kit.counted(&id), (1, 1, 0));
    }
}

#[test]
fn a_handler_that_panics_is_recorded_as_500() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let server = serve(
        &kit,
        get(|| async {
            if true {
                panic!("a handler panics, as this test wants")
            }
        }),
    );
    assert_eq!(send(&server, &token).head(), None, "axum closes the connection");
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 500));
    assert_eq!(kit.counted(&id), (1, 1, 0));
    // Nothing is poisoned by it.
    server.get("/nowhere", &token).is(404, "");
    server.get("/orders", &misspelt(&token)).is(401, "token-invalid");
}

#[test]
fn a_client_that_leaves_before_the_answer_is_recorded_as_499() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let (entered, inside) = channel();
    let handler = move || {
        entered.send(()).unwrap();
        std::future::pending::<&str>()
    };
    let server = serve(&kit, get(handler));
    let client = send(&server, &token);
    inside.recv().unwrap();
    assert_eq!(kit.counted(&id), (1, 0, 0));
    drop(client);
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 499));
    assert_eq!(kit.counted(&id), (1, 1, 0));
}

#[test]
fn a_service_that_fails_without_an_answer_is_recorded_as_500() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let fails =
        tower::service_fn(async |_: Request| Err::<Response, _>(std::io::Error::other("no upstream")));
    let guard = kit.tokens.guard(Rules::new().resource("/orders", "orders"));
    let guarded = guard.tenant_from_subdomain_of("shop.example").layer(fails);
    let handled = HandleError::new(guarded, async |error: std::io::Error| {
        (axum::http::StatusCode::BAD_GATEWAY, error.to_string())
    });
    let server = Server::start(Router::new().route_service("/orders", handled));
    assert_eq!(server.get("/orders", &token).text(), "no upstream");
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 500));
    assert_eq!(kit.counted(&id), (1, 1, 0));
}

#[test]
fn requests_on_one_connection_are_judged_one_by_one() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    kit.limit(&id, 3);
    let server = serve(&kit, get(|| async { "orders" }));
    let good = request("GET", "/orders", &[&format!("Authorization: Bearer {token}")]);
    let bad = request("GET", "/orders", &[&format!("Authorization: Bearer {}", misspelt(&token))]);
    let bare = request("GET", "/orders", &[]);
    let foreign = good.replace("acme.", "globex.");
    let mut client = server.connect();
    client.send([&good, &bad, &bare, &good, &foreign, &good, &good, &bare].map(String::as_str).concat());
    let statuses: Vec<_> = (0..8).map(|_| client.answer(false).status).collect();
    assert_eq!(statuses, [200, 401, 401, 200, 401, 200, 429, 401]);
    assert_eq!(kit.counted(&id), (3, 3, 3));
}

#[test]
fn what_is_refused_before_its_body_is_read_does_not_smuggle_a_request() {
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let server = serve(&kit, get(|| async { "orders" }));
    let hidden = request("GET", "/orders", &[&format!("Authorization: Bearer {token}")]);
    let length = format!("Content-Length: {}", hidden.len());
    let mut client = server.connect();
    client.send(request("POST", "/orders", &[&length]) + &hidden + &request("GET", "/nowhere", &[]));
    assert_eq!(client.answer(false).status, 401);
    // Either the connection is closed, or the next answer is that to the second request.
    if let Some(next) = client.head() {
        assert_eq!(next.status, 404);
    }
    let mut client = server.connect();
    let both = format!("{length}\r\nTransfer-Encoding: chunked");
    client.send(request("POST", "/orders", &[&both]) + "0\r\n\r\n" + &hidden);
    let status = client.answer(false).status;
    assert!(matches!(status, 400 | 401), "{status}");
    assert_eq!(client.head().map(|answer| answer.status), None, "hyper closes where both are there");
    assert_eq!(kit.counted(&id), (0, 0, 0));
}

#[test]
fn who_is_refused_is_not_asked_for_the_body() {
    let kit = kit();
    let server = serve(&kit, get(|| async { "orders" }));
    let lines = ["Expect: 100-continue", "Content-Length: 1000000"];
    server.ask("POST", "/orders", &lines).is(401, "token-missing");
}

#[test]
fn an_upgrade_passes_through() {
    async fn upgrade(mut request: Request) -> Response {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgraded.await.unwrap());
            let mut bytes = [0; 4];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(&bytes).await.unwrap();
        });
        let response =
            Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
        response.body(Body::empty()).unwrap()
    }
    let kit = kit();
    let (token, id) = kit.issue(&["orders:read"]);
    let server = serve(&kit, get(upgrade));
    let upgrade = ["Connection: upgrade", "Upgrade: echo"];
    server.ask("GET", "/orders", &upgrade).is(401, "token-missing");
    let line = format!("Authorization: Bearer {token}");
    let mut client = server.connect();
    client.send(request("GET", "/orders", &[upgrade[0], upgrade[1], &line]));
    let head = client.head().unwrap();
    assert_eq!((head.status, head.header("upgrade")), (101, Some("echo")));
    client.send("ping");
    assert_eq!(client.bytes(4), b"ping");
    assert_eq!(server.recorded(), ("GET /orders".to_owned(), 101));
    assert_eq!(kit.counted(&id), (1, 1, 1));
}
