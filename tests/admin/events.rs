//! Reading server-sent events: of a reply that is polled by hand, and of a socket.

use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::{BodyStream, Reply, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// An event: its id, its name and its data. A comment has a name that starts with a colon.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    pub id: Option<u64>,
    pub name: String,
    pub data: Value,
}

/// The whole events in a text.
pub fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.is_empty()) {
        let mut event = Event { id: None, name: String::new(), data: Value::Null };
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => event.id = Some(id.parse().unwrap()),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => event.data = serde_json::from_str(data).unwrap(),
                Some(("retry", time)) => event.name = format!("retry {time}"),
                _ if line.starts_with(':') => event.name = line.to_owned(),
                _ => panic!("no line of an event: {line:?}"),
            }
        }
        events.push(event);
    }
    events
}

/// The ids of the calls among events.
pub fn call_ids(events: &[Event]) -> Vec<u64> {
    events.iter().filter(|event| event.name == "call").map(|event| event.id.unwrap()).collect()
}

/// A stream that moves only when it is polled.
pub struct ByHand(pub BodyStream);

impl ByHand {
    /// The events of the next piece; none while it waits.
    pub fn poll(&mut self) -> Option<Vec<Event>> {
        match self.0.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(piece)) => Some(events(&String::from_utf8(piece.unwrap()).unwrap())),
            Poll::Ready(None) => panic!("the stream has ended"),
            Poll::Pending => None,
        }
    }

    pub fn has_ended(&mut self) -> bool {
        matches!(self.0.poll_next(&mut Context::from_waker(Waker::noop())), Poll::Ready(None))
    }
}

/// Asks the API, below its mount.
pub async fn ask(api: &AdminApi, access: Access, path: &str, headers: &[(&str, &str)]) -> Reply {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let headers = headers.to_vec();
    let http = Request { query, ..Request::new("GET", path, &headers) };
    api.handle(access, AdminRequest::new(http, b"")).await
}

/// Opens a stream, and takes what it begins with.
pub async fn open(api: &AdminApi, access: Access, path: &str, headers: &[(&str, &str)]) -> ByHand {
    let reply = ask(api, access, path, headers).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let mut stream = ByHand(reply.stream.unwrap());
    let first = stream.poll().unwrap();
    assert_eq!((&*first[0].name, &*first[1].name), ("retry 2000", "state"));
    assert_eq!(first[1].data["state"], "opened");
    stream
}

/// A server on a free port.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A client that reads what it gets, without any library between.
pub struct Raw {
    socket: TcpStream,
    bytes: Vec<u8>,
}

impl Raw {
    pub async fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Raw {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        socket.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        Raw { socket, bytes: Vec::new() }
    }

    /// Reads until this text has come, or the connection has ended. Everything that has come, with
    /// the head and without the frames of chunks.
    pub async fn until(&mut self, text: &str) -> String {
        let mut looked_at: usize = 0;
        loop {
            // It may have begun in the piece before.
            let new = &self.bytes[looked_at.saturating_sub(text.len())..];
            if new.windows(text.len()).any(|window| window == text.as_bytes()) {
                return self.text();
            }
            looked_at = self.bytes.len();
            assert!(self.read().await > 0, "{text:?} never came: {}", self.text());
        }
    }

    /// Reads to the end of the answer.
    pub async fn rest(&mut self) -> String {
        while !self.bytes.ends_with(b"\r\n0\r\n\r\n") && self.read().await > 0 {}
        self.text()
    }

    async fn read(&mut self) -> usize {
        let mut piece = vec![0; 65_536];
        // Whatever is wrong, a test says so instead of hanging.
        let read = timeout(Duration::from_secs(30), self.socket.read(&mut piece)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing comes any more: {}", self.text())).unwrap();
        self.bytes.extend(&piece[..read]);
        read
    }

    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes).into_owned();
        let Some((head, mut rest)) = text.split_once("\r\n\r\n") else { return text };
        let mut whole = format!("{head}\r\n\r\n");
        while let Some((length, after)) = rest.split_once("\r\n") {
            let Ok(length) = usize::from_str_radix(length, 16) else { break };
            let Some(piece) = after.get(..length) else { break };
            whole += piece;
            rest = after.get(length + 2..).unwrap_or_default();
        }
        whole
    }
}

/// The events of an answer, head and all.
pub fn events_of(answer: &str) -> Vec<Event> {
    events(answer.split_once("\r\n\r\n").unwrap().1)
}
