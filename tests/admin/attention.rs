//! Row 33, and the filter of the list: tokens that deserve attention.

use chrono::TimeDelta;
use serde_json::json;
use tokenward::{Need, NewToken};

use super::support::shop;

#[tokio::test]
async fn what_deserves_attention_is_listed_with_what_to_do() {
    let shop = shop().await;
    let named = |name: &str| NewToken::named(name).tenant("acme").scopes(["orders:read"]);
    let (_, ending) = shop.issue(named("Ending").expires_in(TimeDelta::days(20))).await;
    let (_, foreign) = shop.issue(named("Foreign").tenant("other").expires_in(TimeDelta::days(20))).await;
    shop.clock.advance(TimeDelta::days(10));
    let (text, limited) = shop.issue(named("Limited").per_minute(1)).await;
    for _ in 0..2 {
        _ = shop.tokens.verify(&*text, &Need::live().any_tenant()).await.unwrap();
    }
    // The manager is used as well.
    shop.get("/me").await;
    shop.tokens.flush().await.unwrap();
    let told = shop.get("/attention").await;
    assert_eq!(told.status, 200, "{}", told.text);
    let data = told.json["data"].as_array().unwrap();
    let found: Vec<_> = data
        .iter()
        .map(|found| (found["token"].as_str().unwrap(), found["kind"].as_str().unwrap()))
        .collect();
    let (limited, ending) = (limited.id.to_string(), ending.id.to_string());
    assert_eq!(found, [(&*limited, "limited"), (&*ending, "expires_soon"), (&*ending, "never_used")]);
    assert_eq!((&data[1]["token_name"], &told.json["more"]), (&json!("Ending"), &json!(false)));
    assert_eq!(data[0]["text"], "The limit refused 1 call in the last 5 minutes.");
    assert!(!told.text.contains(&foreign.id.to_string()));
    let one = shop.get("/attention?limit=1").await;
    assert_eq!((one.json["data"].as_array().unwrap().len(), &one.json["more"]), (1, &json!(true)));

    let list = shop.get("/tokens?attention=true").await;
    let listed: Vec<_> =
        list.json["data"].as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap()).collect();
    assert_eq!(listed, [&*limited, &*ending]);
    assert_eq!((&list.json["page"]["total"], &list.json["page"]["next"]), (&json!(2), &json!(null)));
    let filtered = shop.get("/tokens?attention=true&q=ending").await;
    assert_eq!(filtered.json["page"]["total"], 1);
    assert_eq!(shop.get("/tokens?attention=false").await.json["page"]["total"], 3);
    for query in
        ["attention=yes", "attention=true&sort=name", "attention=true&unused_since=2020-01-01T00:00:00Z"]
    {
        assert_eq!(shop.get(&format!("/tokens?{query}")).await.code(), (400, "malformed"), "{query}");
    }
    let cursor = shop.get("/tokens?limit=1").await.json["page"]["next"].as_str().unwrap().to_owned();
    let foreign = shop.get(&format!("/tokens?attention=true&cursor={cursor}")).await;
    assert_eq!(foreign.code(), (400, "invalid-cursor"));
}
