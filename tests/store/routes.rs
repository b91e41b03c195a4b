//! All eleven scopes guard real routes, and writes really write.

use serde_json::{Value, json};

use crate::program::Folder;

/// Each route of the store, with a body, the scope that it needs and the status of success.
fn routes() -> Vec<(&'static str, &'static str, Option<Value>, &'static str, u16)> {
    vec![
        ("GET", "/products", None, "products:read", 200),
        ("GET", "/products/102", None, "products:read", 200),
        (
            "POST",
            "/products",
            Some(json!({"sku": "AXE-600", "name": "Splitting axe", "price_minor": 4490, "stock": 12})),
            "products:write",
            201,
        ),
        ("PATCH", "/products/102", Some(json!({"stock": 77})), "products:write", 200),
        ("DELETE", "/products/157", None, "products:write", 200),
        ("GET", "/orders", None, "orders:read", 200),
        ("GET", "/orders/1240", None, "orders:read", 200),
        ("POST", "/orders/1240/fulfil", None, "orders:write", 200),
        ("PATCH", "/orders/1238", Some(json!({"note": "Ring twice"})), "orders:write", 200),
        ("GET", "/customers", None, "customers:read", 200),
        ("GET", "/customers/301", None, "customers:read", 200),
        ("PATCH", "/customers/301", Some(json!({"city": "Bremen"})), "customers:write", 200),
        ("GET", "/analytics/revenue", None, "analytics:read", 200),
        ("GET", "/webhooks", None, "webhooks:read", 200),
        ("GET", "/webhooks/12/deliveries", None, "webhooks:read", 200),
        (
            "POST",
            "/webhooks",
            Some(json!({"url": "https://hooks.example/orders", "events": ["order.fulfilled"]})),
            "webhooks:write",
            201,
        ),
        ("PATCH", "/webhooks/11", Some(json!({"enabled": false})), "webhooks:write", 200),
        ("DELETE", "/webhooks/14", None, "webhooks:write", 204),
        ("GET", "/settings", None, "settings:read", 200),
        ("PATCH", "/settings", Some(json!({"return_days": 60})), "settings:write", 200),
    ]
}

#[test]
fn every_route_needs_its_scope_and_nothing_else_opens_it() {
    let folder = Folder::new();
    let store = folder.start();
    let (client, admin) = (&store.client, folder.admin_tokens().acme);
    let mut scopes: Vec<_> = routes().iter().map(|route| route.3).collect();
    scopes.sort();
    scopes.dedup();
    assert_eq!(scopes.len(), 11);
    let mut tokens = Vec::new();
    for scope in &scopes {
        let body =
            json!({"name": format!("Only {scope}"), "scopes": [scope], "rate_limit": {"per_minute": 600}});
        let created = client.admin("acme", &admin, "POST", "/tokens", Some(&body));
        assert_eq!(created.status, 201, "{}", created.body);
        tokens.push((*scope, created.json()["secret"].as_str().unwrap().to_owned()));
    }
    for (method, path, body, needed, success) in routes() {
        let anonymous = client.ask("acme", "", method, path, body.as_ref());
        assert_eq!((anonymous.status, anonymous.code().as_str()), (401, "token-missing"), "{method} {path}");
        // Those that lack the scope first: the last one changes what is there.
        for (_, token) in tokens.iter().filter(|(scope, _)| *scope != needed) {
            let refused = client.ask("acme", token, method, path, body.as_ref());
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (403, "insufficient-scope"),
                "{method} {path}"
            );
            assert_eq!(refused.json()["missing"], json!([needed]));
        }
        let (_, token) = tokens.iter().find(|(scope, _)| *scope == needed).unwrap();
        let elsewhere = client.ask("globex", token, method, path, body.as_ref());
        assert_eq!((elsewhere.status, elsewhere.code().as_str()), (401, "token-invalid"), "{method} {path}");
        let answered = client.ask("acme", token, method, path, body.as_ref());
        assert_eq!(answered.status, success, "{method} {path}: {}", answered.body);
    }

    let read = |path: &str| client.get("acme", &admin, path);
    assert_eq!(read("/products/102").json()["stock"], 77);
    assert_eq!(read("/products/157").status, 404);
    assert_eq!(read("/orders/1240").json()["status"], "fulfilled");
    assert_eq!(read("/orders/1238").json()["note"], "Ring twice");
    assert_eq!(read("/customers/301").json()["city"], "Bremen");
    assert_eq!(read("/settings").json()["return_days"], 60);
    assert_eq!(client.get("acme", "", "/health").status, 200);
    assert_eq!(client.get("acme", "", "/nowhere").status, 404);
    assert_eq!(client.get("acme", &admin, "/products/501").status, 404);
}
