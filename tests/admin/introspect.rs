//! Row 34: whether a token works now (RFC 7662).

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::{Need, NewToken, Verdict};

use super::support::{Answer, Shop, by_root, send, shop};

async fn by_form(shop: &Shop, body: &str) -> Answer {
    let bearer = format!("Bearer {}", shop.manager);
    let headers = [
        ("host", "acme.localhost"),
        ("authorization", &*bearer),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    send(&shop.app, "POST", "/admin/api/v1/introspect", &headers, body.as_bytes().to_vec()).await
}

async fn asked(shop: &Shop, text: &str) -> Value {
    let by_json = shop.post("/introspect", json!({"token": text})).await;
    assert_eq!(by_json.status, 200, "{}", by_json.text);
    let by_form =
        by_form(shop, &format!("token={text}&token_type_hint=access_token&client_id=gateway")).await;
    assert_eq!(by_form.json, by_json.json);
    assert!(text.is_empty() || !by_json.text.contains(text));
    by_json.json
}

#[tokio::test]
async fn a_token_that_works_is_told_with_what_it_may_do() {
    let shop = shop().await;
    let asked_for = NewToken::named("Gateway").tenant("acme").scopes(["customers:write"]).owner("u-7");
    let (text, record) = shop.issue(asked_for.expires_in(TimeDelta::hours(1)).per_minute(1)).await;
    let iat = record.created_at.timestamp();
    let expected = json!({
        "active": true, "scope": "customers:write customers:read", "client_id": record.id, "sub": "u-7",
        "token_type": "Bearer", "exp": iat + 3_600, "iat": iat,
    });
    assert_eq!(asked(&shop, &text).await, expected);
    // Nothing is charged: the one request of this minute is still there.
    assert_eq!(asked(&shop, &text).await, expected);
    let verdict = shop.tokens.verify(&*text, &Need::live().any_tenant()).await.unwrap();
    assert!(matches!(verdict, Verdict::Granted(_)));
}

#[tokio::test]
async fn of_whatever_does_not_work_nothing_more_is_told() {
    let shop = shop().await;
    let inactive = json!({"active": false});
    let named = || NewToken::named("Gateway").tenant("acme");
    let (foreign, _) = shop.issue(NewToken::named("Foreign").tenant("other")).await;
    let (nobodys, _) = shop.issue(NewToken::named("Nobody's")).await;
    let (paused, record) = shop.issue(named()).await;
    shop.tokens.pause(&record.id).by(by_root()).await.unwrap();
    let (revoked, record) = shop.issue(named()).await;
    shop.tokens.revoke(&record.id).by(by_root()).await.unwrap();
    let (early, _) = shop.issue(named().not_before("2027-02-01T00:00:00Z".parse().unwrap())).await;
    let (expired, _) = shop.issue(named().expires_in(TimeDelta::seconds(1))).await;
    let (rotated, record) = shop.issue(named()).await;
    let new = shop.tokens.rotate(&record.id).grace(TimeDelta::hours(1)).by(by_root()).await.unwrap();
    assert_eq!(asked(&shop, &rotated).await["active"], true);
    shop.clock.advance(TimeDelta::hours(1));
    assert_eq!(asked(&shop, new.secret.expose()).await["active"], true);
    let other = format!("{}x", &expired[..expired.len() - 1]);
    for text in [&foreign, &nobodys, &paused, &revoked, &early, &expired, &rotated, &other, "nothing", ""] {
        assert_eq!(asked(&shop, text).await, inactive, "{text}");
    }
    assert_eq!(shop.post("/introspect", json!({})).await.errors(), [("/token".into(), "required".into())]);
    assert_eq!(by_form(&shop, "hint=x").await.code(), (400, "malformed"));
    assert_eq!(by_form(&shop, "token=a&token=b").await.code(), (400, "malformed"));
    let (data, _) = shop.token("Data", &["orders:read"]).await;
    let refused = shop.send_by(&data, "POST", "/introspect", &[], Some(json!({"token": data}))).await;
    assert_eq!(refused.code(), (403, "insufficient-scope"));
}
