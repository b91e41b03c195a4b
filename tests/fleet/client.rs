//! A small HTTP client, which keeps its connection.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take: longer than anything that a node waits for.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client of one node.
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The `code` of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client { address, connection: None }
    }

    /// Asks once. An error says that nothing is known of the request; the next one takes a new connection.
    pub fn ask(&mut self, token: &str, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let port = self.address.port();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let bearer =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: acme.localhost:{port}\r\n{bearer}{kind}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.get_mut().write_all(request.as_bytes())?;
        let answer = read(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(BufReader::new(stream))
    }
}

fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let mut head = String::new();
    loop {
        let begin = head.len();
        if connection.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if head[begin..].trim_end().is_empty() {
            break;
        }
    }
    head.make_ascii_lowercase();
    let odd = || io::Error::other(format!("no answer as expected: {head}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(odd)?;
    let length = match header(&head, "content-length") {
        Some(length) => length.parse().map_err(|_| odd())?,
        None if status == 204 => 0,
        None => return Err(odd()),
    };
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned(), head })
}

/// A header, by its name in lower case.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}
