//! Rows 10 to 12: the secrets of a token, and the end of a grace period.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::{Need, NewToken, TokenRecord, Verdict};

use super::support::{Shop, shop};

/// A token that was rotated a minute ago, with an hour of grace; its old secret.
async fn rotated() -> (Shop, TokenRecord, String, String) {
    let shop = shop().await;
    let (old, record) = shop.token("Sync", &["orders:read"]).await;
    let answer = shop.post(&format!("/tokens/{}/rotate", record.id), json!({"grace": 3_600})).await;
    assert_eq!(answer.status, 201);
    shop.clock.advance(TimeDelta::minutes(1));
    let path = format!("/tokens/{}/secrets", record.id);
    (shop, record, old, path)
}

async fn works(shop: &Shop, text: &str) -> bool {
    let verdict = shop.tokens.verify(text, &Need::live().any_tenant()).await.unwrap();
    matches!(verdict, Verdict::Granted(_))
}

#[tokio::test]
async fn both_secrets_are_told_with_their_use() {
    let (shop, record, old, path) = rotated().await;
    for _ in 0..3 {
        match shop.tokens.verify(&*old, &Need::live().any_tenant()).await.unwrap() {
            Verdict::Granted(grant) => grant.record("GET /orders", 200, std::time::Duration::from_millis(5)),
            Verdict::Denied(denied) => panic!("{}", denied.detail()),
        }
    }
    shop.tokens.flush().await.unwrap();
    shop.called(&record, [json!({"secret_version": 1}), json!({"secret_version": 2, "client": null})]).await;
    let told = shop.get(&path).await;
    assert_eq!(told.status, 200, "{}", told.text);
    let data = told.json["data"].as_array().unwrap();
    let [new, old] = [&data[0], &data[1]];
    assert_eq!((&new["id"], &new["current"], &new["works"]), (&json!("sec_2"), &json!(true), &json!(true)));
    assert_eq!((&old["id"], &old["current"], &old["works"]), (&json!("sec_1"), &json!(false), &json!(true)));
    assert_eq!(old["last4"], record.secret.last4);
    assert_eq!((&new["expires_at"], &old["expires_at"]), (&Value::Null, &json!("2027-01-01T13:00:00.000Z")));
    assert_eq!((&new["calls_1h"], &old["calls_1h"]), (&json!(0), &json!(3)));
    assert_eq!(
        (&new["last_used_at"], &old["last_used_at"]),
        (&Value::Null, &json!("2027-01-01T12:01:00.000Z"))
    );
    assert_eq!(old["clients"], json!([{"ip": "203.0.113.7", "agent": "curl/8"}]));
    assert_eq!(new["clients"], json!([]));
    assert!(told.header("etag").is_some());
    shop.usage_is_away(true);
    assert_eq!(shop.get(&path).await.code(), (503, "usage-unavailable"));
}

#[tokio::test]
async fn the_old_secret_is_ended_and_the_current_one_is_not() {
    let (shop, record, old, path) = rotated().await;
    assert!(works(&shop, &old).await);
    let current = shop.send("DELETE", &format!("{path}/sec_2"), &[], None).await;
    assert_eq!(current.code(), (409, "last-secret"));
    for unknown in ["sec_3", "sec_0", "sec_01", "sec_", "sec_x", "1", "tok_x"] {
        let answer = shop.send("DELETE", &format!("{path}/{unknown}"), &[], None).await;
        assert_eq!(answer.code(), (404, "not-found"), "{unknown}");
    }
    let stale = shop.send("DELETE", &format!("{path}/sec_1"), &[("if-match", "\"1\"")], None).await;
    assert_eq!(stale.code(), (412, "stale-version"));
    assert!(works(&shop, &old).await);
    let ended = shop.send("DELETE", &format!("{path}/sec_1"), &[("if-match", "\"2\"")], None).await;
    assert_eq!((ended.status, ended.header("etag")), (204, Some("\"3\"")));
    assert!(!works(&shop, &old).await);
    let told = shop.get(&path).await;
    assert_eq!(told.json["data"][1]["works"], false);
    let history = shop.get(&format!("/tokens/{}/audit", record.id)).await;
    let changes = json!([{
        "field": "previous_secret_expires_at",
        "from": "2027-01-01T13:00:00.000Z",
        "to": "2027-01-01T12:01:00.000Z",
    }]);
    assert_eq!(
        (&history.json["data"][0]["action"], &history.json["data"][0]["changes"]),
        (&json!("updated"), &changes)
    );
    // What is dead stays dead.
    let later = shop.send("PATCH", &format!("{path}/sec_1"), &[], Some(json!({"expires_in": 60}))).await;
    assert_eq!(later.code(), (404, "not-found"));
}

#[tokio::test]
async fn a_grace_period_is_prolonged_within_its_bounds() {
    let (shop, _, old, path) = rotated().await;
    let patch = |body| {
        let (shop, path) = (&shop, format!("{path}/sec_1"));
        async move { shop.send("PATCH", &path, &[], Some(body)).await }
    };
    let longer = patch(json!({"expires_at": "2027-01-02T12:00:00Z"})).await;
    assert_eq!(
        (longer.status, &longer.json["expires_at"]),
        (200, &json!("2027-01-02T12:00:00.000Z")),
        "{}",
        longer.text
    );
    assert_eq!(patch(json!({})).await.errors(), [("/expires_at".into(), "required".into())]);
    assert_eq!(
        patch(json!({"expires_in": 2_592_001})).await.errors(),
        [("/expires_in".into(), "range".into())]
    );
    assert_eq!(
        patch(json!({"expires_at": "2020-01-01T00:00:00Z"})).await.errors(),
        [("/expires_at".into(), "range".into())]
    );
    assert_eq!(patch(json!({"expires_in": 1, "end": 1})).await.errors(), [("/end".into(), "unknown".into())]);
    shop.clock.advance(TimeDelta::hours(20));
    assert!(works(&shop, &old).await);
    let (reader, _) = shop.token("Reader", &["tokens:read"]).await;
    let refused = shop.send_by(&reader, "DELETE", &format!("{path}/sec_1"), &[], None).await;
    assert_eq!(refused.code(), (403, "insufficient-scope"));
}

#[tokio::test]
async fn a_token_that_was_never_rotated_has_one_secret() {
    let shop = shop().await;
    let (_, record) = shop.issue(NewToken::named("Sync").tenant("acme")).await;
    let told = shop.get(&format!("/tokens/{}/secrets", record.id)).await;
    assert_eq!(told.json["data"].as_array().unwrap().len(), 1);
    let (_, foreign) = shop.issue(NewToken::named("Foreign").tenant("other")).await;
    assert_eq!(shop.get(&format!("/tokens/{}/secrets", foreign.id)).await.status, 404);
    let ended = shop.send("DELETE", &format!("/tokens/{}/secrets/sec_1", foreign.id), &[], None).await;
    assert_eq!(ended.code(), (404, "not-found"));
}
