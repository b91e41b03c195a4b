//! Row 21: recent calls, page by page and as lines.

use serde_json::{Value, json};
use tokenward::Actor;
use tokenward::admin::{Access, AdminApi};
use tokenward::web::BrokenOff;

use super::events::ask;
use super::support::{Answer, Shop, shop};

fn ids(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["data"].as_array().unwrap().iter().map(|call| call["id"].as_u64().unwrap()).collect()
}

fn lines(answer: &Answer) -> Vec<u64> {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap();
    answer.text.lines().map(id).collect()
}

/// Calls 1 to 6 of one token, and one of another.
async fn with_calls() -> (Shop, String) {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    let (_, other) = shop.token("Other", &[]).await;
    let calls = [
        json!({}),
        json!({"status": 404, "route": "GET /orders/{id}", "bytes": 12}),
        json!({"status": 403, "outcome": "missing_scope", "scopes": "orders:write", "duration_us": 0, "route": "POST /orders"}),
        json!({"status": 500, "duration_us": 2_500_000, "client": {"address": "2001:db8::1", "agent": ""}}),
        json!({"status": 429, "outcome": "limited", "duration_us": 0, "left_out": 7}),
        json!({"client": null, "route": ""}),
    ];
    shop.called(&record, calls).await;
    shop.called(&other, [json!({})]).await;
    (shop, format!("/tokens/{}/calls", record.id))
}

#[tokio::test]
async fn a_call_is_told_with_all_that_is_known() {
    let (shop, path) = with_calls().await;
    let told = shop.get(&path).await;
    assert_eq!(ids(&told), [6, 5, 4, 3, 2, 1]);
    let data = &told.json["data"];
    let first = &data[5];
    assert_eq!(
        (&first["endpoint"], &first["status"], &first["duration_ms"]),
        (&json!("GET /orders"), &json!(200), &json!(4.0))
    );
    assert_eq!((&first["ip"], &first["agent"]), (&json!("203.0.113.7"), &json!("curl/8")));
    assert_eq!((&first["scopes_used"], &first["scopes_missing"]), (&json!(["orders:read"]), &json!([])));
    assert_eq!((&first["tenant"], &first["at"]), (&json!("acme"), &json!("2027-01-01T11:59:55.000Z")));
    assert_eq!((&data[4]["bytes"], &first["bytes"]), (&json!(12), &Value::Null));
    assert_eq!((&data[3]["scopes_missing"], &data[3]["scopes_used"]), (&json!(["orders:write"]), &json!([])));
    assert_eq!((&data[3]["duration_ms"], &data[1]["left_out"]), (&Value::Null, &json!(7)));
    assert_eq!(
        (&data[2]["agent"], &data[0]["ip"], &data[0]["endpoint"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(told.json["as_of"], json!("2027-01-01T12:00:00.000Z"));
}

#[tokio::test]
async fn calls_are_filtered_by_whatever_is_known_of_them() {
    let (shop, path) = with_calls().await;
    for (query, expected) in [
        ("status=404", &[2][..]),
        ("status=4xx", &[5, 3, 2]),
        ("status=2XX", &[6, 1]),
        ("status=1xx", &[]),
        ("endpoint=GET+/orders", &[5, 4, 1]),
        ("endpoint=GET%20%2Forders%2F%7Bid%7D", &[2]),
        ("endpoint=/orders&method=POST", &[3]),
        ("method=GET", &[5, 4, 2, 1]),
        ("ip=203.0.113.7", &[5, 3, 2, 1]),
        ("ip=2001:0db8:0:0::1", &[4]),
        ("min_ms=4", &[6, 4, 2, 1]),
        ("min_ms=2500", &[4]),
        ("from=2027-01-01T11:59:58Z", &[6, 5, 4]),
        ("to=2027-01-01T11:59:58Z", &[3, 2, 1]),
        ("from=2027-01-01T11:59:58Z&status=5xx&method=GET", &[4]),
    ] {
        assert_eq!(ids(&shop.get(&format!("{path}?{query}")).await), expected, "{query}");
        let accept = [("accept", "application/x-ndjson")];
        let as_lines = shop.send("GET", &format!("{path}?{query}"), &accept, None).await;
        assert_eq!(lines(&as_lines), expected, "{query}");
    }
    for (query, parameter) in [
        ("status=6xx", "status"),
        ("status=40", "status"),
        ("status=+40", "status"),
        ("status=ok", "status"),
        ("status=", "status"),
        ("status=4xx&status=5xx", "status"),
        ("status=%C3%A9xx", "status"),
        ("method=get", "method"),
        ("method=", "method"),
        ("endpoint=/orders", "endpoint"),
        ("endpoint=get+/orders", "endpoint"),
        ("min_ms=-1", "min_ms"),
        ("min_ms=1.5", "min_ms"),
        ("min_ms=99999999999", "min_ms"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("sort=at", "sort"),
    ] {
        let answer = shop.get(&format!("{path}?{query}")).await;
        assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!(parameter)), "{query}");
    }
}

#[tokio::test]
async fn pages_lead_to_the_end_and_nowhere_else() {
    let (shop, path) = with_calls().await;
    let mut seen = Vec::new();
    let mut page = shop.get(&format!("{path}?limit=2&status=4xx")).await;
    seen.extend(ids(&page));
    let cursor = page.json["page"]["next"].as_str().unwrap().to_owned();
    assert!(page.header("link").unwrap().contains("rel=\"next\""));
    // A call that comes meanwhile moves nothing.
    page = shop.get(&format!("{path}?limit=2&status=4xx&cursor={cursor}")).await;
    seen.extend(ids(&page));
    assert_eq!((seen, &page.json["page"]["next"]), (vec![5, 3, 2], &Value::Null));
    assert_eq!(ids(&shop.get(&format!("{path}?limit=1&status=4xx&cursor={cursor}")).await), [2]);
    let other = format!("/tokens/{}/calls", shop.manager_id);
    for wrong in [
        format!("{path}?status=5xx&cursor={cursor}"),
        format!("{path}?cursor={cursor}"),
        format!("{other}?status=4xx&cursor={cursor}"),
        format!("{path}?status=4xx&cursor={cursor}A"),
        format!("{path}?status=4xx&cursor="),
    ] {
        assert_eq!(shop.get(&wrong).await.code(), (400, "invalid-cursor"), "{wrong}");
    }
}

#[tokio::test]
async fn lines_are_all_calls_or_as_many_as_are_wanted() {
    let (shop, path) = with_calls().await;
    let manager = shop.tokens.find(&shop.manager_id).await.unwrap().unwrap();
    shop.called(&manager, (0..450).map(|_| json!({}))).await;
    let of_manager = format!("/tokens/{}/calls", shop.manager_id);
    let accept = [("accept", "text/html, application/x-ndjson; q=0.5")];
    let all = lines(&shop.send("GET", &of_manager, &accept, None).await);
    assert_eq!(all, (8..458).rev().collect::<Vec<_>>());
    assert_eq!(
        lines(&shop.send("GET", &format!("{of_manager}?limit=3"), &accept, None).await),
        [457, 456, 455]
    );
    let head = shop.send("HEAD", &path, &accept, None).await;
    assert_eq!((head.status, &*head.text, head.header("content-length")), (200, "", None));
    for json in [
        "*/*",
        "application/json",
        "application/json, application/x-ndjson;q=0.9",
        "application/x-ndjson;q=0",
    ] {
        let answer = shop.send("GET", &path, &[("accept", json)], None).await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{json}");
    }
}

#[tokio::test]
async fn lines_that_break_off_do_not_look_whole() {
    let (shop, _) = with_calls().await;
    let manager = shop.tokens.find(&shop.manager_id).await.unwrap().unwrap();
    shop.called(&manager, (0..450).map(|_| json!({}))).await;
    let path = format!("/tokens/{}/calls", shop.manager_id);
    let api = AdminApi::new(shop.tokens.clone());
    let person = Access::ReadOnly(Actor::new("maria").tenant("acme"));
    let reply = ask(&api, person, &path, &[("accept", "application/x-ndjson")]).await;
    let mut body = reply.stream.unwrap();
    assert_eq!(body.next().await.unwrap().unwrap().iter().filter(|byte| **byte == b'\n').count(), 200);
    shop.usage_is_away(true);
    assert_eq!(body.next().await, Some(Err(BrokenOff)));
    assert_eq!(body.next().await, None);
}
