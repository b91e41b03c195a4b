//! The use of all tokens together.

use tokenward::Actor;
use tokenward::admin::Access;

use super::kit::shop;

#[tokio::test]
async fn tokens_are_ranked_by_calls_and_by_errors() {
    let shop = shop();
    let (busy, busy_record) = shop.token("Google feed", &["orders:read"]).await;
    let (failing, _) = shop.token("Old mobile app", &["orders:read"]).await;
    for _ in 0..3 {
        shop.call(&busy, "orders:read", "GET /orders", 200).await;
    }
    shop.call(&failing, "orders:read", "GET /orders/{id}", 500).await;
    let page = shop.get("/usage").await;
    assert_eq!(page.status, 200);
    page.shows("Calls 4").shows("Success 75.0 %");
    page.shows("Tokens by calls Token Calls Share Google feed 3 75.0 % Old mobile app 1 25.0 %");
    page.shows("Tokens by errors Token Errors Share Old mobile app 1 100 %");
    page.shows("Tokens at their limit None in this range.");
    page.shows("GET /orders 3 75.0 % 0").does_not_show("There is no limit");
    assert_eq!(page.link("Google feed"), format!("./t/{}", busy_record.id));
}

#[tokio::test]
async fn the_use_of_other_shops_is_not_in_it() {
    let shop = shop();
    let (text, _) = shop.token("Google feed", &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    let other = Access::manage(Actor::new("eve").all_tenants());
    let headers = [("host", "other.localhost:3000")];
    let page = shop.send(other, "GET", "/usage", &headers, "").await;
    page.does_not_show("Google feed");
}

#[tokio::test]
async fn without_any_use_the_page_says_so() {
    let shop = shop();
    shop.get("/usage?range=7d").await.shows("No token was used in the last 7 days.");
}
