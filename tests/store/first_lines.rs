//! What the store prints on its first start can be pasted, line by line.

use std::process::Command;

use serde_json::Value;

use crate::program::{Folder, Store};
use crate::tools::is_missing;

fn pasted(line: &str) -> String {
    let output = Command::new("bash").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn lines(store: &Store) -> Vec<String> {
    let is_command = |line: &&str| line.starts_with("curl ") || line.starts_with("for ");
    store.greeting.lines().map(str::trim).filter(is_command).map(str::to_owned).collect()
}

#[test]
fn each_printed_line_works_when_it_is_pasted() {
    if is_missing("curl") || is_missing("bash") {
        return;
    }
    let folder = Folder::new();
    let store = folder.start();
    let lines = lines(&store);
    let [good, scope, limit, usage, endpoints, stream, create, rotate, revoke] = &lines[..] else {
        panic!("{lines:#?}")
    };

    let good = pasted(good);
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    assert!(good.contains("ratelimit: \"default\";r=59;t="), "{good}");
    let scope = pasted(scope);
    assert!(scope.starts_with("HTTP/1.1 403"), "{scope}");
    assert!(scope.contains("POST /orders/{id}/fulfil needs orders:write"), "{scope}");
    let statuses = pasted(limit);
    assert_eq!(statuses.matches("200").count(), 59, "{statuses}");
    assert_eq!(statuses.matches("429").count(), 3, "{statuses}");

    // The calls as they come, up to the last of them: by then all of it is flushed.
    let stream = pasted(&format!("{stream} | grep -m1 -B1 -A2 '\"status\":429'"));
    assert!(stream.contains("event: call") && stream.contains("GET /products"), "{stream}");
    let usage: Value = serde_json::from_str(&pasted(usage)).unwrap();
    assert!(usage["calls_total"].as_u64().is_some_and(|calls| calls > 60), "{usage}");
    assert!(
        usage["p95_ms"].is_f64() && usage["last_client"]["agent"].as_str().unwrap().starts_with("curl"),
        "{usage}"
    );
    let endpoints: Value = serde_json::from_str(&pasted(endpoints)).unwrap();
    assert_eq!(endpoints["data"][0]["endpoint"], "GET /products", "{endpoints}");
    let created: Value = serde_json::from_str(&pasted(create)).unwrap();
    let warehouse = created["secret"].as_str().unwrap();
    assert_eq!(store.client.ask("acme", warehouse, "POST", "/orders/1240/fulfil", None).status, 200);

    let demo = store.demo_token();
    let rotated: Value = serde_json::from_str(&pasted(rotate)).unwrap();
    let fresh = rotated["secret"].as_str().unwrap();
    assert_eq!(store.client.get("acme", &demo, "/products").code(), "token-rotated");
    // The limit goes with the token, not with its secret.
    assert_eq!(store.client.get("acme", fresh, "/products").code(), "rate-limited");
    let revoked: Value = serde_json::from_str(&pasted(revoke)).unwrap();
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(store.client.get("acme", fresh, "/products").code(), "token-revoked");
}
