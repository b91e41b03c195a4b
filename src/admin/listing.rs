//! Listing tokens, page by page, in both directions.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Fault;
use super::attention;
use super::context::Context;
use super::cursor::Cursors;
use super::parameters::Parameters;
use super::shape::TokenBody;
use super::token_page::{COUNTED, TokenPage, order_of, usage_of};
use super::tokens::includes_usage;
use crate::web::Reply;
use crate::{Filter, Order, Query, Status, TokenId, TokenRecord, Usage};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenList))]
pub(super) struct Listed<'a> {
    data: Vec<TokenBody<'a>>,
    page: Page<'a>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenListPage))]
struct Page<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    next: &'a Option<String>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    prev: &'a Option<String>,
    limit: u32,
    /// None where nobody knows: a list by use is not counted.
    total: Option<u32>,
    total_is_estimate: bool,
}

pub(crate) async fn list(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let cursors = Cursors::of(context, format!("tokens {}", parameters.fingerprint())).await?;
    let limit = parameters.limit()?;
    let with_usage = includes_usage(&mut parameters)?;
    let cursor = parameters.one("cursor")?;
    let needs_attention = attention_wanted(&mut parameters)?;
    let unused_since = parameters.time("unused_since")?;
    let mut query = Query::new(context.actor.tenants(), context.now());
    query.order = order(&mut parameters)?;
    query.filter = filter(&mut parameters)?;
    query.limit = limit;
    query.count_up_to = COUNTED;
    parameters.finish()?;

    let found = match needs_attention {
        true if cursor.is_some() => return Err(Fault::invalid_cursor()),
        true => of_attention(context, &query).await?,
        false => TokenPage::read(context, &query, &cursors, cursor.as_deref(), unused_since).await?,
    };
    let usage = usage(context, &found.records, with_usage).await?;
    let now = query.now;
    let shows = Shows { usage: with_usage, addresses: context.permissions.view_addresses };
    let body = |record| shown(record, now, &usage, shows);
    let data = found.records.iter().map(body).collect();
    let TokenPage { next, prev, total, total_is_estimate, .. } = &found;
    let links = links(context.http.query, &[("next", next), ("prev", prev)]);
    let page = Page { next, prev, limit, total: *total, total_is_estimate: *total_is_estimate };
    let reply = Reply::json(200, &Listed { data, page });
    Ok(if links.is_empty() { reply } else { reply.header("link", links) })
}

/// Whether only tokens that deserve attention are wanted. They have an order of their own, and stand on
/// one page.
fn attention_wanted(parameters: &mut Parameters) -> Result<bool, Fault> {
    let wanted = match parameters.one("attention")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Fault::parameter("attention", "attention is true or false.")),
    };
    for name in ["sort", "unused_since"] {
        if wanted && parameters.has(name) {
            let detail = format!("{name} does not go together with attention, which has its own order.");
            return Err(Fault::parameter(name, detail));
        }
    }
    Ok(wanted)
}

/// Of the tokens that deserve attention those that fit the filter, the most pressing first.
async fn of_attention(context: &Context<'_>, query: &Query) -> Result<TokenPage, Fault> {
    let found = attention::findings(context, u32::MAX).await?;
    let mut records: Vec<_> = found.tokens.into_iter().map(|(record, _)| record).collect();
    records.retain(|record| query.matches(record));
    let total = records.len() as u32;
    records.truncate(query.limit as usize);
    Ok(TokenPage { records, next: None, prev: None, total: Some(total), total_is_estimate: found.more })
}

/// The use of a page of tokens, in one query. Where it cannot be read, the list is told without
/// it, unless it was asked for.
async fn usage(
    context: &Context<'_>,
    records: &[TokenRecord],
    wanted: bool,
) -> Result<HashMap<TokenId, Usage>, Fault> {
    match usage_of(context, records).await {
        Ok(usage) => Ok(usage),
        Err(error) if wanted => Err(Fault::usage_unavailable(error)),
        Err(error) => {
            tracing::warn!(%error, "the use of a page of tokens cannot be read");
            Ok(HashMap::new())
        }
    }
}

/// What is shown of each token beside itself.
#[derive(Clone, Copy)]
struct Shows {
    usage: bool,
    addresses: bool,
}

fn shown<'r>(
    record: &'r TokenRecord,
    now: DateTime<Utc>,
    usage: &'r HashMap<TokenId, Usage>,
    shows: Shows,
) -> TokenBody<'r> {
    let usage = usage.get(&record.id);
    let body = TokenBody::new(record, now, usage);
    match usage {
        Some(usage) if shows.usage => body.with_usage(usage, shows.addresses),
        _ => body,
    }
}

fn order(parameters: &mut Parameters) -> Result<Order, Fault> {
    let Some(text) = parameters.one("sort")? else { return Ok(Order::NEWEST_FIRST) };
    order_of(&text).ok_or_else(|| {
        let detail = "sort is created_at, name or expires_at, with - before it for the reverse.";
        Fault::parameter("sort", detail)
    })
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
