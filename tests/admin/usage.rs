//! Rows 16, 1 and 3, 26: totals, the last 24 hours, any range, and all tokens together.

use serde_json::{Value, json};
use tokenward::admin::{Access, AdminApi, AdminRequest};
use tokenward::web::Request;
use tokenward::{Actor, NewToken};

use super::fed::Minute;
use super::support::{Shop, shop};

fn busy() -> Minute {
    Minute {
        calls: vec![
            ("GET /orders", 200, 10),
            ("GET /orders", 304, 20),
            ("GET /orders/{id}", 404, 30),
            ("POST /orders", 500, 40),
        ],
        limited: 3,
        missing: vec!["orders:write"],
        scope: "orders:read",
        address: "203.0.113.7",
    }
}

fn one() -> Minute {
    Minute { calls: vec![("GET /orders", 200, 8)], ..Minute::default() }
}

fn about(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap();
    assert!((value / expected - 1.0).abs() < 0.04, "{value} is not about {expected}");
}

#[tokio::test]
async fn the_use_of_a_token_is_told_with_every_figure() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &["orders:read"]).await;
    shop.used(&record, 5, busy()).await;
    shop.used(&record, 2_000, one()).await;
    let answer = shop.get(&format!("/tokens/{}/usage", record.id)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let usage = &answer.json;
    assert_eq!((&usage["calls_total"], &usage["calls_24h"]), (&json!(9), &json!(8)));
    assert_eq!((&usage["limited_24h"], &usage["denied_24h"]), (&json!(3), &json!(1)));
    // 2 of 5: what the limit refused is not among them.
    assert_eq!(usage["success_rate"], json!(0.4));
    assert_eq!(usage["mean_ms"], json!(25.0));
    about(&usage["p50_ms"], 20.0);
    about(&usage["p95_ms"], 40.0);
    about(&usage["p99_ms"], 40.0);
    assert_eq!(usage["by_status"], json!({"1xx": 0, "2xx": 1, "3xx": 1, "4xx": 1, "5xx": 1}));
    assert_eq!(usage["refusals"]["missing_scope"], json!(1));
    assert_eq!(usage["peak_minute"], json!({"at": "2027-01-01T11:55:00.000Z", "calls": 4}));
    assert_eq!(usage["peak_of_last_hour"]["calls"], json!(4));
    assert_eq!((&usage["minutes_limited"], &usage["bytes_24h"]), (&json!(1), &json!(400)));
    assert_eq!(usage["success_rate_total"], json!(0.5));
    assert_eq!(usage["trend"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>(), 8);
    assert_eq!(usage["last_used_at"], json!("2027-01-01T11:55:00.000Z"));
    assert_eq!(usage["as_of"], json!("2027-01-01T12:00:00.000Z"));
    assert_eq!(usage["range"]["calls"], json!(8));
    assert_eq!(usage["range"]["secrets"][0]["calls"], json!(8));
}

#[tokio::test]
async fn a_range_of_its_own_is_told_beside_it() {
    let shop = shop().await;
    let (_, record) = shop.token("Used", &[]).await;
    shop.used(&record, 5, busy()).await;
    shop.used(&record, 65, one()).await;
    let path = format!("/tokens/{}/usage", record.id);
    let range = |query: &str| {
        let path = format!("{path}?{query}");
        let shop = &shop;
        async move {
            let answer = shop.get(&path).await;
            assert_eq!(answer.status, 200, "{path} {}", answer.text);
            answer.json["range"].clone()
        }
    };
    let told = range("from=2027-01-01T10:50:00Z&to=2027-01-01T11:00:00Z").await;
    assert_eq!((&told["calls"], &told["success_rate"]), (&json!(1), &json!(1.0)));
    assert_eq!(
        (&told["from"], &told["to"]),
        (&json!("2027-01-01T10:50:00.000Z"), &json!("2027-01-01T11:00:00.000Z"))
    );
    assert_eq!(range("from=2027-01-01T11:00:00Z").await["calls"], json!(8));
    assert_eq!(range("to=2027-01-01T11:00:00Z").await["calls"], json!(1));
    assert_eq!(range("to=2028-01-01T11:00:00Z").await["calls"], json!(9), "the future is cut off");
    let empty = range("from=2027-01-01T11:00:00Z&to=2027-01-01T11:00:00Z").await;
    assert_eq!(
        (&empty["calls"], &empty["success_rate"], &empty["p95_ms"]),
        (&json!(0), &json!(null), &json!(null))
    );
    assert_eq!(empty["peak_minute"], Value::Null);
}

#[tokio::test]
async fn a_token_that_was_never_used_has_no_rates() {
    let shop = shop().await;
    let (_, record) = shop.token("New", &[]).await;
    let usage = shop.get(&format!("/tokens/{}/usage", record.id)).await.json;
    for name in [
        "success_rate",
        "mean_ms",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "peak_minute",
        "last_used_at",
        "last_client",
    ] {
        assert_eq!(usage[name], Value::Null, "{name}");
    }
    assert_eq!((&usage["calls_total"], &usage["calls_24h"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn what_is_absurd_is_refused_by_name() {
    let shop = shop().await;
    let id = shop.manager_id;
    let rows = ["usage", "timeseries", "endpoints", "clients", "scopes", "calls"];
    let mut paths: Vec<_> = rows.iter().map(|row| format!("/tokens/{id}/{row}")).collect();
    paths.extend(["/usage".to_owned(), "/usage/timeseries".to_owned()]);
    for path in &paths {
        for (query, parameter) in [
            ("from=yesterday", "from"),
            ("to=1798804800", "to"),
            ("from=2027-01-01T11:00:00Z&to=2027-01-01T10:00:00Z", "to"),
            ("from=2027-01-01T12:00:01Z", "from"),
            ("from=2027-01-01T10:00:00Z&from=2027-01-01T11:00:00Z", "from"),
            ("from=", "from"),
            ("since=2027-01-01T11:00:00Z", "since"),
        ] {
            let answer = shop.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.code(), (400, "malformed"), "{path}?{query}: {}", answer.text);
            assert_eq!(answer.json["parameter"], parameter, "{path}?{query}");
        }
        if !path.ends_with("calls") {
            let answer = shop.get(&format!("{path}?from=1970-01-01T00:00:00Z")).await;
            assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!("from")), "{path}");
        }
    }
    let answer = shop.get("/usage?group_by=day").await;
    assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!("group_by")));
    for path in &paths {
        let unknown = path.replace(&id.to_string(), "tok_AAAAAAAAAAAAAAAA");
        if unknown != *path {
            assert_eq!(shop.get(&unknown).await.code(), (404, "not-found"), "{unknown}");
            let other = shop.issue(NewToken::named("Other").tenant("globex")).await.1;
            let foreign = path.replace(&id.to_string(), &other.id.to_string());
            assert_eq!(shop.get(&foreign).await.code(), (404, "not-found"), "{foreign}");
        }
        let head = shop.send("HEAD", path, &[], None).await;
        assert_eq!((head.status, &*head.text), (200, ""), "{path}");
        assert!(head.header("content-length").is_some_and(|length| length != "0"), "{path}");
        assert_eq!(shop.post(path, json!({})).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn a_list_with_use_asks_twice_whatever_its_length() {
    let shop = shop().await;
    for number in 0..30 {
        let (_, record) = shop.token(&format!("Counted {number}"), &[]).await;
        shop.used(&record, 5, one()).await;
    }
    for limit in [1, 30] {
        let before = shop.questions();
        let list = shop.get(&format!("/tokens?include=usage&q=Counted&limit={limit}")).await;
        assert_eq!(list.json["data"].as_array().unwrap().len(), limit);
        assert_eq!(list.json["data"][0]["usage"]["calls_24h"], json!(1));
        assert_eq!(shop.questions() - before, 2);
    }
    let before = shop.questions();
    let groups = shop.get("/usage?group_by=token").await;
    assert_eq!(groups.json["groups"].as_array().unwrap().len(), 30);
    assert_eq!(shop.questions() - before, 2);
}

async fn two_tenants() -> Shop {
    let shop = shop().await;
    let ours = shop.issue(NewToken::named("Ours").tenant("acme")).await.1;
    let theirs = shop.issue(NewToken::named("Theirs").tenant("globex")).await.1;
    shop.used(&ours, 5, busy()).await;
    shop.used(
        &theirs,
        5,
        Minute { calls: vec![("GET /secret-of-globex", 200, 900)], address: "198.51.100.9", ..busy() },
    )
    .await;
    shop
}

#[tokio::test]
async fn all_tokens_are_those_of_the_tenant() {
    let shop = two_tenants().await;
    let told = shop.get("/usage").await;
    assert_eq!((&told.json["calls"], &told.json["success_rate"]), (&json!(8), &json!(0.4)), "{}", told.text);
    assert!(told.json.get("strangers").is_none() && told.json.get("groups").is_none());
    let by_token = shop.get("/usage?group_by=token").await.json;
    assert_eq!(by_token["groups"].as_array().unwrap().len(), 1);
    let row = &by_token["groups"][0];
    assert_eq!((&row["name"], &row["calls"], &row["share"]), (&json!("Ours"), &json!(8), &json!(1.0)));
    assert_eq!((&row["errors"], &row["limited"]), (&json!(3), &json!(3)));
    let by_endpoint = shop.get("/usage?group_by=endpoint&limit=1").await.json;
    let row = &by_endpoint["groups"][0];
    assert_eq!(
        (&row["endpoint"], &row["calls"], &row["share"]),
        (&json!("GET /orders"), &json!(2), &json!(0.5))
    );
    assert_eq!((&by_endpoint["other"]["calls"], &by_endpoint["error"]), (&json!(2), &json!(0)));
    let by_status = shop.get("/usage?group_by=status").await.json;
    let calls: u64 =
        by_status["groups"].as_array().unwrap().iter().map(|row| row["calls"].as_u64().unwrap()).sum();
    assert_eq!(calls, 8, "every call is in one group");
    for path in
        ["/usage?group_by=token", "/usage?group_by=endpoint", "/usage?group_by=status", "/usage/timeseries"]
    {
        let text = shop.get(path).await.text;
        assert!(!text.contains("Theirs") && !text.contains("globex"), "{path}: {text}");
    }
    let series = shop.get("/usage/timeseries").await.json;
    let calls: u64 = series["calls"].as_array().unwrap().iter().map(|calls| calls.as_u64().unwrap()).sum();
    assert_eq!((calls, &series["limit"]), (8, &Value::Null));
}

#[tokio::test]
async fn whoever_reaches_all_tenants_sees_all_and_strangers() {
    let shop = two_tenants().await;
    let api = AdminApi::new(shop.tokens.clone());
    let ask = |actor: Actor, query: &'static str| {
        let api = &api;
        async move {
            let request = Request { query: Some(query), ..Request::new("GET", "/usage", &[("", ""); 0]) };
            let reply = api.handle(Access::ReadOnly(actor), AdminRequest::new(request, b"")).await;
            assert_eq!(reply.status, 200);
            serde_json::from_slice::<Value>(&reply.body).unwrap()
        }
    };
    let all = ask(Actor::new("operator").all_tenants(), "group_by=token").await;
    assert_eq!(all["calls"], json!(13));
    assert_eq!(all["strangers"]["unknown"], json!(0));
    let names: Vec<_> = all["groups"].as_array().unwrap().iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["Ours", "Theirs"]);
    // A person who says no tenant sees the tokens that have none.
    for actor in [Actor::new("maria"), Actor::new("maria").tenant("nowhere")] {
        let none = ask(actor, "group_by=endpoint").await;
        assert_eq!((&none["calls"], &none["groups"]), (&json!(0), &json!([])));
        assert!(none.get("strangers").is_none());
    }
}

#[tokio::test]
async fn use_that_cannot_be_read_is_said_to_be_so() {
    let shop = shop().await;
    let id = shop.manager_id;
    shop.usage_is_away(true);
    for path in ["usage", "timeseries", "endpoints", "clients", "scopes", "calls", "calls/stream"] {
        let answer = shop.get(&format!("/tokens/{id}/{path}")).await;
        assert_eq!(answer.code(), (503, "usage-unavailable"), "{path}");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(!answer.text.contains("the disk is full"));
    }
    for path in
        ["/usage", "/usage?group_by=token", "/usage/timeseries", "/calls/stream", "/tokens?include=usage"]
    {
        assert_eq!(shop.get(path).await.code(), (503, "usage-unavailable"), "{path}");
    }
    let lines = [("accept", "application/x-ndjson")];
    let answer = shop.send("GET", &format!("/tokens/{id}/calls"), &lines, None).await;
    assert_eq!(answer.code(), (503, "usage-unavailable"));
    let list = shop.get("/tokens").await;
    assert_eq!((list.status, list.json["data"][0].get("last_used_at")), (200, None));
    shop.usage_is_away(false);
    assert_eq!(shop.get("/usage").await.status, 200);
}
