//! Row 25: one change of many tokens.

use axum::Router;
use axum::http::request::Parts;
use serde_json::{Value, json};
use tokenward::admin::{Access, AdminApi, Permissions};
use tokenward::{Actor, NewToken};

use super::support::{Answer, Shop, send, shop};

async fn three(shop: &Shop) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        ids.push(shop.token(name, &["orders:read"]).await.1.id.to_string());
    }
    ids
}

fn results(answer: &Answer) -> Vec<(u64, Option<&str>)> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let results = answer.json["results"].as_array().unwrap();
    results
        .iter()
        .map(|result| (result["status"].as_u64().unwrap(), result["problem"]["code"].as_str()))
        .collect()
}

#[tokio::test]
async fn each_token_has_its_own_result() {
    let shop = shop().await;
    let mut ids = three(&shop).await;
    let (_, foreign) = shop.issue(NewToken::named("Foreign").tenant("other")).await;
    ids.extend([foreign.id.to_string(), "tok_AAAAAAAAAAAAAAAA".to_owned()]);
    shop.post(&format!("/tokens/{}/revoke", ids[1]), json!({})).await;
    let paused = shop
        .post("/tokens/bulk", json!({"action": "pause", "ids": ids, "for": 600, "reason": "leak?"}))
        .await;
    assert_eq!(
        results(&paused),
        [
            (200, None),
            (409, Some("already-revoked")),
            (200, None),
            (404, Some("not-found")),
            (404, Some("not-found"))
        ]
    );
    assert_eq!(paused.json["results"][4]["id"], "tok_AAAAAAAAAAAAAAAA");
    let first = shop.get(&format!("/tokens/{}", ids[0])).await;
    assert_eq!(
        (&first.json["status"], &first.json["paused_until"]),
        (&json!("paused"), &json!("2027-01-01T12:10:00.000Z"))
    );
    let history = shop.get(&format!("/tokens/{}/audit", ids[0])).await;
    assert_eq!(history.json["data"][0]["reason"], "leak?");
    // No life is made shorter, and one without an end keeps none.
    let endless = json!({"action": "extend", "ids": ids[..1], "expires_in": 60});
    assert_eq!(results(&shop.post("/tokens/bulk", endless.clone()).await), [(200, None)]);
    assert!(shop.get(&format!("/tokens/{}", ids[0])).await.json["expires_at"].is_null());
    shop.patch(&ids[0], json!({"expires_in": 600})).await;
    assert_eq!(results(&shop.post("/tokens/bulk", endless).await), [(200, None)]);
    let extended =
        shop.post("/tokens/bulk", json!({"action": "extend", "ids": ids[..1], "expires_in": 3_600})).await;
    assert_eq!(results(&extended), [(200, None)]);
    let resumed = shop.post("/tokens/bulk", json!({"action": "resume", "ids": ids[..1]})).await;
    assert_eq!(results(&resumed), [(200, None)]);
    let first = shop.get(&format!("/tokens/{}", ids[0])).await;
    assert_eq!(
        (&first.json["status"], &first.json["expires_at"]),
        (&json!("active"), &json!("2027-01-01T13:00:00.000Z"))
    );
    let revoked =
        shop.post("/tokens/bulk", json!({"action": "revoke", "ids": ids[..3], "compromised": true})).await;
    assert_eq!(results(&revoked), [(200, None); 3]);
    let first = shop.get(&format!("/tokens/{}", ids[0])).await;
    assert_eq!(first.json["revoked_because"], "compromised");
    assert!(shop.tokens.find(&foreign.id).await.unwrap().unwrap().revoked_at.is_none());
}

#[tokio::test]
async fn what_is_asked_for_is_checked_before_anything_is_done() {
    let shop = shop().await;
    let ids = three(&shop).await;
    let many: Vec<_> = (0..201).map(|number| format!("tok_{number}")).collect();
    let cases: [(Value, &str); 10] = [
        (json!({"ids": ids}), "/action"),
        (json!({"action": "purge", "ids": ids}), "/action"),
        (json!({"action": null, "ids": ids}), "/action"),
        (json!({"action": "revoke"}), "/ids"),
        (json!({"action": "revoke", "ids": []}), "/ids"),
        (json!({"action": "revoke", "ids": many}), "/ids"),
        (json!({"action": "revoke", "ids": [ids[0], ids[0]]}), "/ids"),
        (json!({"action": "extend", "ids": ids}), "/expires_at"),
        (json!({"action": "revoke", "ids": ids, "for": 60}), "/for"),
        (json!({"action": "pause", "ids": ids, "for": 60, "resume_at": "2027-02-01T00:00:00Z"}), "/for"),
    ];
    for (body, pointer) in cases {
        let answer = shop.post("/tokens/bulk", body.clone()).await;
        assert_eq!(
            answer.errors().into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(),
            [pointer],
            "{body}"
        );
    }
    for id in &ids {
        assert_eq!(shop.get(&format!("/tokens/{id}")).await.json["version"], 1);
    }
}

#[tokio::test]
async fn each_action_needs_its_own_right() {
    let shop = shop().await;
    let id = three(&shop).await.remove(0);
    let (reader, _) = shop.token("Reader", &["tokens:read"]).await;
    let body = json!({"action": "revoke", "ids": [id]});
    let refused = shop.send_by(&reader, "POST", "/tokens/bulk", &[], Some(body.clone())).await;
    assert_eq!(refused.code(), (403, "insufficient-scope"));

    let who = |parts: Parts| {
        let mut permissions = Permissions::read_only();
        permissions.pause = parts.headers.contains_key("x-support");
        std::future::ready(Access::Custom(Actor::new("maria").tenant("acme"), permissions))
    };
    let api = AdminApi::new(shop.tokens.clone()).authorize(who).at("/api");
    let app = Router::new().merge(api);
    let headers =
        [("content-type", "application/json"), ("sec-fetch-site", "same-origin"), ("x-support", "1")];
    let ask = async |headers: &[(&str, &str)], body: &Value| {
        send(&app, "POST", "/api/tokens/bulk", headers, body.to_string().into_bytes()).await
    };
    assert_eq!(ask(&headers[..2], &body).await.code(), (403, "forbidden"));
    assert_eq!(ask(&headers, &body).await.code(), (403, "forbidden"));
    let pause = json!({"action": "pause", "ids": [id]});
    assert_eq!(results(&ask(&headers, &pause).await), [(200, None)]);
    let foreign = [headers[0], ("sec-fetch-site", "cross-site"), headers[2]];
    assert_eq!(ask(&foreign, &pause).await.code(), (403, "cross-site-request"));
}
