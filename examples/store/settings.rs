//! `GET` and `PATCH /settings`: one row per shop.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::database::{Database, timestamp};
use crate::input::{Body, at_least_one, email, line, present, within};
use crate::problem::Problem;
use crate::shop::Shop;

pub fn routes() -> Router<Database> {
    Router::new().route("/settings", get(show).patch(change))
}

#[derive(Serialize)]
pub struct Settings {
    shop: String,
    name: String,
    support_email: String,
    /// Fixed: the prices of every product and the totals of every order are in it.
    currency: String,
    low_stock_threshold: i64,
    return_days: i64,
    prices_include_tax: bool,
    updated_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    support_email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    low_stock_threshold: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    return_days: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    prices_include_tax: Option<bool>,
}

async fn show(State(database): State<Database>, Shop(shop): Shop) -> Result<Json<Settings>, Problem> {
    database.read(move |connection| Ok(Json(of(connection, &shop)?))).await
}

async fn change(
    State(database): State<Database>,
    Shop(shop): Shop,
    Body(changes): Body<Changes>,
) -> Result<Json<Settings>, Problem> {
    at_least_one(
        &[
            changes.name.is_some(),
            changes.support_email.is_some(),
            changes.low_stock_threshold.is_some(),
            changes.return_days.is_some(),
            changes.prices_include_tax.is_some(),
        ],
        "name, support_email, low_stock_threshold, return_days and prices_include_tax",
    )?;
    database
        .write(move |connection| {
            let mut settings = of(connection, &shop)?;
            if let Some(name) = changes.name {
                settings.name = line("name", &name, 100)?;
            }
            if let Some(address) = changes.support_email {
                settings.support_email = email("support_email", &address)?;
            }
            if let Some(threshold) = changes.low_stock_threshold {
                settings.low_stock_threshold = within("low_stock_threshold", threshold, 0, 10_000)?;
            }
            if let Some(days) = changes.return_days {
                settings.return_days = within("return_days", days, 0, 365)?;
            }
            if let Some(include) = changes.prices_include_tax {
                settings.prices_include_tax = include;
            }
            settings.updated_at = timestamp(Utc::now());
            connection.execute(
                "UPDATE shop_settings SET name = ?2, support_email = ?3, low_stock_threshold = ?4,
                     return_days = ?5, prices_include_tax = ?6, updated_at = ?7
                 WHERE shop = ?1",
                params![
                    settings.shop,
                    settings.name,
                    settings.support_email,
                    settings.low_stock_threshold,
                    settings.return_days,
                    settings.prices_include_tax,
                    settings.updated_at,
                ],
            )?;
            Ok(Json(settings))
        })
        .await
}

fn of(connection: &Connection, shop: &str) -> rusqlite::Result<Settings> {
    connection.query_row("SELECT * FROM shop_settings WHERE shop = ?1", [shop], |row| {
        Ok(Settings {
            shop: row.get("shop")?,
            name: row.get("name")?,
            support_email: row.get("support_email")?,
            currency: row.get("currency")?,
            low_stock_threshold: row.get("low_stock_threshold")?,
            return_days: row.get("return_days")?,
            prices_include_tax: row.get("prices_include_tax")?,
            updated_at: row.get("updated_at")?,
        })
    })
}

/// The currency of the shop's prices and totals.
pub fn currency(connection: &Connection, shop: &str) -> rusqlite::Result<String> {
    connection.query_row("SELECT currency FROM shop_settings WHERE shop = ?1", [shop], |row| row.get(0))
}
