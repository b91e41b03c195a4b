//! A server on a real socket, a client that speaks bytes, and a store that counts and fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use axum::Router;
use tokenward::{Actor, Catalog, ManualClock, NewToken, TokenId, Tokens, Update, block_on};

use super::watched_store::WatchedStore;

/// A wait that only a broken test ends.
const TOO_LONG: Duration = Duration::from_secs(10);

/// A server with a runtime and a thread of its own, and the lines that it logs.
pub struct Server {
    pub address: SocketAddr,
    log: Receiver<String>,
}

impl Server {
    pub fn start(app: Router) -> Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (lines, log) = channel();
        std::thread::spawn(move || {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_ansi(false)
                .without_time()
                .with_writer(move || Lines(lines.clone()))
                .finish();
            let _logged = tracing::subscriber::set_default(subscriber);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let app = app.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, app).await.unwrap();
            });
        });
        Server { address, log }
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TOO_LONG)).unwrap();
        Connection(BufReader::new(stream))
    }

    /// Sends these bytes over a new connection, and reads one answer.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut connection = self.connect();
        connection.send(bytes.as_ref());
        connection.answer(bytes.as_ref().starts_with(b"HEAD "))
    }

    /// A request without a body to the host of the tenant `acme`, with these header lines.
    pub fn ask(&self, method: &str, target: &str, lines: &[&str]) -> Answer {
        self.raw(request(method, target, lines))
    }

    pub fn get(&self, target: &str, token: &str) -> Answer {
        self.ask("GET", target, &[&format!("Authorization: Bearer {token}")])
    }

    /// The next line of the log that has this in it.
    pub fn logged(&self, part: &str) -> String {
        loop {
            let line = self.log.recv_timeout(TOO_LONG).unwrap_or_else(|_| panic!("{part:?} is never logged"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All lines so far that have this in them.
    pub fn lines_with(&self, part: &str) -> Vec<String> {
        self.log.try_iter().filter(|line| line.contains(part)).collect()
    }

    /// Route and status of the next request whose end is recorded.
    pub fn recorded(&self) -> (String, u16) {
        let line = self.logged("a request with a token is finished");
        let field = |name: &str| line.split_once(name).unwrap().1.to_owned();
        let route = field("route=\"").split('"').next().unwrap().to_owned();
        let status = field("status_code=").split(' ').next().unwrap().parse().unwrap();
        (route, status)
    }
}

pub fn request(method: &str, target: &str, lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{method} {target} HTTP/1.1\r\nHost: acme.shop.example\r\n{lines}\r\n")
}

struct Lines(Sender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Nobody listens any more once the test is over.
        _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub struct Connection(BufReader<TcpStream>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that has heard enough may close before it has read all.
        _ = self.0.get_mut().write_all(bytes.as_ref());
    }

    pub fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.0.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8(line).unwrap().trim_end().to_owned()),
        }
    }

    pub fn bytes(&mut self, number: usize) -> Vec<u8> {
        let mut bytes = vec![0; number];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Status and headers; none where the server has closed.
    pub fn head(&mut self) -> Option<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            if name != "date" {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Some(Answer { status, headers, body: Vec::new() })
    }

    pub fn answer(&mut self, is_head: bool) -> Answer {
        let mut answer = self.head().expect("the server closes without an answer");
        if is_head || matches!(answer.status, 101 | 204 | 304) {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            answer.body = self.bytes(length.parse().unwrap());
        } else if answer.header("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk() {
                answer.body.extend(chunk);
            }
        }
        answer
    }

    /// The next chunk of a chunked body; none at its end.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let length = usize::from_str_radix(&self.line()?, 16).unwrap();
        let chunk = self.bytes(length);
        self.bytes(2);
        (length > 0).then_some(chunk)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The status, and the `code` of the problem if there is one.
    pub fn said(&self) -> (u16, String) {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        (self.status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    #[track_caller]
    pub fn is(&self, status: u16, code: &str) -> &Answer {
        assert_eq!(self.said(), (status, code.to_owned()), "{}", String::from_utf8_lossy(&self.body));
        self
    }
}

/// Tokens over a store that can be counted and stopped, with a clock that stands.
pub struct Kit {
    pub tokens: Tokens,
    pub store: Arc<WatchedStore>,
}

pub fn kit() -> Kit {
    let store = Arc::new(WatchedStore::default());
    let catalog = Catalog::new()
        .scope("orders:read", "Look at orders")
        .scope("orders:write", "Change orders")
        .scope("products:read", "Look at products");
    let tokens = Tokens::builder(store.clone())
        .catalog(catalog)
        .clock(ManualClock::new())
        .without_background()
        .build()
        .unwrap();
    Kit { tokens, store }
}

impl Kit {
    pub fn issue(&self, scopes: &[&str]) -> (String, TokenId) {
        self.issue_as(NewToken::named("Trial").tenant("acme").scopes(scopes.iter().copied()))
    }

    pub fn issue_as(&self, asked: NewToken) -> (String, TokenId) {
        let issued = block_on(async { self.tokens.issue(asked).by("maria").await.unwrap() });
        (issued.secret.expose().to_owned(), issued.record.id)
    }

    pub fn limit(&self, id: &TokenId, per_minute: u32) {
        block_on(async {
            let by = Actor::new("maria").tenant("acme");
            self.tokens.update(id, Update::new().per_minute(per_minute)).by(by).await.unwrap();
        });
    }

    /// What is counted of a token: granted, finished and succeeded.
    pub fn counted(&self, id: &TokenId) -> (u64, u64, u64) {
        block_on(async {
            self.tokens.flush().await.unwrap();
            let usage = self.tokens.usage(id).await.unwrap();
            (usage.granted, usage.finished, usage.succeeded)
        })
    }
}

/// A token with one letter changed: its checksum is wrong.
pub fn misspelt(token: &str) -> String {
    let (start, end) = token.split_at(token.len() - 20);
    let other = if end.starts_with('x') { 'y' } else { 'x' };
    format!("{start}{other}{}", &end[1..])
}
