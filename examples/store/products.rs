//! `/products`: search, show, add, change and delete.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::database::{Database, timestamp};
use crate::input::{Body, Id, Search, at_least_one, line, present, within};
use crate::paging::{Listing, Page};
use crate::problem::Problem;
use crate::shop::Shop;
use crate::text_enum::text_enum;
use crate::webhooks::{self, Event};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/products", get(list).post(add))
        .route("/products/{id}", get(show).patch(change).delete(delete))
}

text_enum!(
    ProductStatus { Active = "active", Draft = "draft", Archived = "archived" }
);

#[derive(Serialize)]
struct Product {
    id: i64,
    sku: String,
    name: String,
    status: ProductStatus,
    price_minor: i64,
    currency: String,
    stock: i64,
    low_stock: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    q: Option<String>,
    status: Option<ProductStatus>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewProduct {
    sku: String,
    name: String,
    price_minor: i64,
    #[serde(default)]
    stock: i64,
    #[serde(default, deserialize_with = "present")]
    status: Option<ProductStatus>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "present")]
    sku: Option<String>,
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    price_minor: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    stock: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    status: Option<ProductStatus>,
}

/// What became of a product that was to be deleted.
#[derive(Serialize)]
struct Deletion {
    id: i64,
    outcome: &'static str,
    orders: i64,
}

const COLUMNS: &str = "SELECT shop_products.*, currency, stock <= low_stock_threshold AS low_stock
    FROM shop_products JOIN shop_settings USING (shop)";

async fn list(
    State(database): State<Database>,
    Shop(shop): Shop,
    Search(filter): Search<Filter>,
) -> Result<Json<Listing<Product>>, Problem> {
    let page = Page::read(filter.limit.as_deref(), filter.after.as_deref())?;
    let pattern = filter.q.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(containing);
    database
        .read(move |connection| {
            // Archived products are kept for old orders and shown only to those who ask for them.
            let sql = format!(
                "{COLUMNS}
                 WHERE shop = ?1 AND id > ?2
                   AND CASE WHEN ?3 IS NULL THEN status <> 'archived' ELSE status = ?3 END
                   AND (?4 IS NULL OR shop_products.name LIKE ?4 ESCAPE '\\' OR sku LIKE ?4 ESCAPE '\\')
                 ORDER BY id LIMIT ?5"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement
                .query_map(params![shop, page.above(), filter.status, pattern, page.rows_to_read()], product)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(Listing::new(rows, &page, |product| product.id)))
        })
        .await
}

async fn show(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
) -> Result<Json<Product>, Problem> {
    database.read(move |connection| Ok(Json(find(connection, &shop, id)?))).await
}

async fn add(
    State(database): State<Database>,
    Shop(shop): Shop,
    Body(new): Body<NewProduct>,
) -> Result<impl IntoResponse, Problem> {
    let sku = stock_keeping_unit(&new.sku)?;
    let name = line("name", &new.name, 120)?;
    let price = price(new.price_minor)?;
    let stock = stock(new.stock)?;
    let status = new.status.unwrap_or(ProductStatus::Active);
    let product = database
        .write(move |connection| {
            refuse_taken_sku(connection, &shop, &sku, None)?;
            let now = timestamp(Utc::now());
            connection.execute(
                "INSERT INTO shop_products (shop, sku, name, status, price_minor, stock, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![shop, sku, name, status, price, stock, now],
            )?;
            find(connection, &shop, connection.last_insert_rowid())
        })
        .await?;
    let location = format!("/products/{}", product.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(product)))
}

async fn change(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    Body(changes): Body<Changes>,
) -> Result<Json<Product>, Problem> {
    at_least_one(
        &[
            changes.sku.is_some(),
            changes.name.is_some(),
            changes.price_minor.is_some(),
            changes.stock.is_some(),
            changes.status.is_some(),
        ],
        "sku, name, price_minor, stock and status",
    )?;
    database
        .write(move |connection| {
            let mut product = find(connection, &shop, id)?;
            if let Some(sku) = changes.sku {
                product.sku = stock_keeping_unit(&sku)?;
                refuse_taken_sku(connection, &shop, &product.sku, Some(id))?;
            }
            if let Some(name) = changes.name {
                product.name = line("name", &name, 120)?;
            }
            if let Some(amount) = changes.price_minor {
                product.price_minor = price(amount)?;
            }
            if let Some(pieces) = changes.stock {
                product.stock = stock(pieces)?;
            }
            if let Some(status) = changes.status {
                product.status = status;
            }
            connection.execute(
                "UPDATE shop_products
                 SET sku = ?2, name = ?3, price_minor = ?4, stock = ?5, status = ?6, updated_at = ?7
                 WHERE id = ?1",
                params![
                    id,
                    product.sku,
                    product.name,
                    product.price_minor,
                    product.stock,
                    product.status,
                    timestamp(Utc::now()),
                ],
            )?;
            webhooks::announce(connection, &shop, Event::ProductUpdated, &subject(id))?;
            Ok(Json(find(connection, &shop, id)?))
        })
        .await
}

async fn delete(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
) -> Result<Json<Deletion>, Problem> {
    database
        .write(move |connection| {
            find(connection, &shop, id)?;
            let orders: i64 = connection.query_row(
                "SELECT count(DISTINCT order_id) FROM shop_order_lines WHERE product_id = ?1",
                [id],
                |row| row.get(0),
            )?;
            // Somebody bought it: the order must go on naming a product that exists.
            let outcome = if orders > 0 {
                connection.execute(
                    "UPDATE shop_products SET status = ?2, updated_at = ?3 WHERE id = ?1",
                    params![id, ProductStatus::Archived, timestamp(Utc::now())],
                )?;
                "archived"
            } else {
                connection.execute("DELETE FROM shop_products WHERE id = ?1", [id])?;
                "deleted"
            };
            webhooks::announce(connection, &shop, Event::ProductRemoved, &subject(id))?;
            Ok(Json(Deletion { id, outcome, orders }))
        })
        .await
}

fn find(connection: &Connection, shop: &str, id: i64) -> Result<Product, Problem> {
    connection
        .query_row(&format!("{COLUMNS} WHERE shop = ?1 AND id = ?2"), params![shop, id], product)
        .optional()?
        .ok_or_else(|| Problem::no_such("product", id))
}

fn product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        id: row.get("id")?,
        sku: row.get("sku")?,
        name: row.get("name")?,
        status: row.get("status")?,
        price_minor: row.get("price_minor")?,
        currency: row.get("currency")?,
        stock: row.get("stock")?,
        low_stock: row.get("low_stock")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn subject(id: i64) -> String {
    format!("/products/{id}")
}

/// A LIKE pattern in which the searched text stands for itself.
pub fn containing(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

fn stock_keeping_unit(value: &str) -> Result<String, Problem> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if (3..=32).contains(&value.len()) && value.bytes().all(allowed) {
        Ok(value.to_owned())
    } else {
        Err(Problem::unprocessable(format!(
            "sku must be 3 to 32 capital letters, digits and dashes, such as HAM-450; `{value}` is not."
        )))
    }
}

fn price(amount: i64) -> Result<i64, Problem> {
    within("price_minor (in cents)", amount, 0, 100_000_000)
}

fn stock(pieces: i64) -> Result<i64, Problem> {
    within("stock", pieces, 0, 1_000_000)
}

fn refuse_taken_sku(
    connection: &Connection,
    shop: &str,
    sku: &str,
    except: Option<i64>,
) -> Result<(), Problem> {
    let owner: Option<i64> = connection
        .query_row(
            "SELECT id FROM shop_products WHERE shop = ?1 AND sku = ?2 AND id IS NOT ?3",
            params![shop, sku, except],
            |row| row.get(0),
        )
        .optional()?;
    match owner {
        None => Ok(()),
        Some(owner) => Err(Problem::conflict(format!(
            "Product {owner} has the SKU {sku} already; choose another or change that product."
        ))),
    }
}
