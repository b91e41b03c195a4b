//! `/orders`: list, show, fulfil and change.

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::customers::{self, Customer};
use crate::database::{Database, timestamp};
use crate::input::{Body, Id, OptionalBody, Search, at_least_one, line, note, present};
use crate::paging::{Listing, Page};
use crate::problem::Problem;
use crate::shop::Shop;
use crate::text_enum::text_enum;
use crate::webhooks::{self, Event};

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/orders", get(list))
        .route("/orders/{id}", get(show).patch(change))
        .route("/orders/{id}/fulfil", post(fulfil))
}

text_enum!(
    OrderStatus {
        Pending = "pending",
        Paid = "paid",
        Fulfilled = "fulfilled",
        Cancelled = "cancelled",
        Refunded = "refunded",
    }
);

impl OrderStatus {
    /// What an order may become by a `PATCH`; fulfilling has a route of its own.
    fn next(self) -> &'static [OrderStatus] {
        match self {
            Self::Pending => &[Self::Paid, Self::Cancelled],
            Self::Paid => &[Self::Cancelled, Self::Refunded],
            Self::Fulfilled => &[Self::Refunded],
            Self::Cancelled | Self::Refunded => &[],
        }
    }
}

/// An order as it stands in lists.
#[derive(Serialize)]
pub struct OrderSummary {
    pub id: i64,
    status: OrderStatus,
    customer_id: i64,
    customer_name: String,
    total_minor: i64,
    currency: String,
    placed_at: String,
}

#[derive(Serialize)]
struct Order {
    id: i64,
    status: OrderStatus,
    total_minor: i64,
    currency: String,
    note: Option<String>,
    carrier: Option<String>,
    tracking_number: Option<String>,
    placed_at: String,
    fulfilled_at: Option<String>,
    updated_at: String,
    customer: Customer,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    product_id: i64,
    sku: String,
    name: String,
    quantity: i64,
    unit_price_minor: i64,
    total_minor: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    status: Option<OrderStatus>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Fulfilment {
    carrier: Option<String>,
    tracking_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "present")]
    status: Option<OrderStatus>,
    #[serde(default, deserialize_with = "present")]
    note: Option<Option<String>>,
}

pub const SUMMARIES: &str =
    "SELECT shop_orders.id, status, customer_id, shop_customers.name AS customer_name,
        total_minor, currency, placed_at
    FROM shop_orders JOIN shop_customers ON shop_customers.id = customer_id";

async fn list(
    State(database): State<Database>,
    Shop(shop): Shop,
    Search(filter): Search<Filter>,
) -> Result<Json<Listing<OrderSummary>>, Problem> {
    let page = Page::read(filter.limit.as_deref(), filter.after.as_deref())?;
    database
        .read(move |connection| {
            let sql = format!(
                "{SUMMARIES}
                 WHERE shop_orders.shop = ?1 AND shop_orders.id < ?2 AND (?3 IS NULL OR status = ?3)
                 ORDER BY shop_orders.id DESC LIMIT ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement
                .query_map(params![shop, page.below(), filter.status, page.rows_to_read()], summary)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(Listing::new(rows, &page, |order| order.id)))
        })
        .await
}

async fn show(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
) -> Result<Json<Order>, Problem> {
    database.read(move |connection| Ok(Json(find(connection, &shop, id)?))).await
}

async fn fulfil(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    OptionalBody(fulfilment): OptionalBody<Fulfilment>,
) -> Result<Json<Order>, Problem> {
    let carrier = fulfilment.carrier.map(|text| line("carrier", &text, 60)).transpose()?;
    let tracking_number =
        fulfilment.tracking_number.map(|text| line("tracking_number", &text, 60)).transpose()?;
    database
        .write(move |connection| {
            match find(connection, &shop, id)?.status {
                OrderStatus::Paid => {}
                OrderStatus::Pending => {
                    return Err(Problem::conflict(format!(
                        "Order {id} is not paid yet; only a paid order can be fulfilled."
                    )));
                }
                OrderStatus::Fulfilled => {
                    return Err(Problem::conflict(format!(
                        "Order {id} has been fulfilled already; there is nothing left to send."
                    )));
                }
                status @ (OrderStatus::Cancelled | OrderStatus::Refunded) => {
                    return Err(Problem::conflict(format!(
                        "Order {id} is {status} and stays so; only a paid order can be fulfilled."
                    )));
                }
            }
            connection.execute(
                "UPDATE shop_orders
                 SET status = ?2, carrier = ?3, tracking_number = ?4, fulfilled_at = ?5, updated_at = ?5
                 WHERE id = ?1",
                params![id, OrderStatus::Fulfilled, carrier, tracking_number, timestamp(Utc::now())],
            )?;
            webhooks::announce(connection, &shop, Event::OrderFulfilled, &subject(id))?;
            Ok(Json(find(connection, &shop, id)?))
        })
        .await
}

async fn change(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    Body(changes): Body<Changes>,
) -> Result<Json<Order>, Problem> {
    at_least_one(&[changes.status.is_some(), changes.note.is_some()], "status and note")?;
    database
        .write(move |connection| {
            let order = find(connection, &shop, id)?;
            let status = changes.status.unwrap_or(order.status);
            let text = match changes.note {
                Some(text) => note("note", text.as_deref())?,
                None => order.note,
            };
            if status != order.status {
                follow(connection, &shop, id, order.status, status)?;
            }
            connection.execute(
                "UPDATE shop_orders SET status = ?2, note = ?3, updated_at = ?4 WHERE id = ?1",
                params![id, status, text, timestamp(Utc::now())],
            )?;
            Ok(Json(find(connection, &shop, id)?))
        })
        .await
}

/// Checks that an order may go from one status to the other, and does what that entails.
fn follow(
    connection: &Connection,
    shop: &str,
    id: i64,
    from: OrderStatus,
    to: OrderStatus,
) -> Result<(), Problem> {
    if to == OrderStatus::Fulfilled {
        return Err(Problem::unprocessable(format!(
            "status cannot be set to fulfilled by hand; POST /orders/{id}/fulfil does it."
        )));
    }
    if !from.next().contains(&to) {
        let allowed: Vec<&str> = from.next().iter().map(|status| status.as_str()).collect();
        return Err(Problem::conflict(match allowed.as_slice() {
            [] => format!("Order {id} is {from} and stays so; only its note can still be changed."),
            _ => format!("Order {id} is {from} and cannot become {to}, only {}.", allowed.join(" or ")),
        }));
    }
    let event = match to {
        OrderStatus::Cancelled => {
            // The goods never left, so they can be sold again.
            connection.execute(
                "UPDATE shop_products
                 SET stock = stock + (SELECT sum(quantity) FROM shop_order_lines
                                      WHERE order_id = ?1 AND product_id = shop_products.id)
                 WHERE id IN (SELECT product_id FROM shop_order_lines WHERE order_id = ?1)",
                [id],
            )?;
            Event::OrderCancelled
        }
        OrderStatus::Refunded => Event::OrderRefunded,
        OrderStatus::Paid | OrderStatus::Pending | OrderStatus::Fulfilled => Event::OrderPaid,
    };
    webhooks::announce(connection, shop, event, &subject(id))?;
    Ok(())
}

fn find(connection: &Connection, shop: &str, id: i64) -> Result<Order, Problem> {
    let mut statement = connection.prepare_cached(
        "SELECT product_id, sku, name, quantity, unit_price_minor FROM shop_order_lines
         WHERE order_id = ?1 ORDER BY line",
    )?;
    let lines = statement.query_map([id], order_line)?.collect::<rusqlite::Result<Vec<_>>>()?;
    connection
        .query_row("SELECT * FROM shop_orders WHERE shop = ?1 AND id = ?2", params![shop, id], |row| {
            Ok(Order {
                id,
                status: row.get("status")?,
                total_minor: row.get("total_minor")?,
                currency: row.get("currency")?,
                note: row.get("note")?,
                carrier: row.get("carrier")?,
                tracking_number: row.get("tracking_number")?,
                placed_at: row.get("placed_at")?,
                fulfilled_at: row.get("fulfilled_at")?,
                updated_at: row.get("updated_at")?,
                customer: customers::by_id(connection, shop, row.get("customer_id")?)?,
                lines,
            })
        })
        .optional()?
        .ok_or_else(|| Problem::no_such("order", id))
}

pub fn summary(row: &Row<'_>) -> rusqlite::Result<OrderSummary> {
    Ok(OrderSummary {
        id: row.get("id")?,
        status: row.get("status")?,
        customer_id: row.get("customer_id")?,
        customer_name: row.get("customer_name")?,
        total_minor: row.get("total_minor")?,
        currency: row.get("currency")?,
        placed_at: row.get("placed_at")?,
    })
}

fn order_line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let quantity: i64 = row.get("quantity")?;
    let unit_price_minor: i64 = row.get("unit_price_minor")?;
    Ok(Line {
        product_id: row.get("product_id")?,
        sku: row.get("sku")?,
        name: row.get("name")?,
        quantity,
        unit_price_minor,
        total_minor: quantity * unit_price_minor,
    })
}

fn subject(id: i64) -> String {
    format!("/orders/{id}")
}
