//! Rows 18, 19 and 20: endpoints, clients and scopes.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokenward::NewToken;

use super::fed::Minute;
use super::support::shop;

#[tokio::test]
async fn endpoints_are_told_with_their_share() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let calls = vec![("GET /a", 200, 10), ("GET /a", 500, 30), ("GET /b", 200, 5), ("GET /c", 200, 5)];
    shop.used(&record, 5, Minute { calls, ..Minute::default() }).await;
    let path = format!("/tokens/{}/endpoints", record.id);
    let told = shop.get(&path).await.json;
    assert_eq!(told["data"].as_array().unwrap().len(), 3);
    let first = &told["data"][0];
    assert_eq!(
        (&first["endpoint"], &first["calls"], &first["share"]),
        (&json!("GET /a"), &json!(2), &json!(0.5))
    );
    assert_eq!(
        (&first["errors"], &first["limited"], &first["mean_ms"]),
        (&json!(1), &json!(0), &json!(20.0))
    );
    assert!(first["p95_ms"].as_f64().unwrap() > 29.0);
    assert_eq!((&told["other"]["calls"], &told["error"], &told["calls"]), (&json!(0), &json!(0), &json!(4)));
    assert_eq!(told["other"]["mean_ms"], Value::Null);
    assert_eq!(told["from"], json!("2026-12-31T12:00:00.000Z"), "names are told by the hour");
    // What is not shown is in the rest.
    let one = shop.get(&format!("{path}?limit=1")).await.json;
    assert_eq!((one["data"].as_array().unwrap().len(), &one["other"]["calls"]), (1, &json!(2)));
    assert_eq!(one["other"]["share"], json!(0.5));
    for limit in ["0", "201", "x", "-1"] {
        let answer = shop.get(&format!("{path}?limit={limit}")).await;
        assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!("limit")));
    }
    let before = shop.get(&format!("{path}?to=2027-01-01T11:00:00Z")).await.json;
    assert_eq!((&before["data"], &before["calls"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn the_error_of_a_crowd_of_endpoints_is_stated() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    shop.add(|batch| {
        let minute = shop.ago(5).timestamp() / 60;
        let mut slice = tokenward::usage::Slice::new(tokenward::Subject::Token(record.id), minute);
        for number in 0..300_u64 {
            let mut used = tokenward::usage::EndpointUse::default();
            used.calls = if number == 0 { 1_000 } else { 2 };
            slice.detail.endpoints.add(&format!("GET /{number}"), &used);
        }
        batch.slices.push(slice);
    })
    .await;
    let told = shop.get(&format!("/tokens/{}/endpoints?limit=200", record.id)).await.json;
    let shown: u64 = told["data"].as_array().unwrap().iter().map(|row| row["calls"].as_u64().unwrap()).sum();
    assert_eq!(shown + told["other"]["calls"].as_u64().unwrap(), 1_598);
    assert_eq!((&told["data"][0]["endpoint"], &told["error"]), (&json!("GET /0"), &json!(2)));
}

#[tokio::test]
async fn clients_are_told_with_their_first_and_last_call() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let from = |address| Minute { calls: vec![("GET /a", 200, 1)], address, ..Minute::default() };
    shop.used(&record, 90, from("203.0.113.7")).await;
    shop.used(&record, 5, from("203.0.113.7")).await;
    shop.used(&record, 4, from("198.51.100.4")).await;
    let told = shop.get(&format!("/tokens/{}/clients", record.id)).await.json;
    assert_eq!(
        told["data"][0],
        json!({
            "ip": "203.0.113.7", "agent": "curl/8", "calls": 2, "share": 2.0 / 3.0,
            "first_seen_at": "2027-01-01T10:30:00.000Z", "last_seen_at": "2027-01-01T11:55:00.000Z",
        })
    );
    assert_eq!((&told["data"][1]["ip"], &told["calls"]), (&json!("198.51.100.4"), &json!(3)));
    shop.tokens.forget_clients(&record.id).await.unwrap();
    let told = shop.get(&format!("/tokens/{}/clients", record.id)).await.json;
    assert_eq!(told["data"], json!([]));
}

#[tokio::test]
async fn scopes_are_told_whether_used_or_not() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &["orders:read", "orders:write", "customers:write"]).await;
    shop.clock.advance(TimeDelta::days(40));
    let call = |scope| Minute { calls: vec![("GET /a", 200, 1)], scope, ..Minute::default() };
    shop.used(&record, 3 * 1_440, call("orders:read")).await;
    shop.used(&record, 2 * 1_440, call("customers:read")).await;
    shop.used(&record, 10, Minute { missing: vec!["tokens:read", "tokens:read"], ..Minute::default() }).await;
    let told = shop.get(&format!("/tokens/{}/scopes", record.id)).await.json;
    let row = |scope: &str| {
        let rows = told["data"].as_array().unwrap();
        rows.iter().find(|row| row["scope"] == scope).unwrap_or_else(|| panic!("{scope}: {told}"))
    };
    assert_eq!((&told["token_is_younger"], told["data"].as_array().unwrap().len()), (&json!(false), 5));
    let read = row("orders:read");
    assert_eq!((&read["granted"], &read["calls"], &read["unused"]), (&json!(true), &json!(1), &json!(false)));
    assert_eq!(
        (&read["unused_days"], &read["last_used_at"]),
        (&json!(3), &json!("2027-02-07T12:00:00.000Z"))
    );
    let write = row("orders:write");
    assert_eq!(
        (&write["unused"], &write["unused_days"], &write["last_used_at"]),
        (&json!(true), &json!(30), &Value::Null)
    );
    // What is used through another one keeps that one from being unused.
    let through = row("customers:write");
    assert_eq!(
        (&through["unused"], &through["calls"], &through["implied_calls"]),
        (&json!(false), &json!(0), &json!(1))
    );
    let implied = row("customers:read");
    assert_eq!(
        (&implied["granted"], &implied["implied"], &implied["calls"]),
        (&json!(true), &json!(true), &json!(1))
    );
    let missing = row("tokens:read");
    assert_eq!((&missing["granted"], &missing["denied"]), (&json!(false), &json!(2)));
    assert_eq!(
        (&missing["last_denied_at"], &missing["unused_days"]),
        (&json!("2027-02-10T11:50:00.000Z"), &Value::Null)
    );
    let short = shop.get(&format!("/tokens/{}/scopes?from=2027-02-10T00:00:00Z", record.id)).await.json;
    assert_eq!(short["data"].as_array().unwrap().len(), 4, "those it holds, and the one it lacked");
}

#[tokio::test]
async fn a_token_that_is_younger_than_the_range_says_so() {
    let shop = shop().await;
    let (_, record) = shop.issue(NewToken::named("Young").tenant("acme").scopes(["orders:read"])).await;
    shop.clock.advance(TimeDelta::days(2));
    let told = shop.get(&format!("/tokens/{}/scopes", record.id)).await.json;
    assert_eq!(told["token_is_younger"], json!(true));
    assert_eq!((&told["data"][0]["unused"], &told["data"][0]["unused_days"]), (&json!(true), &json!(2)));
}
