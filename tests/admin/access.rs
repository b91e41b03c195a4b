//! Who may use the API.

use axum::Router;
use axum::http::request::Parts;
use serde_json::json;
use tokenward::admin::{Access, AdminApi};
use tokenward::{Actor, NewToken};

use super::support::{Answer, Shop, send, shop};

#[tokio::test]
async fn a_bearer_is_judged_as_everywhere() {
    let shop = shop().await;
    let bare = |headers: &'static [(&str, &str)]| {
        let app = shop.app.clone();
        async move { send(&app, "GET", "/admin/api/v1/tokens", headers, Vec::new()).await }
    };
    let nobody = bare(&[("host", "acme.localhost")]).await;
    assert_eq!(nobody.code(), (401, "token-missing"));
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"api\""));
    assert!(nobody.header("x-request-id").is_some());
    let basic = bare(&[("host", "acme.localhost"), ("authorization", "Basic YTpi")]).await;
    assert_eq!(basic.code(), (401, "token-missing"));
    let bad = bare(&[("host", "acme.localhost"), ("authorization", "Bearer tw_bad")]).await;
    assert_eq!(bad.code(), (401, "token-invalid"));
    assert!(bad.json.get("instance").is_none());

    let two =
        bare(&[("host", "acme.localhost"), ("authorization", "Basic YTpi"), ("authorization", "Basic Yzpk")])
            .await;
    assert_eq!(two.code(), (400, "invalid-request"));

    let (data, _) = shop.token("Data", &["orders:read"]).await;
    let refused = shop.send_by(&data, "GET", "/tokens", &[], None).await;
    assert_eq!(refused.code(), (403, "insufficient-scope"));
    assert_eq!(refused.json["missing"], json!(["tokens:read"]));
    assert!(refused.json["detail"].as_str().unwrap().contains("GET /admin/api/v1/tokens needs tokens:read"));
    assert_eq!(
        shop.send_by(&data, "GET", "/nowhere", &[], None).await.status,
        403,
        "routes are told to nobody"
    );
    let (reader, _) = shop.token("Reader", &["tokens:read"]).await;
    let shown = shop.send_by(&reader, "GET", "/tokens", &[], None).await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.header("ratelimit-policy"), Some("\"default\";q=60;w=60"));
    let refused = shop.send_by(&reader, "POST", "/tokens", &[], Some(json!({"name": "a"}))).await;
    assert_eq!(refused.json["missing"], json!(["tokens:manage"]));
    for (method, rest) in [
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/revoke"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("POST", "/rotate"),
    ] {
        let path = format!("/tokens/{}{rest}", shop.manager_id);
        assert_eq!(shop.send_by(&reader, method, &path, &[], None).await.code(), (403, "insufficient-scope"));
    }

    // The token's tenant and the host's must agree.
    let bearer = format!("Bearer {}", shop.manager);
    for (host, code) in [
        ("globex.localhost", (401, "token-invalid")),
        ("localhost", (401, "token-invalid")),
        ("a b", (400, "invalid-request")),
    ] {
        let headers = [("host", host), ("authorization", &*bearer)];
        let answer = send(&shop.app, "GET", "/admin/api/v1/me", &headers, Vec::new()).await;
        assert_eq!(answer.code(), code, "{host}");
    }
    // The limit of the token counts, and so does the use.
    let (tight, record) =
        shop.issue(NewToken::named("Tight").tenant("acme").scopes(["tokens:read"]).per_minute(1)).await;
    assert_eq!(shop.send_by(&tight, "GET", "/me", &[], None).await.status, 200);
    let limited = shop.send_by(&tight, "GET", "/me", &[], None).await;
    assert_eq!(limited.code(), (429, "rate-limited"));
    assert_eq!(limited.header("retry-after"), Some("60"));
    shop.tokens.flush().await.unwrap();
    let usage = shop.tokens.usage(&record.id).await.unwrap();
    assert_eq!((usage.granted, usage.finished, usage.succeeded, usage.limited), (1, 1, 1, 1));
}

/// An API whose people are named by a header, as a host's session would.
fn with_login(shop: &Shop) -> Router {
    let api = AdminApi::new(shop.tokens.clone())
        .tenant_from_subdomain_of("localhost")
        .allowed_origins(["https://office.example"]);
    let api = api.authorize(|parts: Parts| async move {
        match parts.headers.get("cookie").and_then(|cookie| cookie.to_str().ok()) {
            Some("boss") => Access::Manage(Actor::new("boss@acme").tenant("acme")),
            Some("clerk") => {
                Access::Manage(Actor::new("clerk@acme").tenant("acme").may_grant(["orders:read"]))
            }
            Some("guest") => Access::ReadOnly(Actor::new("guest@acme").tenant("acme")),
            Some("operator") => Access::Manage(Actor::new("operator").all_tenants()),
            Some("vague") => Access::Manage(Actor::new("vague")),
            Some("outsider") => Access::Forbidden,
            _ => Access::Nobody,
        }
    });
    Router::new().merge(api.at("/admin/api/v1"))
}

async fn by_login(app: &Router, who: &str, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("cookie", who), ("content-type", "application/json")];
    if !more.iter().any(|(name, _)| *name == "host") {
        headers.push(("host", "acme.localhost:3000"));
    }
    headers.extend(more);
    let body = if path == "/tokens" && method == "POST" {
        "{\"name\":\"By login\",\"scopes\":[\"orders:read\"]}"
    } else {
        ""
    };
    send(app, method, &format!("/admin/api/v1{path}"), &headers, body.into()).await
}

#[tokio::test]
async fn a_login_of_the_host_decides_beside_it() {
    let shop = shop().await;
    let app = with_login(&shop);
    let same = &[("sec-fetch-site", "same-origin")];
    let created = by_login(&app, "boss", "POST", "/tokens", same).await;
    assert_eq!((created.status, &created.json["token"]["created_by"]), (201, &json!("boss@acme")));
    assert_eq!(created.json["token"]["tenant"], "acme");
    let strong = format!("/tokens/{}/rotate", shop.manager_id);
    assert_eq!(by_login(&app, "clerk", "POST", "/tokens", same).await.status, 201);
    assert_eq!(by_login(&app, "clerk", "POST", &strong, same).await.code(), (403, "not-grantable"));
    assert_eq!(by_login(&app, "guest", "GET", "/tokens", &[]).await.status, 200);
    assert_eq!(by_login(&app, "guest", "POST", "/tokens", same).await.code(), (403, "forbidden"));
    assert_eq!(by_login(&app, "outsider", "GET", "/tokens", &[]).await.code(), (404, "not-found"));
    assert_eq!(by_login(&app, "nobody", "GET", "/tokens", &[]).await.code(), (401, "token-missing"));
    // Whoever acts everywhere acts where it is; whoever does not say where acts nowhere.
    let operator = by_login(&app, "operator", "POST", "/tokens", same).await;
    assert_eq!(operator.json["token"]["tenant"], "acme");
    for (who, host) in [
        ("vague", "acme.localhost"),
        ("boss", "globex.localhost"),
        ("boss", "localhost"),
        ("operator", "other.example"),
    ] {
        assert_eq!(
            by_login(&app, who, "GET", "/tokens", &[("host", host)]).await.code(),
            (404, "not-found"),
            "{who}"
        );
    }
    // A bearer beside a login decides alone.
    let (data, _) = shop.token("Data", &["orders:read"]).await;
    let bearer = format!("Bearer {data}");
    let both = by_login(&app, "boss", "GET", "/tokens", &[("authorization", &*bearer)]).await;
    assert_eq!(both.code(), (403, "insufficient-scope"));
    let bearer = format!("Bearer {}", shop.manager);
    let exempt = [("authorization", &*bearer), ("sec-fetch-site", "cross-site")];
    assert_eq!(by_login(&app, "boss", "POST", "/tokens", &exempt).await.status, 201);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let shop = shop().await;
    let app = with_login(&shop);
    for (headers, passes) in [
        (&[][..], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "")], false),
        (&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false),
        (&[("origin", "http://acme.localhost:3000")], true),
        (&[("origin", "http://acme.localhost")], false),
        (&[("origin", "http://acme.localhost:3001")], false),
        (&[("origin", "null")], false),
        (&[("origin", "http://acme.localhost:3000"), ("sec-fetch-site", "cross-site")], false),
        (&[("origin", "https://office.example"), ("sec-fetch-site", "cross-site")], true),
        (&[("origin", "https://office.example.evil.example")], false),
    ] {
        let answer = by_login(&app, "boss", "POST", "/tokens", headers).await;
        let expected = if passes { 201 } else { 403 };
        assert_eq!(answer.status, expected, "{headers:?}: {}", answer.text);
        if !passes {
            assert_eq!(answer.json["code"], "cross-site-request");
        }
        // Looking changes nothing, wherever it comes from.
        assert_eq!(by_login(&app, "boss", "GET", "/tokens", headers).await.status, 200);
    }
}
