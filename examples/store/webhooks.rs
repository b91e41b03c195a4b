//! `/webhooks` and their delivery log. Announcements are queued here; sending them is left out, since this
//! example makes no requests of its own.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{get, patch};
use axum::{Json, Router};
use chrono::Utc;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::database::{Database, timestamp};
use crate::input::{Body, Id, Search, at_least_one, line, present};
use crate::paging::{Listing, Page};
use crate::problem::Problem;
use crate::shop::Shop;
use crate::text_enum::text_enum;

const MOST_PER_SHOP: i64 = 50;

pub fn routes() -> Router<Database> {
    Router::new()
        .route("/webhooks", get(list).post(add))
        .route("/webhooks/{id}", patch(change).delete(delete))
        .route("/webhooks/{id}/deliveries", get(deliveries))
}

text_enum!(
    Event {
        OrderPlaced = "order.placed",
        OrderPaid = "order.paid",
        OrderFulfilled = "order.fulfilled",
        OrderCancelled = "order.cancelled",
        OrderRefunded = "order.refunded",
        ProductUpdated = "product.updated",
        ProductRemoved = "product.removed",
        CustomerUpdated = "customer.updated",
    }
);

text_enum!(
    DeliveryStatus { Queued = "queued", Delivered = "delivered", Retrying = "retrying", Failed = "failed" }
);

#[derive(Serialize)]
struct Webhook {
    id: i64,
    url: String,
    description: Option<String>,
    events: Vec<Event>,
    enabled: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct Delivery {
    id: i64,
    event: Event,
    subject: String,
    status: DeliveryStatus,
    attempts: i64,
    response_status: Option<i64>,
    error: Option<String>,
    created_at: String,
    last_attempt_at: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    url: String,
    events: Vec<Event>,
    description: Option<String>,
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    #[serde(default, deserialize_with = "present")]
    url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    events: Option<Vec<Event>>,
    #[serde(default, deserialize_with = "present")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeliveryFilter {
    status: Option<DeliveryStatus>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Webhooks {
    items: Vec<Webhook>,
}

/// Queues one delivery for every enabled webhook of the shop that asked for the event.
pub fn announce(connection: &Connection, shop: &str, event: Event, subject: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO shop_webhook_deliveries (webhook_id, event, subject, status, attempts, created_at)
         SELECT id, ?2, ?3, ?4, 0, ?5 FROM shop_webhooks
         WHERE shop = ?1 AND enabled AND EXISTS (SELECT 1 FROM json_each(events) WHERE value = ?2)",
        params![shop, event, subject, DeliveryStatus::Queued, timestamp(Utc::now())],
    )?;
    Ok(())
}

async fn list(State(database): State<Database>, Shop(shop): Shop) -> Result<Json<Webhooks>, Problem> {
    database
        .read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM shop_webhooks WHERE shop = ?1 ORDER BY id")?;
            let items = statement.query_map([shop], webhook)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(Webhooks { items }))
        })
        .await
}

async fn add(
    State(database): State<Database>,
    Shop(shop): Shop,
    Body(new): Body<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    let url = address(&new.url)?;
    let events = listed(new.events)?;
    let description = new.description.map(|text| line("description", &text, 200)).transpose()?;
    let enabled = new.enabled.unwrap_or(true);
    let webhook = database
        .write(move |connection| {
            let existing: i64 = connection.query_row(
                "SELECT count(*) FROM shop_webhooks WHERE shop = ?1",
                [&shop],
                |row| row.get(0),
            )?;
            if existing >= MOST_PER_SHOP {
                return Err(Problem::conflict(format!(
                    "This shop has {MOST_PER_SHOP} webhooks, the most it can have; delete one first."
                )));
            }
            refuse_taken_url(connection, &shop, &url, None)?;
            connection.execute(
                "INSERT INTO shop_webhooks (shop, url, description, events, enabled, created_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![shop, url, description, stored(&events), enabled, timestamp(Utc::now())],
            )?;
            find(connection, &shop, connection.last_insert_rowid())
        })
        .await?;
    Ok((StatusCode::CREATED, Json(webhook)))
}

async fn change(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    Body(changes): Body<Changes>,
) -> Result<Json<Webhook>, Problem> {
    at_least_one(
        &[
            changes.url.is_some(),
            changes.events.is_some(),
            changes.description.is_some(),
            changes.enabled.is_some(),
        ],
        "url, events, description and enabled",
    )?;
    database
        .write(move |connection| {
            let mut webhook = find(connection, &shop, id)?;
            if let Some(url) = changes.url {
                webhook.url = address(&url)?;
                refuse_taken_url(connection, &shop, &webhook.url, Some(id))?;
            }
            if let Some(events) = changes.events {
                webhook.events = listed(events)?;
            }
            if let Some(description) = changes.description {
                webhook.description = description.map(|text| line("description", &text, 200)).transpose()?;
            }
            if let Some(enabled) = changes.enabled {
                webhook.enabled = enabled;
            }
            webhook.updated_at = timestamp(Utc::now());
            connection.execute(
                "UPDATE shop_webhooks
                 SET url = ?2, description = ?3, events = ?4, enabled = ?5, updated_at = ?6
                 WHERE id = ?1",
                params![
                    id,
                    webhook.url,
                    webhook.description,
                    stored(&webhook.events),
                    webhook.enabled,
                    webhook.updated_at,
                ],
            )?;
            Ok(Json(webhook))
        })
        .await
}

/// Its delivery log goes with it.
async fn delete(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    database
        .write(move |connection| {
            find(connection, &shop, id)?;
            connection.execute("DELETE FROM shop_webhooks WHERE id = ?1", [id])?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

async fn deliveries(
    State(database): State<Database>,
    Shop(shop): Shop,
    Id(id): Id,
    Search(filter): Search<DeliveryFilter>,
) -> Result<Json<Listing<Delivery>>, Problem> {
    let page = Page::read(filter.limit.as_deref(), filter.after.as_deref())?;
    database
        .read(move |connection| {
            find(connection, &shop, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT * FROM shop_webhook_deliveries
                 WHERE webhook_id = ?1 AND id < ?2 AND (?3 IS NULL OR status = ?3)
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let rows = statement
                .query_map(params![id, page.below(), filter.status, page.rows_to_read()], delivery)?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Json(Listing::new(rows, &page, |delivery| delivery.id)))
        })
        .await
}

fn find(connection: &Connection, shop: &str, id: i64) -> Result<Webhook, Problem> {
    connection
        .query_row("SELECT * FROM shop_webhooks WHERE shop = ?1 AND id = ?2", params![shop, id], webhook)
        .optional()?
        .ok_or_else(|| Problem::no_such("webhook", id))
}

fn webhook(row: &Row<'_>) -> rusqlite::Result<Webhook> {
    let events: String = row.get("events")?;
    Ok(Webhook {
        id: row.get("id")?,
        url: row.get("url")?,
        description: row.get("description")?,
        events: serde_json::from_str(&events)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))?,
        enabled: row.get("enabled")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get("id")?,
        event: row.get("event")?,
        subject: row.get("subject")?,
        status: row.get("status")?,
        attempts: row.get("attempts")?,
        response_status: row.get("response_status")?,
        error: row.get("error")?,
        created_at: row.get("created_at")?,
        last_attempt_at: row.get("last_attempt_at")?,
    })
}

fn address(value: &str) -> Result<String, Problem> {
    let value = line("url", value, 500)?;
    let uri: Option<Uri> = value.parse().ok();
    let acceptable = uri.as_ref().is_some_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.host().is_some_and(|host| !host.is_empty())
            && !uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
    });
    if acceptable {
        Ok(value)
    } else {
        Err(Problem::unprocessable(format!(
            "url must be an https address without a password, such as https://hooks.example.com/orders; \
             `{value}` is not."
        )))
    }
}

fn listed(events: Vec<Event>) -> Result<Vec<Event>, Problem> {
    let mut distinct: Vec<Event> = Vec::new();
    for event in events {
        if !distinct.contains(&event) {
            distinct.push(event);
        }
    }
    if distinct.is_empty() {
        return Err(Problem::unprocessable(
            "events must name at least one event, such as \"order.paid\"; to pause a webhook set enabled to false.",
        ));
    }
    Ok(distinct)
}

/// The events as the JSON array that is stored.
pub fn stored(events: &[Event]) -> String {
    let words: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
    serde_json::Value::from(words).to_string()
}

fn refuse_taken_url(
    connection: &Connection,
    shop: &str,
    url: &str,
    except: Option<i64>,
) -> Result<(), Problem> {
    let owner: Option<i64> = connection
        .query_row(
            "SELECT id FROM shop_webhooks WHERE shop = ?1 AND url = ?2 AND id IS NOT ?3",
            params![shop, url, except],
            |row| row.get(0),
        )
        .optional()?;
    match owner {
        None => Ok(()),
        Some(owner) => Err(Problem::conflict(format!(
            "Webhook {owner} goes to {url} already; change its events instead of adding a second."
        ))),
    }
}
