//! What deserves attention.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use tokenward::admin::Access;
use tokenward::{Actor, MemoryStore, NewToken};

use super::kit::{Shop, shop, shop_over};
use super::watched_usage::WatchedUsage;

fn maria() -> Actor {
    Actor::new("maria").tenant("acme")
}

/// A token that lives for so many days: its text, and its id. That one of fifteen days expires within
/// fourteen is told; that one of ten does is not.
async fn expiring(shop: &Shop, name: &str, days: i64) -> (String, String) {
    let asked =
        NewToken::named(name).tenant("acme").scopes(["orders:read"]).expires_in(TimeDelta::days(days));
    let issued = shop.tokens.issue(asked).by(maria()).await.unwrap();
    (issued.secret.expose().to_owned(), issued.record.id.to_string())
}

#[tokio::test]
async fn nothing_to_look_at_is_said_as_well() {
    let shop = shop();
    shop.token("Warehouse sync", &["orders:read"]).await;
    let page = shop.get("/attention").await;
    assert_eq!(page.status, 200);
    page.shows("All is well").shows("Needs attention 0").hides("Warehouse sync");
    shop.get("/").await.hides("Needs attention 0").shows("Needs attention Active");
}

#[tokio::test]
async fn each_reason_stands_with_what_can_be_done_about_it() {
    let shop = shop();
    let (_, id) = expiring(&shop, "Google feed", 15).await;
    shop.clock.advance(TimeDelta::days(2));
    let page = shop.get("/attention").await;
    page.shows("Google feed").shows("It expires in 13 days, on 9 December 2026 at 14:00 UTC.");
    assert_eq!(page.link("Extend Google feed"), format!("./bulk?action=extend&id={id}"));
    assert_eq!(page.link("Rotate Google feed"), format!("./t/{id}/rotate"));
    assert_eq!(page.link("Everything that expires within 14 days"), "./?expires=14");
    let page = shop.get_as(Access::read_only(maria()), "/attention").await;
    page.shows("It expires in 13 days").shows("Extend it, or rotate it.").hides("Rotate Google feed");
}

#[tokio::test]
async fn an_expired_token_that_is_still_called_comes_first() {
    let shop = shop();
    expiring(&shop, "Google feed", 15).await;
    let (text, id) = expiring(&shop, "Old mobile app", 1).await;
    shop.clock.advance(TimeDelta::hours(25));
    for _ in 0..3 {
        assert_eq!(shop.call(&text, "orders:read", "GET /orders", 200).await, Some(401));
    }
    let page = shop.get("/attention").await;
    page.shows("and is still called: 3 calls failed in the last 24 hours.").shows("Needs attention 2");
    let place = |name: &str| page.html.find(name).unwrap();
    assert!(place("Old mobile app") < place("Google feed"));
    assert_eq!(page.link("Extend Old mobile app"), format!("./bulk?action=extend&id={id}"));
    assert_eq!(page.link("Revoke Old mobile app"), format!("./t/{id}/revoke"));
}

#[tokio::test]
async fn the_list_names_the_most_pressing_reason_and_counts_the_others() {
    let shop = shop();
    let asked = NewToken::named("Nordic POS").tenant("acme").scopes(["orders:read"]).per_minute(1);
    let asked = asked.expires_in(TimeDelta::days(15));
    let issued = shop.tokens.issue(asked).by(maria()).await.unwrap();
    shop.clock.advance(TimeDelta::days(2));
    let id = issued.record.id;
    shop.call(issued.secret.expose(), "orders:read", "GET /orders", 200).await;
    assert_eq!(shop.call(issued.secret.expose(), "orders:read", "GET /orders", 200).await, Some(429));
    let page = shop.get("/").await;
    page.shows("The limit refused 1 call in the last 5 minutes.").shows("Needs attention 1");
    assert_eq!(page.link("1 more"), format!("./t/{id}"));
    let page = shop.get("/attention").await;
    assert_eq!(page.link("Change the limit Nordic POS"), format!("./t/{id}/settings#limit"));
}

#[tokio::test]
async fn the_number_on_the_tab_is_looked_up_once_a_minute_and_after_a_change() {
    let usage = Arc::new(WatchedUsage::default());
    let shop = shop_over(Arc::new(MemoryStore::new()), usage.clone());
    let (_, feed) = expiring(&shop, "Google feed", 15).await;
    let (_, other) = expiring(&shop, "Another", 15).await;
    shop.clock.advance(TimeDelta::days(2));
    shop.get("/").await.shows("Needs attention 2");
    shop.tokens.revoke(&other.parse().unwrap()).by(maria()).await.unwrap();
    shop.get("/").await.shows("Needs attention 2");
    shop.clock.advance(TimeDelta::minutes(1));
    shop.get("/").await.shows("Needs attention 1");
    assert_eq!(shop.post("/bulk", &format!("action=extend&days=90&id={feed}")).await.status, 303);
    shop.get("/").await.shows("Needs attention Active");
    expiring(&shop, "Third", 15).await;
    shop.clock.advance(TimeDelta::days(2));
    usage.is_away.store(true, Ordering::SeqCst);
    let page = shop.get("/").await;
    assert_eq!(page.status, 200);
    page.shows("Needs attention Active").shows("It expires in 13 days");
    let page = shop.get("/attention").await;
    assert_eq!(page.status, 503);
    page.shows("Use cannot be read right now");
}
