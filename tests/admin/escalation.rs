//! What nobody may get by asking for it.

use serde_json::{Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::Request;
use tokenward::{NewToken, RateLimit, Tokens};

use super::support::{Shop, shop};

/// A manager that holds little: two scopes, ten per minute, one address, an end.
async fn weak(shop: &Shop) -> (String, String) {
    let asked = NewToken::named("Weak")
        .tenant("acme")
        .scopes(["tokens:manage", "customers:write"])
        .rate_limit(RateLimit::per_minute(1_000).unwrap())
        .expires_in(chrono::TimeDelta::days(10));
    let (text, record) = shop.issue(asked).await;
    (text, record.id.to_string())
}

#[tokio::test]
async fn a_child_lies_within_its_parent() {
    let shop = shop().await;
    let (weak, own_id) = weak(&shop).await;
    let create = |body: Value| shop.send_by(&weak, "POST", "/tokens", &[], Some(body));
    let fine = json!({"name": "Child", "scopes": ["customers:write", "customers:read", "tokens:read"], "expires_in": 60});
    let child = create(fine).await;
    assert_eq!(child.status, 201, "{}", child.text);
    assert_eq!(child.json["token"]["parent"], own_id);
    for (body, exceeds, scopes) in [
        (
            json!({"name": "a", "scopes": ["orders:read"], "expires_in": 60}),
            json!(["scopes"]),
            json!(["orders:read"]),
        ),
        (json!({"name": "a"}), json!(["expires_at"]), json!([])),
        (json!({"name": "a", "expires_in": 10_000_000}), json!(["expires_at"]), json!([])),
        (
            json!({"name": "a", "rate_limit": {"per_minute": 1_001}, "expires_in": 60}),
            json!(["rate_limit"]),
            json!([]),
        ),
    ] {
        let answer = create(body.clone()).await;
        assert_eq!(answer.code(), (403, "not-grantable"), "{body}: {}", answer.text);
        assert_eq!((&answer.json["exceeds"], &answer.json["scopes"]), (&exceeds, &scopes));
    }
    // Not by changing either: neither itself nor what it has made.
    for id in [&own_id, &child.id()] {
        for body in [
            json!({"scopes": ["customers:write", "tokens:manage", "orders:write"]}),
            json!({"expires_at": null}),
            json!({"rate_limit": {"per_minute": 5_000}}),
        ] {
            let answer =
                shop.send_by(&weak, "PATCH", &format!("/tokens/{id}"), &[], Some(body.clone())).await;
            assert_eq!(answer.code(), (403, "not-grantable"), "{body}");
        }
    }
    // Nor by receiving the secret of a stronger one, which it may narrow and end all the same.
    let (_, strong) = shop.token("Strong", &["orders:write", "orders:read"]).await;
    let path = format!("/tokens/{}", strong.id);
    let by_weak = |method, rest: &str, body| {
        let path = format!("{path}{rest}");
        let (shop, weak) = (&shop, &weak);
        async move { shop.send_by(weak, method, &path, &[], body).await }
    };
    assert_eq!(by_weak("POST", "/rotate", None).await.code(), (403, "not-grantable"));
    assert_eq!(by_weak("PATCH", "", Some(json!({"scopes": ["orders:read"]}))).await.status, 200);
    assert_eq!(
        by_weak("PATCH", "", Some(json!({"scopes": ["orders:read", "orders:write"]}))).await.status,
        403
    );
    assert_eq!(by_weak("POST", "/pause", None).await.status, 200);
    assert_eq!(by_weak("POST", "/revoke", None).await.status, 200);
    // Its own secret it may renew.
    assert_eq!(shop.send_by(&weak, "POST", &format!("/tokens/{own_id}/rotate"), &[], None).await.status, 201);
}

#[tokio::test]
async fn an_address_is_inherited() {
    let (tokens, _clock) = Tokens::for_tests();
    let asked = NewToken::named("Bound").scopes(["tokens:manage"]).addresses(["203.0.113.0/24"]);
    let bound = tokens.issue(asked).by("root").await.unwrap();
    let api = AdminApi::new(tokens);
    let bearer = format!("Bearer {}", bound.secret.expose());
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let create = |from: Option<&str>, ranges: &str| {
        let address = from.map(|address| address.parse().unwrap());
        let body = format!("{{\"name\":\"a\",\"ip_allow\":{ranges}}}");
        let (api, headers) = (&api, &headers);
        async move {
            let http = Request { address, ..Request::new("POST", "/tokens", headers) };
            let reply = api.handle(Access::Nobody, AdminRequest::new(http, body.as_bytes())).await;
            let json: Value = serde_json::from_slice(&reply.body).unwrap();
            (reply.status, json["code"].as_str().unwrap_or_default().to_owned(), json["exceeds"].clone())
        }
    };
    let inside = Some("203.0.113.7");
    for ranges in ["[]", "null", "[\"0.0.0.0/0\"]", "[\"203.0.113.7\", \"198.51.100.1\"]"] {
        let refused = (403, "not-grantable".to_owned(), json!(["ip_allow"]));
        assert_eq!(create(inside, ranges).await, refused, "{ranges}");
    }
    assert_eq!(create(inside, "[\"203.0.113.128/25\"]").await.0, 201);
    for from in [None, Some("198.51.100.1")] {
        assert_eq!(create(from, "[\"203.0.113.7\"]").await.1, "address-not-allowed");
    }
}

#[tokio::test]
async fn tokens_of_another_account_are_not_there() {
    let shop = shop().await;
    let (text, foreign) = shop.issue(NewToken::named("Theirs").tenant("globex")).await;
    let unknown = "tok_AAAAAAAAAAAAAAAA";
    let rows = [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"name": "Mine"}))),
        ("PATCH", "?dry_run=true", Some(json!({"name": "Mine"}))),
        ("DELETE", "", None),
        ("POST", "/revoke", None),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
        ("POST", "/rotate", None),
        ("GET", "/usage", None),
        ("GET", "/audit", None),
    ];
    for (method, rest, body) in rows {
        for headers in [&[][..], &[("if-match", "\"1\"")], &[("if-match", "\"1\", \"2\"")]] {
            let mut answers = Vec::new();
            for id in [&*foreign.id.to_string(), unknown, "tok_short"] {
                let headers: Vec<_> = headers.iter().copied().chain([("x-request-id", "same")]).collect();
                let answer = shop.send(method, &format!("/tokens/{id}{rest}"), &headers, body.clone()).await;
                assert_eq!(answer.code(), (404, "not-found"), "{method} {rest} {id}: {}", answer.text);
                answers.push(answer.text);
            }
            assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
    let found = shop.post("/tokens/find", json!({"secret": text})).await;
    let nobody = shop.post("/tokens/find", json!({"secret": "tw_nobody"})).await;
    assert_eq!((found.code(), nobody.code()), ((404, "not-found"), (404, "not-found")));
    assert_eq!(found.json["detail"], nobody.json["detail"]);
    assert!(!shop.get("/tokens").await.text.contains("Theirs"));
    let now = shop.tokens.find(&foreign.id).await.unwrap().unwrap();
    assert_eq!(now, foreign);
}

#[tokio::test]
async fn a_token_is_found_by_its_text() {
    let shop = shop().await;
    let (text, record) = shop.token("Leaked", &[]).await;
    let found = shop.post("/tokens/find", json!({"secret": format!(" {text}\n")})).await;
    assert_eq!((found.status, found.id()), (200, record.id.to_string()));
    assert!(!found.text.contains(&text));
    for (body, code) in
        [(json!({}), "required"), (json!({"secret": 7}), "type"), (json!({"secret": null}), "required")]
    {
        assert_eq!(shop.post("/tokens/find", body).await.errors(), [("/secret".into(), code.into())]);
    }
    let extra = shop.post("/tokens/find", json!({"secret": text, "why": text})).await;
    assert_eq!(extra.errors(), [("/why".into(), "unknown".into())]);
    assert!(!extra.text.contains(&text));
    let (reader, _) = shop.token("Reader", &["tokens:read"]).await;
    let body = Some(json!({"secret": text}));
    assert_eq!(shop.send_by(&reader, "POST", "/tokens/find", &[], body).await.status, 200);
}
