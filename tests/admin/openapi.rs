//! The API described by itself: row 37.

mod exchange;
mod exchanges;
mod rules;
pub mod schema;
mod seeded;

use std::path::Path;

use serde_json::Value;

use crate::support::shop;
use schema::DOCUMENT;

#[tokio::test]
async fn the_document_is_told_to_whoever_may_look() {
    let shop = shop().await;
    let answer = shop.get("/openapi.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.json, *DOCUMENT);
    assert_eq!(shop.get("/openapi.json?x=1").await.status, 400);
    let stranger = crate::support::send(
        &shop.app,
        "GET",
        "/admin/api/v1/openapi.json",
        &[("host", "acme.localhost")],
        Vec::new(),
    );
    assert_eq!(stranger.await.status, 401);
}

/// To write them anew: `TOKENWARD_WRITE=1 cargo test --all-features --test admin examples`, twice where
/// operations are new.
#[tokio::test]
async fn the_examples_are_what_the_api_answers_today() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin/openapi/examples.json");
    let today = exchanges::exchanges().await;
    if std::env::var("TOKENWARD_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(path, format!("{today:#}\n")).unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for (operation, exchanges) in today.as_object().unwrap() {
        let none = Vec::new();
        let kept = kept[operation].as_array().unwrap_or(&none);
        for (place, exchange) in exchanges.as_array().unwrap().iter().enumerate() {
            assert_eq!(kept.get(place), Some(exchange), "{operation}");
        }
    }
    assert_eq!(kept, today);
}
