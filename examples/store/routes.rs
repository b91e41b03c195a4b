//! The shop's routes, put together. None of them asks who is calling: whoever mounts them does.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::database::Database;
use crate::problem::{self, Problem};
use crate::{analytics, customers, orders, products, settings, webhooks};

/// Everything that belongs to one shop; each request must carry a `ShopName`.
pub fn shop(database: Database) -> Router {
    Router::new()
        .merge(products::routes())
        .merge(orders::routes())
        .merge(customers::routes())
        .merge(analytics::routes())
        .merge(webhooks::routes())
        .merge(settings::routes())
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(database)
}

/// For load balancers, which hold no token and belong to no shop.
pub fn health(database: Database) -> Router {
    Router::new()
        .route("/health", get(healthy))
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(database)
}

async fn healthy(State(database): State<Database>) -> Result<Json<Value>, Problem> {
    database
        .read(|connection| {
            connection.query_row("SELECT count(*) FROM shop_settings", [], |row| row.get::<_, i64>(0))?;
            Ok(Json(json!({ "status": "ok" })))
        })
        .await
}
