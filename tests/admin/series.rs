//! Rows 17 and 27: columns by equal steps of time.

use serde_json::{Value, json};

use super::fed::Minute;
use super::support::{Shop, shop};

async fn columns(shop: &Shop, query: &str) -> Value {
    let answer = shop.get(&format!("/tokens/{}/timeseries{query}", shop.manager_id)).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json
}

fn length(columns: &Value, name: &str) -> usize {
    columns[name].as_array().unwrap_or_else(|| panic!("no column {name}")).len()
}

#[tokio::test]
async fn figures_stand_in_columns_and_gaps_are_gaps() {
    let shop = shop().await;
    let manager = shop.tokens.find(&shop.manager_id).await.unwrap().unwrap();
    let first = Minute {
        calls: vec![("GET /a", 200, 10), ("GET /a", 302, 10), ("GET /a", 404, 10), ("GET /a", 503, 10)],
        limited: 2,
        missing: vec!["orders:read"],
        ..Minute::default()
    };
    shop.used(&manager, 3, first).await;
    shop.used(&manager, 1, Minute { calls: vec![("GET /a", 200, 50)], ..Minute::default() }).await;
    let told = columns(&shop, "?from=2027-01-01T11:56:00Z&to=2027-01-01T12:00:00Z&step=60").await;
    assert_eq!(told["t"][1], json!("2027-01-01T11:57:00.000Z"));
    for (name, values) in [
        ("calls", json!([0, 7, 0, 1, 0])),
        ("c2xx", json!([0, 1, 0, 1, 0])),
        ("c3xx", json!([0, 1, 0, 0, 0])),
        ("c4xx", json!([0, 1, 0, 0, 0])),
        ("c5xx", json!([0, 1, 0, 0, 0])),
        ("limited", json!([0, 2, 0, 0, 0])),
        ("denied", json!([0, 1, 0, 0, 0])),
        ("minutes_limited", json!([0, 1, 0, 0, 0])),
        ("peak_minute", json!([0, 4, 0, 1, 0])),
        ("mean_ms", json!([null, 10.0, null, 50.0, null])),
        ("limit", json!([100_000, 100_000, 100_000, 100_000, 100_000])),
    ] {
        assert_eq!(told[name], values, "{name}");
    }
    assert_eq!((&told["p95_ms"][0], told["p95_ms"][1].is_number()), (&Value::Null, true));
    assert_eq!((&told["step"], &told["partial_last"]), (&json!(60), &json!(true)));
    let over = columns(&shop, "?from=2027-01-01T11:00:00Z&to=2027-01-01T11:30:00Z&step=300").await;
    assert_eq!((&over["partial_last"], length(&over, "t")), (&json!(false), 6));
}

#[tokio::test]
async fn only_what_is_asked_for_is_told() {
    let shop = shop().await;
    let latency = columns(&shop, "?metric=latency").await;
    assert!(latency.get("calls").is_none() && latency.get("limited").is_none());
    assert_eq!(length(&latency, "p99_ms"), length(&latency, "t"));
    let two = columns(&shop, "?metric=calls&metric=limited").await;
    assert!(two.get("mean_ms").is_none());
    assert_eq!(length(&two, "limited"), length(&two, "calls"));
}

#[tokio::test]
async fn a_step_suits_the_range() {
    let shop = shop().await;
    for (query, step) in [
        ("?from=2027-01-01T11:00:00Z", 60),
        ("", 900),
        ("?from=2026-12-25T12:01:00Z", 7_200),
        ("?from=2026-12-02T12:01:00Z", 21_600),
        ("?from=2026-03-01T00:00:00Z", 7 * 86_400),
        ("?from=2018-01-01T00:00:00Z", 30 * 86_400),
    ] {
        let told = columns(&shop, query).await;
        assert_eq!(told["step"], json!(step), "{query}");
        assert!(length(&told, "t") <= 122, "{query}: {}", length(&told, "t"));
    }
    // Hours that are no longer kept are told by the day.
    let told = columns(&shop, "?from=2026-10-01T00:00:00Z&to=2026-10-03T00:00:00Z&step=3600").await;
    assert_eq!((&told["step"], length(&told, "t")), (&json!(86_400), 2));
}

#[tokio::test]
async fn steps_that_make_no_sense_are_refused() {
    let shop = shop().await;
    for query in [
        "step=0",
        "step=59",
        "step=90",
        "step=-60",
        "step=60s",
        "step=1m",
        "step=",
        "step=2592060",
        "step=99999999999999999999",
        "step=+60",
        "step=60&step=60",
        "step=60&from=2026-12-20T00:00:00Z",
    ] {
        for path in [format!("/tokens/{}/timeseries", shop.manager_id), "/usage/timeseries".to_owned()] {
            let answer = shop.get(&format!("{path}?{query}")).await;
            assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!("step")), "{query}");
        }
    }
    let most = shop.get("/usage/timeseries?step=60&from=2026-12-31T02:41:00Z").await;
    assert_eq!((most.status, most.json["t"].as_array().unwrap().len()), (200, 2_000));
    let answer = shop.get("/usage/timeseries?metric=bytes").await;
    assert_eq!((answer.status, &answer.json["parameter"]), (400, &json!("metric")));
}
