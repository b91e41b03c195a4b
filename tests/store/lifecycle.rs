//! Stopped and started again, the store still knows everything; started wrongly, it says so.

use serde_json::{Value, json};

use crate::program::Folder;

#[test]
fn a_restart_forgets_nothing() {
    let folder = Folder::new();
    let store = folder.start();
    let admin = folder.admin_tokens().acme;
    let body = json!({"name": "Warehouse", "scopes": ["orders:read", "orders:write"]});
    let created = store.client.admin("acme", &admin, "POST", "/tokens", Some(&body)).json();
    let (id, secret) = (created["token"]["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    for _ in 0..7 {
        assert_eq!(store.client.get("acme", secret, "/orders").status, 200);
    }
    assert_eq!(store.client.get("acme", secret, "/products").status, 403);
    let demo = store.demo_token();
    let find = json!({"secret": demo});
    let found = store.client.admin("acme", &admin, "POST", "/tokens/find", Some(&find));
    let demo_id = found.json()["id"].as_str().unwrap().to_owned();
    let revoked = store.client.admin("acme", &admin, "POST", &format!("/tokens/{demo_id}/revoke"), None);
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    store.stop();

    let store = folder.start();
    assert!(!store.greeting.contains(secret) && !store.greeting.contains(&demo));
    assert_eq!(folder.admin_tokens().acme, admin);
    let usage = store.client.admin("acme", &admin, "GET", &format!("/tokens/{id}/usage"), None).json();
    // What was counted until it was stopped was written then.
    assert_eq!(usage["calls_total"], 8, "{usage}");
    assert_eq!(usage["success_rate"], json!(0.875));
    assert!(usage["mean_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{usage}");
    assert_eq!(store.client.get("acme", secret, "/orders").status, 200);
    assert_eq!(store.client.get("acme", &demo, "/products").code(), "token-revoked");
    let audit = store.client.admin("acme", &admin, "GET", &format!("/tokens/{id}/audit"), None).json();
    assert_eq!(audit["data"][0]["action"], "issued", "{audit}");
}

#[test]
fn the_other_shop_sees_nothing() {
    let folder = Folder::new();
    let store = folder.start();
    let tokens = folder.admin_tokens();
    let list = |shop: &str, token: &str| store.client.admin(shop, token, "GET", "/tokens", None);
    // Tokens of one tick of the clock have no order among each other but their ids'.
    let names = |answer: Value| -> Vec<String> {
        let tokens = answer["data"].as_array().unwrap().iter();
        let mut names: Vec<_> = tokens.map(|token| token["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(list("acme", &tokens.acme).json()), ["Demo mobile app", "Store administration"]);
    assert_eq!(names(list("globex", &tokens.globex).json()), ["Store administration"]);
    assert_eq!(list("globex", &tokens.acme).status, 401);
    let page = list("acme", &tokens.acme).json();
    let named = |token: &&Value| token["name"] == "Demo mobile app";
    let demo = page["data"].as_array().unwrap().iter().find(named).unwrap();
    let demo = demo["id"].as_str().unwrap().to_owned();
    for (method, path) in
        [("GET", ""), ("POST", "/revoke"), ("POST", "/rotate"), ("GET", "/usage"), ("GET", "/audit")]
    {
        let path = format!("/tokens/{demo}{path}");
        assert_eq!(store.client.admin("globex", &tokens.globex, method, &path, None).status, 404, "{path}");
    }
}

#[test]
fn a_second_store_on_the_same_file_is_refused() {
    let folder = Folder::new();
    let store = folder.start();
    let second = folder.command(&["--addr", "127.0.0.1:0"]).output().unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("store.db"), "{said}");
    drop(store);
}

#[test]
fn what_failed_says_what_to_do() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["--addr", &address][..], "is taken: try --addr 127.0.0.1:"),
        (&["--addr", "here"], "try --addr 127.0.0.1:3000"),
        (&["--database", "mysql://localhost"], "try sqlite:store.db or memory:"),
        (&["--database"], "needs a value"),
        (&["--redis", "localhost"], "try redis://localhost"),
        (&["--lease", "0s"], "try --lease 10s"),
        (&["--colour"], "try --help"),
        (&["--database", "sqlite:/nowhere/at/all.db"], "/nowhere/at/all.db cannot be opened"),
    ] {
        let output = folder.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
    let help = folder.command(&["--help"]).output().unwrap();
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--admin-token-file"));
}

#[test]
fn a_client_that_dawdles_does_not_keep_it_from_stopping() {
    let folder = Folder::new();
    let store = folder.start();
    let mut dawdling = std::net::TcpStream::connect(("127.0.0.1", store.client.port())).unwrap();
    std::io::Write::write_all(&mut dawdling, b"GET /health HTTP/1.1\r\nHost: acme.localh").unwrap();
    assert_eq!(store.client.get("acme", "", "/health").status, 200);
    store.stop();
    drop(dawdling);
}
