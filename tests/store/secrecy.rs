//! No secret is anywhere but in the one answer that shows it.

use std::collections::HashMap;

use serde_json::json;

use crate::program::Folder;

#[test]
fn no_secret_is_anywhere_but_in_the_answer_that_shows_it() {
    let folder = Folder::new();
    let store = folder.start();
    let client = &store.client;
    let admin = folder.admin_tokens();
    // Each secret, and in how many answers it may stand.
    let mut secrets =
        HashMap::from([(admin.acme.clone(), 0), (admin.globex.clone(), 0), (store.demo_token(), 0)]);
    for number in 0..10 {
        let body = json!({
            "name": format!("Token {number}"), "scopes": ["orders:read"], "rate_limit": {"per_minute": 1},
        });
        let created = client.admin("acme", &admin.acme, "POST", "/tokens", Some(&body)).json();
        let id = created["token"]["id"].as_str().unwrap().to_owned();
        let first = created["secret"].as_str().unwrap().to_owned();
        let call = |token: &str, path: &str| client.get("acme", token, path).status;
        assert_eq!(call(&first, "/orders"), 200);
        assert_eq!(call(&first, "/orders"), 429);
        assert_eq!(call(&first, "/products"), 403);
        assert_eq!(client.get("globex", &first, "/orders").status, 401);
        assert_eq!(client.get("acme", &first, &format!("/orders?access_token={number}")).status, 400);
        client.admin("acme", &first, "GET", "/tokens", None);
        client.admin("acme", &admin.acme, "POST", "/tokens/find", Some(&json!({"secret": first})));
        client.admin("acme", &admin.acme, "POST", "/tokens", Some(&json!({"name": "x", "secret": first})));
        let rotated = client.admin("acme", &admin.acme, "POST", &format!("/tokens/{id}/rotate"), None).json();
        let second = rotated["secret"].as_str().unwrap().to_owned();
        assert_eq!(call(&first, "/orders"), 401);
        if number % 2 == 0 {
            client.admin("acme", &admin.acme, "POST", &format!("/tokens/{id}/revoke"), None);
            assert_eq!(call(&second, "/orders"), 401);
        }
        for path in ["", "/usage", "/audit"] {
            client.admin("acme", &admin.acme, "GET", &format!("/tokens/{id}{path}"), None);
        }
        secrets.extend([(first, 1), (second, 1)]);
    }
    client.admin("acme", &admin.acme, "GET", "/tokens?include=usage", None);
    let answers = client.answers();
    let log = store.stop();
    assert!(log.contains("TRACE"), "the log is not at trace level: {log}");

    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name != "admin.json") {
            files.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    // Beside the file stands its log, if it was stopped before that was moved into the file.
    assert!(files.iter().any(|(name, content)| name.contains("store.db") && content.len() > 10_000));
    for (secret, shown) in &secrets {
        // The secret part alone gives it away as well.
        let part = &secret[secret.len() - 42..secret.len() - 6];
        let places = answers.iter().filter(|answer| answer.body.contains(part) || answer.head.contains(part));
        assert_eq!(places.count(), *shown, "a secret is in an answer that should not show it");
        assert!(!log.contains(part), "a secret is in the log");
        for (name, content) in &files {
            let found = content.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!found, "a secret is in {name}");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("admin.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
