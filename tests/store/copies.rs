//! Several copies over one PostgreSQL and one Redis.

use std::thread;

use serde_json::json;

use crate::program::{Folder, Store};
use crate::servers::{PostgresServer, RedisServer, are_missing};

#[test]
fn copies_that_start_at_the_same_moment_are_one_service() {
    if are_missing(&["postgres", "redis-server"]) {
        return;
    }
    let (postgres, redis) = (PostgresServer::start(), RedisServer::start());
    let (database, counter) = (postgres.address(), redis.address());
    let arguments = ["--database", &database, "--redis", &counter];
    let folder = Folder::new();
    let [one, other] = thread::scope(|scope| {
        let starting = [(); 2].map(|()| scope.spawn(|| folder.start_with(&arguments)));
        starting.map(|starting| starting.join().unwrap())
    });

    // One of them has made the first tokens and shows them.
    let is_first = |store: &&Store| store.greeting.contains("shown once, now");
    assert_eq!([&one, &other].iter().copied().filter(is_first).count(), 1);
    let first = if is_first(&&one) { &one } else { &other };
    assert_eq!(postgres.execute("SELECT count(*) FROM tokenward.tokens"), "3");
    let admin = folder.admin_tokens().acme;

    // The limit is one for both.
    let demo = first.demo_token();
    let mut statuses = Vec::new();
    for _ in 0..31 {
        statuses.push(one.client.get("acme", &demo, "/products").status);
        statuses.push(other.client.get("acme", &demo, "/products").status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 60, "{statuses:?}");

    // What one changes, the other heeds.
    let body = json!({"name": "Warehouse", "scopes": ["orders:read"]});
    let created = one.client.admin("acme", &admin, "POST", "/tokens", Some(&body)).json();
    let (id, secret) = (created["token"]["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert_eq!(other.client.get("acme", secret, "/orders").status, 200);
    let revoked = one.client.admin("acme", &admin, "POST", &format!("/tokens/{id}/revoke"), None);
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_eq!(other.client.get("acme", secret, "/orders").code(), "token-revoked");

    // Both know of each other, and say so to whoever may look.
    for store in [&one, &other] {
        assert_eq!(store.client.get("acme", "", "/admin/api/v1/healthz").json(), json!({"status": "ok"}));
        let told = store.client.admin("acme", &admin, "GET", "/healthz", None).json();
        assert_eq!(told["limiter"]["state"]["is"], "working", "{told}");
        assert_eq!(told["lease"]["length_s"], 10.0, "{told}");
    }
    one.stop();
    other.stop();
}

#[test]
fn the_printed_line_starts_another_copy() {
    if are_missing(&["postgres"]) {
        return;
    }
    let postgres = PostgresServer::start();
    let folder = Folder::new();
    let first = folder.start_with(&["--database", &postgres.address(), "--lease", "2s"]);
    let line = first.greeting.lines().find(|line| line.contains("--shop-data")).unwrap().trim().to_owned();
    let next = format!("127.0.0.1:{}", first.client.port() + 1);
    assert!(line.contains(&format!("--addr {next}")) && line.contains("--lease 2s"), "{line}");
    // The next port may be somebody's.
    let second = folder.start_line(&line.replace(&next, "127.0.0.1:0"));
    let demo = first.demo_token();
    assert_eq!(second.client.get("acme", &demo, "/products").status, 200);
    assert!(second.greeting.contains("DROP SCHEMA tokenward CASCADE"), "{}", second.greeting);
}

#[test]
fn a_password_is_shown_to_nobody() {
    let folder = Folder::new();
    for arguments in [
        ["--database", "postgres://store:hunter2@127.0.0.1:1/store"],
        ["--database", "postgres://127.0.0.1:1/store?user=store&password=hunter2"],
        ["--database", "mysql://store:hunter2@127.0.0.1:1/store"],
        ["--redis", "http://store:hunter2@127.0.0.1:1"],
    ] {
        let output = folder.command(&arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!output.status.success() && !said.contains("hunter2"), "{said}");
        assert!(said.contains("127.0.0.1:1"), "{said}");
    }
}
