//! The history of a token. It outlives the token.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::cursor::Cursors;
use super::listing::links;
use super::shape::Moment;
use crate::history::{FieldChange, HistoryEntry};
use crate::web::Reply;
use crate::{HistoryQuery, TokenId, Via};

#[derive(Serialize)]
struct Entries<'a> {
    data: Vec<Entry<'a>>,
    page: Page,
}

/// History is read from its end, and is not counted.
#[derive(Serialize)]
struct Page {
    next: Option<String>,
    limit: u32,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    at: Moment,
    action: &'static str,
    token: TokenId,
    token_name: &'a str,
    actor: Option<&'a str>,
    actor_token: Option<TokenId>,
    via: Via,
    address: Option<&'a str>,
    request_id: Option<&'a str>,
    reason: Option<&'a str>,
    changes: &'a [FieldChange],
}

impl<'a> Entry<'a> {
    fn of(entry: &'a HistoryEntry) -> Entry<'a> {
        let draft = &entry.draft;
        Entry {
            id: format!("evt_{}", entry.number),
            at: Moment(draft.at),
            action: draft.action.as_str(),
            token: draft.token,
            token_name: &draft.token_name,
            actor: draft.actor(),
            actor_token: draft.actor_token,
            via: draft.via,
            address: draft.personal.as_ref().and_then(|personal| personal.address.as_deref()),
            request_id: draft.request_id.as_deref(),
            reason: draft.reason.as_deref(),
            changes: &draft.changes,
        }
    }
}

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let id = context.token_id()?;
    let mut parameters = context.parameters()?;
    let cursors = Cursors::of(context, format!("history of {id}")).await?;
    let limit = parameters.limit()?;
    let cursor = parameters.one("cursor")?;
    parameters.finish()?;

    let mut query = HistoryQuery::new(context.actor.tenants()).token(id);
    query.before = cursor.as_deref().map(|cursor| cursors.read(cursor)).transpose()?;
    // One more than is shown tells whether there is another page.
    query.limit = limit + 1;
    let mut entries = context.tokens.history(&query).await?;
    if entries.is_empty() && cursor.is_none() {
        return Err(Fault::no_such_token());
    }
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|entry| cursors.write(&entry.number));
    let links = links(context.http.query, &[("next", &next)]);
    let data = entries.iter().map(Entry::of).collect();
    let reply = Reply::json(200, &Entries { data, page: Page { next, limit } });
    Ok(if links.is_empty() { reply } else { reply.header("link", links) })
}
