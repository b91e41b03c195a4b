//! `/customers`: list, show with what they ordered, and change.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::database::{Database, timestamp};
use crate::input::{Body, Id, Search, at_least_one, email, line, note, present};
use crate::orders::{self, OrderSummary};
use crate::paging::{Listing, Page};
use crate::problem::Problem;
use crate::products::containing;
use crate::shop::Shop;
use crate::webhooks::{self, Event};

/// Beyond this the history would outgrow one answer.
const LONGEST_HISTORY: i64 = 100;

pub fn routes() -> Router<Database> {
    Router::new().route("/customers", get(list)).route("/customers/{id}", get(show).patch(change))
}

#[derive(Serialize)]
pub struct Customer {
    id: i64,
    name: String,
    email: String,
    city: String,
    country: String,
    accepts_marketing: bool,
    note: Option<String>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct WithHistory {
    #[serde(flatten)]
    customer: Customer,
    /// What was paid and kept: without cancelled, refunded and unpaid orders.
    spent_minor: i64,
    orders: Vec<OrderSummary>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    q: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "present")]
    name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    email: Option<String>,
    #[serde(default, deserialize_with = "present")]
    city: Option<String>,
    #[serde(default, deserialize_with = "present")]
    country: Option<String>,
    #[serde(default, deserialize_with = "present")]
    accepts_marketing: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    note: Option<Option<String>>,
}

async fn list(
    State(database): State<Database>,
    Shop(shop): Shop,
    Search(filter): Search<Filter>,
) -> Result<Json<Listing<Customer>>, Problem> {
    let page = Page::read(filter.limit.as_deref(), filter.after.as_deref())?;
    let pattern = filter.q.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(containing);
    database
        .read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM shop_customers
                 WHERE shop = ?1 AND id > ?2
                   AND (?3 IS NULL OR name LIKE ?3 ESCAPE '\\' OR email LIKE ?3 ESCAPE '\\')
                 ORDER BY id LIMIT ?4",
            )?;
            let rows = statement
                .query_map(params![shop, page.above(), pattern, page.rows_to_read()], customer)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(Listing::new(rows, &page, |customer| customer.id)))
        })
        .await
}

async fn show(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
) -> Result<Json<WithHistory>, Problem> {
    database
        .read(move |connection| {
            let customer = find(connection, &shop, id)?;
            let spent_minor = connection.query_row(
                "SELECT coalesce(sum(total_minor), 0) FROM shop_orders
                 WHERE customer_id = ?1 AND status IN ('paid', 'fulfilled')",
                [id],
                |row| row.get(0),
            )?;
            let sql =
                format!("{} WHERE customer_id = ?1 ORDER BY shop_orders.id DESC LIMIT ?2", orders::SUMMARIES);
            let mut statement = connection.prepare_cached(&sql)?;
            let orders = statement
                .query_map([id, LONGEST_HISTORY], orders::summary)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(WithHistory { customer, spent_minor, orders }))
        })
        .await
}

async fn change(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    Body(changes): Body<Changes>,
) -> Result<Json<Customer>, Problem> {
    at_least_one(
        &[
            changes.name.is_some(),
            changes.email.is_some(),
            changes.city.is_some(),
            changes.country.is_some(),
            changes.accepts_marketing.is_some(),
            changes.note.is_some(),
        ],
        "name, email, city, country, accepts_marketing and note",
    )?;
    database
        .write(move |connection| {
            let mut customer = find(connection, &shop, id)?;
            if let Some(name) = changes.name {
                customer.name = line("name", &name, 100)?;
            }
            if let Some(address) = changes.email {
                customer.email = email("email", &address)?;
                refuse_taken_email(connection, &shop, &customer.email, id)?;
            }
            if let Some(city) = changes.city {
                customer.city = line("city", &city, 80)?;
            }
            if let Some(code) = changes.country {
                customer.country = country(&code)?;
            }
            if let Some(accepts) = changes.accepts_marketing {
                customer.accepts_marketing = accepts;
            }
            if let Some(text) = changes.note {
                customer.note = note("note", text.as_deref())?;
            }
            customer.updated_at = timestamp(Utc::now());
            connection.execute(
                "UPDATE shop_customers
                 SET name = ?2, email = ?3, city = ?4, country = ?5, accepts_marketing = ?6, note = ?7,
                     updated_at = ?8
                 WHERE id = ?1",
                params![
                    id,
                    customer.name,
                    customer.email,
                    customer.city,
                    customer.country,
                    customer.accepts_marketing,
                    customer.note,
                    customer.updated_at,
                ],
            )?;
            webhooks::announce(connection, &shop, Event::CustomerUpdated, &format!("/customers/{id}"))?;
            Ok(Json(customer))
        })
        .await
}

/// For rows that name a customer, so that one is sure to exist.
pub fn by_id(connection: &Connection, shop: &str, id: i64) -> rusqlite::Result<Customer> {
    connection.query_row(
        "SELECT * FROM shop_customers WHERE shop = ?1 AND id = ?2",
        params![shop, id],
        customer,
    )
}

fn find(connection: &Connection, shop: &str, id: i64) -> Result<Customer, Problem> {
    by_id(connection, shop, id).optional()?.ok_or_else(|| Problem::no_such("customer", id))
}

fn customer(row: &Row<'_>) -> rusqlite::Result<Customer> {
    Ok(Customer {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        city: row.get("city")?,
        country: row.get("country")?,
        accepts_marketing: row.get("accepts_marketing")?,
        note: row.get("note")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn country(code: &str) -> Result<String, Problem> {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        Err(Problem::unprocessable(format!(
            "country must be two capital letters such as DE or US; `{code}` is not."
        )))
    }
}

fn refuse_taken_email(connection: &Connection, shop: &str, email: &str, except: i64) -> Result<(), Problem> {
    let owner: Option<i64> = connection
        .query_row(
            "SELECT id FROM shop_customers WHERE shop = ?1 AND email = ?2 AND id <> ?3",
            params![shop, email, except],
            |row| row.get(0),
        )
        .optional()?;
    match owner {
        None => Ok(()),
        Some(owner) => Err(Problem::conflict(format!(
            "Customer {owner} has the address {email} already; every customer needs one of their own."
        ))),
    }
}
