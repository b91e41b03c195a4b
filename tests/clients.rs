//! Clients that are not ours, against a server with the system's own clock: Python's requests and curl.
#![cfg(feature = "axum")]

#[path = "clients/python.rs"]
mod python;
#[path = "support/tools.rs"]
mod tools;

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::Value;
use tokenward::web::Rules;
use tokenward::{Catalog, NewToken, Quota, RateLimit, Tokens, block_on};

struct Server {
    address: SocketAddr,
    tokens: Tokens,
}

impl Server {
    fn start() -> Server {
        let catalog =
            Catalog::new().scope("orders:read", "Look at orders").scope("orders:write", "Change orders");
        let tokens = Tokens::in_memory(catalog).unwrap();
        let guard = tokens.guard(Rules::new().resource("/orders", "orders"));
        let orders = get(|| async { "the orders\n" }).post(|| async { "an order\n" });
        let app = Router::new().route("/orders", orders).route_layer(guard);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), app).await.unwrap();
            });
        });
        Server { address, tokens }
    }

    fn url(&self) -> String {
        format!("http://{}/orders", self.address)
    }

    /// A token for reading, three times in two seconds.
    fn token(&self) -> String {
        let limit = RateLimit::of(Quota::new(3, Duration::from_secs(2)).unwrap());
        let asked = NewToken::named("Nightly export").scopes(["orders:read"]).rate_limit(limit);
        block_on(async { self.tokens.issue(asked).by("maria").await.unwrap().secret.expose().to_owned() })
    }
}

#[test]
fn a_python_client_recovers_from_each_429_by_retry_after_alone() {
    let Some(python) = python::find() else { return };
    let server = Server::start();
    let said = python.run("retry.py", &[&server.url(), &server.token(), "7"], "");
    let said: Value = serde_json::from_str(&said).unwrap();
    let statuses: Vec<u64> =
        said["statuses"].as_array().unwrap().iter().map(|s| s.as_u64().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 7, "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(statuses.windows(2).all(|pair| pair != [429, 429]), "{statuses:?}");
    // Seven at three in two seconds: two full windows have to pass, and Retry-After rounds each up by at most
    // a second.
    let seconds = said["seconds"].as_f64().unwrap();
    assert!((4.0..10.0).contains(&seconds), "{seconds} seconds");
}

/// What `curl -i` prints: the status, the header lines but `date`, and the body.
fn curl(arguments: &[&str]) -> Option<(u16, Vec<String>, String)> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "10"]);
    let output = match command.args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            tools::skip(&format!("curl cannot be started: {error}"));
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n").map(str::to_owned);
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let lines = lines.filter(|line| !line.starts_with("date: ")).collect();
    Some((status, lines, body.to_owned()))
}

#[test]
fn curl_shows_what_a_developer_needs_to_know() {
    let server = Server::start();
    let (url, authorization) = (server.url(), format!("Authorization: Bearer {}", server.token()));
    let with_token = |more: &[&str]| curl(&[&[url.as_str(), "-H", &authorization], more].concat());

    let Some((status, lines, body)) = with_token(&[]) else { return };
    assert_eq!((status, body.as_str()), (200, "the orders\n"));
    let has = |lines: &[String], line: &str| assert!(lines.iter().any(|is| is == line), "{line}\n{lines:#?}");
    has(&lines, r#"ratelimit-policy: "default";q=3;w=2"#);
    // The clock is coarse: a window is over some milliseconds late, and the next whole second is said.
    let standing = lines.iter().find_map(|line| line.strip_prefix(r#"ratelimit: "default";r=2;t="#)).unwrap();
    assert!(matches!(standing, "2" | "3"), "{standing}");
    has(&lines, "x-ratelimit-limit: 3");
    has(&lines, "x-ratelimit-remaining: 2");
    let reset = lines.iter().find_map(|line| line.strip_prefix("x-ratelimit-reset: ")).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((now..=now + 4).contains(&reset.parse().unwrap()), "{reset} at {now}");

    let (status, lines, body) = with_token(&["-X", "POST"]).unwrap();
    assert_eq!(status, 403);
    has(&lines, r#"www-authenticate: Bearer realm="api", error="insufficient_scope", scope="orders:write""#);
    has(&lines, "content-type: application/problem+json");
    has(&lines, "cache-control: no-store");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["missing"], serde_json::json!(["orders:write"]));
    assert!(problem["detail"].as_str().unwrap().starts_with("The token \"Nightly export\" has orders:read."));

    let answers = std::iter::repeat_with(|| with_token(&[]).unwrap());
    let (_, lines, body) =
        answers.take(20).find(|(status, ..)| *status == 429).expect("three in two seconds");
    has(&lines, r#"ratelimit-policy: "default";q=3;w=2"#);
    has(&lines, "x-ratelimit-remaining: 0");
    has(&lines, "cache-control: no-store");
    assert!(!lines.iter().any(|line| line.starts_with("www-authenticate")), "another token would not help");
    let wait: u64 =
        lines.iter().find_map(|line| line.strip_prefix("retry-after: ")).unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait));
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&problem["code"], &problem["retry_after"]), (&"rate-limited".into(), &wait.into()));
    assert_eq!(problem["violated-policies"], serde_json::json!(["default"]));

    let (status, lines, _) = curl(&[&url]).unwrap();
    assert_eq!(status, 401);
    has(&lines, r#"www-authenticate: Bearer realm="api""#);
}
