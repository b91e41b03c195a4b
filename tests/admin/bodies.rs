//! Bodies that are none, and places that are not there.

use serde_json::json;

use super::support::{Answer, Shop, send, shop};

async fn raw(shop: &Shop, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let bearer = format!("Bearer {}", shop.manager);
    let mut headers = vec![("host", "acme.localhost"), ("authorization", &*bearer)];
    headers.extend(content_type.map(|value| ("content-type", value)));
    send(&shop.app, "POST", "/admin/api/v1/tokens", &headers, body.into()).await
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let shop = shop().await;
    let deep = format!("{{\"name\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    for body in [
        &b""[..],
        b" ",
        b"null",
        b"[]",
        b"\"text\"",
        b"7",
        b"{",
        b"{\"name\":\"a\"",
        b"{\"name\":\"a\"} {}",
        b"{\"name\":\"a\",\"name\":\"b\"}",
        b"{\"name\":\"a\",\"metadata\":{\"k\":\"1\",\"k\":\"2\"}}",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\\ud800\"}",
        b"{'name':'a'}",
        b"\xef\xbb\xbf{\"name\":\"a\"}",
        b"{\"name\":\"a\0\"}",
        b"{\"rate_limit\":{\"per_minute\":1e999}}",
        deep.as_bytes(),
    ] {
        let answer = raw(&shop, Some("application/json"), body).await;
        assert_eq!(
            answer.code(),
            (400, "malformed"),
            "{:?}",
            String::from_utf8_lossy(&body[..body.len().min(60)])
        );
    }
    let answer = raw(&shop, Some("application/json"), "{\"secret\":\"tw_hush\",}").await;
    assert!(!answer.text.contains("hush"));
    let many: serde_json::Map<_, _> = (0..2_000).map(|number| (format!("f{number}"), json!(1))).collect();
    let answer = raw(&shop, Some("application/json"), serde_json::to_vec(&many).unwrap()).await;
    assert_eq!(answer.errors().len(), 100);
}

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let shop = shop().await;
    let body = "{\"name\":\"a\"}";
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/json;"] {
        assert_eq!(raw(&shop, Some(content_type), body).await.status, 201, "{content_type}");
    }
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/merge-patch+json"),
    ] {
        let answer = raw(&shop, content_type, body).await;
        assert_eq!(answer.code(), (415, "unsupported-media-type"), "{content_type:?}");
    }
    let (_, record) = shop.token("x", &[]).await;
    let bearer = format!("Bearer {}", shop.manager);
    let headers = [
        ("host", "acme.localhost"),
        ("authorization", &*bearer),
        ("content-type", "application/merge-patch+json"),
    ];
    let uri = format!("/admin/api/v1/tokens/{}", record.id);
    assert_eq!(send(&shop.app, "PATCH", &uri, &headers, body.into()).await.status, 200);

    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(70_000));
    assert_eq!(raw(&shop, Some("application/json"), long).await.code(), (413, "payload-too-large"));
    let exactly = format!("{{\"name\":\"a\"{}}}", " ".repeat(64 * 1024 - 12));
    assert_eq!(raw(&shop, Some("application/json"), exactly).await.status, 201);
}

#[tokio::test]
async fn other_places_and_methods_are_told() {
    let shop = shop().await;
    for (method, path, status, allow) in [
        ("GET", "", 404, None),
        ("GET", "/", 404, None),
        ("GET", "/nothing", 404, None),
        ("GET", "/tokens/a/b/c", 404, None),
        ("GET", "/Tokens", 404, None),
        ("PUT", "/tokens", 405, Some("GET, POST, HEAD")),
        ("GET", "/tokens/find", 405, Some("POST")),
        ("OPTIONS", "/me", 405, Some("GET, HEAD")),
        ("GET", "/tokens/tok_AAAAAAAAAAAAAAAA/rotate", 405, Some("POST")),
        ("GET", "//tokens", 400, None),
        ("GET", "/tokens/%2e%2e/me", 400, None),
        ("GET", "/tokens/a%2fb", 400, None),
        ("GET", "/tokens/%00", 400, None),
        ("GET", "/tokens/%ff", 400, None),
        ("GET", "/tokens/tok_%F0%9F%98%80", 404, None),
        ("GET", "/tokens/", 200, None),
        ("GET", "/me/", 200, None),
        ("GET", "/me?x=1", 400, None),
    ] {
        let answer = shop.send(method, path, &[], None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    let head = shop.send("HEAD", "/me", &[], None).await;
    let length = shop.get("/me").await.text.len().to_string();
    assert_eq!((head.status, &*head.text, head.header("content-length")), (200, "", Some(&*length)));
    let created = shop.post("/tokens/", json!({"name": "a"})).await;
    assert_eq!(created.header("location"), Some(&*created.id()));
}

#[tokio::test]
async fn what_can_be_granted_is_told() {
    let shop = shop().await;
    let (weak, id) = shop.token("Weak", &["tokens:manage", "customers:write"]).await;
    let scopes = shop.send_by(&weak, "GET", "/scopes", &[], None).await;
    assert_eq!(scopes.json["groups"], json!([{"resource": "orders", "title": "Orders"}]));
    let grantable: Vec<_> = scopes.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .chain(scopes.json["built_in"].as_array().unwrap())
        .filter(|scope| scope["grantable"] == true)
        .map(|scope| scope["scope"].clone())
        .collect();
    assert_eq!(
        json!(grantable),
        json!(["customers:write", "customers:read", "tokens:read", "tokens:manage"])
    );
    assert_eq!(scopes.json["data"][2]["sensitive"], true);
    assert_eq!(scopes.json["data"][2]["implies"], json!(["customers:read"]));
    assert_eq!(scopes.json["data"].as_array().unwrap().len(), 4);
    let presets = shop.send_by(&weak, "GET", "/presets", &[], None).await;
    let preset = json!({"id": "export", "title": "Nightly export", "description": "", "scopes": ["orders:read"],
        "rate_limit": {"per_minute": 30}, "expires_in": 7_776_000, "grantable": false});
    assert_eq!(presets.json["data"], json!([preset]));
    let me = shop.send_by(&weak, "GET", "/me", &[], None).await;
    assert_eq!(
        me.json["actor"],
        json!({"name": "Weak", "token": id.id, "tenant": "acme", "all_tenants": false})
    );
    assert_eq!(me.json["permissions"], json!({"read": true, "manage": true}));
    assert_eq!(me.json["grantable_scopes"], json!(grantable));
    assert_eq!(
        me.json["limits"],
        json!({"rate_limit": {"per_minute": 60}, "expires_at": null, "ip_allow": []})
    );
    let (reader, _) = shop.token("Reader", &["tokens:read", "orders:read"]).await;
    let me = shop.send_by(&reader, "GET", "/me", &[], None).await;
    assert_eq!(
        (&me.json["permissions"]["manage"], &me.json["grantable_scopes"]),
        (&json!(false), &json!([]))
    );
}
