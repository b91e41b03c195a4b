//! A small HTTP client: one request a connection, everything written down.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.into_iter().find(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The `code` of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Whom to ask, and what was answered so far.
pub struct Client {
    port: u16,
    answers: Mutex<Vec<Answer>>,
}

impl Client {
    pub fn new(port: u16) -> Client {
        Client { port, answers: Mutex::default() }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks a shop. `path` may have a query.
    pub fn ask(&self, shop: &str, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let body = body.map(Value::to_string).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.exchange(shop, method, path, &format!("{bearer}{kind}"), &body)
    }

    /// What a browser does that holds this cookie: a page is asked for, or a form is sent from one.
    pub fn browse(&self, shop: &str, cookie: &str, path: &str, form: Option<&str>) -> Answer {
        let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
        let method = if form.is_some() { "POST" } else { "GET" };
        let sent = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n";
        let headers = if form.is_some() { format!("{cookie}{sent}") } else { cookie };
        self.exchange(shop, method, path, &headers, form.unwrap_or_default())
    }

    fn exchange(&self, shop: &str, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {shop}.localhost:{}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let answer = Answer {
            status: status.unwrap_or_else(|| panic!("no answer to {method} {path}: {text}")),
            head: head.to_owned(),
            body: body.to_owned(),
        };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push(answer.clone());
        answer
    }

    pub fn get(&self, shop: &str, token: &str, path: &str) -> Answer {
        self.ask(shop, token, "GET", path, None)
    }

    /// Asks the admin API.
    pub fn admin(&self, shop: &str, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask(shop, token, method, &format!("/admin/api/v1{path}"), body)
    }

    /// Every answer so far.
    pub fn answers(&self) -> Vec<Answer> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
