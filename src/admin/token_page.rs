//! One page of a listing of tokens, in either direction: what the JSON API and the dashboard have in
//! common.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Fault;
use super::context::Context;
use super::cursor::Cursors;
use crate::{Error, Order, Position, Query, SortKey, TokenId, TokenRecord, Usage};

/// How far a list is counted.
pub(crate) const COUNTED: u32 = 1_000;

/// One page of tokens, in the order asked for.
pub(crate) struct TokenPage {
    pub(crate) records: Vec<TokenRecord>,
    /// The cursor of the page behind it.
    pub(crate) next: Option<String>,
    /// The cursor of the page before it.
    pub(crate) prev: Option<String>,
    /// How many there are on all pages; none where nobody knows: a list by use is not counted.
    pub(crate) total: Option<u32>,
    /// Whether there may be more than that.
    pub(crate) total_is_estimate: bool,
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

impl TokenPage {
    /// Reads the page at which a cursor points; the first where there is none. What there is in all is
    /// counted as far as the query says. `unused_since` leaves
    /// out what was used since then.
    pub(crate) async fn read(
        context: &Context<'_>,
        query: &Query,
        cursors: &Cursors,
        cursor: Option<&str>,
        unused_since: Option<DateTime<Utc>>,
    ) -> Result<TokenPage, Fault> {
        let mut query = query.clone();
        let counted_up_to = query.count_up_to;
        query.count_up_to += 1;
        let mut place: Option<Place> = cursor.map(|cursor| cursors.read(cursor)).transpose()?;
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
            Some(counted) => (Some(counted.min(counted_up_to)), counted > counted_up_to),
            None if place.is_none() && !found.more => (Some(found.records.len() as u32), false),
            None => (None, true),
        };
        Ok(TokenPage { records: found.records, next, prev, total, total_is_estimate })
    }
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

/// The use of a page of tokens, in one question to the store whatever their number.
pub(crate) async fn usage_of(
    context: &Context<'_>,
    records: &[TokenRecord],
) -> Result<HashMap<TokenId, Usage>, Error> {
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    context.tokens.usage_of(&ids).await
}

/// The order with this name: what is sorted by, with `-` before it for the reverse.
pub(crate) fn order_of(text: &str) -> Option<Order> {
    let (name, descending) = match text.strip_prefix('-') {
        Some(name) => (name, true),
        None => (text, false),
    };
    let by = match name {
        "created_at" => SortKey::CreatedAt,
        "name" => SortKey::Name,
        "expires_at" => SortKey::ExpiresAt,
        _ => return None,
    };
    Some(Order { by, descending })
}
