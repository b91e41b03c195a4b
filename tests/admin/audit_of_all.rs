//! Rows 29 and 30: the history of all tokens within reach, and whether it holds together.

use serde_json::{Value, json};
use tokenward::{Action, HistoryQuery, NewToken, TenantFilter};

use super::support::{Answer, Shop, by_root, shop};

async fn with_history() -> (Shop, String, String) {
    let shop = shop().await;
    let first = shop.post("/tokens", json!({"name": "First"})).await.id();
    let second = shop.post("/tokens", json!({"name": "Second"})).await.id();
    shop.patch(&first, json!({"name": "Renamed"})).await;
    let (_, foreign) = shop.issue(NewToken::named("Foreign").tenant("other")).await;
    shop.tokens.revoke(&foreign.id).by(by_root()).await.unwrap();
    shop.post(&format!("/tokens/{second}/revoke"), json!({})).await;
    (shop, first, second)
}

fn told(answer: &Answer) -> Vec<(&str, &str)> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let entries = answer.json["data"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| (entry["action"].as_str().unwrap(), entry["token_name"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn history_of_one_tenant_is_told_with_filters_and_pages() {
    let (shop, first, _) = with_history().await;
    let all = [
        ("revoked", "Second"),
        ("updated", "Renamed"),
        ("issued", "Second"),
        ("issued", "First"),
        ("issued", "Manager"),
    ];
    assert_eq!(told(&shop.get("/audit").await), all);
    assert_eq!(told(&shop.get("/audit?action=revoked&action=updated").await), all[..2]);
    assert_eq!(told(&shop.get("/audit?actor=root").await), all[4..]);
    assert_eq!(told(&shop.get(&format!("/audit?token={first}")).await), [all[1], all[3]]);
    assert_eq!(told(&shop.get("/audit?to=2020-01-01T00:00:00Z").await), []);
    assert_eq!(told(&shop.get("/audit?from=2027-01-01T12:00:00Z").await), all);
    let page = shop.get("/audit?limit=2").await;
    assert_eq!(told(&page), all[..2]);
    let next = page.json["page"]["next"].as_str().unwrap();
    assert!(page.header("link").unwrap().contains(next));
    assert_eq!(told(&shop.get(&format!("/audit?limit=3&cursor={next}")).await), all[2..]);
    for bound in ["action=issued", "actor=root"] {
        let other = shop.get(&format!("/audit?{bound}&cursor={next}")).await;
        assert_eq!(other.code(), (400, "invalid-cursor"));
    }
    for wrong in ["action=made", "token=1", "from=2030-01-01T00:00:00Z", "limit=0", "who=me"] {
        assert_eq!(shop.get(&format!("/audit?{wrong}")).await.code(), (400, "malformed"), "{wrong}");
    }
}

#[tokio::test]
async fn history_is_told_as_lines() {
    let (shop, ..) = with_history().await;
    let lines = |path: &'static str| {
        let shop = &shop;
        async move {
            let answer = shop.send("GET", path, &[("accept", "application/x-ndjson")], None).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
            let actions = answer
                .text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone());
            actions.collect::<Vec<_>>()
        }
    };
    assert_eq!(lines("/audit").await, ["revoked", "updated", "issued", "issued", "issued"]);
    assert_eq!(lines("/audit?action=revoked&action=updated").await, ["revoked", "updated"]);
    assert_eq!(lines("/audit?limit=2").await, ["revoked", "updated"]);
    assert_eq!(lines("/audit?action=purged").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_long_history_is_told_as_lines_to_its_end() {
    let shop = shop().await;
    let (_, record) = shop.token("Busy", &[]).await;
    for number in 0..450 {
        let update = tokenward::Update::new().name(format!("Busy {number}"));
        shop.tokens.update(&record.id, update).by(by_root()).await.unwrap();
    }
    let answer = shop.send("GET", "/audit", &[("accept", "application/x-ndjson")], None).await;
    let ids: Vec<_> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string())
        .collect();
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (452, 452));
}

#[tokio::test]
async fn a_chain_that_holds_is_told_with_its_head() {
    let (shop, ..) = with_history().await;
    let checked = shop.get("/audit/verify").await;
    let mut query = HistoryQuery::new(TenantFilter::Only(Some("acme".into())));
    query.limit = 1;
    let newest = shop.tokens.history(&query).await.unwrap().remove(0);
    assert_eq!(newest.draft.action, Action::Revoked);
    let head = json!({"id": format!("evt_{}", newest.number), "hash": newest.seal.hash});
    assert_eq!(checked.json, json!({"ok": true, "entries": 5, "head": head, "broken_at": null}));
    let all = shop.tokens.check_history(&TenantFilter::Any).await.unwrap();
    assert_eq!((all.entries, all.broken_at), (7, None));
}
