//! The list, its search and its filters.

use super::kit::shop;

#[tokio::test]
async fn the_list_shows_the_tokens_of_the_shop() {
    let shop = shop();
    shop.token("Warehouse sync", &["orders:read"]).await;
    let page = shop.get("/").await;
    assert_eq!(page.status, 200);
    page.shows("Warehouse sync");
}
