//! Changing, pausing, revoking and deleting.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::support::shop;

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let shop = shop().await;
    let created = shop
        .post(
            "/tokens",
            json!({"name": "A", "description": "d", "scopes": ["orders:read"], "env": "live",
                   "rate_limit": {"per_minute": 10, "per_hour": 100}, "metadata": {"a": "1", "b": "2"}, "owner": "7"}),
        )
        .await;
    let id = created.id();
    let patched = shop
        .patch(
            &id,
            json!({"name": "B", "description": null, "scopes": ["orders:write"], "env": null, "owner": null,
                   "rate_limit": {"per_minute": 20, "per_hour": null, "per_day": 500},
                   "metadata": {"a": null, "c": "3"}, "ip_allow": ["10.0.0.1"], "expires_in": 60}),
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(patched.header("etag"), Some("\"2\""));
    let token = &patched.json;
    for (field, expected) in [
        ("name", json!("B")),
        ("description", json!("")),
        ("scopes", json!(["orders:write"])),
        ("env", Value::Null),
        ("owner", Value::Null),
        ("rate_limit", json!({"per_minute": 20, "per_day": 500})),
        ("metadata", json!({"b": "2", "c": "3"})),
        ("ip_allow", json!(["10.0.0.1"])),
        ("version", json!(2)),
    ] {
        assert_eq!(token[field], expected, "{field}");
    }
    // The same again is no change, and so is nothing.
    for body in [json!({"name": "B", "rate_limit": {}}), json!({})] {
        assert_eq!(shop.patch(&id, body).await.json["version"], 2);
    }
    assert_eq!(
        shop.patch(&id, json!({"ip_allow": null, "metadata": null, "scopes": null})).await.status,
        200
    );
    let shown = shop.get(&format!("/tokens/{id}")).await.json;
    assert_eq!(
        (&shown["ip_allow"], &shown["metadata"], &shown["scopes"]),
        (&json!([]), &json!({}), &json!([]))
    );

    // An expired token is revived by a new expiry; a past one expires it now.
    shop.clock.advance(TimeDelta::seconds(60));
    assert_eq!(shop.get(&format!("/tokens/{id}")).await.json["status"], "expired");
    assert_eq!(shop.patch(&id, json!({"expires_at": null})).await.json["status"], "active");
    assert_eq!(
        shop.patch(&id, json!({"expires_at": "2001-01-01T00:00:00Z"})).await.json["status"],
        "expired"
    );
    for (body, pointer) in [
        (json!({"tenant": "evil"}), "/tenant"),
        (json!({"version": 9}), "/version"),
        (json!({"created_by": "me"}), "/created_by"),
        (json!({"name": null}), "/name"),
        (json!({"rate_limit": {"per_minute": null}}), "/rate_limit/per_minute"),
        (json!({"expires_at": null, "expires_in": 5}), "/expires_in"),
        (json!({"metadata": {"a": 1}}), "/metadata/a"),
        (json!({"rate_limit": null}), "/rate_limit"),
    ] {
        let answer = shop.patch(&id, body.clone()).await;
        assert_eq!(answer.errors()[0].0, pointer, "{body}");
        assert_eq!(answer.errors().len(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let shop = shop().await;
    let (_, record) = shop.token("A", &[]).await;
    let path = format!("/tokens/{}?dry_run=true", record.id);
    let run = shop.send("PATCH", &path, &[], Some(json!({"name": "B"}))).await;
    assert_eq!((run.status, &run.json["name"]), (200, &json!("B")));
    assert_eq!(run.header("etag"), None);
    assert_eq!(shop.get(&format!("/tokens/{}", record.id)).await.json["name"], "A");
    let stale = shop.send("PATCH", &path, &[("if-match", "\"9\"")], Some(json!({"name": "B"}))).await;
    assert_eq!(stale.code(), (412, "stale-version"));
    let wrong = shop.send("PATCH", &path, &[], Some(json!({"name": ""}))).await;
    assert_eq!(wrong.errors(), [("/name".into(), "required".into())]);
    let odd = format!("/tokens/{}?dry_run=perhaps", record.id);
    assert_eq!(shop.send("PATCH", &odd, &[], Some(json!({}))).await.code(), (400, "malformed"));
}

#[tokio::test]
async fn an_etag_guards_every_change() {
    let shop = shop().await;
    let (_, record) = shop.token("A", &[]).await;
    let path = format!("/tokens/{}", record.id);
    let tagged = |method, rest: &str, tag, body: Option<Value>| {
        let path = format!("{path}{rest}");
        let shop = &shop;
        async move { shop.send(method, &path, &[("if-match", tag)], body).await }
    };
    for (tag, status) in [
        ("\"1\"", 200),
        ("\"1\"", 412),
        ("*", 200),
        ("\"7\", \"3\"", 200),
        ("W/\"4\"", 412),
        ("\"x\"", 412),
        ("4", 400),
        ("", 400),
    ] {
        let name = format!("{tag} {status}").replace('"', "'");
        let answer = tagged("PATCH", "", tag, Some(json!({"name": name}))).await;
        assert_eq!(answer.status, status, "{tag}: {}", answer.text);
    }
    for (method, rest) in [("POST", "/pause"), ("POST", "/resume"), ("POST", "/rotate"), ("POST", "/revoke")]
    {
        let answer = tagged(method, rest, "\"1\"", None).await;
        assert_eq!(answer.code(), (412, "stale-version"), "{rest}");
        assert_eq!(answer.json["current_etag"], "\"4\"");
        assert_eq!(answer.header("etag"), Some("\"4\""));
    }
    assert_eq!(tagged("POST", "/revoke", "\"4\"", None).await.status, 200);
    assert_eq!(tagged("DELETE", "", "\"4\"", None).await.code(), (412, "stale-version"));
    assert_eq!(tagged("DELETE", "", "\"5\"", None).await.status, 204);
    assert_eq!(tagged("DELETE", "", "\"5\"", None).await.code(), (404, "not-found"));
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_is_made() {
    let shop = shop().await;
    let (_, record) = shop.token("A", &[]).await;
    let id = record.id;
    let one = shop
        .send("PATCH", &format!("/tokens/{id}"), &[("if-match", "\"1\"")], Some(json!({"name": "B"})))
        .await;
    let two = shop
        .send("PATCH", &format!("/tokens/{id}"), &[("if-match", "\"1\"")], Some(json!({"name": "C"})))
        .await;
    assert_eq!((one.status, two.status), (200, 412));
    assert_eq!(shop.get(&format!("/tokens/{id}")).await.json["name"], "B");
}

#[tokio::test]
async fn pausing_and_resuming_are_harmless_twice() {
    let shop = shop().await;
    let (_, record) = shop.token("A", &[]).await;
    let path = |rest: &str| format!("/tokens/{}/{rest}", record.id);
    let empty = |rest: &str| {
        let (shop, path) = (&shop, path(rest));
        async move { shop.send("POST", &path, &[], None).await }
    };
    assert_eq!(empty("resume").await.json["version"], 1);
    assert_eq!(empty("pause").await.json["status"], "paused");
    assert_eq!(empty("pause").await.json["version"], 2);
    assert_eq!(empty("resume").await.json["status"], "active");
    let paused = shop.post(&path("pause"), json!({"for": 60, "reason": "a look"})).await;
    assert!(paused.json["paused_until"].is_string());
    shop.clock.advance(TimeDelta::seconds(60));
    assert_eq!(shop.get(&format!("/tokens/{}", record.id)).await.json["status"], "active");
    for (body, pointer) in [
        (json!({"for": 0}), "/for"),
        (json!({"resume_at": "2001-01-01T00:00:00Z"}), "/resume_at"),
        (json!({"for": 5, "resume_at": "2999-01-01T00:00:00Z"}), "/for"),
        (json!({"reason": "a\nb"}), "/reason"),
        (json!({"until": 5}), "/until"),
    ] {
        let answer = shop.post(&path("pause"), body.clone()).await;
        assert_eq!(answer.errors()[0].0, pointer, "{body}");
    }
    assert_eq!(
        shop.send("DELETE", &format!("/tokens/{}", record.id), &[], None).await.code(),
        (409, "token-still-valid")
    );
    let revoked = shop.post(&path("revoke"), json!({"reason": "gone", "compromised": true})).await;
    assert_eq!((revoked.status, &revoked.json["status"]), (200, &json!("revoked")));
    assert_eq!(revoked.json["revoked_because"], "compromised: gone");
    let again = empty("revoke").await;
    assert_eq!((again.status, &again.json["version"]), (200, &revoked.json["version"]));
    for rest in ["pause", "resume", "rotate"] {
        assert_eq!(empty(rest).await.code(), (409, "already-revoked"), "{rest}");
    }
    assert_eq!(shop.patch(record.id, json!({"name": "Z"})).await.code(), (409, "already-revoked"));
}
