//! Listing tokens, page by page, in both directions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Fault;
use super::context::Context;
use super::cursor::Cursors;
use super::parameters::Parameters;
use super::shape::TokenBody;
use super::tokens::includes_usage;
use crate::web::Reply;
use crate::{Filter, Order, Position, Query, SortKey, Status, TokenId, TokenRecord, Usage};

/// How far a list is counted.
const COUNTED: u32 = 1_000;

#[derive(Serialize)]
struct Listed<'a> {
    data: Vec<TokenBody<'a>>,
    page: Page,
}

#[derive(Serialize)]
struct Page {
    next: Option<String>,
    prev: Option<String>,
    limit: u32,
    /// None where nobody knows: a list by use is not counted.
    total: Option<u32>,
    total_is_estimate: bool,
}

/// Where a page begins: behind this place, or before it.
#[derive(Serialize, Deserialize)]
struct Place {
    back: bool,
    at: Position,
}

/// What a store has found, in the order asked for.
struct Found {
    records: Vec<TokenRecord>,
    /// Whether there is more in the direction of the page.
    more: bool,
    counted: Option<u32>,
    /// How far the store has looked.
    reached: Option<Position>,
}

pub(crate) async fn list(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let cursors = Cursors::of(context, format!("tokens {}", parameters.fingerprint())).await?;
    let limit = parameters.limit()?;
    let with_usage = includes_usage(&mut parameters)?;
    let cursor = parameters.one("cursor")?;
    let unused_since = parameters.time("unused_since")?;
    let mut query = Query::new(context.actor.tenants(), context.now());
    query.order = order(&mut parameters)?;
    query.filter = filter(&mut parameters)?;
    query.limit = limit;
    query.count_up_to = COUNTED + 1;
    parameters.finish()?;

    let mut place: Option<Place> = cursor.map(|cursor| cursors.read(&cursor)).transpose()?;
    let mut found = fetch(context, &query, place.as_ref(), unused_since).await?;
    if place.as_ref().is_some_and(|place| place.back) && found.records.is_empty() && !found.more {
        // Everything before that place is gone: what is behind it is the first page.
        place = None;
        found = fetch(context, &query, None, unused_since).await?;
    }
    let order = query.order;
    let at = |back, at| cursors.write(&Place { back, at });
    let first = found.records.first().map(|record| order.position(record));
    let last = found.records.last().map(|record| order.position(record));
    let reached = found.reached.clone();
    let (next, prev) = match &place {
        Some(Place { back: true, .. }) => (
            last.or(reached.clone()).map(|last| at(false, last)),
            reached.filter(|_| found.more).map(|reached| at(true, reached)),
        ),
        came => (
            reached.filter(|_| found.more).map(|reached| at(false, reached)),
            first.filter(|_| came.is_some()).map(|first| at(true, first)),
        ),
    };
    let (total, total_is_estimate) = match found.counted {
        Some(counted) => (Some(counted.min(COUNTED)), counted > COUNTED),
        None if place.is_none() && !found.more => (Some(found.records.len() as u32), false),
        None => (None, true),
    };

    let usage = usage(context, &found.records, with_usage).await?;
    let now = query.now;
    let body = |record| shown(record, now, &usage, with_usage);
    let data = found.records.iter().map(body).collect();
    let links = links(context.http.query, &[("next", &next), ("prev", &prev)]);
    let page = Page { next, prev, limit, total, total_is_estimate };
    let reply = Reply::json(200, &Listed { data, page });
    Ok(if links.is_empty() { reply } else { reply.header("link", links) })
}

/// Asks the store: forwards in the order asked for, backwards in the reverse of it.
async fn fetch(
    context: &Context<'_>,
    query: &Query,
    place: Option<&Place>,
    unused_since: Option<DateTime<Utc>>,
) -> Result<Found, Fault> {
    let mut query = query.clone();
    let back = place.is_some_and(|place| place.back);
    query.after = place.map(|place| place.at.clone());
    query.order.descending ^= back;
    let mut found = match unused_since {
        Some(since) => {
            let page = context.tokens.list_unused(&query, since).await?;
            Found { records: page.records, more: page.more, counted: None, reached: page.reached }
        }
        None => {
            let page = context.tokens.list(&query).await?;
            let reached = page.records.last().map(|record| query.order.position(record));
            Found { records: page.records, more: page.more, counted: Some(page.counted), reached }
        }
    };
    if back {
        found.records.reverse();
    }
    Ok(found)
}

/// The use of a page of tokens, in one query. Where it cannot be read, the list is told without
/// it, unless it was asked for.
async fn usage(
    context: &Context<'_>,
    records: &[TokenRecord],
    wanted: bool,
) -> Result<HashMap<TokenId, Usage>, Fault> {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    match context.tokens.usage_of(&ids).await {
        Ok(usage) => Ok(usage),
        Err(error) if wanted => Err(Fault::usage_unavailable(error)),
        Err(error) => {
            tracing::warn!(%error, "the use of a page of tokens cannot be read");
            Ok(HashMap::new())
        }
    }
}

fn shown<'r>(
    record: &'r TokenRecord,
    now: DateTime<Utc>,
    usage: &'r HashMap<TokenId, Usage>,
    with_usage: bool,
) -> TokenBody<'r> {
    let usage = usage.get(&record.id);
    let body = TokenBody::new(record, now, usage);
    match usage {
        Some(usage) if with_usage => body.with_usage(usage),
        _ => body,
    }
}

fn order(parameters: &mut Parameters) -> Result<Order, Fault> {
    let Some(text) = parameters.one("sort")? else { return Ok(Order::NEWEST_FIRST) };
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (&*text, false),
    };
    let by = match name {
        "created_at" => SortKey::CreatedAt,
        "name" => SortKey::Name,
        "expires_at" => SortKey::ExpiresAt,
        _ => {
            let detail = "sort is created_at, name or expires_at, with - before it for the reverse.";
            return Err(Fault::parameter("sort", detail));
        }
    };
    Ok(Order { by, descending })
}

fn filter(parameters: &mut Parameters) -> Result<Filter, Fault> {
    let mut filter = Filter::new();
    for text in parameters.all("status") {
        let status: Status = text
            .parse()
            .map_err(|error: crate::UnknownStatus| Fault::parameter("status", format!("{error}.")))?;
        filter.statuses.push(status);
    }
    if let Some(text) = parameters.one("scope")? {
        let scope = text.parse();
        filter.scope = Some(scope.map_err(|_| Fault::parameter("scope", "A scope reads resource:action."))?);
    }
    filter.text = parameters.one("q")?.filter(|text| !text.is_empty());
    filter.owner = parameters.one("owner")?;
    filter.created_by = parameters.one("created_by")?;
    filter.environment = parameters.one("env")?;
    filter.expires_before = parameters.time("expires_before")?;
    for (key, value) in parameters.below("metadata.") {
        let name = format!("metadata.{key}");
        if key.is_empty() {
            return Err(Fault::parameter(&name, "Name the attribute: metadata.KEY=value."));
        }
        if filter.metadata.insert(key, value).is_some() {
            return Err(Fault::parameter(&name, format!("Send {name} once, not several times.")));
        }
    }
    Ok(filter)
}

/// The `Link` header (RFC 8288): the same query with another cursor, relative to wherever this is.
pub(crate) fn links(query: Option<&str>, pages: &[(&str, &Option<String>)]) -> String {
    let is_cursor = |pair: &&str| pair.split('=').next() == Some("cursor");
    let kept: Vec<_> =
        query.unwrap_or("").split('&').filter(|pair| !pair.is_empty() && !is_cursor(pair)).collect();
    // What could end the address early or is no visible ASCII would have to be written otherwise.
    if kept.iter().any(|pair| pair.bytes().any(|byte| !byte.is_ascii_graphic() || b"<>\"\\".contains(&byte)))
    {
        return String::new();
    }
    let link = |(relation, cursor): &(&str, &Option<String>)| {
        let cursor = format!("cursor={}", cursor.as_deref()?);
        let pairs: Vec<_> = kept.iter().copied().chain([&*cursor]).collect();
        Some(format!("<?{}>; rel=\"{relation}\"", pairs.join("&")))
    };
    pages.iter().filter_map(link).collect::<Vec<_>>().join(", ")
}
