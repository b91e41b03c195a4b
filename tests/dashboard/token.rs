//! The page of a token: who it is, how it is used, what can be done.

use super::kit::shop;

#[tokio::test]
async fn a_token_shows_its_figures_its_endpoints_and_its_calls() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    shop.call(&text, "orders:read", "GET /orders", 200).await;
    shop.call(&text, "orders:read", "GET /orders/{id}", 404).await;
    let page = shop.get(&format!("/t/{}", record.id)).await;
    assert_eq!(page.status, 200);
    page.shows("Warehouse sync Active").shows("Calls in all 2").shows("Success, 24 h 50.0 %");
    page.shows("GET /orders 1 50.0 % 0").shows("GET /orders/{id} 1 50.0 % 1");
    page.shows("203.0.113.7").shows("sync/2.3").shows("orders:read Look at orders 2 calls");
    page.shows("Edit").shows("Rotate…").shows("Pause…").shows("Revoke…");
}

#[tokio::test]
async fn a_token_that_was_never_used_shows_how_to_use_it() {
    let shop = shop();
    let (text, record) = shop.token("Warehouse sync", &["orders:read"]).await;
    let page = shop.get(&format!("/t/{}", record.id)).await;
    page.shows("No calls yet")
        .shows("curl -H \"Authorization: Bearer YOUR_TOKEN\" \"https://acme.localhost:3000/orders\"");
    assert!(!page.html.contains(&text));
}
